// SPDX-License-Identifier: GPL-2.0
/*
 * The collision-retry lock of mmu_interval_notifier as a specification that can
 * be run, function by function as in mm/mmu_notifier.c.  Documentation/model.rst
 * is the same in words.
 */
#include <string.h>

#include "error.h"
#include "lock.h"

static bool is_odd(const struct model_lock *lock)
{
	return lock->seq & 1;
}

static bool is_deferred(const struct model_lock *lock, int range)
{
	int i;

	for (i = 0; i < lock->nr_deferred; i++)
		if (lock->deferred[i] == range)
			return true;
	return false;
}

static void defer(struct model_lock *lock, int range)
{
	memmove(lock->deferred + 1, lock->deferred, lock->nr_deferred);
	lock->deferred[0] = range;
	lock->nr_deferred++;
}

static void undefer(struct model_lock *lock, int range)
{
	int i, kept = 0;

	for (i = 0; i < lock->nr_deferred; i++)
		if (lock->deferred[i] != range)
			lock->deferred[kept++] = lock->deferred[i];
	memset(lock->deferred + kept, 0, lock->nr_deferred - kept);
	lock->nr_deferred = kept;
}

/* The range in the tree that meets the pages, next after @range, or -1. */
int lock_next(const struct model_lock *lock, int first, int last, int range)
{
	if (wrong(WALK_STOPS_AFTER_THE_FIRST) && range >= 0)
		return -1;
	while (++range < MODEL_RANGES) {
		bool there = lock->sub[range].in_tree ||
			     (wrong(WALK_COMES_BACK_FOR_THE_DEFERRED) &&
			      is_deferred(lock, range));

		if (there && first <= range + 1 && last >= range)
			return range;
	}
	return -1;
}

/* Returns the first range to call, or -1. */
int lock_start(struct model_lock *lock, int first, int last, __u8 *seq)
{
	int range = lock_next(lock, first, last, -1);

	if (wrong(START_WHILE_ODD_IS_A_NEW_SEQ) && lock->active && range >= 0)
		lock->seq += 2;
	lock->active++;
	if (range >= 0 || wrong(START_OF_A_MISS_IS_ODD))
		lock->seq |= 1;
	*seq = lock->seq;
	return range;
}

static void lock_do_deferred(struct model_lock *lock)
{
	int i;

	for (i = 0; i < lock->nr_deferred; i++) {
		struct model_sub *sub = &lock->sub[lock->deferred[i]];

		if (sub->in_tree ? wrong(END_DROPS_DEFERRED_REMOVES) :
				   wrong(END_DROPS_DEFERRED_INSERTS))
			continue;
		sub->in_tree = !sub->in_tree;
	}
	memset(lock->deferred, 0, sizeof(lock->deferred));
	lock->nr_deferred = 0;
}

/* Returns whether the waiters are woken. */
bool lock_end(struct model_lock *lock)
{
	lock->active--;
	if (lock->active && !wrong(END_OF_ANY_ENDS_ALL))
		return false;
	if (!is_odd(lock) || wrong(END_LEAVES_IT_ODD))
		return false;
	lock->seq++;
	lock_do_deferred(lock);
	return !wrong(END_WAKES_NOBODY);
}

void lock_insert(struct model_lock *lock, int range)
{
	struct model_sub *sub = &lock->sub[range];

	if (!lock->active) {
		sub->seq = lock->seq - 1;
		if (wrong(INSERT_IS_BORN_COLLIDING))
			sub->seq += 2;
		sub->in_tree = 1;
		return;
	}
	if (is_odd(lock) ? !wrong(INSERT_WHILE_ODD_INTO_THE_TREE) :
			   wrong(INSERT_WHILE_EVEN_IS_DEFERRED)) {
		defer(lock, range);
	} else {
		if (!wrong(INSERT_WHILE_EVEN_STAYS_EVEN))
			lock->seq |= 1;
		sub->in_tree = 1;
	}
	sub->seq = lock->seq;
	if (wrong(INSERT_WHILE_ODD_IS_NOT_COLLIDING))
		sub->seq -= 2;
}

/* Returns the sequence whose end is to be waited for, or 0. */
int lock_remove(struct model_lock *lock, int range)
{
	struct model_sub *sub = &lock->sub[range];

	if (!is_odd(lock)) {
		sub->in_tree = 0;
		return 0;
	}
	if (!sub->in_tree) {
		if (!wrong(REMOVE_LEAVES_A_DEFERRED_INSERT))
			undefer(lock, range);
		return wrong(REMOVE_WAITS_FOR_A_DEFERRED_INSERT) ? lock->seq :
								   0;
	}
	defer(lock, range);
	return wrong(REMOVE_DOES_NOT_WAIT) ? 0 : lock->seq;
}

/* Returns whether it waits for the end of @seq, which is also its result. */
bool lock_begin(const struct model_lock *lock, int range, __u8 *seq)
{
	*seq = lock->sub[range].seq;
	if (wrong(BEGIN_DOES_NOT_WAIT))
		return false;
	if (wrong(BEGIN_WAITS_FOR_IDLE) && is_odd(lock)) {
		*seq = lock->seq;
		return true;
	}
	return *seq == lock->seq;
}

/* Returns whether the range was invalidated since @seq. */
bool lock_retry(const struct model_lock *lock, int range, __u8 seq)
{
	if (wrong(RETRY_LOOKS_AT_THE_LOCK))
		return lock->seq != seq + 1;
	return lock->sub[range].seq != seq;
}
