// SPDX-License-Identifier: GPL-2.0
/*
 * PROBE and SUBSCRIPTION: what the core's own bookkeeping says.
 */

/*
 * Where the probes are: the end of an invalidation is exclusive and at most
 * ULONG_MAX, so none meets the last byte, not even the one of RELEASE.
 */
#define MMUN_PROBE_ADDR	ULONG_MAX

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

static bool mmun_in_tree(const struct mmu_interval_notifier *mni)
{
	/* The core writes it under its own lock. */
	return !data_race(RB_EMPTY_NODE(&mni->interval_tree.rb));
}

/* Its insert waits for the end of all invalidations that are active. */
static bool mmun_probe_deferred(const struct mmun_probe_node *probe)
{
	return !mmun_in_tree(&probe->mni);
}

static unsigned long mmun_probe_seq(const struct mmun_probe_node *probe)
{
	/* Pairs with the WRITE_ONCE in mmu_interval_set_seq() */
	return READ_ONCE(probe->mni.invalidate_seq);
}

static void mmun_probe_init(struct mmun_ctx *ctx)
{
	mutex_init(&ctx->probe_mutex);
	INIT_LIST_HEAD(&ctx->probes);
}

static struct mmun_probe_node *mmun_probe_last(struct mmun_ctx *ctx)
{
	lockdep_assert_held(&ctx->probe_mutex);
	if (list_empty(&ctx->probes))
		return NULL;
	return list_last_entry(&ctx->probes, struct mmun_probe_node, node);
}

/*
 * Insert one more.  Does not wait for invalidations.  The close has as many left
 * as all calls had.
 */
static struct mmun_probe_node *mmun_probe_insert(struct mmun_ctx *ctx,
						 bool closing)
{
	u32 limit = closing ? 2 * MMUN_MAX_PROBES : MMUN_MAX_PROBES;
	struct mmun_probe_node *probe;
	int ret;

	lockdep_assert_held(&ctx->probe_mutex);
	if (ctx->nr_probes >= limit)
		return ERR_PTR(-ENOSPC);
	probe = mmun_alloc(sizeof(*probe));
	if (!probe)
		return ERR_PTR(-ENOMEM);
	ret = mmun_subscribe(ctx, &probe->mni, MMUN_PROBE_ADDR, 1,
			     &mmun_probe_ops);
	if (ret) {
		mmun_free(probe);
		return ERR_PTR(ret);
	}
	probe->was_deferred = mmun_probe_deferred(probe);
	list_add_tail(&probe->node, &ctx->probes);
	ctx->nr_probes++;
	return probe;
}

/*
 * Remove them all.  Only when the mm was in balance a moment ago: then this
 * waits for nothing but an invalidation that began since, and which ends.
 */
static void mmun_probe_remove_all(struct mmun_ctx *ctx)
{
	struct mmun_probe_node *probe, *next;

	lockdep_assert_held(&ctx->probe_mutex);
	list_for_each_entry_safe(probe, next, &ctx->probes, node) {
		mmu_interval_notifier_remove(&probe->mni);
		list_del(&probe->node);
		mmun_free(probe);
	}
	ctx->nr_probes = 0;
}

