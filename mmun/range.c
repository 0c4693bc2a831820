// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges: subscriptions with an ID.  INSERT, REMOVE and their bulk forms,
 * REFUSE, COUNTERS.
 */

static struct kmem_cache *mmun_range_cache;

static void mmun_range_free(struct kref *refs)
{
	struct mmun_range *range = container_of(refs, struct mmun_range, refs);

	mmun_shadow_free(range);
	kmem_cache_free(mmun_range_cache, range);
	mmun_uncharge(sizeof(*range));
}

static void mmun_range_put(struct mmun_range *range)
{
	kref_put(&range->refs, mmun_range_free);
}

static struct mmun_range *mmun_range_get(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_range *range;

	xa_lock(&ctx->ranges);
	range = xa_load(&ctx->ranges, id);
	if (range)
		kref_get(&range->refs);
	xa_unlock(&ctx->ranges);
	return range ?: ERR_PTR(-ENOENT);
}

/*
 * Take the table's reference.  Nobody finds the ID any more, but it stays
 * reserved.  One that is only reserved is left alone.
 */
static struct mmun_range *mmun_range_take(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_range *range;

	xa_lock(&ctx->ranges);
	range = xa_load(&ctx->ranges, id);
	if (range)
		__xa_store(&ctx->ranges, id, XA_ZERO_ENTRY, GFP_ATOMIC);
	xa_unlock(&ctx->ranges);
	return range ?: ERR_PTR(-ENOENT);
}

static struct mmun_range *mmun_range_alloc(struct mmun_ctx *ctx, u32 kind,
					   u64 start, u64 length)
{
	struct mmun_range *range;

	if (!mmun_charge(sizeof(*range)))
		return ERR_PTR(-ENOSPC);
	range = kmem_cache_zalloc(mmun_range_cache, GFP_KERNEL);
	if (!range) {
		mmun_uncharge(sizeof(*range));
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&range->refs);
	spin_lock_init(&range->lock);
	xa_init_flags(&range->shadow, XA_FLAGS_ACCOUNT);
	range->ctx = ctx;
	range->kind = &mmun_kinds[kind];
	range->start = start;
	/* A length that is wrong is for the core to find. */
	range->last = start + length - 1;
	return range;
}

/* Reserve an ID, of which nobody can look anything up yet. */
static int mmun_range_reserve_id(struct mmun_range *range)
{
	struct mmun_ctx *ctx = range->ctx;
	int ret;

	if (atomic_inc_return(&ctx->nr_ranges) > MMUN_MAX_RANGES) {
		ret = -ENOSPC;
		goto out_dec;
	}
	ret = xa_alloc_cyclic(&ctx->ranges, &range->id, XA_ZERO_ENTRY,
			      xa_limit_32b, &ctx->next_range,
			      GFP_KERNEL_ACCOUNT);
	if (ret >= 0)
		return 0;
out_dec:
	atomic_dec(&ctx->nr_ranges);
	return ret;
}

static void mmun_range_release_id(struct mmun_range *range)
{
	xa_erase(&range->ctx->ranges, range->id);
	atomic_dec(&range->ctx->nr_ranges);
}

/*
 * Subscribe.  mm_users is held only meanwhile, or the mm could never exit.  The
 * first callback can come before the insert returns, but not before its record.
 */
static int mmun_range_subscribe(struct mmun_range *range)
{
	struct mm_struct *mm = range->ctx->mm;
	int ret;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	mmun_log_range(range, MMUN_RECORD_INSERT, 0);
	ret = range->kind->insert(range);
	if (ret)
		mmun_log_range(range, MMUN_RECORD_REMOVE, 0);
	mmput(mm);
	return ret;
}

/*
 * Unsubscribe a range that is in no table.  Waits for the invalidations in
 * flight.  What is published must go first: once the notifier is removed
 * nothing keeps the shadow true.
 */
static void mmun_range_unsubscribe(struct mmun_range *range)
{
	might_sleep();

	spin_lock(&range->lock);
	range->removed = true;
	mmun_shadow_drop(range, 0, mmun_range_index(range, range->last));
	spin_unlock(&range->lock);

	range->kind->remove(range);

	spin_lock(&range->lock);
	range->gone = true;
	spin_unlock(&range->lock);
	mmun_log_range(range, MMUN_RECORD_REMOVE, 0);
}

/* A subscribed range with a reserved ID, or an error and nothing left. */
static struct mmun_range *mmun_range_create(struct mmun_ctx *ctx, u32 kind,
					    u64 start, u64 length)
{
	struct mmun_range *range = mmun_range_alloc(ctx, kind, start, length);
	int ret;

	if (IS_ERR(range))
		return range;
	ret = mmun_range_reserve_id(range);
	if (ret)
		goto out_put;
	ret = mmun_range_subscribe(range);
	if (ret)
		goto out_release_id;
	return range;

out_release_id:
	mmun_range_release_id(range);
out_put:
	mmun_range_put(range);
	return ERR_PTR(ret);
}

