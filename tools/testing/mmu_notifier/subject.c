// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's mm/mmu_notifier.c, and the functions that look into its private
 * structs.
 */
#include "mm/mmu_notifier.c"

#include "mm.h"
#include "refine.h"

static unseen void peek_tree(struct peek *peek, const struct rb_node *node)
{
	if (!node || peek->nr_tree == ARRAY_SIZE(peek->tree))
		return;
	peek_tree(peek, node->rb_left);
	if (peek->nr_tree < ARRAY_SIZE(peek->tree))
		peek->tree[peek->nr_tree++] = container_of(
			node, struct mmu_interval_notifier, interval_tree.rb);
	peek_tree(peek, node->rb_right);
}

static unseen void peek_deferred(struct peek *peek,
				 const struct hlist_node *node)
{
	for (; node && peek->nr_deferred < ARRAY_SIZE(peek->deferred);
	     node = node->next)
		peek->deferred[peek->nr_deferred++] = container_of(
			node, struct mmu_interval_notifier, deferred_item);
}

static unseen void peek_list(struct peek *peek, const struct hlist_node *node)
{
	const struct mmu_notifier *sub;

	for (; node && peek->nr_list < ARRAY_SIZE(peek->list);
	     node = node->next) {
		sub = container_of(node, struct mmu_notifier, hlist);
		peek->users[peek->nr_list] = sub->users;
		peek->list[peek->nr_list++] = sub;
	}
}

unseen void peek(struct peek *peek)
{
	const struct mmu_notifier_subscriptions *subs =
		the_mm->notifier_subscriptions;

	*peek = (struct peek){};
	if (!subs || subs == LIST_POISON1)
		return;
	peek->exists = true;
	peek->has_itree = subs->has_itree;
	peek->lock = &subs->lock;
	peek->seq = subs->invalidate_seq;
	peek->active = subs->active_invalidate_ranges;
	peek_tree(peek, subs->itree.rb_root.rb_node);
	peek_deferred(peek, subs->deferred_list.first);
	peek_list(peek, subs->list.first);
}

unseen unsigned long peek_seq(const void *sub)
{
	return ((const struct mmu_interval_notifier *)sub)->invalidate_seq;
}

unseen bool peek_in_tree(const void *sub)
{
	const struct mmu_interval_notifier *interval_sub = sub;

	return !RB_EMPTY_NODE(&interval_sub->interval_tree.rb);
}

unseen int peek_mm_count(void)
{
	return the_mm->mm_count.counter;
}

unseen int peek_mm_users(void)
{
	return the_mm->mm_users.counter;
}
