// SPDX-License-Identifier: GPL-2.0
/*
 * Which ranges of a list notifier an invalidation hits.  Before the core had
 * interval notifiers, half of the drivers searched an interval tree, and the
 * other half walked a list of all ranges.
 */

#include "list.h"

/* The linear list */

/* Return the first range of the list from @node on that @mnr overlaps. */
static struct mmun_range *mmun_linear_find(struct hlist_node *node,
					   const struct mmu_notifier_range *mnr)
{
	struct mmun_range *range;

	range = hlist_entry_safe(node, struct mmun_range, mni.deferred_item);
	hlist_for_each_entry_from(range, mni.deferred_item)
		if (mmun_range_start(range) < mnr->end &&
		    mmun_range_last(range) >= mnr->start)
			return range;
	return NULL;
}

/* The tree */

static struct mmun_range *mmun_tree_range(struct interval_tree_node *node)
{
	return node ? container_of(node, struct mmun_range, mni.interval_tree) :
		      NULL;
}

/* Both */

/* Add a range, as if the last invalidation of the mm had hit the range. */
static void mmun_list_add(struct mmun_list *list, struct mmun_range *range)
{
	lockdep_assert_held(&list->lock);
	mmu_interval_set_seq(&range->mni, list->clock.invalidate_seq);
	if (mmun_list_has_form(list, MMUN_LIST_LINEAR))
		hlist_add_head(&range->mni.deferred_item, &list->linear);
	else
		interval_tree_insert(&range->mni.interval_tree, &list->tree);
}

static void mmun_list_del(struct mmun_list *list, struct mmun_range *range)
{
	lockdep_assert_held(&list->lock);
	if (mmun_list_has_form(list, MMUN_LIST_LINEAR)) {
		hlist_del_init(&range->mni.deferred_item);
		return;
	}
	interval_tree_remove(&range->mni.interval_tree, &list->tree);
	RB_CLEAR_NODE(&range->mni.interval_tree.rb);
}

static struct mmun_range *mmun_list_first(struct mmun_list *list,
					  const struct mmu_notifier_range *mnr)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&list->lock);
	if (mmun_list_has_form(list, MMUN_LIST_LINEAR))
		return mmun_linear_find(list->linear.first, mnr);
	node = interval_tree_iter_first(&list->tree, mnr->start, mnr->end - 1);
	return mmun_tree_range(node);
}

static struct mmun_range *mmun_list_next(struct mmun_list *list,
					 struct mmun_range *range,
					 const struct mmu_notifier_range *mnr)
{
	struct interval_tree_node *node = &range->mni.interval_tree;

	lockdep_assert_held(&list->lock);
	if (mmun_list_has_form(list, MMUN_LIST_LINEAR))
		return mmun_linear_find(range->mni.deferred_item.next, mnr);
	node = interval_tree_iter_next(node, mnr->start, mnr->end - 1);
	return mmun_tree_range(node);
}
