// SPDX-License-Identifier: GPL-2.0
/*
 * The specification of the collision-retry lock of mmu_interval_notifier.  Each
 * function specifies one function of mm/mmu_notifier.c.  The rules of the lock
 * are described in words in Documentation/model.rst.
 */
#include <string.h>

#include "lock.h"

void lock_defer(struct model_lock *lock, int range)
{
	memmove(&lock->deferred[1], &lock->deferred[0],
		lock->nr_deferred * sizeof(lock->deferred[0]));
	lock->deferred[0] = range;
	lock->nr_deferred++;
}

void lock_undefer(struct model_lock *lock, int range)
{
	const struct model_lock before = *lock;

	memset(lock->deferred, 0, sizeof(lock->deferred));
	lock->nr_deferred = 0;
	for (int i = 0; i < before.nr_deferred; i++)
		if (before.deferred[i] != range)
			lock->deferred[lock->nr_deferred++] =
				before.deferred[i];
}

/* Range n covers the pages n to n + 1 + more. */
static bool range_hits(const struct model_lock *lock, int range, int first,
		       int last)
{
	return first <= range + 1 + lock->sub[range].more && range <= last;
}

/* mn_itree_inv_next() */
int lock_next(const struct model_lock *lock, int first, int last, int range)
{
	while (++range < MODEL_RANGES)
		if (lock->sub[range].in_tree &&
		    range_hits(lock, range, first, last))
			return range;
	return MODEL_NO_RANGE;
}

/* mn_itree_inv_start_range() */
int lock_start(struct model_lock *lock, int first, int last)
{
	const int range = lock_next(lock, first, last, MODEL_NO_RANGE);

	lock->active++;
	if (range != MODEL_NO_RANGE)
		lock->seq |= 1;
	return range;
}

/* The callback calls mmu_interval_set_seq() even if the callback refuses. */
bool lock_invalidate(struct model_lock *lock, int range, __u8 seq, bool refuses)
{
	lock->sub[range].seq = seq;
	return !refuses;
}

/* mn_itree_inv_end() */
bool lock_end(struct model_lock *lock)
{
	if (--lock->active || !lock_is_odd(lock))
		return false;
	lock->seq++;
	for (int i = 0; i < lock->nr_deferred; i++)
		lock->sub[lock->deferred[i]].in_tree ^= 1;
	memset(lock->deferred, 0, sizeof(lock->deferred));
	lock->nr_deferred = 0;
	return true;
}

/* __mmu_interval_notifier_insert() */
void lock_insert(struct model_lock *lock, int range)
{
	struct model_sub *sub = &lock->sub[range];

	if (!lock->active) {
		sub->seq = lock->seq - 1;
		sub->in_tree = 1;
		return;
	}
	if (lock_is_odd(lock)) {
		lock_defer(lock, range);
	} else {
		lock->seq |= 1;
		sub->in_tree = 1;
	}
	sub->seq = lock->seq;
}

/* mmu_interval_notifier_remove() */
int lock_remove(struct model_lock *lock, int range)
{
	struct model_sub *sub = &lock->sub[range];

	if (!lock_is_odd(lock)) {
		sub->in_tree = 0;
		return 0;
	}
	if (!sub->in_tree) {
		lock_undefer(lock, range);
		return 0;
	}
	lock_defer(lock, range);
	return lock->seq;
}

/* mmu_interval_read_begin() */
bool lock_begin(const struct model_lock *lock, int range, __u8 *seq)
{
	*seq = lock->sub[range].seq;
	return *seq == lock->seq;
}

/* mmu_interval_read_retry() */
bool lock_retry(const struct model_lock *lock, int range, __u8 seq)
{
	return lock->sub[range].seq != seq;
}

__u8 lock_clock(const struct model_lock *lock, int range)
{
	return lock->sub[range].seq;
}

bool lock_wakes(const struct model_lock *lock, int range, bool removes,
		__u8 *seq)
{
	return lock->seq != *seq;
}

void lock_enter(struct model_lock *lock, int range)
{
}

bool lock_leave(struct model_lock *lock, int range)
{
	return false;
}
