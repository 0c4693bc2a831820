// SPDX-License-Identifier: GPL-2.0
/*
 * FLOOR: what the core's own calls cost with nothing round them, as the measure
 * for what the driver adds.
 */

static void mmun_floor_init(struct mmun_floor_set *set)
{
	mutex_init(&set->mutex);
	atomic_long_set(&set->hits, 0);
}

/*
 * As little as the core allows.  Without an update lock: nobody reads, so there
 * is nothing that the sequence must be ordered with.
 */
static bool mmun_floor_invalidate(struct mmu_interval_notifier *mni,
				  const struct mmu_notifier_range *mnr,
				  unsigned long cur_seq)
{
	struct mmun_floor_sub *sub =
		container_of(mni, struct mmun_floor_sub, mni);

	mmu_interval_set_seq(mni, cur_seq);
	atomic_long_inc(&sub->set->hits);
	return true;
}

static const struct mmu_interval_notifier_ops mmun_floor_ops = {
	.invalidate = mmun_floor_invalidate,
};

static int mmun_floor_alloc(struct mmun_floor_set *set, u64 count)
{
	size_t cost = mmun_cost(count * sizeof(*set->subs));

	lockdep_assert_held(&set->mutex);
	if (set->subs)
		return -EBUSY;
	if (!mmun_charge(cost))
		return -ENOSPC;
	set->subs = kvzalloc_objs(*set->subs, count, GFP_KERNEL_ACCOUNT);
	if (!set->subs) {
		mmun_uncharge(cost);
		return -ENOMEM;
	}
	set->cost = cost;
	return 0;
}

static void mmun_floor_free(struct mmun_floor_set *set)
{
	kvfree(set->subs);
	mmun_uncharge(set->cost);
	set->subs = NULL;
	set->first = 0;
	set->nr = 0;
}

/* From the clock's one reading to the other there are the core's calls alone. */
static int mmun_floor_insert_step(struct mmun_ctx *ctx, struct mmun_floor *cmd,
				  u64 nr)
{
	struct mmun_floor_set *set = &ctx->floor;
	u64 start = cmd->start + set->nr * cmd->stride;
	cycles_t began = get_cycles();
	int ret = 0;

	for (; nr && !ret; nr--, start += cmd->stride) {
		struct mmun_floor_sub *sub = &set->subs[set->nr];

		sub->set = set;
		ret = mmu_interval_notifier_insert(&sub->mni, ctx->mm, start,
						   cmd->length,
						   &mmun_floor_ops);
		set->nr += !ret;
	}
	cmd->out_cost += get_cycles() - began;
	return ret;
}

static int mmun_floor_insert(struct mmun_ctx *ctx, struct mmun_floor *cmd)
{
	struct mmun_floor_set *set = &ctx->floor;
	int ret = mmun_floor_alloc(set, cmd->count);

	if (ret)
		return ret;
	while (set->nr < cmd->count && !ret)
		ret = mmun_breathe() ?:
		      mmun_floor_insert_step(ctx, cmd,
					     min(cmd->count - set->nr,
						 (u64)MMUN_BULK_STEP));
	cmd->out_done = set->nr;
	if (set->nr)
		return 0;
	mmun_floor_free(set);
	return ret;
}

static void mmun_floor_remove_step(struct mmun_floor_set *set,
				   struct mmun_floor *cmd)
{
	u64 end = min(set->first + MMUN_BULK_STEP, set->nr);
	cycles_t began = get_cycles();

	cmd->out_done += end - set->first;
	for (; set->first < end; set->first++)
		mmu_interval_notifier_remove(&set->subs[set->first].mni);
	cmd->out_cost += get_cycles() - began;
}

/* In the order of their insertion.  What a signal leaves the close removes. */
static int mmun_floor_remove(struct mmun_ctx *ctx, struct mmun_floor *cmd)
{
	struct mmun_floor_set *set = &ctx->floor;
	int ret = 0;

	if (!set->subs)
		return -ENOENT;
	while (set->first < set->nr && !ret) {
		mmun_floor_remove_step(set, cmd);
		ret = mmun_breathe();
	}
	if (set->first < set->nr)
		return ret;
	mmun_floor_free(set);
	return 0;
}

/*
 * Look at pages that are there, under the first subscription: one walk, as long
 * as it may be.  -EBUSY: the pages were taken away meanwhile.
 */
