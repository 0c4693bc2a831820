// SPDX-License-Identifier: GPL-2.0
/*
 * Batches: the read side, one step a call.  READ_BEGIN, COLLECT, COMMIT,
 * ABANDON.
 */

#include "private.h"

static void mmun_batch_table_init(struct mmun_batch_table *table)
{
	xa_init_flags(&table->batches, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
}

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

/* The last close: no other task has the table. */
static void mmun_batch_table_close(struct mmun_batch_table *table)
{
	struct mmun_batch *batch;
	unsigned long id;

	xa_for_each(&table->batches, id, batch) {
		mmun_batch_put(batch);
		cond_resched();
	}
	xa_destroy(&table->batches);
}

static struct mmun_batch *mmun_batch_get(struct mmun_ctx *ctx, u32 id)
{
	struct xarray *batches = &ctx->batch_table.batches;
	struct mmun_batch *batch;

	xa_lock(batches);
	batch = xa_load(batches, id);
	if (batch)
		kref_get(&batch->refs);
	xa_unlock(batches);
	return batch ?: ERR_PTR(-ENOENT);
}

/* Take a reference and the mutex: mmun_batch_unlock() releases both. */
static struct mmun_batch *mmun_batch_lock(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_batch *batch = mmun_batch_get(ctx, id);
	int ret = -ENOENT;

	if (IS_ERR(batch))
		return batch;
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
static void mmun_batch_finish(struct mmun_ctx *ctx, u32 id,
			      struct mmun_batch *batch)
{
	lockdep_assert_held(&batch->mutex);
	batch->done = true;
	xa_erase(&ctx->batch_table.batches, id);
	atomic_dec(&ctx->batch_table.nr);
	mmun_batch_put(batch);
}

/* Takes over the reference to @range. */
static struct mmun_batch *mmun_batch_create(struct mmun_range *range)
{
	struct mmun_batch *batch = mmun_alloc(sizeof(*batch));

	if (!batch) {
		mmun_range_put(range);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&batch->refs);
	mutex_init(&batch->mutex);
	INIT_LIST_HEAD(&batch->parts);
	batch->range = range;
	return batch;
}

/* Give the batch an ID, by which other calls find it at once. */
static int mmun_batch_publish(struct mmun_batch_table *table,
			      struct mmun_batch *batch, u32 *id)
{
	int ret = -ENOSPC;

	if (atomic_inc_return(&table->nr) <= MMUN_MAX_BATCHES)
		ret = xa_alloc(&table->batches, id, batch, xa_limit_32b,
			       MMUN_GFP);
	if (ret)
		atomic_dec(&table->nr);
	return ret;
}

static int mmun_read_begin(struct mmun_ctx *ctx, struct mmun_read_begin *cmd)
{
	struct mmun_range *range;
	struct mmun_batch *batch;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	range = mmun_range_get(ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	batch = mmun_batch_create(range);
	if (IS_ERR(batch))
		return PTR_ERR(batch);
	batch->seq = mmun_section_begin(range);
	cmd->out_seq = batch->seq;
	ret = mmun_batch_publish(&ctx->batch_table, batch, &cmd->out_batch);
	if (ret)
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
	ret = mmun_part_fill(range, &batch->seq, part, cmd->method,
			     cmd->flags | MMUN_OWN_LOOP);
	if (ret) {
		mmun_free(part);
		return ret;
	}
	list_add_tail(&part->node, &batch->parts);
	batch->nr_pages += part->nr;
	cmd->out_valid = part->valid;
	return 0;
}

static int mmun_collect(struct mmun_ctx *ctx, struct mmun_collect *cmd)
{
	struct mmun_batch *batch;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ret = mmun_check_collect(cmd->start, cmd->length, cmd->method,
				 cmd->flags, MMUN_WRITE);
	if (ret)
		return ret;
	batch = mmun_batch_lock(ctx, cmd->batch);
	if (IS_ERR(batch))
		return PTR_ERR(batch);
	ret = mmun_batch_collect(batch, cmd);
	mmun_batch_unlock(batch);
	return ret;
}

static int mmun_commit(struct mmun_ctx *ctx, struct mmun_commit *cmd)
{
	struct mmun_batch *batch = mmun_batch_lock(ctx, cmd->batch);
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
		mmun_batch_finish(ctx, cmd->batch, batch);
	if (ret == -EBUSY)
		ret = 0;
out_unlock:
	mmun_batch_unlock(batch);
	return ret;
}

static int mmun_abandon(struct mmun_ctx *ctx, struct mmun_abandon *cmd)
{
	struct mmun_batch *batch = mmun_batch_lock(ctx, cmd->batch);

	if (IS_ERR(batch))
		return PTR_ERR(batch);
	mmun_batch_finish(ctx, cmd->batch, batch);
	mmun_batch_unlock(batch);
	return 0;
}
