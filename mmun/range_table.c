// SPDX-License-Identifier: GPL-2.0
/*
 * The table of ranges, which maps IDs to ranges.  INSERT, REMOVE.
 */

#include "private.h"

static void mmun_range_table_init(struct mmun_range_table *table)
{
	xa_init_flags(&table->ranges, XA_FLAGS_ACCOUNT);
}

/*
 * Return a reference to the range.  While this function holds the lock of the
 * table, the table cannot put its reference to the range.
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

/* Span @nr has failed with the error @ret.  Keep only the spans before @nr. */
static void mmun_group_truncate(struct mmun_span_group *group, u32 nr, int ret)
{
	if (nr < group->nr) {
		group->nr = nr;
		group->ret = ret;
	}
}

/*
 * Drop the spans of the last @left bytes, which copy_from_user() or
 * copy_to_user() did not copy.
 */
static void mmun_group_drop(struct mmun_span_group *group, unsigned long left)
{
	u32 dropped = DIV_ROUND_UP(left, sizeof(*group->spans));

	mmun_group_truncate(group, group->nr - dropped, -EFAULT);
}

static void mmun_group_read(struct mmun_span_group *group)
{
	size_t size = group->nr * sizeof(*group->spans);
	unsigned int i;

	mmun_group_drop(group, copy_from_user(group->spans, group->user, size));
	for (i = 0; i < group->nr; i++)
		if (group->spans[i].__reserved)
			mmun_group_truncate(group, i, -EOPNOTSUPP);
}

/* Initialize the range of span @i and subscribe it.  An ID is never reused. */
static int mmun_group_insert_span(struct mmun_span_group *group, unsigned int i)
{
	struct mmun_range_table *table = &group->ctx->table;
	struct mmun_span *span = &group->spans[i];
	u64 id = atomic64_inc_return(&table->newest_id);
	int ret;

	if (id > U32_MAX || !atomic_add_unless(&table->nr, 1, MMUN_MAX_RANGES))
		return -ENOSPC;
	span->id = id;
	mmun_range_init(group->ranges[i], group, span);
	ret = mmun_range_subscribe(group->ranges[i]);
	if (ret)
		atomic_dec(&table->nr);
	return ret;
}

/*
 * Subscribe the range of each span, and free the ranges whose spans failed.
 * The mm cannot exit during an insertion, because this function holds a
 * reference on mm_users.
 */
static void mmun_group_subscribe(struct mmun_span_group *group)
{
	bool alive = mmget_not_zero(group->ctx->mm);
	unsigned int i, nr = group->nr;
	int ret;

	if (!alive)
		mmun_group_truncate(group, 0, -ESRCH);
	for (i = 0; i < group->nr; i++) {
		ret = mmun_group_insert_span(group, i);
		if (ret)
			mmun_group_truncate(group, i, ret);
	}
	if (alive)
		mmput(group->ctx->mm);
	mmun_ranges_free(&group->ranges[group->nr], nr - group->nr);
}

/* Unsubscribe the ranges [first, end) of the group. */
static void mmun_group_unsubscribe(struct mmun_span_group *group,
				   unsigned int first, unsigned int end)
{
	struct mmun_range **ranges = &group->ranges[first];
	unsigned int i, nr = 0;

	for (i = first; i < end; i++)
		if (mmun_range_unsubscribe(group->ranges[i]))
			ranges[nr++] = group->ranges[i];
	mmun_ranges_free(ranges, nr);
}

/* Add the ranges to the table.  Returns the number of ranges added. */
static unsigned int mmun_group_publish(struct mmun_span_group *group)
{
	XA_STATE(xas, &group->ctx->table.ranges, 0);
	unsigned int i = 0;

	do {
		xas_lock(&xas);
		for (; i < group->nr; i++) {
			xas_set(&xas, group->spans[i].id);
			xas_store(&xas, group->ranges[i]);
			if (xas_error(&xas))
				break;
		}
		xas_unlock(&xas);
	} while (xas_nomem(&xas, MMUN_GFP));
	return i;
}