static int mmun_floor_walk(struct mmun_ctx *ctx, struct mmun_floor *cmd,
			   unsigned long *pages)
{
	struct mmu_interval_notifier *mni =
		&ctx->floor.subs[ctx->floor.first].mni;
	struct hmm_range hmm_range = {
		.notifier = mni,
		.start = cmd->start,
		.end = cmd->start + cmd->length,
		.hmm_pfns = pages,
	};
	cycles_t began = get_cycles();
	int ret;

	hmm_range.notifier_seq = mmu_interval_read_begin(mni);
	if (mmap_read_lock_killable(ctx->mm))
		return -EINTR;
	ret = IS_ENABLED(CONFIG_HMM_MIRROR) ? hmm_range_fault(&hmm_range) :
					      -EOPNOTSUPP;
	mmap_read_unlock(ctx->mm);
	if (!ret && mmu_interval_read_retry(mni, hmm_range.notifier_seq))
		ret = -EBUSY;
	cmd->out_cost = get_cycles() - began;
	return ret;
}

static bool mmun_floor_covers(const struct mmun_floor_set *set,
			      const struct mmun_floor *cmd)
{
	const struct interval_tree_node *tree =
		&set->subs[set->first].mni.interval_tree;

	return cmd->start >= tree->start && cmd->start <= tree->last &&
	       cmd->length - 1 <= tree->last - cmd->start;
}

static int mmun_floor_look(struct mmun_ctx *ctx, struct mmun_floor *cmd)
{
	u64 nr = cmd->length >> PAGE_SHIFT, i;
	size_t cost = mmun_cost(nr * sizeof(u64));
	unsigned long *pages;
	int ret = -ENOMEM;

	if (!ctx->floor.subs)
		return -ENOENT;
	if (!mmun_floor_covers(&ctx->floor, cmd))
		return -ERANGE;
	if (!mmun_charge(cost))
		return -ENOSPC;
	pages = kvzalloc_objs(*pages, nr, GFP_KERNEL_ACCOUNT);
	if (pages)
		ret = mmun_floor_walk(ctx, cmd, pages);
	for (i = 0; i < nr && !ret; i++)
		cmd->out_done += pages[i] >> (BITS_PER_LONG - 1);
	kvfree(pages);
	mmun_uncharge(cost);
	return ret;
}

/* The values, before anything is looked up: what an operation has no use for. */
static int mmun_floor_check(const struct mmun_floor *cmd)
{
	switch (cmd->op) {
	case MMUN_FLOOR_INSERT:
		if (!cmd->count || cmd->count > MMUN_MAX_BULK)
			return -EINVAL;
		return 0;
	case MMUN_FLOOR_REMOVE:
		if (cmd->start || cmd->length || cmd->stride || cmd->count)
			return -EINVAL;
		return 0;
	case MMUN_FLOOR_LOOK:
		if (!IS_ENABLED(CONFIG_HMM_MIRROR))
			return -EOPNOTSUPP;
		if (cmd->stride || cmd->count || !PAGE_ALIGNED(cmd->start) ||
		    !PAGE_ALIGNED(cmd->length) || !cmd->length ||
		    cmd->length >> PAGE_SHIFT > MMUN_MAX_BATCH_PAGES)
			return -EINVAL;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int mmun_floor_execute(struct mmun_ctx *ctx, struct mmun_floor *cmd)
{
	switch (cmd->op) {
	case MMUN_FLOOR_INSERT:
		return mmun_floor_insert(ctx, cmd);
	case MMUN_FLOOR_REMOVE:
		return mmun_floor_remove(ctx, cmd);
	default:
		return mmun_floor_look(ctx, cmd);
	}
}

static int mmun_floor(struct mmun_ucmd *ucmd)
{
	struct mmun_floor *cmd = ucmd->cmd;
	struct mmun_ctx *ctx = ucmd->ctx;
	int ret = mmun_floor_check(cmd);

	if (ret)
		return ret;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	cmd->out_done = 0;
	cmd->out_cost = 0;
	ret = -EINTR;
	if (!mutex_lock_interruptible(&ctx->floor.mutex)) {
		ret = mmun_floor_execute(ctx, cmd);
		cmd->out_hits = atomic_long_read(&ctx->floor.hits);
		mutex_unlock(&ctx->floor.mutex);
	}
	mmput(ctx->mm);
	return ret ?: mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

/* The last close: nobody else has the set, and no signal counts. */
static void mmun_floor_close(struct mmun_ctx *ctx)
{
	struct mmun_floor_set *set = &ctx->floor;
	struct mmun_floor unused = {};

	for (; set->first < set->nr; cond_resched())
		mmun_floor_remove_step(set, &unused);
	if (set->subs)
		mmun_floor_free(set);
}
