// SPDX-License-Identifier: GPL-2.0
/*
 * What the contexts of an mm share, from the first open to the last close: how
 * many they are, and for how long its tasks may be held.
 */

#include "private.h"

static LIST_HEAD(mmun_mms);
static DEFINE_MUTEX(mmun_mms_mutex);

/* Find the entry of the mm, or make @new the one.  NULL: it has none. */
static struct mmun_mm *mmun_mm_find(struct mm_struct *mm, struct mmun_mm *new)
{
	struct mmun_mm *shared;

	lockdep_assert_held(&mmun_mms_mutex);
	list_for_each_entry(shared, &mmun_mms, node)
		if (shared->mm == mm)
			return shared;
	if (new)
		list_add(&new->node, &mmun_mms);
	return new;
}

/* One more context of the mm, or -ENOSPC, or -ENOMEM. */
static struct mmun_mm *mmun_mm_get(struct mm_struct *mm)
{
	/* Not under the mutex, which every open and close takes. */
	struct mmun_mm *new = mmun_alloc(sizeof(*new)), *shared;

	if (new) {
		new->mm = mm;
		spin_lock_init(&new->lock);
	}
	mutex_lock(&mmun_mms_mutex);
	shared = mmun_mm_find(mm, new) ?: ERR_PTR(-ENOMEM);
	if (!IS_ERR(shared) && shared->contexts == MMUN_MAX_CONTEXTS)
		shared = ERR_PTR(-ENOSPC);
	if (!IS_ERR(shared))
		shared->contexts++;
	mutex_unlock(&mmun_mms_mutex);
	if (shared != new)
		mmun_free(new);
	return shared;
}

static void mmun_mm_put(struct mmun_mm *shared)
{
	guard(mutex)(&mmun_mms_mutex);
	if (--shared->contexts)
		return;
	list_del(&shared->node);
	mmun_free(shared);
}

/* The module parameter; it can change at any time. */
static unsigned int mmun_max_hold_ms = 10000;

static unsigned int mmun_hold_limit(void)
{
	return READ_ONCE(mmun_max_hold_ms);
}

/*
 * Holds that overlap or follow each other add up for a task that waits for the mm
 * or for the SRCU of the notifiers, in whichever contexts they are armed.  So they
 * share a deadline, which is set when the first task is held.  It is set anew when
 * no task has been held for MMUN_HOLD_IDLE_NS, but not within an invalidation: the
 * walk from one range to the next may take longer than that.
 */
static bool mmun_mm_may_renew(struct mmun_mm *shared, u64 now,
			      unsigned long cur_seq)
{
	lockdep_assert_held(&shared->lock);
	return !shared->nr_held && now - shared->idle_since >=
	       MMUN_HOLD_IDLE_NS && (!cur_seq || cur_seq != shared->cur_seq);
}

/*
 * A task is about to be held; @cur_seq is 0 where the sequence is not known.
 * Returns for how many jiffies at most, or 0 if it must not be held.
 */
static long mmun_mm_hold_begin(struct mmun_mm *shared, unsigned long cur_seq)
{
	u64 now = ktime_get_ns();
	long left = 0;

	guard(spinlock)(&shared->lock);
	if (mmun_mm_may_renew(shared, now, cur_seq))
		shared->deadline = now + mmun_hold_limit() * (u64)NSEC_PER_MSEC;
	if (now < shared->deadline)
		left = nsecs_to_jiffies(shared->deadline - now);
	if (left)
		shared->nr_held++;
	if (left && cur_seq)
		shared->cur_seq = cur_seq;
	return left;
}

static void mmun_mm_hold_end(struct mmun_mm *shared)
{
	guard(spinlock)(&shared->lock);
	if (!--shared->nr_held)
		shared->idle_since = ktime_get_ns();
}
