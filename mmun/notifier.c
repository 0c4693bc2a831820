// SPDX-License-Identifier: GPL-2.0
/*
 * The write side of the collision-retry protocol: the callback of a range, and
 * the subscription.
 */

#include "private.h"

static void mmun_log_invalidate(struct mmun_range *range,
				const struct mmu_notifier_range *mnr,
				unsigned long cur_seq, u64 start_ns, bool done)
{
	struct mmun_log *log = &range->ctx->log;
	u64 duration = ktime_get_ns() - start_ns;
	struct mmun_record *record;

	record = mmun_record_begin(log, MMUN_RECORD_INVALIDATE, range->id,
				   start_ns);
	record->duration_ns = duration;
	mmun_record_set_invalidation(record, mnr, cur_seq);
	record->clip_start = max(mnr->start, mmun_range_start(range));
	record->clip_end = min(mnr->end - 1, mmun_range_last(range)) + 1;
	if (!done)
		record->flags |= MMUN_RECORD_FAILED;
	mmun_record_end(log);
}

/* Return true if this callback must fail because of FAIL_NONBLOCK. */
static bool mmun_range_inject_failure(struct mmun_range *range,
				      const struct mmu_notifier_range *mnr)
{
	lockdep_assert_held(&range->lock);
	if (mmu_notifier_range_blockable(mnr) || !range->fail_nonblock)
		return false;
	range->fail_nonblock--;
	range->failed++;
	return true;
}

/*
 * The callback of a range.  The callback sets the sequence and drops the shadow
 * entries under the update lock, as the collision-retry protocol requires.  The
 * callback returns false only to inject a failure, and only if the invalidation
 * must not block.
 */
static bool mmun_invalidate(struct mmu_interval_notifier *mni,
			    const struct mmu_notifier_range *mnr,
			    unsigned long cur_seq)
{
	struct mmun_range *range = container_of(mni, struct mmun_range, mni);
	struct mmun_ctx *ctx = range->ctx;
	bool logged = mmun_log_enabled(&ctx->log, MMUN_RECORD_INVALIDATE);
	bool blockable = mmu_notifier_range_blockable(mnr);
	/*
	 * The core calls non_block_start() only for list notifiers.  On
	 * PREEMPT_RT a spinlock can sleep and would cause a warning.
	 */
	bool mark_non_block = !blockable && !IS_ENABLED(CONFIG_PREEMPT_RT);
	bool is_release = mnr->event == MMU_NOTIFY_RELEASE;
	u64 start_ns = logged ? ktime_get_ns() : 0;
	bool done;

	mmun_point_pass(ctx, is_release ? MMUN_POINT_EXIT : MMUN_POINT_ENTER,
			range->id, mnr, cur_seq);
	if (mark_non_block)
		non_block_start();

	spin_lock(&range->lock);
	mmu_interval_set_seq(mni, cur_seq);
	/* Pairs with the WRITE_ONCE in mmun_range_unsubscribe() */
	WARN_ON_ONCE(READ_ONCE(range->unsubscribed));
	range->invalidations++;
	done = !mmun_range_inject_failure(range, mnr);
	if (done)
		mmun_shadow_drop(range, mnr->start, mnr->end - 1);
	spin_unlock(&range->lock);

	if (logged)
		mmun_log_invalidate(range, mnr, cur_seq, start_ns, done);
	if (mark_non_block)
		non_block_end();
	/* Reschedule, because one invalidation can run a million callbacks. */
	if (blockable)
		cond_resched();
	if (!is_release)
		mmun_point_pass(ctx, MMUN_POINT_LEAVE, range->id, mnr, cur_seq);
	return done;
}

static const struct mmu_interval_notifier_ops mmun_interval_notifier_ops = {
	.invalidate = mmun_invalidate,
};

/*
 * Insert an interval notifier.  The first insertion into an mm requires
 * mmap_lock for writing, which a held task can own.  The core would ignore
 * signals while it waits for mmap_lock.  Therefore this function takes
 * mmap_lock itself, and a fatal signal ends the wait.
 */
static int mmun_subscribe(struct mmun_ctx *ctx,
			  struct mmu_interval_notifier *mni,
			  unsigned long start, unsigned long length,
			  const struct mmu_interval_notifier_ops *ops)
{
	struct mm_struct *mm = ctx->mm;
	int ret;

	if (READ_ONCE(ctx->mm_data->has_subscriptions))
		return mmu_interval_notifier_insert(mni, mm, start, length,
						    ops);
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = mmu_interval_notifier_insert_locked(mni, mm, start, length, ops);
	mmap_write_unlock(mm);
	if (!ret)
		WRITE_ONCE(ctx->mm_data->has_subscriptions, true);
	return ret;
}

/*
 * Remove an interval notifier.  Waits until no callback of the interval notifier
 * runs.
 *
 * If the mm is abandoned, the core would wait for ever.  No task can call the
 * interval notifier again, so only put the reference to the mm that the
 * insertion took.  The core frees the interval tree without a look at the tree.
 */
static void mmun_unsubscribe(struct mmun_ctx *ctx,
			     struct mmu_interval_notifier *mni)
{
	if (ctx->mm_abandoned)
		mmdrop(mni->mm);
	else
		mmu_interval_notifier_remove(mni);
}
