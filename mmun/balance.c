// SPDX-License-Identifier: GPL-2.0
/*
 * CHECK_BALANCE: insert probes to find out whether every invalidation has
 * ended.
 */

#include <linux/delay.h>

#include "private.h"

/*
 * The address of all probes.  The end address of an invalidation is exclusive
 * and at most ULONG_MAX.  Therefore no invalidation hits the last byte of the
 * address space, not even MMU_NOTIFY_RELEASE.
 */
#define MMUN_PROBE_ADDR ULONG_MAX

/*
 * The callback of a probe.  No invalidation should hit a probe.  If an
 * invalidation does hit a probe, this callback does what the collision-retry
 * protocol requires.
 */
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

/* Return whether the insertion of the probe is still deferred. */
static bool mmun_probe_is_deferred(const struct mmun_probe *probe)
{
	return !mmun_subscription_in_tree(&probe->mni);
}

static void mmun_probes_init(struct mmun_probes *probes)
{
	mutex_init(&probes->mutex);
	INIT_LIST_HEAD(&probes->list);
}

/* Insert a new probe.  Does not wait for invalidations. */
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

/*
 * Return whether the last CHECK_BALANCE found an invalidation that has not ended
 * since.  The caller must be the last close, because @probes->mutex is not held.
 */
static bool mmun_probes_unbalanced(const struct mmun_probes *probes)
{
	const struct mmun_probe *last;

	if (list_empty(&probes->list))
		return false;
	last = list_last_entry(&probes->list, struct mmun_probe, node);
	return mmun_probe_is_deferred(last);
}

/*
 * Remove all probes.  If the sequence of the mm is odd, this function waits
 * until no invalidation is active.
 */
static void mmun_probes_remove(struct mmun_ctx *ctx)
{
	struct mmun_probe *probe, *next;

	lockdep_assert_held(&ctx->probes.mutex);
	list_for_each_entry_safe(probe, next, &ctx->probes.list, node) {
		mmun_unsubscribe(ctx, &probe->mni);
		list_del(&probe->node);
		mmun_free(probe);
	}
	ctx->probes.nr = 0;
}

/*
 * Wait until the probe is in the interval tree.  Returns false if the deadline
 * has passed or a fatal signal is pending.
 */
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
 * Return 1 if there was a time without an active invalidation, 0 if no such
 * time was found, or an error.
 *
 * There are three cases for the insertion of a probe.  In the table, S is the
 * sequence of the mm.
 *
 *	no active invalidation	inserted at once with S - 1; S is even
 *	active, S is odd	deferred, with S
 *	active, S is even	inserted at once with S + 1; S becomes S + 1
 *
 * S never decreases.  A deferred probe enters the tree when the last active
 * invalidation ends.
 *
 * Compare two successive probes that are both in the tree.  A probe of the
 * third case has a new sequence, which no earlier probe can have.  If the two
 * probes have the same sequence, the later probe was inserted in the first or
 * second case.  In the first case no invalidation was active when the later
 * probe was inserted.  In the second case no invalidation was active when the
 * later probe entered the tree.  Equal sequences therefore prove that there was
 * a time without an active invalidation.
 *
 * If the sequences differ, an invalidation ran between the two insertions.  In
 * that case, compare the later probe with a new probe, and so on.
 */
static int mmun_probes_try(struct mmun_ctx *ctx, struct mmun_check_balance *cmd,
			   unsigned long deadline)
{
	struct mmun_probe *probe = NULL;
	unsigned long seq, prev_seq = 0;

	if (!list_empty(&ctx->probes.list))
		probe = list_last_entry(&ctx->probes.list, struct mmun_probe,
					node);
	/*
	 * The deferred probe of an earlier call is in the tree now.  No
	 * invalidation was active when that probe entered the tree, so the
	 * removal waits only for later invalidations.
	 */
	if (probe && probe->was_deferred && !mmun_probe_is_deferred(probe)) {
		mmun_probes_remove(ctx);
		probe = NULL;
	}
	/*
	 * If the insertion of the last probe is still deferred, use that probe.
	 */
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
	/*
	 * No invalidation was active, so the removal waits only for later
	 * invalidations.
	 */
	mmun_probes_remove(ctx);
	return 0;
}

/*
 * Remove the probes at the last close.  This function runs in the workqueue,
 * because it waits for ever if an invalidation never ends.
 */
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
