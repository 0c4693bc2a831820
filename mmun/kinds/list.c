// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_KIND_LIST and MMUN_KIND_LIST_MM: ranges that use a list notifier and no
 * interval notifier.  mmu_notifier_get() counts one object for each mm and
 * kind.  The object has the interval tree of the ranges of all contexts of the
 * mm.  Drivers had such objects before the core had interval notifiers.
 *
 * The two kinds differ in the read side:
 *
 *   LIST	Each range counts the active invalidations that hit the range, as
 *		the RDMA driver for on-demand paging did.  read_begin() waits
 *		only for invalidations that hit the range.  Both
 *		invalidate_range_start() and invalidate_range_end() search the
 *		tree.  An insertion waits until no invalidation is active.
 *		Otherwise invalidate_range_end() would find a range that
 *		invalidate_range_start() did not find.
 *   LIST_MM	The object counts the active invalidations of the mm, as
 *		hmm_mirror did.  read_begin() waits for every invalidation of the
 *		mm.  Only invalidate_range_start() searches the tree.
 *
 * The sequence of an invalidation is odd, and no other invalidation has the
 * same sequence.  mmu_interval_notifier::invalidate_seq of a range contains the
 * sequence of the last invalidation that hit the range.  hmm_range_fault()
 * reads only the fields mm and invalidate_seq of a struct
 * mmu_interval_notifier.  Therefore hmm_range_fault() accepts mmun_range::mni,
 * which the core never sees.
 */

#include <linux/interval_tree.h>

#include "../private.h"

/**
 * struct mmun_list - the object that mmu_notifier_get() counts
 * @mn: the subscription
 * @lock: protects the other fields, and mmun_range::activity to
 *	mmun_range::removing
 * @wait: readers and insertions wait here for the end of invalidations, and
 *	removals wait for the end of callbacks
 * @ranges: interval tree of mmun_range::mni
 * @pending: list of mmun_range::mni.deferred_item.  These ranges of
 *	MMUN_KIND_LIST wait until no invalidation is active.
 * @seq: sequence of the last invalidation
 * @activity: the invalidations of the mm
 * @released: release() has begun.  Nothing counts invalidations any more.
 */
struct mmun_list {
	struct mmu_notifier mn;
	spinlock_t lock; /* see above */
	wait_queue_head_t wait;
	struct rb_root_cached ranges;
	struct hlist_head pending;
	unsigned long seq;
	struct mmun_activity activity;
	bool released;
};

static const struct mmu_notifier_ops mmun_list_ops;

/* Number of objects for which free_notifier() has not yet run */
static atomic_t mmun_nr_lists;

static struct mmun_list *mmun_list_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct mmun_list, mn);
}

/* Return whether the ranges count invalidations, and not the object. */
static bool mmun_list_ranges_count(const struct mmun_list *list)
{
	return list->mn.ops == &mmun_list_ops;
}

static struct mmun_range *mmun_list_range(struct interval_tree_node *node)
{
	return node ? container_of(node, struct mmun_range, mni.interval_tree) :
		      NULL;
}

static struct mmun_range *mmun_list_first(struct mmun_list *list,
					  const struct mmu_notifier_range *mnr)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&list->lock);
	node = interval_tree_iter_first(&list->ranges, mnr->start,
					mnr->end - 1);
	return mmun_list_range(node);
}

static struct mmun_range *mmun_list_next(struct mmun_range *range,
					 const struct mmu_notifier_range *mnr)
{
	struct interval_tree_node *node = &range->mni.interval_tree;

	lockdep_assert_held(&range->list->lock);
	node = interval_tree_iter_next(node, mnr->start, mnr->end - 1);
	return mmun_list_range(node);
}

static void mmun_activity_end(struct mmun_activity *activity)
{
	if (!--activity->active)
		activity->ended++;
}

/* End all active invalidations. */
static void mmun_activity_end_all(struct mmun_activity *activity)
{
	activity->active = 0;
	activity->ended++;
}

/* The callbacks of the list notifier */

/*
 * Run the callback of a range.  The callback can sleep, so it runs without the
 * lock.  mmun_range::callbacks keeps the range in the tree.
 */
