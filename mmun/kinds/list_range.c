// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_KIND_LIST, MMUN_KIND_LIST_MM, MMUN_KIND_INVLOCK, MMUN_KIND_NAIVE_TREE
 * and MMUN_KIND_NAIVE_LINEAR: the insertion, the removal and the read side of
 * the ranges of a list notifier.  list.c has the callbacks.
 */

#include "list.h"

/*
 * Return the subscription whose invalidate_seq is the sequence of the read side
 * critical sections.
 */
static struct mmu_interval_notifier *mmun_range_clock(struct mmun_range *range)
{
	return range->kind->mm_sequence ? &range->list->clock : &range->mni;
}

/*
 * Add the range to the object.  If an active invalidation would count the
 * range, add the range to the pending ranges.
 */
static void mmun_list_begin_insert(struct mmun_range *range)
{
	struct mmun_list *list = range->list;

	RB_CLEAR_NODE(&range->mni.interval_tree.rb);
	guard(spinlock)(&list->lock);
	if (list->activity.active && mmun_list_has_form(list, MMUN_LIST_RANGES))
		hlist_add_head(&range->mni.deferred_item, &list->pending);
	else
		mmun_list_add(list, range);
}

static bool mmun_list_is_pending(const struct mmun_range *range)
{
	lockdep_assert_held(&range->list->lock);
	return mmun_list_has_form(range->list, MMUN_LIST_RANGES) &&
	       !hlist_unhashed(&range->mni.deferred_item);
}

static bool mmun_list_is_inserted(struct mmun_range *range)
{
	guard(spinlock)(&range->list->lock);
	return !mmun_list_is_pending(range);
}

/* A fatal signal ends the insertion.  Returns 0 if the range was added. */
static int mmun_list_cancel_insert(struct mmun_range *range)
{
	guard(spinlock)(&range->list->lock);
	if (!mmun_list_is_pending(range))
		return 0;
	hlist_del_init(&range->mni.deferred_item);
	return -EINTR;
}

/* The core makes the same check for an interval notifier. */
static bool mmun_list_overflows(const struct mmun_range *range)
{
	unsigned long start = mmun_range_start(range);
	unsigned long last = mmun_range_last(range);

	return last < start || last + 1 == start;
}

static int mmun_list_insert(struct mmun_range *range)
{
	int ret = 0;

	if (mmun_list_overflows(range))
		return -EOVERFLOW;
	range->list = mmun_list_attach(range->ctx, range->kind->list);
	if (IS_ERR(range->list))
		return PTR_ERR(range->list);
	range->mni.mm = range->ctx->mm;
	mmun_list_begin_insert(range);
	if (wait_event_killable(range->list->wait,
				mmun_list_is_inserted(range)))
		ret = mmun_list_cancel_insert(range);
	/* Pairs with the mmdrop() in mmun_list_remove() */
	if (!ret)
		mmgrab(range->mni.mm);
	return ret;
}

/*
 * Begin the removal.  From now on no invalidation calls or counts the range, so
 * the readers of MMUN_KIND_LIST must not wait for the end of an invalidation.
 * The commits of all readers fail, because the range is disabled.
 */
static void mmun_list_begin_remove(struct mmun_range *range)
{
	guard(spinlock)(&range->list->lock);
	range->removing = true;
	mmun_activity_end_all(&range->activity);
	wake_up_all(&range->list->wait);
}

/* Return false if a callback of the range runs. */
static bool mmun_list_try_remove(struct mmun_range *range)
{
	guard(spinlock)(&range->list->lock);
	if (range->callbacks)
		return false;
	mmun_list_del(range->list, range);
	return true;
}

/* The wait is not longer than the callbacks that run now. */
static void mmun_list_remove(struct mmun_range *range)
{
	might_sleep();
	mmun_list_begin_remove(range);
	wait_event(range->list->wait, mmun_list_try_remove(range));
	mmdrop(range->mni.mm);
}

/* Return the count for which the readers of the range wait. */
static struct mmun_activity *mmun_list_activity(struct mmun_range *range)
{
	return mmun_list_has_form(range->list, MMUN_LIST_RANGES) ?
		       &range->activity :
		       &range->list->activity;
}

static bool mmun_list_has_ended(struct mmun_range *range, u32 ended)
{
	guard(spinlock)(&range->list->lock);
	return mmun_list_activity(range)->ended != ended;
}

/*
 * Wait until no invalidation is active that the count includes.  Invalidations
 * that overlap in time prolong the wait, as in the core.  An invalidation that
 * begins after the wait does not, because mmun_activity::ended does not change
 * back.  If a later invalidation hits the range, the sequence changes, and the
 * section collides.  A fatal signal ends the wait, because a reader that holds
 * mmap_lock for writing waits here, too.
 */
static int mmun_list_read_begin(struct mmun_range *range, unsigned long *seq)
{
	struct mmun_activity *activity = mmun_list_activity(range);
	struct mmun_list *list = range->list;
	bool active;
	u32 ended;

	might_sleep();
	scoped_guard(spinlock, &list->lock) {
		*seq = mmun_subscription_seq(mmun_range_clock(range));
		active = activity->active;
		ended = activity->ended;
	}
	if (active &&
	    wait_event_killable(list->wait, mmun_list_has_ended(range, ended)))
		return -EINTR;
	return 0;
}

/*
 * The callbacks of all ranges share the clock, which no update lock protects.
 * mmu_interval_check_retry() reads the clock once.  If it reads the sequence of
 * an earlier invalidation, the callback of a later one that hits the range still
 * waits for the update lock, and then invalidates what the section publishes.
 */
static bool mmun_invlock_read_retry(struct mmun_range *range, unsigned long seq)
{
	lockdep_assert_held(&range->lock);
	return mmu_interval_check_retry(mmun_range_clock(range), seq);
}

static const struct mmun_kind_ops mmun_list_kind = {
	.coherent = true,
	.list = MMUN_LIST_RANGES,
	.insert = mmun_list_insert,
	.remove = mmun_list_remove,
	.read_begin = mmun_list_read_begin,
	.read_retry = mmun_interval_read_retry,
};

static const struct mmun_kind_ops mmun_list_mm_kind = {
	.coherent = true,
	.list = MMUN_LIST_MM,
	.insert = mmun_list_insert,
	.remove = mmun_list_remove,
	.read_begin = mmun_list_read_begin,
	.read_retry = mmun_interval_read_retry,
};

static const struct mmun_kind_ops mmun_invlock_kind = {
	.coherent = true,
	.can_write_lock = true,
	.mm_sequence = true,
	.list = MMUN_LIST_INVLOCK,
	.insert = mmun_list_insert,
	.remove = mmun_list_remove,
	.read_begin = mmun_list_read_begin,
	.read_retry = mmun_invlock_read_retry,
};

static const struct mmun_kind_ops mmun_naive_tree_kind = {
	.list = MMUN_LIST_TREE,
	.insert = mmun_list_insert,
	.remove = mmun_list_remove,
	.read_begin = mmun_naive_read_begin,
	.read_retry = mmun_naive_read_retry,
};

static const struct mmun_kind_ops mmun_naive_linear_kind = {
	.list = MMUN_LIST_LINEAR,
	.insert = mmun_list_insert,
	.remove = mmun_list_remove,
	.read_begin = mmun_naive_read_begin,
	.read_retry = mmun_naive_read_retry,
};
