// SPDX-License-Identifier: GPL-2.0
/*
 * The contexts, and the notifiers that a context has registered or got.
 */

#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "private.h"

DEFINE_RAW_SPINLOCK(mmun_list_lock);
LIST_HEAD(mmun_list_contexts);
atomic64_t mmun_list_registered;

struct mmun_list_ctx *mmun_list_ctx_create(struct mm_struct *mm)
{
	const size_t size =
		MMUN_LIST_LOG_RECORDS * sizeof(struct mmun_list_record);
	struct mmun_list_ctx *ctx = kzalloc_obj(*ctx, GFP_KERNEL_ACCOUNT);

	if (!ctx)
		return NULL;
	ctx->ring = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!ctx->ring) {
		kfree(ctx);
		return NULL;
	}
	/* Pairs with the mmdrop() in mmun_list_ctx_close() */
	mmgrab(mm);
	ctx->mm = mm;
	INIT_LIST_HEAD(&ctx->uses);
	INIT_LIST_HEAD(&ctx->holds);
	mutex_init(&ctx->read_lock);
	raw_spin_lock_irq(&mmun_list_lock);
	list_add_tail(&ctx->node, &mmun_list_contexts);
	raw_spin_unlock_irq(&mmun_list_lock);
	return ctx;
}

static void mmun_list_uses_close(struct mmun_list_ctx *ctx)
{
	struct mmun_list_use *use, *next;

	list_for_each_entry_safe(use, next, &ctx->uses, node) {
		for (; use->map_gets; use->map_gets--)
			mmun_list_map_drop(ctx, use->notifier);
		if (use->is_plain) {
			mmu_notifier_unregister(&use->notifier->mn, ctx->mm);
			atomic64_dec(&mmun_list_registered);
		}
		mmun_list_use_close(use);
		mmun_list_use_drop(ctx, use);
	}
}

/*
 * The last close.  Callbacks can still run, and can find the context in the
 * list.  First resume the tasks in the callbacks, because the unregistration
 * waits for them.
 */
void mmun_list_ctx_close(struct mmun_list_ctx *ctx)
{
	mmun_list_holds_close(ctx);
	mmun_list_uses_close(ctx);
	raw_spin_lock_irq(&mmun_list_lock);
	list_del(&ctx->node);
	raw_spin_unlock_irq(&mmun_list_lock);
	mmdrop(ctx->mm);
	kvfree(ctx->ring);
	kfree(ctx);
}

/* Reserve a place for a notifier.  Returns NULL if there is no place. */
struct mmun_list_use *mmun_list_use_alloc(struct mmun_list_ctx *ctx)
{
	struct mmun_list_use *use = kzalloc_obj(*use, GFP_KERNEL_ACCOUNT);
	bool is_full;

	if (!use)
		return ERR_PTR(-ENOMEM);
	raw_spin_lock_irq(&mmun_list_lock);
	is_full = ctx->nr_uses == MMUN_LIST_MAX_NOTIFIERS;
	ctx->nr_uses += !is_full;
	raw_spin_unlock_irq(&mmun_list_lock);
	if (!is_full)
		return use;
	kfree(use);
	return ERR_PTR(-ENOSPC);
}

/* Give the place back. */
void mmun_list_use_free(struct mmun_list_ctx *ctx, struct mmun_list_use *use)
{
	raw_spin_lock_irq(&mmun_list_lock);
	ctx->nr_uses--;
	raw_spin_unlock_irq(&mmun_list_lock);
	kfree(use);
}

struct mmun_list_use *mmun_list_use_find(struct mmun_list_ctx *ctx, u32 id)
{
	struct mmun_list_use *use;

	lockdep_assert_held(&mmun_list_lock);
	list_for_each_entry(use, &ctx->uses, node)
		if (use->notifier->id == id)
			return use;
	return NULL;
}

/*
 * Add @use, unless the context already uses @notifier.  Returns the use of
 * @notifier.  If this is @use, @use has a reference to @notifier; otherwise the
 * caller must free @use.
 */
struct mmun_list_use *mmun_list_use_add(struct mmun_list_ctx *ctx,
					struct mmun_list_use *use,
					struct mmun_list_notifier *notifier)
{
	struct mmun_list_use *old = mmun_list_use_find(ctx, notifier->id);

	if (old)
		return old;
	kref_get(&notifier->ref);
	use->notifier = notifier;
	list_add_tail(&use->node, &ctx->uses);
	return use;
}

/* Remove and free @use. */
void mmun_list_use_drop(struct mmun_list_ctx *ctx, struct mmun_list_use *use)
{
	raw_spin_lock_irq(&mmun_list_lock);
	list_del(&use->node);
	raw_spin_unlock_irq(&mmun_list_lock);
	mmun_list_notifier_put(use->notifier);
	mmun_list_use_free(ctx, use);
}
