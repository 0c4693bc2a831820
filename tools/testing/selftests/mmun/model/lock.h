/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state and the rules of the collision-retry lock of
 * mmu_interval_notifier.  A state of the lock is a struct of bytes without
 * padding, so that memcmp() can compare two states.
 */
#ifndef _SELFTESTS_MMUN_MODEL_LOCK_H
#define _SELFTESTS_MMUN_MODEL_LOCK_H

#include <stdbool.h>
#include <linux/types.h>

/*
 * Range A is range 0.  Range n covers the pages n and n + 1, so the order of the
 * ranges in the tree is A, B, C, D.  No range covers the last page.
 *
 *   0   1   2   3   4   5
 *   |---A---|---C---|
 *       |---B---|---D---|
 *
 * With @more of struct model_sub, a range covers more pages, and can contain
 * other ranges.
 */
#define MODEL_RANGES 4
#define MODEL_PAGES 6
#define MODEL_NO_RANGE (-1)

/* The sequence of an mm before its first invalidation */
#define MODEL_FIRST_SEQ 2

/* A subscription, struct mmu_interval_notifier */
struct model_sub {
	__u8 seq; /* invalidate_seq */
	__u8 in_tree;
	__u8 known; /* The range was inserted, and no remove has begun. */
	__u8 more; /* number of pages after the first two pages */
	__u8 callbacks; /* invlock.h: number of callbacks that run now */
};

/* struct mmu_notifier_subscriptions */
struct model_lock {
	__u8 seq; /* invalidate_seq */
	__u8 active; /* active_invalidate_ranges */
	__u8 nr_deferred; /* length of the deferred list */
	__u8 deferred[MODEL_RANGES]; /* the latest deferred change first */
	/* all subscriptions, in the tree or not */
	struct model_sub sub[MODEL_RANGES];
};

/*
 * The functions of an invalidation of the pages @first to @last.  After
 * lock_start(), the sequence of the mm is the sequence of the invalidation.
 * The first range to call is the result of lock_start(), and the next range is
 * the result of lock_next(), or MODEL_NO_RANGE.  The callback lock_invalidate()
 * returns false if @refuses is true.  The result of lock_end() is whether
 * lock_end() wakes the waiters.
 */
int lock_start(struct model_lock *lock, int first, int last);
int lock_next(const struct model_lock *lock, int first, int last, int range);
bool lock_invalidate(struct model_lock *lock, int range, __u8 seq,
		     bool refuses);
bool lock_end(struct model_lock *lock);

/* lock_remove() returns the sequence whose end the caller must await, or 0. */
void lock_insert(struct model_lock *lock, int range);
int lock_remove(struct model_lock *lock, int range);

/*
 * lock_begin() stores the sequence of the range in @seq, and returns whether
 * the caller must await the end of @seq.  lock_retry() returns whether @seq has
 * collided.
 */
bool lock_begin(const struct model_lock *lock, int range, __u8 *seq);
bool lock_retry(const struct model_lock *lock, int range, __u8 seq);
/* Returns the sequence with which lock_retry() compares. */
__u8 lock_clock(const struct model_lock *lock, int range);
/*
 * Returns whether the wait for the end of @seq is over, which a reader or, if
 * @removes is true, a removal has begun.
 */
bool lock_wakes(const struct model_lock *lock, int range, bool removes,
		__u8 *seq);

/* The lock does not depend on the begin and on the end of a callback. */
void lock_enter(struct model_lock *lock, int range);
bool lock_leave(struct model_lock *lock, int range);

/* Add @range to the deferred list, or delete @range from the list. */
void lock_defer(struct model_lock *lock, int range);
void lock_undefer(struct model_lock *lock, int range);

static inline bool lock_is_odd(const struct model_lock *lock)
{
	return lock->seq & 1;
}

#endif /* _SELFTESTS_MMUN_MODEL_LOCK_H */
