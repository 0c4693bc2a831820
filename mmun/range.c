// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges: subscriptions with an ID.  INSERT, REMOVE and their bulk forms,
 * REFUSE, COUNTERS.
 */

static void mmun_range_free(struct kref *refs)
{
	struct mmun_range *range = container_of(refs, struct mmun_range, refs);

	mmun_shadow_free(range);
	mmun_block_release(range);
}

static void mmun_range_put(struct mmun_range *range)
{
	kref_put(&range->refs, mmun_range_free);
}

static struct mmun_range *mmun_range_get(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_range *range;

	xa_lock(&ctx->blocks);
	range = mmun_block_find(ctx, id);
	if (range)
		kref_get(&range->refs);
	xa_unlock(&ctx->blocks);
	return range ?: ERR_PTR(-ENOENT);
}

/* A place with an ID, of which nobody can look anything up yet. */
static struct mmun_range *mmun_range_reserve(struct mmun_ctx *ctx)
{
	struct mmun_range *range;
	int ret = 0;

	while (!ret) {
		xa_lock(&ctx->blocks);
		range = mmun_block_reserve(ctx);
		xa_unlock(&ctx->blocks);
		if (!range)
			ret = mmun_block_add(ctx);
		else if (PTR_ERR(range) != -EBUSY)
			return range;
		cond_resched();
	}
	return ERR_PTR(ret);
}

static struct mmun_range *mmun_range_alloc(struct mmun_ctx *ctx, u32 kind,
					   u64 start, u64 length)
{
	struct mmun_range *range = ERR_PTR(-ENOSPC);

	if (atomic_inc_return(&ctx->nr_ranges) <= MMUN_MAX_RANGES)
		range = mmun_range_reserve(ctx);
	if (IS_ERR(range)) {
		atomic_dec(&ctx->nr_ranges);
		return range;
	}
	/* The place may have had another range before. */
	memset(range, 0, offsetof(struct mmun_range, published));
	kref_init(&range->refs);
	spin_lock_init(&range->lock);
	xa_init_flags(&range->shadow, XA_FLAGS_ACCOUNT);
	range->ctx = ctx;
	range->kind = &mmun_kinds[kind];
	range->removed = false;
	range->gone = false;
	range->mni.interval_tree.start = start;
	/* A length that is wrong is for the core to find. */
	range->mni.interval_tree.last = start + length - 1;
	return range;
}

/*
 * Subscribe; the caller holds mm_users.  The first callback can come before the
 * insert returns, but not before its record.
 */
static int mmun_range_subscribe(struct mmun_range *range)
{
	int ret;

	mmun_log_range(range, MMUN_RECORD_INSERT, 0);
	ret = mmun_interval_insert(range);
	if (ret)
		mmun_log_range(range, MMUN_RECORD_REMOVE, 0);
	return ret;
}

/*
 * Nobody publishes any more, and what is published goes: once the notifier is
 * removed nothing keeps the shadow true.
 */
static void mmun_range_close(struct mmun_range *range)
{
	spin_lock(&range->lock);
	range->removed = true;
	mmun_shadow_drop(range, 0,
			 mmun_range_index(range, mmun_range_last(range)));
	spin_unlock(&range->lock);
}

/*
 * Unsubscribe a range that is in no table.  Waits for the invalidations in
 * flight.  False: the core has it still, so nobody may free it.
 */
static bool mmun_range_unsubscribe(struct mmun_range *range)
{
	mmun_interval_remove(range);

	/* Pairs with the READ_ONCE in mmun_invalidate() */
	WRITE_ONCE(range->gone, true);
	mmun_log_range(range, MMUN_RECORD_REMOVE, 0);
	return !WARN_ON_ONCE(!mmun_interval_is_settled(range));
}

/*
 * Most ranges of a million: no shadow, and nobody to make one.  For the caller has
 * the only reference, and nobody gets another: who takes one has one, or finds the
 * ID, and for that to be found the table has one.
 */
static bool mmun_range_is_bare(struct mmun_range *range)
{
	if (kref_read(&range->refs) > 1)
		return false;
	/* Pairs with the release of the others' puts: what they did is seen. */
	smp_acquire__after_ctrl_dep();
	return xa_empty(&range->shadow);
}

/*
 * A subscribed range with a reserved ID, or an error and nothing left.  The
 * caller holds mm_users, and only meanwhile, or the mm could never exit.
 */
static struct mmun_range *mmun_range_create(struct mmun_ctx *ctx, u32 kind,
					    u64 start, u64 length)
{
	struct mmun_range *range = mmun_range_alloc(ctx, kind, start, length);
	int ret;

	if (IS_ERR(range))
		return range;
	ret = mmun_range_subscribe(range);
	if (!ret)
		return range;
	atomic_dec(&ctx->nr_ranges);
	mmun_range_put(range);
	return ERR_PTR(ret);
}