/* Make the ID known.  Storing to a reserved slot cannot fail. */
static void mmun_range_publish(struct mmun_range *range)
{
	WARN_ON(xa_store(&range->ctx->ranges, range->id, range, GFP_KERNEL));
}

/* Undo mmun_range_create(), after mmun_range_take() if it was published. */
static void mmun_range_destroy(struct mmun_range *range)
{
	mmun_range_unsubscribe(range);
	mmun_range_release_id(range);
	mmun_range_put(range);
}

/*
 * Whether all of [start, start + length) is in pages that the range touches.
 * The last page of the address space is no page: its end would be 0.
 */
static bool mmun_range_has_pages(const struct mmun_range *range, u64 start,
				 u64 length)
{
	u64 end = start + length;

	return start >= (range->start & PAGE_MASK) && end > start &&
	       end - 1 <= (range->last | ~PAGE_MASK);
}

static int mmun_insert(struct mmun_ucmd *ucmd)
{
	struct mmun_insert *cmd = ucmd->cmd;
	struct mmun_range *range;
	int ret;

	if (cmd->flags || cmd->kind >= ARRAY_SIZE(mmun_kinds))
		return -EOPNOTSUPP;
	range = mmun_range_create(ucmd->ctx, cmd->kind, cmd->start,
				  cmd->length);
	if (IS_ERR(range))
		return PTR_ERR(range);
	cmd->out_id = range->id;
	ret = mmun_ucmd_respond(ucmd, sizeof(*cmd));
	if (ret)
		mmun_range_destroy(range);
	else
		mmun_range_publish(range);
	return ret;
}

static int mmun_remove(struct mmun_ucmd *ucmd)
{
	struct mmun_remove *cmd = ucmd->cmd;
	struct mmun_range *range = mmun_range_take(ucmd->ctx, cmd->id);

	if (IS_ERR(range))
		return PTR_ERR(range);
	mmun_range_destroy(range);
	return 0;
}

static int mmun_bulk_insert_one(struct mmun_ctx *ctx, u32 kind,
				struct mmun_bulk __user *user)
{
	struct mmun_range *range;
	struct mmun_bulk bulk;

	if (copy_from_user(&bulk, user, sizeof(bulk)))
		return -EFAULT;
	if (bulk.__reserved)
		return -EOPNOTSUPP;
	range = mmun_range_create(ctx, kind, bulk.start, bulk.length);
	if (IS_ERR(range))
		return PTR_ERR(range);
	if (put_user(range->id, &user->id)) {
		mmun_range_destroy(range);
		return -EFAULT;
	}
	mmun_range_publish(range);
	return 0;
}

static int mmun_bulk_remove_one(struct mmun_ctx *ctx,
				struct mmun_bulk __user *user)
{
	struct mmun_range *range;
	struct mmun_bulk bulk;

	if (copy_from_user(&bulk, user, sizeof(bulk)))
		return -EFAULT;
	if (bulk.__reserved)
		return -EOPNOTSUPP;
	range = mmun_range_take(ctx, bulk.id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	mmun_range_destroy(range);
	return 0;
}

/* Between two steps of a long call: 0, or why to stop. */
static int mmun_breathe(u64 step)
{
	if (step % MMUN_BULK_STEP)
		return 0;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int mmun_insert_bulk(struct mmun_ucmd *ucmd)
{
	struct mmun_insert_bulk *cmd = ucmd->cmd;
	struct mmun_bulk __user *ranges = u64_to_user_ptr(cmd->ranges);
	int ret = 0;
	u64 i;

	if (cmd->flags || cmd->__reserved ||
	    cmd->kind >= ARRAY_SIZE(mmun_kinds))
		return -EOPNOTSUPP;
	if (!cmd->count || cmd->count > MMUN_MAX_BULK)
		return -EINVAL;
	for (i = 0; i < cmd->count && !ret; i += !ret)
		ret = mmun_breathe(i) ?:
		      mmun_bulk_insert_one(ucmd->ctx, cmd->kind, &ranges[i]);
	if (!i)
		return ret;
	cmd->out_done = i;
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_remove_bulk(struct mmun_ucmd *ucmd)
{
	struct mmun_remove_bulk *cmd = ucmd->cmd;
	struct mmun_bulk __user *ranges = u64_to_user_ptr(cmd->ranges);
	int ret = 0;
	u64 i;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (!cmd->count || cmd->count > MMUN_MAX_BULK)
		return -EINVAL;
	for (i = 0; i < cmd->count && !ret; i += !ret)
		ret = mmun_breathe(i) ?:
		      mmun_bulk_remove_one(ucmd->ctx, &ranges[i]);
	if (!i)
		return ret;
	cmd->out_done = i;
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
