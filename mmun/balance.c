// SPDX-License-Identifier: GPL-2.0
/*
 * CHECK_BALANCE: probes, which show whether invalidations are in balance.
 */

#include <linux/delay.h>

#include "private.h"

/*
 * Where the probes are: the end of an invalidation is exclusive and at most
 * ULONG_MAX, so none meets the last byte, not even the one of RELEASE.
 */
#define MMUN_PROBE_ADDR ULONG_MAX

/* If something calls it nevertheless, it does no harm. */
static bool mmun_probe_invalidate(struct mmu_interval_notifier *mni,
				  const struct mmu_notifier_range *mnr,
				  unsigned long cur_seq)
{
	mmu_interval_set_seq(mni, cur_seq);
	return true;
}

static const struct mmu_interval_notifier_ops mmun_probe_ops = {
	.invalidate = mmun_probe_invalidate,
};

/* The insert of the probe waits for the end of all invalidations that are active. */
static bool mmun_probe_is_deferred(const struct mmun_probe *probe)
{
	return !mmun_subscription_in_tree(&probe->mni);
}

static void mmun_probes_init(struct mmun_probes *probes)
{
	mutex_init(&probes->mutex);
	INIT_LIST_HEAD(&probes->list);
}

/* Insert one more.  Does not wait for invalidations. */
static struct mmun_probe *mmun_probe_insert(struct mmun_ctx *ctx)
{
	struct mmun_probe *probe __free(mmun_object) = NULL;
	int ret;

	lockdep_assert_held(&ctx->probes.mutex);
	if (ctx->probes.nr == MMUN_MAX_PROBES)
		return ERR_PTR(-ENOSPC);
	probe = mmun_zalloc(sizeof(*probe));
	if (!probe)
		return ERR_PTR(-ENOMEM);
	ret = mmun_subscribe(ctx, &probe->mni, MMUN_PROBE_ADDR, 1,
			     &mmun_probe_ops);
	if (ret)
		return ERR_PTR(ret);
	probe->was_deferred = mmun_probe_is_deferred(probe);
	list_add_tail(&probe->node, &ctx->probes.list);
	ctx->probes.nr++;
	return no_free_ptr(probe);
}

/* Remove them all, which waits while one of them is being invalidated. */
static void mmun_probes_remove(struct mmun_ctx *ctx)
{
	struct mmun_probe *probe, *next;

	lockdep_assert_held(&ctx->probes.mutex);
	list_for_each_entry_safe(probe, next, &ctx->probes.list, node) {
		mmu_interval_notifier_remove(&probe->mni);
		list_del(&probe->node);
		mmun_free(probe);
	}
	ctx->probes.nr = 0;
}

/* Returns whether it is in the tree before the time is over. */
static bool mmun_probe_wait(const struct mmun_probe *probe,
			    unsigned long deadline)
{
	while (mmun_probe_is_deferred(probe)) {
		if (time_after_eq(jiffies, deadline) ||
		    fatal_signal_pending(current))
			return false;
		usleep_range(50, 500);
	}
	return true;
}

/*
 * Each insert into an mm is one of these, with S the sequence of the mm:
 *
 *	nothing active		in the tree at once, with S - 1 (S is even)
 *	active, S odd		deferred, with S
 *	active, S even		in the tree at once, with S + 1, which S becomes
 *
 * The sequence never goes back, and what is deferred gets into the tree when
 * the last active invalidation ends.  So if one insert follows another, both are
 * in the tree and have the same sequence, then nothing was active either at the
 * second insert or at some time after it.  If the second has another sequence
 * an invalidation came between them, and a third is compared with the second.
 *
 * Returns 1 when balanced, else 0 or an error.
 */
static int mmun_probes_try(struct mmun_ctx *ctx, struct mmun_check_balance *cmd,
			   unsigned long deadline)
{
	struct mmun_probe *probe = NULL;
	unsigned long seq, prev_seq = 0;

	if (!list_empty(&ctx->probes.list))
		probe = list_last_entry(&ctx->probes.list, struct mmun_probe,
					node);
	/* The probe of an earlier call has arrived: there was a balance since. */
	if (probe && probe->was_deferred && !mmun_probe_is_deferred(probe)) {
		mmun_probes_remove(ctx);
		probe = NULL;
	}
	/* A probe that is still deferred shows the state: no second one is needed. */
	if (!probe || !mmun_probe_is_deferred(probe))
		probe = mmun_probe_insert(ctx);
	if (IS_ERR(probe))
		return PTR_ERR(probe);
	cmd->out_odd = mmun_probe_is_deferred(probe);
	cmd->out_seq = mmun_subscription_seq(&probe->mni);
	while (mmun_probe_wait(probe, deadline)) {
		seq = mmun_subscription_seq(&probe->mni);
		if (!(seq & 1))
			ctx->probes.seq_broken = true;
		if (ctx->probes.seq_broken)
			return 0;
		if (seq == prev_seq)
			return 1;
		prev_seq = seq;
		probe = mmun_probe_insert(ctx);
		if (IS_ERR(probe))
			return PTR_ERR(probe);
	}
	return 0;
}

static int mmun_probes_run(struct mmun_ctx *ctx, struct mmun_check_balance *cmd)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(cmd->timeout_ms);
	int ret;

	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	ret = mmun_probes_try(ctx, cmd, deadline);
	mmput(ctx->mm);
	cmd->out_balanced = ret > 0;
	if (ret <= 0)
		return ret;
	cmd->out_odd = 0;
	/* Waits only for an invalidation that began since, and which ends. */
	mmun_probes_remove(ctx);
	return 0;
}

/* Runs in the reaper, which may wait for an invalidation that does not end. */
static void mmun_probes_close(struct mmun_ctx *ctx)
{
	guard(mutex)(&ctx->probes.mutex);
	mmun_probes_remove(ctx);
}

static int mmun_check_balance(struct mmun_ctx *ctx,
			      struct mmun_check_balance *cmd)
{
	int ret;

	if (cmd->timeout_ms > mmun_hold_limit_ms())
		return -EINVAL;
	if (mutex_lock_interruptible(&ctx->probes.mutex))
		return -EINTR;
	ret = mmun_probes_run(ctx, cmd);
	mutex_unlock(&ctx->probes.mutex);
	return ret;
}