/* Undo mmun_range_create(), after it was withdrawn if it was published. */
static void mmun_range_destroy(struct mmun_range *range)
{
	bool bare = mmun_range_is_bare(range);

	if (!bare)
		mmun_range_close(range);
	if (!mmun_range_unsubscribe(range))
		return;
	atomic_dec(&range->ctx->nr_ranges);
	if (bare)
		mmun_block_release(range);
	else
		mmun_range_put(range);
}

static void mmun_block_close(struct mmun_ctx *ctx, struct mmun_block *block)
{
	u32 i, number = block->number;

	/* Or its last range would take it along. */
	ctx->next_range = number * MMUN_BLOCK_RANGES;
	for (i = 0; i < MMUN_BLOCK_RANGES; i++)
		if (block->ranges[i].published)
			mmun_range_destroy(&block->ranges[i]);
	/* Now it goes, unless there is a range that the core still has. */
	ctx->next_range += MMUN_BLOCK_RANGES;
	mmun_block_reap(ctx, number);
}

/* The last close: nobody else has the ranges, and none is half made. */
static void mmun_ranges_close(struct mmun_ctx *ctx)
{
	struct mmun_block *block;
	unsigned long number;

	xa_for_each(&ctx->blocks, number, block) {
		mmun_block_close(ctx, block);
		cond_resched();
	}
}

/*
 * Whether all of [start, start + length) is in pages that the range touches.
 * The last page of the address space is no page: its end would be 0.
 */
static bool mmun_range_has_pages(const struct mmun_range *range, u64 start,
				 u64 length)
{
	u64 end = start + length;

	return start >= (mmun_range_start(range) & PAGE_MASK) && end > start &&
	       end - 1 <= (mmun_range_last(range) | ~PAGE_MASK);
}

/* Make the IDs known. */
static void mmun_ranges_publish(struct mmun_ctx *ctx,
				struct mmun_range *const *ranges, u64 nr)
{
	u64 i;

	xa_lock(&ctx->blocks);
	for (i = 0; i < nr; i++)
		ranges[i]->published = true;
	xa_unlock(&ctx->blocks);
}

static int mmun_insert(struct mmun_ucmd *ucmd)
{
	struct mmun_insert *cmd = ucmd->cmd;
	struct mmun_ctx *ctx = ucmd->ctx;
	struct mmun_range *range;
	int ret;

	if (cmd->flags || cmd->kind >= ARRAY_SIZE(mmun_kinds))
		return -EOPNOTSUPP;
	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	range = mmun_range_create(ctx, cmd->kind, cmd->start, cmd->length);
	mmput(ctx->mm);
	if (IS_ERR(range))
		return PTR_ERR(range);
	cmd->out_id = range->id;
	ret = mmun_ucmd_respond(ucmd, sizeof(*cmd));
	if (ret)
		mmun_range_destroy(range);
	else
		mmun_ranges_publish(ctx, &range, 1);
	return ret;
}

static int mmun_remove(struct mmun_ucmd *ucmd)
{
	struct mmun_remove *cmd = ucmd->cmd;
	struct mmun_ctx *ctx = ucmd->ctx;
	struct mmun_range *range;

	xa_lock(&ctx->blocks);
	range = mmun_block_withdraw(ctx, cmd->id);
	xa_unlock(&ctx->blocks);
	if (!range)
		return -ENOENT;
	mmun_range_destroy(range);
	return 0;
}

/**
 * struct mmun_step - a part of a bulk call
 * @ctx: the context
 * @kind: INSERT: enum mmun_kind
 * @user: the array of user space, from the first of the step on
 * @nr: how many it is about; less when one is found that cannot be
 * @ret: why that one cannot, or 0
 * @bulk: what @user says
 * @ranges: what it is about
 */
struct mmun_step {
	struct mmun_ctx *ctx;
	u32 kind;
	struct mmun_bulk __user *user;
	u64 nr;
	int ret;
	struct mmun_bulk bulk[MMUN_BULK_STEP];
	struct mmun_range *ranges[MMUN_BULK_STEP];
};

/* The step ends before the one at @i. */
static void mmun_step_stop(struct mmun_step *step, u64 i, int ret)
{
	step->nr = i;
	step->ret = ret;
}

/* If not all can be read, as far as it goes. */
static void mmun_step_read(struct mmun_step *step)
{
	size_t size = sizeof(*step->bulk);
	u64 i;

	if (!copy_from_user(step->bulk, step->user, step->nr * size))
		return;
	for (i = 0; i < step->nr; i++)
		if (copy_from_user(&step->bulk[i], &step->user[i], size))
			mmun_step_stop(step, i, -EFAULT);
}

static struct mmun_range *mmun_step_create_one(struct mmun_step *step,
					       const struct mmun_bulk *bulk,
					       bool has_mm)
{
	if (bulk->__reserved)
		return ERR_PTR(-EOPNOTSUPP);
	if (!has_mm)
		return ERR_PTR(-ESRCH);
	return mmun_range_create(step->ctx, step->kind, bulk->start,
				 bulk->length);
}

