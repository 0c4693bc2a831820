// SPDX-License-Identifier: GPL-2.0
/*
 * What the contexts of an mm share, from the first open to the last close: how
 * many they are, and for how long its tasks may be held.
 */

#include "private.h"

static LIST_HEAD(mmun_mms);
static DEFINE_MUTEX(mmun_mms_mutex);

/* One more context of the mm, or -ENOSPC, or -ENOMEM. */
static struct mmun_mm *mmun_mm_get(struct mm_struct *mm)
{
	/* Not under the mutex, which every open and close takes. */
	struct mmun_mm *new __free(mmun_object) = mmun_zalloc(sizeof(*new));
	struct mmun_mm *shared;

	if (!new)
		return ERR_PTR(-ENOMEM);
	new->mm = mm;
	spin_lock_init(&new->lock);
	guard(mutex)(&mmun_mms_mutex);
	list_for_each_entry(shared, &mmun_mms, node)
		if (shared->mm == mm)
			break;
	if (list_entry_is_head(shared, &mmun_mms, node)) {
		shared = no_free_ptr(new);
		list_add(&shared->node, &mmun_mms);
	}
	if (shared->contexts == MMUN_MAX_CONTEXTS)
		return ERR_PTR(-ENOSPC);
	shared->contexts++;
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
static bool mmun_clock_may_renew(const struct mmun_clock *clock, u64 now,
				 unsigned long cur_seq)
{
	return !clock->nr_held &&
	       now - clock->idle_since >= MMUN_HOLD_IDLE_NS &&
	       (!cur_seq || cur_seq != clock->cur_seq);
}

/*
 * A task is about to be held.  Returns for how many jiffies at most, or 0.  START
 * and END, where @cur_seq is 0 because it is not known, have a clock of their own:
 * they must not renew that of the callbacks.
 */
static long mmun_mm_hold_begin(struct mmun_mm *shared, unsigned long cur_seq)
{
	u64 now = ktime_get_ns();
	struct mmun_clock *clock;

	guard(spinlock)(&shared->lock);
	clock = cur_seq ? &shared->callbacks : &shared->list;
	if (mmun_clock_may_renew(clock, now, cur_seq))
		clock->deadline = now + mmun_hold_limit() * (u64)NSEC_PER_MSEC;
	if (now >= clock->deadline)
		return 0;
	clock->nr_held++;
	clock->cur_seq = cur_seq;
	return nsecs_to_jiffies(clock->deadline - now) ?: 1;
}

static void mmun_mm_hold_end(struct mmun_mm *shared, unsigned long cur_seq)
{
	struct mmun_clock *clock;

	guard(spinlock)(&shared->lock);
	clock = cur_seq ? &shared->callbacks : &shared->list;
	if (!--clock->nr_held)
		clock->idle_since = ktime_get_ns();
}