/* Returns whether it is in the tree before the time is over. */
static bool mmun_probe_arrives(const struct mmun_probe_node *probe,
			       unsigned long deadline, bool closing)
{
	while (mmun_probe_deferred(probe)) {
		if (time_after_eq(jiffies, deadline) ||
		    (!closing && fatal_signal_pending(current)))
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
static int mmun_probe_try(struct mmun_ctx *ctx, struct mmun_probe *cmd,
			  unsigned long deadline, bool closing)
{
	struct mmun_probe_node *probe = mmun_probe_last(ctx), *before = NULL;

	/* What was deferred and has arrived: there was a balance since. */
	if (probe && probe->was_deferred && !mmun_probe_deferred(probe)) {
		mmun_probe_remove_all(ctx);
		probe = NULL;
	}
	/* What an earlier call left deferred tells enough as long as it is. */
	if (!probe || !mmun_probe_deferred(probe))
		probe = mmun_probe_insert(ctx, closing);
	if (IS_ERR(probe))
		return PTR_ERR(probe);
	cmd->out_odd = mmun_probe_deferred(probe);
	cmd->out_seq = mmun_probe_seq(probe);
	while (mmun_probe_arrives(probe, deadline, closing)) {
		if (!(mmun_probe_seq(probe) & 1))
			ctx->probes_broken = true;
		if (ctx->probes_broken)
			return 0;
		if (before && mmun_probe_seq(before) == mmun_probe_seq(probe))
			return 1;
		before = probe;
		probe = mmun_probe_insert(ctx, closing);
		if (IS_ERR(probe))
			return PTR_ERR(probe);
	}
	return 0;
}

static int mmun_probe_mm(struct mmun_ctx *ctx, struct mmun_probe *cmd,
			 bool closing)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(cmd->timeout_ms);
	int ret;

	lockdep_assert_held(&ctx->probe_mutex);
	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	ret = mmun_probe_try(ctx, cmd, deadline, closing);
	mmput(ctx->mm);
	if (ret < 0)
		return ret;
	cmd->out_balanced = ret;
	if (ret) {
		cmd->out_odd = 0;
		mmun_probe_remove_all(ctx);
	}
	return 0;
}

/* The module has to stay, for the core still knows its functions. */
static void mmun_probe_abandon(struct mmun_ctx *ctx)
{
	struct mmun_probe_node *probe, *next;

	pr_warn("test_mmun: the invalidations of an mm are not in balance\n");
	__module_get(THIS_MODULE);
	list_for_each_entry_safe(probe, next, &ctx->probes, node)
		list_del(&probe->node);
}

/*
 * The last close.  Of an mm that is gone, or with no memory for one more probe,
 * nothing more can be learned than that the last one got into the tree, or not.
 */
static void mmun_probe_close(struct mmun_ctx *ctx)
{
	struct mmun_probe cmd = { .timeout_ms = 2 * mmun_hold_limit() };
	unsigned long deadline = jiffies + msecs_to_jiffies(cmd.timeout_ms);
	int ret;

	mutex_lock(&ctx->probe_mutex);
	if (list_empty(&ctx->probes))
		goto out_unlock;
	ret = mmun_probe_mm(ctx, &cmd, true);
	if (ret < 0 && !ctx->probes_broken && !list_empty(&ctx->probes) &&
	    mmun_probe_arrives(mmun_probe_last(ctx), deadline, true))
		mmun_probe_remove_all(ctx);
	if (!list_empty(&ctx->probes))
		mmun_probe_abandon(ctx);
out_unlock:
	mutex_unlock(&ctx->probe_mutex);
}

static int mmun_probe(struct mmun_ucmd *ucmd)
{
	struct mmun_probe *cmd = ucmd->cmd;
	struct mmun_ctx *ctx = ucmd->ctx;
	int ret;

	if (cmd->timeout_ms > mmun_hold_limit())
		return -EINVAL;
	if (mutex_lock_interruptible(&ctx->probe_mutex))
		return -EINTR;
	ret = mmun_probe_mm(ctx, cmd, false);
	mutex_unlock(&ctx->probe_mutex);
	return ret ?: mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_subscription(struct mmun_ucmd *ucmd)
{
	struct mmun_subscription *cmd = ucmd->cmd;
	struct mmun_range *range;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	range = mmun_range_get(ucmd->ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	/* Pairs with the WRITE_ONCE in mmu_interval_set_seq() */
	cmd->out_seq = READ_ONCE(range->mni.invalidate_seq);
	cmd->out_in_tree = mmun_in_tree(&range->mni);
	mmun_range_put(range);
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}
