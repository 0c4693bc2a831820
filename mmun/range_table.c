// SPDX-License-Identifier: GPL-2.0
/*
 * The ranges of a context by their IDs.  INSERT and REMOVE.
 */

#include "private.h"

static void mmun_range_table_init(struct mmun_range_table *table)
{
	xa_init_flags(&table->ranges, XA_FLAGS_ACCOUNT);
}

/*
 * The table owns one reference to each of its ranges, and its lock makes looking
 * one up and taking another reference one step.
 */
static struct mmun_range *mmun_range_get(struct mmun_ctx *ctx, u32 id)
{
	struct xarray *ranges = &ctx->table.ranges;
	struct mmun_range *range;

	xa_lock(ranges);
	range = xa_load(ranges, id);
	if (range)
		refcount_inc(&range->refs);
	xa_unlock(ranges);
	return range ?: ERR_PTR(-ENOENT);
}

/* The step ends before span @i, and the call with it. */
static void mmun_step_end(struct mmun_step *step, unsigned int i, int ret)
{
	if (i < step->nr) {
		step->nr = i;
		step->ret = ret;
	}
}

/* How many of the spans were copied if @left bytes of @nr spans were not */
static unsigned int mmun_spans_copied(unsigned int nr, unsigned long left)
{
	return nr - DIV_ROUND_UP(left, sizeof(struct mmun_span));
}

static void mmun_step_read(struct mmun_step *step)
{
	unsigned int i;

	i = mmun_spans_copied(step->nr,
			      copy_from_user(step->spans, step->user,
					     step->nr * sizeof(*step->spans)));
	mmun_step_end(step, i, -EFAULT);
	for (i = 0; i < step->nr; i++)
		if (step->spans[i].__reserved)
			mmun_step_end(step, i, -EOPNOTSUPP);
}

/* Make the range of a span and subscribe it.  No ID is used again. */
static int mmun_span_insert(struct mmun_step *step, struct mmun_span *span,
			    struct mmun_range *range)
{
	struct mmun_range_table *table = &step->ctx->table;
	u64 id = atomic64_inc_return(&table->newest_id);
	int ret;

	if (id > U32_MAX || !atomic_add_unless(&table->nr, 1, MMUN_MAX_RANGES))
		return -ENOSPC;
	span->id = id;
	mmun_range_init(range, step->ctx, step->kind, span);
	ret = mmun_range_subscribe(range);
	if (ret)
		atomic_dec(&table->nr);
	return ret;
}

/* mm_users is held here only: while it is, the mm cannot exit. */
static void mmun_step_create(struct mmun_step *step)
{
	bool alive = mmget_not_zero(step->ctx->mm);
	unsigned int i, nr = step->nr;
	int ret;

	if (!alive)
		mmun_step_end(step, 0, -ESRCH);
	for (i = 0; i < step->nr; i++) {
		ret = mmun_span_insert(step, &step->spans[i], step->ranges[i]);
		if (ret)
			mmun_step_end(step, i, ret);
	}
	if (alive)
		mmput(step->ctx->mm);
	mmun_ranges_free(&step->ranges[step->nr], nr - step->nr);
}

/* Remove the ranges from @first on up to @end, exclusive. */
static void mmun_step_destroy(struct mmun_step *step, unsigned int first,
			      unsigned int end)
{
	struct mmun_range **ranges = &step->ranges[first];
	unsigned int i, nr = 0;

	for (i = first; i < end; i++)
		if (mmun_range_unsubscribe(step->ranges[i]))
			ranges[nr++] = step->ranges[i];
	mmun_ranges_free(ranges, nr);
}

/* Make the IDs known to other calls; returns how many. */
static unsigned int mmun_step_publish(struct mmun_step *step)
{
	XA_STATE(xas, &step->ctx->table.ranges, 0);
	unsigned int i = 0;

	do {
		xas_lock(&xas);
		for (; i < step->nr; i++) {
			xas_set(&xas, step->spans[i].id);
			xas_store(&xas, step->ranges[i]);
			if (xas_error(&xas))
				break;
		}
		xas_unlock(&xas);
	} while (xas_nomem(&xas, MMUN_GFP));
	return i;
}

