// SPDX-License-Identifier: GPL-2.0
/*
 * Batches: the read side, one step a call.  READ_BEGIN, COLLECT, COMMIT,
 * ABANDON, CHECK_RETRY.
 */

static void mmun_batch_free(struct kref *refs)
{
	struct mmun_batch *batch = container_of(refs, struct mmun_batch, refs);
	struct mmun_part *part, *next;

	list_for_each_entry_safe(part, next, &batch->parts, node) {
		mmun_free(part);
		cond_resched();
	}
	mmun_range_put(batch->range);
	mmun_free(batch);
}

static void mmun_batch_put(struct mmun_batch *batch)
{
	kref_put(&batch->refs, mmun_batch_free);
}

/* Take a reference and the mutex: mmun_batch_unlock() returns both. */
static struct mmun_batch *mmun_batch_lock(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_batch *batch;
	int ret = -ENOENT;

	xa_lock(&ctx->batches);
	batch = xa_load(&ctx->batches, id);
	if (batch)
		kref_get(&batch->refs);
	xa_unlock(&ctx->batches);
	if (!batch)
		return ERR_PTR(-ENOENT);

	if (mutex_lock_interruptible(&batch->mutex)) {
		ret = -EINTR;
		goto out_put;
	}
	if (!batch->done)
		return batch;

	mutex_unlock(&batch->mutex);
out_put:
	mmun_batch_put(batch);
	return ERR_PTR(ret);
}

static void mmun_batch_unlock(struct mmun_batch *batch)
{
	mutex_unlock(&batch->mutex);
	mmun_batch_put(batch);
}

/* Take the batch out of the table; the caller goes on to unlock it. */
static void mmun_batch_finish(struct mmun_ctx *ctx, struct mmun_batch *batch)
{
	lockdep_assert_held(&batch->mutex);
	batch->done = true;
	xa_erase(&ctx->batches, batch->id);
	atomic_dec(&ctx->nr_batches);
	mmun_batch_put(batch);
}

static struct mmun_batch *mmun_batch_create(struct mmun_range *range)
{
	struct mmun_batch *batch = mmun_alloc(sizeof(*batch));

	if (!batch)
		return NULL;
	kref_init(&batch->refs);
	mutex_init(&batch->mutex);
	INIT_LIST_HEAD(&batch->parts);
	kref_get(&range->refs);
	batch->range = range;
	return batch;
}

static int mmun_batch_reserve_id(struct mmun_ctx *ctx, struct mmun_batch *batch)
{
	int ret = -ENOSPC;

	if (atomic_inc_return(&ctx->nr_batches) <= MMUN_MAX_BATCHES)
		ret = xa_alloc(&ctx->batches, &batch->id, XA_ZERO_ENTRY,
			       xa_limit_32b, GFP_KERNEL_ACCOUNT);
	if (ret)
		atomic_dec(&ctx->nr_batches);
	return ret;
}

static int mmun_read_begin(struct mmun_ucmd *ucmd)
{
	struct mmun_read_begin *cmd = ucmd->cmd;
	struct mmun_range *range;
	struct mmun_batch *batch;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	range = mmun_range_get(ucmd->ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	batch = mmun_batch_create(range);
	mmun_range_put(range);
	if (!batch)
		return -ENOMEM;
	ret = mmun_batch_reserve_id(ucmd->ctx, batch);
	if (ret)
		goto out_put;
	batch->seq = mmun_section_begin(batch->range);
	cmd->out_batch = batch->id;
	cmd->out_seq = batch->seq;
	ret = mmun_ucmd_respond(ucmd, sizeof(*cmd));
	if (ret)
		goto out_release_id;
	WARN_ON(xa_store(&ucmd->ctx->batches, batch->id, batch, GFP_KERNEL));
	return 0;

out_release_id:
	xa_erase(&ucmd->ctx->batches, batch->id);
	atomic_dec(&ucmd->ctx->nr_batches);
out_put:
	mmun_batch_put(batch);
	return ret;
}

static int mmun_batch_collect(struct mmun_batch *batch,
			      struct mmun_collect *cmd)
{
	struct mmun_range *range = batch->range;
	struct mmun_part *part;
	int ret;

	if (!mmun_range_has_pages(range, cmd->start, cmd->length))
		return -ERANGE;
	if (batch->nr_pages + (cmd->length >> PAGE_SHIFT) >
	    MMUN_MAX_BATCH_PAGES)
		return -ENOSPC;
	part = mmun_part_alloc(range, cmd->start, cmd->length);
	if (!part)
		return -ENOMEM;
	ret = mmun_part_fill(range, batch->seq, part, cmd->method, cmd->flags);
	if (ret) {
		mmun_free(part);
		return ret;
	}
	list_add_tail(&part->node, &batch->parts);
	batch->nr_pages += part->nr;
	cmd->out_valid = part->valid;
	return 0;
}

static int mmun_collect(struct mmun_ucmd *ucmd)
{
	struct mmun_collect *cmd = ucmd->cmd;
	struct mmun_batch *batch;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ret = mmun_check_collect(cmd->start, cmd->length, cmd->method,
				 cmd->flags, MMUN_WRITE);
	if (ret)
		return ret;
	batch = mmun_batch_lock(ucmd->ctx, cmd->batch);
	if (IS_ERR(batch))
		return PTR_ERR(batch);
	ret = mmun_batch_collect(batch, cmd);
	mmun_batch_unlock(batch);
	return ret ?: mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_commit(struct mmun_ucmd *ucmd)
{
	struct mmun_commit *cmd = ucmd->cmd;
	struct mmun_batch *batch = mmun_batch_lock(ucmd->ctx, cmd->batch);
	int ret = -EINVAL;

	if (IS_ERR(batch))
		return PTR_ERR(batch);
	/* Never an invented sequence: it would publish pages that are freed. */
	if (cmd->seq != batch->seq)
		goto out_unlock;
	cmd->out_published = 0;
	ret = mmun_section_commit(batch->range, batch->seq, &batch->parts,
				  &cmd->out_published);
	cmd->out_collided = ret == -EBUSY;
	if (!ret || ret == -EBUSY || ret == -ENOENT)
		mmun_batch_finish(ucmd->ctx, batch);
	if (ret == -EBUSY)
		ret = 0;
out_unlock:
	mmun_batch_unlock(batch);
	return ret ?: mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_abandon(struct mmun_ucmd *ucmd)
{
	struct mmun_abandon *cmd = ucmd->cmd;
	struct mmun_batch *batch = mmun_batch_lock(ucmd->ctx, cmd->batch);

	if (IS_ERR(batch))
		return PTR_ERR(batch);
	mmun_batch_finish(ucmd->ctx, batch);
	mmun_batch_unlock(batch);
	return 0;
}

static int mmun_check_retry(struct mmun_ucmd *ucmd)
{
	struct mmun_check_retry *cmd = ucmd->cmd;
	struct mmun_range *range;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	range = mmun_range_get(ucmd->ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	cmd->out_retry = range->kind->check_retry(range, cmd->seq);
	mmun_range_put(range);
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}
