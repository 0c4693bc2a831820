// SPDX-License-Identifier: GPL-2.0
/*
 * The specification of the mm-wide lock of MMUN_KIND_INVLOCK.  The rules are
 * described in words in Documentation/model.rst.
 */
#include "invlock.h"

/* Each invalidation has its own odd sequence, even if it hits no range. */
static void advance(struct model_lock *lock)
{
	lock->seq += 2;
}

int invlock_start(struct model_lock *lock, int first, int last)
{
	lock->active++;
	advance(lock);
	return lock_next(lock, first, last, MODEL_NO_RANGE);
}

/* No invalidate_range_end() follows release(), so nothing counts it. */
int invlock_release(struct model_lock *lock, int first, int last)
{
	advance(lock);
	return lock_next(lock, first, last, MODEL_NO_RANGE);
}

bool invlock_invalidate(struct model_lock *lock, int range, __u8 seq,
			bool refuses)
{
	return !refuses;
}

/* The end of release() ends all active invalidations. */
bool invlock_end(struct model_lock *lock)
{
	if (lock->active)
		lock->active--;
	return !lock->active;
}

void invlock_enter(struct model_lock *lock, int range)
{
	lock->sub[range].callbacks++;
}

bool invlock_leave(struct model_lock *lock, int range)
{
	return !--lock->sub[range].callbacks;
}

/* An active invalidation may still reach the range, and call it. */
void invlock_insert(struct model_lock *lock, int range)
{
	lock->sub[range].in_tree = 1;
}

/* From now on, no invalidation reaches the range. */
int invlock_remove(struct model_lock *lock, int range)
{
	lock->sub[range].in_tree = 0;
	return lock->sub[range].callbacks;
}

bool invlock_begin(const struct model_lock *lock, int range, __u8 *seq)
{
	*seq = lock->seq;
	return lock->active;
}

bool invlock_retry(const struct model_lock *lock, int range, __u8 seq)
{
	return lock->seq != seq;
}

__u8 invlock_clock(const struct model_lock *lock, int range)
{
	return lock->seq;
}

/*
 * A reader waits until no invalidation is active.  An invalidation that starts
 * after that does not prolong the wait.
 */
bool invlock_wakes(const struct model_lock *lock, int range, bool removes,
		   __u8 *seq)
{
	return removes ? !lock->sub[range].callbacks : !lock->active;
}
