// SPDX-License-Identifier: GPL-2.0
/*
 * The callbacks of the list notifiers whose object has the ranges of all
 * contexts of the mm.  Such ranges use no interval notifier.  Drivers had such
 * objects before the core had interval notifiers.  The forms of the object
 * differ in the read side and in the lookup:
 *
 *   RANGES	Each range counts the active invalidations that hit the range, as
 *		the RDMA driver for on-demand paging did.  read_begin() waits
 *		only for invalidations that hit the range.  Both
 *		invalidate_range_start() and invalidate_range_end() search the
 *		tree.  An insertion waits until no invalidation is active.
 *		Otherwise invalidate_range_end() would find a range that
 *		invalidate_range_start() did not find.
 *   MM		The object counts the active invalidations of the mm, as
 *		hmm_mirror did.  read_begin() waits for every invalidation of the
 *		mm.  Only invalidate_range_start() searches the tree.
 *   INVLOCK	As MM, and the mm has one sequence.  Every invalidation of the mm
 *		makes read_retry() return true, as in the sketch "invlock".
 *   TREE	The ranges ignore the sequence, as hfi1 and i915 did.
 *   LINEAR	As TREE, but a linear list has the ranges, as in gntdev, scif and
 *		vhost.
 *
 * The sequence of an invalidation is odd, and no other invalidation has the
 * same sequence.  mmu_interval_notifier::invalidate_seq of a range contains the
 * sequence of the last invalidation that hit the range.  hmm_range_fault()
 * reads only the fields mm and invalidate_seq of a struct
 * mmu_interval_notifier.  Therefore hmm_range_fault() accepts mmun_range::mni
 * and mmun_list::clock, which the core never sees.
 */

#include "list.h"

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
	bool ranges_count = mmun_list_has_form(list, MMUN_LIST_RANGES);
	unsigned long seq = mmun_list_new_seq();
	struct mmun_range *range;

	mmu_interval_set_seq(&list->clock, seq);
	for (range = mmun_list_first(list, mnr); range;
	     range = mmun_list_next(list, range, mnr)) {
		if (range->removing)
			continue;
		if (ranges_count && !list->released)
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
	     range = mmun_list_next(list, range, mnr))
		if (!range->removing)
			mmun_activity_end(&range->activity);
}

/* Add the ranges that have waited until no invalidation is active. */
static void mmun_list_add_pending(struct mmun_list *list)
{
	struct mmun_range *range;
	struct hlist_node *next;

	hlist_for_each_entry_safe(range, next, &list->pending,
				  mni.deferred_item) {
		hlist_del_init(&range->mni.deferred_item);
		mmun_list_add(list, range);
	}
}

static void mmun_list_count_end(struct mmun_list *list,
				const struct mmu_notifier_range *mnr)
{
	lockdep_assert_held(&list->lock);
	mmun_activity_end(&list->activity);
	if (mmun_list_has_form(list, MMUN_LIST_RANGES))
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
	const struct mmu_notifier_range all = { .end = ULONG_MAX };
	struct mmun_range *range;

	mmun_activity_end_all(&list->activity);
	for (range = mmun_list_first(list, &all); range;
	     range = mmun_list_next(list, range, &all))
		mmun_activity_end_all(&range->activity);
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