static void mmun_step_create(struct mmun_step *step)
{
	struct mm_struct *mm = step->ctx->mm;
	bool has_mm = mmget_not_zero(mm);
	struct mmun_range *range;
	u64 i;

	for (i = 0; i < step->nr; i++) {
		range = mmun_step_create_one(step, &step->bulk[i], has_mm);
		if (IS_ERR(range))
			mmun_step_stop(step, i, PTR_ERR(range));
		else
			step->ranges[i] = range;
	}
	if (has_mm)
		mmput(mm);
}

static void mmun_step_destroy(struct mmun_step *step, u64 first, u64 end)
{
	for (; first < end; first++)
		mmun_range_destroy(step->ranges[first]);
}

/* mm_users is not held here: user space may let a fault wait for ever. */
static void mmun_step_insert(struct mmun_step *step)
{
	u64 i, made;

	mmun_step_create(step);
	made = step->nr;
	for (i = 0; i < step->nr; i++)
		if (put_user(step->ranges[i]->id, &step->user[i].id))
			mmun_step_stop(step, i, -EFAULT);
	mmun_ranges_publish(step->ctx, step->ranges, step->nr);
	mmun_step_destroy(step, step->nr, made);
}

static void mmun_step_withdraw(struct mmun_step *step)
{
	const struct mmun_bulk *bulk = step->bulk;
	struct mmun_ctx *ctx = step->ctx;
	u64 i, nr = step->nr;

	xa_lock(&ctx->blocks);
	for (i = 0; i < nr; i++) {
		if (bulk[i].__reserved) {
			mmun_step_stop(step, i, -EOPNOTSUPP);
			break;
		}
		step->ranges[i] = mmun_block_withdraw(ctx, bulk[i].id);
		if (!step->ranges[i]) {
			mmun_step_stop(step, i, -ENOENT);
			break;
		}
	}
	xa_unlock(&ctx->blocks);
}

static void mmun_step_remove(struct mmun_step *step)
{
	mmun_step_withdraw(step);
	mmun_step_destroy(step, 0, step->nr);
}

/* Between two steps of a long call: 0, or why to stop. */
static int mmun_breathe(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* Step by step, until one stops.  Returns how many were done, or an error. */
static s64 mmun_bulk(struct mmun_step *step, u64 count,
		     void (*execute)(struct mmun_step *step))
{
	u64 done = 0;
	int ret = 0;

	while (done < count && !ret) {
		step->nr = min_t(u64, count - done, MMUN_BULK_STEP);
		step->ret = 0;
		mmun_step_read(step);
		execute(step);
		step->user += step->nr;
		done += step->nr;
		ret = step->ret ?: mmun_breathe();
	}
	return done ?: ret;
}

static s64 mmun_bulk_alloc(struct mmun_ctx *ctx, u32 kind, u64 ranges,
			   u64 count, void (*execute)(struct mmun_step *step))
{
	struct mmun_step *step;
	s64 ret;

	if (!count || count > MMUN_MAX_BULK)
		return -EINVAL;
	step = kmalloc_obj(*step, GFP_KERNEL_ACCOUNT);
	if (!step)
		return -ENOMEM;
	step->ctx = ctx;
	step->kind = kind;
	step->user = u64_to_user_ptr(ranges);
	ret = mmun_bulk(step, count, execute);
	kfree(step);
	return ret;
}

static int mmun_insert_bulk(struct mmun_ucmd *ucmd)
{
	struct mmun_insert_bulk *cmd = ucmd->cmd;
	s64 ret;

	if (cmd->flags || cmd->__reserved ||
	    cmd->kind >= ARRAY_SIZE(mmun_kinds))
		return -EOPNOTSUPP;
	ret = mmun_bulk_alloc(ucmd->ctx, cmd->kind, cmd->ranges, cmd->count,
			      mmun_step_insert);
	if (ret < 0)
		return ret;
	cmd->out_done = ret;
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_remove_bulk(struct mmun_ucmd *ucmd)
{
	struct mmun_remove_bulk *cmd = ucmd->cmd;
	s64 ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ret = mmun_bulk_alloc(ucmd->ctx, 0, cmd->ranges, cmd->count,
			      mmun_step_remove);
	if (ret < 0)
		return ret;
	cmd->out_done = ret;
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_refuse(struct mmun_ucmd *ucmd)
{
	struct mmun_refuse *cmd = ucmd->cmd;
	struct mmun_range *range = mmun_range_get(ucmd->ctx, cmd->id);

	if (IS_ERR(range))
		return PTR_ERR(range);
	spin_lock(&range->lock);
	cmd->out_left = range->refuse;
	range->refuse = cmd->count;
	spin_unlock(&range->lock);
	mmun_range_put(range);
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_counters(struct mmun_ucmd *ucmd)
{
	struct mmun_counters *cmd = ucmd->cmd;
	struct mmun_range *range = mmun_range_get(ucmd->ctx, cmd->id);

	if (IS_ERR(range))
		return PTR_ERR(range);
	spin_lock(&range->lock);
	cmd->out_invalidations = range->invalidations;
	cmd->out_refused = range->refused;
	cmd->out_commits = range->commits;
	cmd->out_collisions = range->collisions;
	spin_unlock(&range->lock);
	mmun_range_put(range);
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}
