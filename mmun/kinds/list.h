/* SPDX-License-Identifier: GPL-2.0 */
/* The object of the ranges of a list notifier, and what kinds/list*.c share. */
#ifndef _MMUN_KINDS_LIST_H
#define _MMUN_KINDS_LIST_H

#include <linux/interval_tree.h>

#include "../private.h"

/**
 * struct mmun_list - the object that mmu_notifier_get() counts
 * @mn: the subscription
 * @clock: is never inserted.  Its invalidate_seq is the sequence of the last
 *	invalidation of the mm, is written under @lock, and is also read without
 *	@lock.
 * @lock: protects the other fields, and mmun_range::activity to
 *	mmun_range::removing
 * @wait: readers and insertions wait here for the end of invalidations, and
 *	removals wait for the end of callbacks
 * @tree: interval tree of mmun_range::mni
 * @linear: MMUN_LIST_LINEAR: list of mmun_range::mni.deferred_item, in place of
 *	@tree
 * @pending: list of mmun_range::mni.deferred_item.  These ranges of
 *	MMUN_LIST_RANGES wait until no invalidation is active.
 * @activity: the invalidations of the mm
 * @released: release() has begun.  Nothing counts invalidations any more.
 */
struct mmun_list {
	struct mmu_notifier mn;
	struct mmu_interval_notifier clock;
	spinlock_t lock; /* see above */
	wait_queue_head_t wait;
	struct rb_root_cached tree;
	struct hlist_head linear;
	struct hlist_head pending;
	struct mmun_activity activity;
	bool released;
};

/*
 * The operations of each form.  mmu_notifier_get() returns the object of the mm
 * whose operations have the same address.
 */
static const struct mmu_notifier_ops mmun_list_ops[MMUN_NR_LISTS];

static inline struct mmun_list *mmun_list_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct mmun_list, mn);
}

static inline bool mmun_list_has_form(const struct mmun_list *list,
				      enum mmun_list_form form)
{
	return list->mn.ops == &mmun_list_ops[form];
}

/* list_lookup.c */
static void mmun_list_add(struct mmun_list *list, struct mmun_range *range);
static void mmun_list_del(struct mmun_list *list, struct mmun_range *range);
static struct mmun_range *mmun_list_first(struct mmun_list *list,
					  const struct mmu_notifier_range *mnr);
static struct mmun_range *mmun_list_next(struct mmun_list *list,
					 struct mmun_range *range,
					 const struct mmu_notifier_range *mnr);

/* list_object.c */
static unsigned long mmun_list_new_seq(void);
static struct mmun_list *mmun_list_attach(struct mmun_ctx *ctx,
					  enum mmun_list_form form);

/* list.c */
static void mmun_activity_end_all(struct mmun_activity *activity);
static void mmun_list_release(struct mmu_notifier *mn, struct mm_struct *mm);
static int mmun_list_start(struct mmu_notifier *mn,
			   const struct mmu_notifier_range *mnr);
static void mmun_list_end(struct mmu_notifier *mn,
			  const struct mmu_notifier_range *mnr);

#endif /* _MMUN_KINDS_LIST_H */