/*
 * Insert a range for each span of the group.  If the ID of a range cannot be
 * copied to user space, or if the table has no memory for the range, remove the
 * range again.
 */
static void mmun_group_insert(struct mmun_span_group *group)
{
	unsigned int inserted;

	if (!mmun_ranges_alloc(group->ranges, group->nr))
		mmun_group_truncate(group, 0, -ENOMEM);
	mmun_group_subscribe(group);
	inserted = group->nr;
	mmun_group_drop(group, copy_to_user(group->user, group->spans,
					    inserted * sizeof(*group->spans)));
	mmun_group_truncate(group, mmun_group_publish(group), -ENOMEM);
	mmun_group_unsubscribe(group, group->nr, inserted);
}

/*
 * Find the range of an ID.  Consecutive IDs are usually in the same xarray
 * node, where xas_next_entry() is fast.
 */
static struct mmun_range *mmun_xas_load(struct xa_state *xas, u32 id)
{
	if (id == xas->xa_index + 1)
		return xas_next_entry(xas, id);
	xas_set(xas, id);
	return xas_load(xas);
}

/* Take the ranges out of the table, so that no other call can find them. */
static void mmun_group_withdraw(struct mmun_span_group *group)
{
	XA_STATE(xas, &group->ctx->table.ranges, 0);
	unsigned int i;

	xas_lock(&xas);
	for (i = 0; i < group->nr; i++) {
		group->ranges[i] = mmun_xas_load(&xas, group->spans[i].id);
		if (group->ranges[i])
			xas_store(&xas, NULL);
		else
			mmun_group_truncate(group, i, -ENOENT);
	}
	xas_unlock(&xas);
}

static void mmun_group_remove(struct mmun_span_group *group)
{
	mmun_group_withdraw(group);
	mmun_group_unsubscribe(group, 0, group->nr);
}

/*
 * Run @execute for each group of spans, until a span fails.  @insert has the
 * arguments of INSERT, and is NULL for REMOVE.  After a fatal signal, the
 * function runs @execute for one more group.  Returns an error only if no span
 * succeeded.
 */
static int mmun_groups_execute(struct mmun_ctx *ctx,
			       const struct mmun_insert *insert, u64 spans,
			       u64 count, u64 *done,
			       void (*execute)(struct mmun_span_group *group))
{
	struct mmun_span_group *group __free(mmun_object) = NULL;

	if (!count || count > MMUN_MAX_RANGES)
		return -EINVAL;
	group = mmun_alloc(sizeof(*group));
	if (!group)
		return -ENOMEM;
	group->ctx = ctx;
	if (insert) {
		group->kind = mmun_kinds[insert->kind];
		group->policy = insert->policy;
	}
	group->user = u64_to_user_ptr(spans);
	group->ret = 0;
	for (*done = 0; *done < count && !group->ret; *done += group->nr) {
		group->nr = min_t(u64, count - *done, MMUN_GROUP_SPANS);
		group->ret = mmun_resched_killable();
		mmun_group_read(group);
		execute(group);
		group->user += group->nr;
	}
	return *done ? 0 : group->ret;
}

static int mmun_insert(struct mmun_ctx *ctx, struct mmun_insert *cmd)
{
	if (cmd->__reserved || !mmun_kind_is_known(cmd->kind) ||
	    (cmd->policy & ~MMUN_POLICY_ALL) ||
	    (cmd->policy && !mmun_kinds[cmd->kind]->coherent))
		return -EOPNOTSUPP;
	return mmun_groups_execute(ctx, cmd, cmd->spans, cmd->count,
				   &cmd->out_done, mmun_group_insert);
}

static int mmun_remove(struct mmun_ctx *ctx, struct mmun_remove *cmd)
{
	if (cmd->__reserved)
		return -EOPNOTSUPP;
	return mmun_groups_execute(ctx, NULL, cmd->spans, cmd->count,
				   &cmd->out_done, mmun_group_remove);
}

/* Unsubscribe all ranges at the last close. */
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
