// SPDX-License-Identifier: GPL-2.0
/*
 * The list notifier of a context.  The callback invalidate_range_start() is the
 * point START: the core calls it after all callbacks of ranges.  The callback
 * invalidate_range_end() is the point END: the core calls it when the
 * invalidation is no longer active.
 */

#include "private.h"

/*
 * If the invalidation must not block, the core calls non_block_start() before
 * the callback.  A non-blocking section permits spinlocks.  But on PREEMPT_RT a
 * spinlock can sleep and would cause a warning.  Therefore this function leaves
 * the non-blocking section while it uses spinlocks.
 */
static void mmun_list_notifier_pass(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *mnr,
				    enum mmun_record_type type,
				    enum mmun_point point)
{
	struct mmun_ctx *ctx = container_of(mn, struct mmun_ctx, list_notifier);
	bool in_non_block = IS_ENABLED(CONFIG_PREEMPT_RT) &&
			    !mmu_notifier_range_blockable(mnr);

	if (in_non_block)
		non_block_end();
	mmun_log_point(ctx, type, 0, mnr, 0);
	mmun_point_pass(ctx, point, 0, mnr, 0);
	if (in_non_block)
		non_block_start();
}

/*
 * This callback must not fail, because the callbacks of ranges have already
 * run.  After a failure the core would not end the invalidation.
 */
static int mmun_list_notifier_start(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *mnr)
{
	mmun_list_notifier_pass(mn, mnr, MMUN_RECORD_START, MMUN_POINT_START);
	return 0;
}

static void mmun_list_notifier_end(struct mmu_notifier *mn,
				   const struct mmu_notifier_range *mnr)
{
	mmun_list_notifier_pass(mn, mnr, MMUN_RECORD_END, MMUN_POINT_END);
}

static const struct mmu_notifier_ops mmun_list_notifier_ops = {
	.invalidate_range_start = mmun_list_notifier_start,
	.invalidate_range_end = mmun_list_notifier_end,
};

/*
 * The core requires mmap_lock for the registration.  Because of mmap_lock, only
 * one task at a time can register the list notifier.  The wait for the lock is
 * killable, because a held task can own the lock.
 */
static int mmun_list_notifier_register_once(struct mmun_ctx *ctx)
{
	int ret = 0;

	if (mmap_write_lock_killable(ctx->mm))
		return -EINTR;
	if (!ctx->list_registered) {
		ctx->list_notifier.ops = &mmun_list_notifier_ops;
		ret = __mmu_notifier_register(&ctx->list_notifier, ctx->mm);
		/* Pairs with the READ_ONCE in mmun_list_notifier_register() */
		WRITE_ONCE(ctx->list_registered, !ret);
	}
	mmap_write_unlock(ctx->mm);
	return ret;
}

/* Register the list notifier, unless it is already registered. */
static int mmun_list_notifier_register(struct mmun_ctx *ctx)
{
	int ret = 0;

	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	/* Pairs with the WRITE_ONCE in mmun_list_notifier_register_once() */
	if (!READ_ONCE(ctx->list_registered))
		ret = mmun_list_notifier_register_once(ctx);
	mmput(ctx->mm);
	return ret;
}

/*
 * Unregister the list notifier at the last close.  This function waits until
 * the callbacks of the list notifier have returned.  The unregistration also
 * works if the mm has exited.
 */
static void mmun_list_notifier_close(struct mmun_ctx *ctx)
{
	if (ctx->list_registered)
		mmu_notifier_unregister(&ctx->list_notifier, ctx->mm);
}