static void mmun_list_call(struct mmun_list *list, struct mmun_range *range,
			   const struct mmu_notifier_range *mnr,
			   unsigned long seq) __must_hold(&list->lock)
{
	range->callbacks++;
	spin_unlock(&list->lock);
	mmun_invalidate(&range->mni, mnr, seq);
	spin_lock(&list->lock);
	if (!--range->callbacks)
		wake_up_all(&list->wait);
}

/*
 * Run the callbacks of all ranges that the invalidation hits.  A range that is
 * being removed has no shadow, and the removal must not wait for new callbacks.
 */
static void mmun_list_walk(struct mmun_list *list,
			   const struct mmu_notifier_range *mnr)
	__must_hold(&list->lock)
{
	unsigned long seq = list->seq += 2;
	struct mmun_range *range;

	for (range = mmun_list_first(list, mnr); range;
	     range = mmun_list_next(range, mnr)) {
		if (range->removing)
			continue;
		if (mmun_list_ranges_count(list) && !list->released)
			range->activity.active++;
		mmun_list_call(list, range, mnr, seq);
	}
}

static int mmun_list_start(struct mmu_notifier *mn,
			   const struct mmu_notifier_range *mnr)
{
	struct mmun_list *list = mmun_list_of(mn);
	bool left = mmun_non_block_leave();

	spin_lock(&list->lock);
	if (!list->released)
		list->activity.active++;
	mmun_list_walk(list, mnr);
	spin_unlock(&list->lock);
	mmun_non_block_return(left);
	return 0;
}

/*
 * Count the end of the invalidation in each range that it has hit.  The walk
 * can take some milliseconds, as in the core.
 */
static void mmun_list_end_ranges(struct mmun_list *list,
				 const struct mmu_notifier_range *mnr)
{
	struct mmun_range *range;

	for (range = mmun_list_first(list, mnr); range;
	     range = mmun_list_next(range, mnr))
		if (!range->removing)
			mmun_activity_end(&range->activity);
}

/* Add the range to the tree.  No active invalidation must count the range. */
static void mmun_list_add(struct mmun_list *list, struct mmun_range *range)
{
	lockdep_assert_held(&list->lock);
	mmu_interval_set_seq(&range->mni, list->seq);
	interval_tree_insert(&range->mni.interval_tree, &list->ranges);
}

static void mmun_list_add_pending(struct mmun_list *list)
{
	struct mmun_range *range;
	struct hlist_node *next;

	hlist_for_each_entry_safe(range, next, &list->pending,
				  mni.deferred_item) {
		hlist_del(&range->mni.deferred_item);
		mmun_list_add(list, range);
	}
}

static void mmun_list_count_end(struct mmun_list *list,
				const struct mmu_notifier_range *mnr)
{
	lockdep_assert_held(&list->lock);
	mmun_activity_end(&list->activity);
	if (mmun_list_ranges_count(list))
		mmun_list_end_ranges(list, mnr);
	if (!list->activity.active)
		mmun_list_add_pending(list);
}

static void mmun_list_end(struct mmu_notifier *mn,
			  const struct mmu_notifier_range *mnr)
{
	struct mmun_list *list = mmun_list_of(mn);
	bool left = mmun_non_block_leave();

	spin_lock(&list->lock);
	if (!list->released)
		mmun_list_count_end(list, mnr);
	wake_up_all(&list->wait);
	spin_unlock(&list->lock);
	mmun_non_block_return(left);
}

/* End the invalidations of the mm and of its ranges. */
static void mmun_list_end_all(struct mmun_list *list)
{
	struct interval_tree_node *node;

	mmun_activity_end_all(&list->activity);
	for (node = interval_tree_iter_first(&list->ranges, 0, ULONG_MAX); node;
	     node = interval_tree_iter_next(node, 0, ULONG_MAX))
		mmun_activity_end_all(&mmun_list_range(node)->activity);
	wake_up_all(&list->wait);
}

/*
 * The exit of the mm invalidates all ranges.  The core then unlinks the list
 * notifier.  An invalidation that is active, for example of the OOM reaper, may
 * therefore never call invalidate_range_end().
 */
static void mmun_list_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	const struct mmu_notifier_range mnr = {
		.mm = mm,
		.end = ULONG_MAX,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
		.event = MMU_NOTIFY_RELEASE,
	};
	struct mmun_list *list = mmun_list_of(mn);

	spin_lock(&list->lock);
	list->released = true;
	mmun_list_walk(list, &mnr);
	mmun_list_end_all(list);
	spin_unlock(&list->lock);
}

