// SPDX-License-Identifier: GPL-2.0
/*
 * The list notifiers of a context:
 *
 *   points	stops tasks at the points START and END.  The callback
 *		invalidate_range_start() is the point START: the core calls it
 *		after all callbacks of ranges.  The callback
 *		invalidate_range_end() is the point END: the core calls it when
 *		the invalidation is no longer active.
 *   refuser	injects failures for FAIL_NONBLOCK.  The core requires that a
 *		list notifier with a callback invalidate_range_end() does not
 *		fail, so points and refuser are two list notifiers.
 */

#include "private.h"

static void mmun_points_pass(struct mmu_notifier *mn,
			     const struct mmu_notifier_range *mnr,
			     enum mmun_record_type type, enum mmun_point point)
{
	struct mmun_ctx *ctx = container_of(mn, struct mmun_ctx, points.mn);
	bool left;

	/* Pairs with the WRITE_ONCE in mmun_points_use() */
	if (!READ_ONCE(ctx->points_used))
		return;
	left = mmun_non_block_leave();
	mmun_log_point(ctx, type, 0, mnr, 0);
	mmun_point_pass(ctx, point, 0, mnr, 0);
	mmun_non_block_return(left);
}

/* This callback must not fail, because the list notifier has an end, too. */
static int mmun_points_start(struct mmu_notifier *mn,
			     const struct mmu_notifier_range *mnr)
{
	mmun_points_pass(mn, mnr, MMUN_RECORD_START, MMUN_POINT_START);
	return 0;
}

static void mmun_points_end(struct mmu_notifier *mn,
			    const struct mmu_notifier_range *mnr)
{
	mmun_points_pass(mn, mnr, MMUN_RECORD_END, MMUN_POINT_END);
}

static const struct mmu_notifier_ops mmun_points_ops = {
	.invalidate_range_start = mmun_points_start,
	.invalidate_range_end = mmun_points_end,
};

static int mmun_refuser_start(struct mmu_notifier *mn,
			      const struct mmu_notifier_range *mnr)
{
	struct mmun_ctx *ctx = container_of(mn, struct mmun_ctx, refuser.mn);

	if (mmu_notifier_range_blockable(mnr) ||
	    !atomic_add_unless(&ctx->refusals, -1, 0))
		return 0;
	return -EAGAIN;
}

static const struct mmu_notifier_ops mmun_refuser_ops = {
	.invalidate_range_start = mmun_refuser_start,
};

static void mmun_list_notifiers_init(struct mmun_ctx *ctx)
{
	ctx->points.mn.ops = &mmun_points_ops;
	ctx->points.ctx = ctx;
	ctx->refuser.mn.ops = &mmun_refuser_ops;
	ctx->refuser.ctx = ctx;
}

/*
 * The core requires mmap_lock for the registration.  Because of mmap_lock, only
 * one task at a time can register the list notifier.  The wait for the lock is
 * killable, because a held task can own the lock.
 */
static int mmun_list_notifier_register_once(struct mmun_list_notifier *ln)
{
	struct mm_struct *mm = ln->ctx->mm;
	int ret = 0;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (!ln->registered) {
		ret = __mmu_notifier_register(&ln->mn, mm);
		/* Pairs with the READ_ONCE in mmun_list_notifier_register() */
		WRITE_ONCE(ln->registered, !ret);
	}
	mmap_write_unlock(mm);
	return ret;
}

/* Register the list notifier, unless it is already registered. */
static int mmun_list_notifier_register(struct mmun_list_notifier *ln)
{
	struct mm_struct *mm = ln->ctx->mm;
	int ret = 0;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	/* Pairs with the WRITE_ONCE in mmun_list_notifier_register_once() */
	if (!READ_ONCE(ln->registered))
		ret = mmun_list_notifier_register_once(ln);
	mmput(mm);
	return ret;
}

/*
 * Register the list notifier of the points for a hold.  From now on the list
 * notifier logs START and END.
 */
static int mmun_points_use(struct mmun_ctx *ctx)
{
	/* Pairs with the READ_ONCE in mmun_points_pass() */
	WRITE_ONCE(ctx->points_used, true);
	return mmun_list_notifier_register(&ctx->points);
}

/* FAIL_NONBLOCK of the list notifier */
static int mmun_list_notifier_refuse(struct mmun_ctx *ctx,
				     struct mmun_fail_nonblock *cmd)
{
	int ret;

	/* Pairs with the WRITE_ONCE in mmun_mm_data_get() and _put() */
	if (READ_ONCE(ctx->mm_data->contexts) > 1)
		return -EBUSY;
	ret = mmun_list_notifier_register(&ctx->refuser);
	if (ret)
		return ret;
	cmd->out_left = atomic_xchg(&ctx->refusals, cmd->count);
	return 0;
}

/*
 * Unregister the list notifiers at the last close.  This function waits until
 * the callbacks of the list notifiers have returned.  The unregistration also
 * works if the mm has exited.
 */
static void mmun_list_notifiers_close(struct mmun_ctx *ctx)
{
	if (ctx->refuser.registered)
		mmu_notifier_unregister(&ctx->refuser.mn, ctx->mm);
	if (ctx->points.registered)
		mmu_notifier_unregister(&ctx->points.mn, ctx->mm);
}
