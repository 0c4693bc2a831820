// SPDX-License-Identifier: GPL-2.0
/*
 * The life of the object that has the ranges of a list notifier.
 * mmu_notifier_get() counts one object for each mm and form.  The object has
 * the ranges of all contexts of the mm.  The object outlives the context's
 * references to it only until a grace period has passed.
 */

#include "list.h"

/* Number of objects for which free_notifier() has not yet run */
static atomic_t mmun_nr_lists;

/*
 * The sequence of the last invalidation of any object.  The core and the
 * objects must have different sequences, because the deadline of holds is set
 * again if the sequence changes.
 */
static atomic_long_t mmun_list_seq = ATOMIC_LONG_INIT((1UL << 62) + 1);

/* Return an odd sequence that no other invalidation has. */
static unsigned long mmun_list_new_seq(void)
{
	return atomic_long_add_return(2, &mmun_list_seq);
}

/* The core owns the reference of the object to @mm. */
static struct mmu_notifier *mmun_list_alloc(struct mm_struct *mm)
{
	struct mmun_list *list = mmun_zalloc(sizeof(*list));

	if (!list)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&list->lock);
	init_waitqueue_head(&list->wait);
	list->tree = RB_ROOT_CACHED;
	list->clock.mm = mm;
	mmu_interval_set_seq(&list->clock, mmun_list_new_seq());
	atomic_inc(&mmun_nr_lists);
	return &list->mn;
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

static const struct mmu_notifier_ops mmun_list_ops[MMUN_NR_LISTS] = {
	[0 ... MMUN_NR_LISTS - 1] = {
		.alloc_notifier = mmun_list_alloc,
		.free_notifier = mmun_list_free,
		.release = mmun_list_release,
		.invalidate_range_start = mmun_list_start,
		.invalidate_range_end = mmun_list_end,
	},
};

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
static int mmun_list_get(struct mmun_ctx *ctx, enum mmun_list_form form)
{
	struct mmun_list **list = &ctx->lists[form];
	struct mmu_notifier *mn;
	int ret = 0;

	if (mmap_write_lock_killable(ctx->mm))
		return -EINTR;
	if (!*list) {
		mn = mmu_notifier_get_locked(&mmun_list_ops[form], ctx->mm);
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
					  enum mmun_list_form form)
{
	/* Pairs with the WRITE_ONCE in mmun_list_get() */
	struct mmun_list *list = READ_ONCE(ctx->lists[form]);
	int ret;

	if (list)
		return list;
	ret = mmun_list_notifier_register(&ctx->points);
	if (!ret)
		ret = mmun_list_get(ctx, form);
	return ret ? ERR_PTR(ret) : ctx->lists[form];
}

/* Return the number of objects to which the context has a reference. */
static unsigned int mmun_lists_held(const struct mmun_ctx *ctx)
{
	unsigned int form, nr = 0;

	for (form = 0; form < MMUN_NR_LISTS; form++)
		nr += !!ctx->lists[form];
	return nr;
}

/* Put the objects at the last close, after the removal of all ranges. */
static void mmun_lists_close(struct mmun_ctx *ctx)
{
	unsigned int form;

	for (form = 0; form < MMUN_NR_LISTS; form++)
		if (ctx->lists[form])
			mmu_notifier_put(&ctx->lists[form]->mn);
}
