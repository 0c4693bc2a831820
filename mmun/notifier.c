// SPDX-License-Identifier: GPL-2.0
/*
 * The write side of the collision-retry protocol, which all kinds share: the
 * callback of a range, and the subscription to the core.
 */

#include "private.h"

/*
 * The parts of a callback.  They are __always_inline, because one invalidation
 * can run a million callbacks, and a compiler that optimizes for size would
 * call them.
 */

static __always_inline bool
mmun_callback_is_release(const struct mmun_callback *cb)
{
	return cb->mnr->event == MMU_NOTIFY_RELEASE;
}

static __always_inline void mmun_log_invalidate(const struct mmun_callback *cb,
						u16 flags)
{
	const struct mmu_notifier_range *mnr = cb->mnr;
	struct mmun_range *range = cb->range;
	struct mmun_log *log = &range->ctx->log;
	u64 duration = ktime_get_ns() - cb->start_ns;
	struct mmun_record *record;

	record = mmun_record_begin(log, MMUN_RECORD_INVALIDATE, range->id,
				   cb->start_ns);
	record->duration_ns = duration;
	mmun_record_set_invalidation(record, mnr, cb->cur_seq);
	record->clip_start = max(mnr->start, mmun_range_start(range));
	record->clip_end = min(mnr->end - 1, mmun_range_last(range)) + 1;
	record->flags |= flags;
	mmun_record_end(log);
}

/* Return true if this callback must fail because of FAIL_NONBLOCK. */
static __always_inline bool
mmun_range_inject_failure(struct mmun_range *range,
			  const struct mmu_notifier_range *mnr)
{
	lockdep_assert_held(&range->lock);
	if (mmu_notifier_range_blockable(mnr) || !range->fail_nonblock)
		return false;
	range->fail_nonblock--;
	range->failed++;
	return true;
}

/* Begin the callback: stop at the point ENTER, or at EXIT for RELEASE. */
static __always_inline void mmun_callback_enter(struct mmun_callback *cb)
{
	struct mmun_ctx *ctx = cb->range->ctx;

	cb->logged = mmun_log_enabled(&ctx->log, MMUN_RECORD_INVALIDATE);
	cb->start_ns = cb->logged ? ktime_get_ns() : 0;
	mmun_point_pass(ctx,
			mmun_callback_is_release(cb) ? MMUN_POINT_EXIT :
						       MMUN_POINT_ENTER,
			cb->range->id, cb->mnr, cb->cur_seq);
	mmun_non_block_start(cb->mnr);
}

/* Set the sequence.  Returns false if FAIL_NONBLOCK makes the callback fail. */
static __always_inline bool
mmun_callback_set_seq(const struct mmun_callback *cb)
{
	struct mmun_range *range = cb->range;

	lockdep_assert_held(&range->lock);
	mmu_interval_set_seq(&range->mni, cb->cur_seq);
	/* Pairs with the WRITE_ONCE in mmun_range_unsubscribe() */
	WARN_ON_ONCE(READ_ONCE(range->unsubscribed));
	range->invalidations++;
	return !mmun_range_inject_failure(range, cb->mnr);
}

static __always_inline void mmun_callback_drop(const struct mmun_callback *cb)
{
	if (unlikely(cb->range->policy))
		mmun_policy_apply(cb);
	else
		mmun_shadow_drop(cb->range, cb->mnr->start, cb->mnr->end - 1);
}

/* Log the callback, and stop at the point LEAVE. */
static __always_inline void mmun_callback_leave(const struct mmun_callback *cb,
						u16 flags)
{
	if (cb->logged)
		mmun_log_invalidate(cb, flags);
	mmun_non_block_end(cb->mnr);
	/* Reschedule, because one invalidation can run a million callbacks. */
	if (mmu_notifier_range_blockable(cb->mnr))
		cond_resched();
	if (!mmun_callback_is_release(cb))
		mmun_point_pass(cb->range->ctx, MMUN_POINT_LEAVE, cb->range->id,
				cb->mnr, cb->cur_seq);
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
	struct mmun_callback cb = {
		.range = range,
		.mnr = mnr,
		.cur_seq = cur_seq,
	};
	bool done;

	mmun_callback_enter(&cb);
	spin_lock(&range->lock);
	done = mmun_callback_set_seq(&cb);
	if (done)
		mmun_callback_drop(&cb);
	spin_unlock(&range->lock);
	mmun_callback_leave(&cb, done ? 0 : MMUN_RECORD_FAILED);
	return done;
}

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

/* Insert the interval notifier of a range, which has the callbacks @ops. */
static int mmun_range_subscribe_to(struct mmun_range *range,
				   const struct mmu_interval_notifier_ops *ops)
{
	unsigned long start = mmun_range_start(range);

	return mmun_subscribe(range->ctx, &range->mni, start,
			      mmun_range_last(range) + 1 - start, ops);
}

/*
 * Remove an interval notifier.  Waits until no callback of the interval
 * notifier runs.
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