/* The object */

/*
 * @seq: the first sequence, which is odd.  The core and the two kinds must have
 * different sequences, because the deadline of holds is set again if the
 * sequence changes.
 */
static struct mmu_notifier *mmun_list_new(unsigned long seq)
{
	struct mmun_list *list = mmun_zalloc(sizeof(*list));

	if (!list)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&list->lock);
	init_waitqueue_head(&list->wait);
	list->ranges = RB_ROOT_CACHED;
	list->seq = seq;
	atomic_inc(&mmun_nr_lists);
	return &list->mn;
}

static struct mmu_notifier *mmun_list_alloc(struct mm_struct *mm)
{
	return mmun_list_new((1UL << 62) + 1);
}

static struct mmu_notifier *mmun_list_mm_alloc(struct mm_struct *mm)
{
	return mmun_list_new((1UL << 63) + 1);
}

/*
 * The core calls this function after the last put and a grace period, or after
 * the registration of the new object has failed.
 */
static void mmun_list_free(struct mmu_notifier *mn)
{
	mmun_free(mmun_list_of(mn));
	if (atomic_dec_and_test(&mmun_nr_lists))
		wake_up_var(&mmun_nr_lists);
}

/*
 * mmu_notifier_get() returns the object of the mm whose ops have the same
 * address.  Therefore each kind has its own struct.
 */
#define MMUN_LIST_OPS(alloc)                                              \
	{                                                                 \
		.alloc_notifier = alloc, .free_notifier = mmun_list_free, \
		.release = mmun_list_release,                             \
		.invalidate_range_start = mmun_list_start,                \
		.invalidate_range_end = mmun_list_end,                    \
	}
static const struct mmu_notifier_ops mmun_list_ops =
	MMUN_LIST_OPS(mmun_list_alloc);
static const struct mmu_notifier_ops mmun_list_mm_ops =
	MMUN_LIST_OPS(mmun_list_mm_alloc);

/*
 * Wait for all calls of mmun_list_free() before the module is freed.  The
 * driver counts the objects, because mmu_notifier_synchronize() may return
 * before a call on another processor, see patches/synchronize.  SRCU calls
 * mmun_list_free() with bottom halves disabled, so synchronize_rcu() waits
 * until the last call has returned.
 */
static void mmun_lists_synchronize(void)
{
	mmu_notifier_synchronize();
	wait_var_event(&mmun_nr_lists, !atomic_read(&mmun_nr_lists));
	synchronize_rcu();
}

/*
 * Get the object, unless another task has done so.  Because of mmap_lock, only
 * one task at a time can get the object of the context.  The wait for the lock
 * is killable, because a held task can own the lock.
 */
static int mmun_list_get(struct mmun_ctx *ctx, struct mmun_list **list,
			 const struct mmu_notifier_ops *ops)
{
	struct mmu_notifier *mn;
	int ret = 0;

	if (mmap_write_lock_killable(ctx->mm))
		return -EINTR;
	if (!*list) {
		mn = mmu_notifier_get_locked(ops, ctx->mm);
		ret = PTR_ERR_OR_ZERO(mn);
		/* Pairs with the READ_ONCE in mmun_list_attach() */
		if (!ret)
			WRITE_ONCE(*list, mmun_list_of(mn));
	}
	mmap_write_unlock(ctx->mm);
	return ret;
}

/*
 * Return the object for the ranges of the context.  The core calls the newest
 * list notifier first, but the point START must come after all callbacks of
 * ranges.  Therefore register the list notifier of the points first.
 */
static struct mmun_list *mmun_list_attach(struct mmun_ctx *ctx,
					  struct mmun_list **list,
					  const struct mmu_notifier_ops *ops)
{
	int ret;

	/* Pairs with the WRITE_ONCE in mmun_list_get() */
	if (READ_ONCE(*list))
		return *list;
	ret = mmun_list_notifier_register(&ctx->points);
	if (!ret)
		ret = mmun_list_get(ctx, list, ops);
	return ret ? ERR_PTR(ret) : *list;
}

/* Put the objects at the last close, after the removal of all ranges. */
static void mmun_lists_close(struct mmun_ctx *ctx)
{
	if (ctx->list)
		mmu_notifier_put(&ctx->list->mn);
	if (ctx->list_mm)
		mmu_notifier_put(&ctx->list_mm->mn);
}

