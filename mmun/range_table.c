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
		kref_get(&range->refs);
	xa_unlock(ranges);
	return range ?: ERR_PTR(-ENOENT);
}

/* Take the range out of the table and destroy it. */
static int mmun_range_remove(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_range *range = xa_erase(&ctx->table.ranges, id);

	if (!range)
		return -ENOENT;
	mmun_range_destroy(range);
	return 0;
}

/* IDs are never used again, so that an ID in the log is unambiguous. */
static u32 mmun_range_table_next_id(struct mmun_range_table *table)
{
	u32 id;

	xa_lock(&table->ranges);
	id = table->newest == U32_MAX ? 0 : ++table->newest;
	xa_unlock(&table->ranges);
	return id;
}

/*
 * Make a subscribed range and publish its ID.  The caller must hold mm_users, and
 * must release it soon: while it is held the mm cannot exit.
 */
static int mmun_range_insert(struct mmun_ctx *ctx, u32 kind,
			     struct mmun_span *span)
{
	struct mmun_range *range;
	int ret;

	span->id = mmun_range_table_next_id(&ctx->table);
	if (!span->id)
		return -ENOSPC;
	range = mmun_range_create(ctx, kind, span);
	if (IS_ERR(range))
		return PTR_ERR(range);
	ret = xa_insert(&ctx->table.ranges, span->id, range,
			GFP_KERNEL_ACCOUNT);
	if (ret)
		mmun_range_destroy(range);
	return ret;
}

/* One element of INSERT.  mm_users is not held over a fault of user space. */
static int mmun_insert_span(struct mmun_ctx *ctx, u32 kind,
			    struct mmun_span __user *user)
{
	struct mmun_span span;
	int ret;

	if (copy_from_user(&span, user, sizeof(span)))
		return -EFAULT;
	if (span.__reserved)
		return -EOPNOTSUPP;
	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	ret = mmun_range_insert(ctx, kind, &span);
	mmput(ctx->mm);
	if (ret || !put_user(span.id, &user->id))
		return ret;
	mmun_range_remove(ctx, span.id);
	return -EFAULT;
}

/* One element of REMOVE. */
static int mmun_remove_span(struct mmun_ctx *ctx, u32 unused,
			    struct mmun_span __user *user)
{
	struct mmun_span span;

	if (copy_from_user(&span, user, sizeof(span)))
		return -EFAULT;
	if (span.__reserved)
		return -EOPNOTSUPP;
	return mmun_range_remove(ctx, span.id);
}

/* Between two steps of a long call: returns 0, or why to stop. */
static int mmun_pause(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* Return how many elements were done, or the error of the first. */
static s64 mmun_execute_spans(struct mmun_ctx *ctx, u32 kind, u64 spans,
			      u64 count,
			      int (*execute)(struct mmun_ctx *ctx, u32 kind,
					     struct mmun_span __user *user))
{
	struct mmun_span __user *user = u64_to_user_ptr(spans);
	u64 done;
	int ret = 0;

	if (!count || count > MMUN_MAX_RANGES)
		return -EINVAL;
	for (done = 0; done < count && !ret;) {
		ret = execute(ctx, kind, &user[done]);
		done += !ret;
		ret = ret ?: mmun_pause();
	}
	return done ?: ret;
}

static int mmun_insert(struct mmun_ctx *ctx, struct mmun_insert *cmd)
{
	s64 ret;

	if (cmd->kind >= ARRAY_SIZE(mmun_kinds))
		return -EOPNOTSUPP;
	ret = mmun_execute_spans(ctx, cmd->kind, cmd->spans, cmd->count,
				 mmun_insert_span);
	if (ret < 0)
		return ret;
	cmd->out_done = ret;
	return 0;
}

static int mmun_remove(struct mmun_ctx *ctx, struct mmun_remove *cmd)
{
	s64 ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ret = mmun_execute_spans(ctx, 0, cmd->spans, cmd->count,
				 mmun_remove_span);
	if (ret < 0)
		return ret;
	cmd->out_done = ret;
	return 0;
}

/* The last close: no other task has the table. */
static void mmun_range_table_close(struct mmun_range_table *table)
{
	struct mmun_range *range;
	unsigned long id;

	xa_for_each(&table->ranges, id, range) {
		mmun_range_destroy(range);
		cond_resched();
	}
	xa_destroy(&table->ranges);
}