/* A range whose ID cannot be written or published goes again. */
static void mmun_step_insert(struct mmun_step *step)
{
	unsigned int i, made;

	if (!mmun_ranges_alloc(step->ranges, step->nr))
		mmun_step_end(step, 0, -ENOMEM);
	mmun_step_create(step);
	made = step->nr;
	i = mmun_spans_copied(made, copy_to_user(step->user, step->spans,
						 made * sizeof(*step->spans)));
	mmun_step_end(step, i, -EFAULT);
	mmun_step_end(step, mmun_step_publish(step), -ENOMEM);
	mmun_step_destroy(step, step->nr, made);
}

/* Find the range with that ID; IDs that follow each other are often in one node. */
static struct mmun_range *mmun_xas_find(struct xa_state *xas, u32 id)
{
	if (id == xas->xa_index + 1)
		return xas_next_entry(xas, id);
	xas_set(xas, id);
	return xas_load(xas);
}

/* Take the ranges out of the table: no call finds them any more. */
static void mmun_step_withdraw(struct mmun_step *step)
{
	XA_STATE(xas, &step->ctx->table.ranges, 0);
	unsigned int i;

	xas_lock(&xas);
	for (i = 0; i < step->nr; i++) {
		step->ranges[i] = mmun_xas_find(&xas, step->spans[i].id);
		if (step->ranges[i])
			xas_store(&xas, NULL);
		else
			mmun_step_end(step, i, -ENOENT);
	}
	xas_unlock(&xas);
}

static void mmun_step_remove(struct mmun_step *step)
{
	mmun_step_withdraw(step);
	mmun_step_destroy(step, 0, step->nr);
}

/* Step by step, until one ends early.  Returns an error if nothing was done. */
static int mmun_steps(struct mmun_ctx *ctx, u32 kind, u64 spans, u64 count,
		      u64 *done, void (*execute)(struct mmun_step *step))
{
	struct mmun_step *step __free(mmun_object) = NULL;

	if (!count || count > MMUN_MAX_RANGES)
		return -EINVAL;
	step = mmun_alloc(sizeof(*step));
	if (!step)
		return -ENOMEM;
	step->ctx = ctx;
	step->kind = kind;
	step->user = u64_to_user_ptr(spans);
	step->ret = 0;
	for (*done = 0; *done < count && !step->ret; *done += step->nr) {
		step->nr = min_t(u64, count - *done, MMUN_STEP_SPANS);
		step->ret = mmun_resched_killable();
		mmun_step_read(step);
		execute(step);
		step->user += step->nr;
	}
	return *done ? 0 : step->ret;
}

static int mmun_insert(struct mmun_ctx *ctx, struct mmun_insert *cmd)
{
	if (cmd->kind >= ARRAY_SIZE(mmun_kinds))
		return -EOPNOTSUPP;
	return mmun_steps(ctx, cmd->kind, cmd->spans, cmd->count,
			  &cmd->out_done, mmun_step_insert);
}

static int mmun_remove(struct mmun_ctx *ctx, struct mmun_remove *cmd)
{
	if (cmd->__reserved)
		return -EOPNOTSUPP;
	return mmun_steps(ctx, 0, cmd->spans, cmd->count, &cmd->out_done,
			  mmun_step_remove);
}

/* The last close: no other task has the table. */
static void mmun_range_table_close(struct mmun_range_table *table)
{
	struct mmun_range *range;
	unsigned long id;

	xa_for_each(&table->ranges, id, range) {
		if (mmun_range_unsubscribe(range))
			mmun_ranges_free(&range, 1);
		cond_resched();
	}
	xa_destroy(&table->ranges);
}