/* The ranges */

/*
 * Add the range to the tree.  If an active invalidation would count the range,
 * add the range to the pending ranges.
 */
static void mmun_list_begin_insert(struct mmun_range *range)
{
	struct mmun_list *list = range->list;

	RB_CLEAR_NODE(&range->mni.interval_tree.rb);
	guard(spinlock)(&list->lock);
	if (list->activity.active && mmun_list_ranges_count(list))
		hlist_add_head(&range->mni.deferred_item, &list->pending);
	else
		mmun_list_add(list, range);
}

static bool mmun_list_is_inserted(struct mmun_range *range)
{
	guard(spinlock)(&range->list->lock);
	return !RB_EMPTY_NODE(&range->mni.interval_tree.rb);
}

/* A fatal signal ends the insertion.  Returns 0 if the range is in the tree. */
static int mmun_list_cancel_insert(struct mmun_range *range)
{
	guard(spinlock)(&range->list->lock);
	if (!RB_EMPTY_NODE(&range->mni.interval_tree.rb))
		return 0;
	hlist_del(&range->mni.deferred_item);
	return -EINTR;
}

/* The core makes the same check for an interval notifier. */
static bool mmun_list_overflows(const struct mmun_range *range)
{
	unsigned long start = mmun_range_start(range);
	unsigned long last = mmun_range_last(range);

	return last < start || last + 1 == start;
}

/* Insert the range into the object @list of the context, which has @ops. */
static int mmun_list_insert_into(struct mmun_range *range,
				 struct mmun_list **list,
				 const struct mmu_notifier_ops *ops)
{
	int ret = 0;

	if (mmun_list_overflows(range))
		return -EOVERFLOW;
	range->list = mmun_list_attach(range->ctx, list, ops);
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

static int mmun_list_insert(struct mmun_range *range)
{
	return mmun_list_insert_into(range, &range->ctx->list, &mmun_list_ops);
}

static int mmun_list_mm_insert(struct mmun_range *range)
{
	return mmun_list_insert_into(range, &range->ctx->list_mm,
				     &mmun_list_mm_ops);
}

/*
 * Begin the removal.  From now on no invalidation calls or counts the range, so
 * the readers of the range must not wait for the end of an invalidation.  Their
 * commits fail, because the range is disabled.
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
	struct mmun_list *list = range->list;

	guard(spinlock)(&list->lock);
	if (range->callbacks)
		return false;
	interval_tree_remove(&range->mni.interval_tree, &list->ranges);
	RB_CLEAR_NODE(&range->mni.interval_tree.rb);
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
	return mmun_list_ranges_count(range->list) ? &range->activity :
						     &range->list->activity;
}

static bool mmun_list_has_ended(struct mmun_range *range, u64 ended)
{
	guard(spinlock)(&range->list->lock);
	return mmun_list_activity(range)->ended != ended;
}

/*
 * Wait until all invalidations have ended that are active now.  A later
 * invalidation does not prolong the wait, because mmun_activity::ended does not
 * change back.  If a later invalidation hits the range, the sequence changes,
 * and the section collides.
 */
static unsigned long mmun_list_read_begin(struct mmun_range *range)
{
	struct mmun_activity *activity = mmun_list_activity(range);
	struct mmun_list *list = range->list;
	unsigned long seq;
	bool active;
	u64 ended;

	might_sleep();
	scoped_guard(spinlock, &list->lock) {
		seq = mmun_subscription_seq(&range->mni);
		active = activity->active;
		ended = activity->ended;
	}
	if (active)
		wait_event(list->wait, mmun_list_has_ended(range, ended));
	return seq;
}

static const struct mmun_kind_ops mmun_list_kind = {
	.coherent = true,
	.insert = mmun_list_insert,
	.remove = mmun_list_remove,
	.read_begin = mmun_list_read_begin,
	.read_retry = mmun_interval_read_retry,
};

static const struct mmun_kind_ops mmun_list_mm_kind = {
	.coherent = true,
	.insert = mmun_list_mm_insert,
	.remove = mmun_list_remove,
	.read_begin = mmun_list_read_begin,
	.read_retry = mmun_interval_read_retry,
};
