// SPDX-License-Identifier: GPL-2.0
/*
 * Batches.  A batch is a read side critical section with a separate ioctl for
 * each step: READ_BEGIN, COLLECT, and COMMIT or ABANDON.
 */

#include "private.h"

/* Free a batch.  The caller must own the batch. */
static void mmun_batch_free(struct mmun_batch *batch)
{
	struct mmun_part *part, *next;

	list_for_each_entry_safe(part, next, &batch->parts, node) {
		mmun_free(part);
		cond_resched();
	}
	mmun_range_put(batch->range);
	mmun_free(batch);
}

static void mmun_batches_init(struct xarray *batches)
{
	xa_init_flags(batches, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
}

/* Free all batches at the last close, when no call owns a batch. */
static void mmun_batches_close(struct xarray *batches)
{
	struct mmun_batch *batch;
	unsigned long id;

	xa_for_each(batches, id, batch)
		mmun_batch_free(batch);
	xa_destroy(batches);
}

/*
 * Take the batch out of the table, so that no other call can find it.
 * XA_ZERO_ENTRY keeps the ID of the batch in use.  The caller then owns the
 * batch.  The owner puts the batch back with xa_store(), which needs no memory
 * because the ID still has a slot.
 */
static struct mmun_batch *mmun_batch_take(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_batch *batch = xa_load(&ctx->batches, id);

	if (!batch ||
	    xa_cmpxchg(&ctx->batches, id, batch, XA_ZERO_ENTRY, 0) != batch)
		return ERR_PTR(-ENOENT);
	return batch;
}

/* Free the batch and its ID. */
static void mmun_batch_destroy(struct mmun_ctx *ctx, u32 id,
			       struct mmun_batch *batch)
{
	xa_erase(&ctx->batches, id);
	mmun_batch_free(batch);
}

/* Allocate a batch for the range, and begin its critical section. */
static struct mmun_batch *mmun_batch_begin(struct mmun_range *range)
{
	struct mmun_batch *batch __free(mmun_object) =
		mmun_zalloc(sizeof(*batch));
	int ret;

	if (!batch)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&batch->parts);
	ret = mmun_section_begin(range, &batch->seq);
	return ret ? ERR_PTR(ret) : no_free_ptr(batch);
}

static int mmun_read_begin(struct mmun_ctx *ctx, struct mmun_read_begin *cmd)
{
	struct mmun_range *range __free(mmun_range) = NULL;
	struct mmun_batch *batch;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	range = mmun_range_get(ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	batch = mmun_batch_begin(range);
	if (IS_ERR(batch))
		return PTR_ERR(batch);
	batch->range = no_free_ptr(range);
	cmd->out_seq = batch->seq;
	/* As soon as the batch has an ID, other calls can find the batch. */
	ret = xa_alloc(&ctx->batches, &cmd->out_batch, batch,
		       XA_LIMIT(1, MMUN_MAX_BATCHES), MMUN_GFP);
	if (ret)
		mmun_batch_free(batch);
	return ret == -EBUSY ? -ENOSPC : ret;
}

static int mmun_batch_collect(struct mmun_batch *batch,
			      struct mmun_collect *cmd)
{
	struct mmun_part *part __free(mmun_object) = NULL;
	struct mmun_range *range = batch->range;
	int ret;

	if (!mmun_range_covers_pages(range, cmd->start, cmd->length))
		return -ERANGE;
	if (batch->nr_pages + (cmd->length >> PAGE_SHIFT) >
	    MMUN_MAX_BATCH_PAGES)
		return -ENOSPC;
	part = mmun_part_alloc(range, cmd->start, cmd->length);
	if (!part)
		return -ENOMEM;
	ret = mmun_part_fill(range, &batch->seq, part, cmd->method,
			     cmd->flags | MMUN_OWN_LOOP);
	if (ret)
		return ret;
	batch->nr_pages += part->nr;
	cmd->out_valid = part->valid;
	list_add_tail(&no_free_ptr(part)->node, &batch->parts);
	return 0;
}

static int mmun_collect(struct mmun_ctx *ctx, struct mmun_collect *cmd)
{
	struct mmun_batch *batch;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ret = mmun_collect_check_args(cmd->start, cmd->length, cmd->method,
				      cmd->flags, MMUN_WRITE);
	if (ret)
		return ret;
	batch = mmun_batch_take(ctx, cmd->batch);
	if (IS_ERR(batch))
		return PTR_ERR(batch);
	ret = mmun_batch_collect(batch, cmd);
	xa_store(&ctx->batches, cmd->batch, batch, 0);
	return ret;
}

/*
 * Refuse a wrong sequence, because a commit with a wrong sequence could publish
 * pages that were freed.
 */
static int mmun_batch_commit(struct mmun_batch *batch, struct mmun_commit *cmd)
{
	if (cmd->seq != batch->seq)
		return -EINVAL;
	cmd->out_published = 0;
	return mmun_section_commit(batch->range, batch->seq, &batch->parts,
				   &cmd->out_published);
}

static int mmun_commit(struct mmun_ctx *ctx, struct mmun_commit *cmd)
{
	struct mmun_batch *batch = mmun_batch_take(ctx, cmd->batch);
	int ret;

	if (IS_ERR(batch))
		return PTR_ERR(batch);
	ret = mmun_batch_commit(batch, cmd);
	cmd->out_collided = ret == -EBUSY;
	if (!ret || ret == -EBUSY || ret == -ENOENT)
		mmun_batch_destroy(ctx, cmd->batch, batch);
	else
		xa_store(&ctx->batches, cmd->batch, batch, 0);
	return ret == -EBUSY ? 0 : ret;
}

static int mmun_abandon(struct mmun_ctx *ctx, struct mmun_abandon *cmd)
{
	struct mmun_batch *batch = mmun_batch_take(ctx, cmd->batch);

	if (IS_ERR(batch))
		return PTR_ERR(batch);
	mmun_batch_destroy(ctx, cmd->batch, batch);
	return 0;
}
