// SPDX-License-Identifier: GPL-2.0
/*
 * A range: a subscription, from its birth to its last reference.  FAIL_NONBLOCK,
 * QUERY_RANGE.
 */

#include "private.h"

static struct kmem_cache *mmun_range_cache;

/* What a free range has: a free lock and an empty shadow. */
static void mmun_range_construct(void *object)
{
	struct mmun_range *range = object;

	spin_lock_init(&range->lock);
	xa_init_flags(&range->shadow, XA_FLAGS_ACCOUNT);
}

/*
 * Every range is a slab object of its own, so that KASAN sees each use of one
 * that was freed.  The constructor keeps SLUB from merging the cache with others,
 * and so kmem_cache_destroy() reports what is left in it.
 */
static int mmun_range_cache_create(void)
{
	mmun_range_cache = kmem_cache_create("mmun_range",
					     sizeof(struct mmun_range), 0,
					     SLAB_ACCOUNT,
					     mmun_range_construct);
	return mmun_range_cache ? 0 : -ENOMEM;
}

static void mmun_range_free(struct kref *refs)
{
	struct mmun_range *range = container_of(refs, struct mmun_range, refs);

	mmun_shadow_free(range);
	kmem_cache_free(mmun_range_cache, range);
	atomic_long_dec(&mmun_objects);
}

static void mmun_range_put(struct mmun_range *range)
{
	kref_put(&range->refs, mmun_range_free);
}

static struct mmun_range *mmun_range_alloc(struct mmun_ctx *ctx, u32 kind,
					   const struct mmun_span *span)
{
	struct mmun_range *range;

	range = kmem_cache_alloc(mmun_range_cache, GFP_KERNEL);
	if (!range)
		return ERR_PTR(-ENOMEM);
	atomic_long_inc(&mmun_objects);
	memset(range, 0, offsetof(struct mmun_range, lock));
	kref_init(&range->refs);
	range->ctx = ctx;
	range->kind = &mmun_kinds[kind];
	range->id = span->id;
	range->mni.interval_tree.start = span->start;
	/* The core refuses a length that is wrong. */
	range->mni.interval_tree.last = span->start + span->length - 1;
	return range;
}

/*
 * Subscribe.  The first callback can come before the insert returns, but not
 * before its record.
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
 * Make a range that is subscribed, or return an error and leave nothing behind.
 * The caller must hold mm_users.
 */
static struct mmun_range *mmun_range_create(struct mmun_ctx *ctx, u32 kind,
					    const struct mmun_span *span)
{
	struct mmun_range *range = ERR_PTR(-ENOSPC);
	int ret;

	if (atomic_inc_return(&ctx->table.nr) <= MMUN_MAX_RANGES)
		range = mmun_range_alloc(ctx, kind, span);
	if (IS_ERR(range))
		goto out_uncount;
	ret = mmun_range_subscribe(range);
	if (!ret)
		return range;
	mmun_range_put(range);
	range = ERR_PTR(ret);
out_uncount:
	atomic_dec(&ctx->table.nr);
	return range;
}

/*
 * From here on no call publishes, and what was published is dropped: after the
 * removal of the notifier nothing keeps the shadow true.
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
 * Unsubscribe and release the reference of the table.  Waits for the
 * invalidations in flight.  A range that the core still has must not be freed,
 * nor may its context or the module.
 */
static void mmun_range_destroy(struct mmun_range *range)
{
	mmun_range_close(range);
	mmun_interval_remove(range);
	/* Pairs with the READ_ONCE in mmun_invalidate() */
	WRITE_ONCE(range->gone, true);
	mmun_log_range(range, MMUN_RECORD_REMOVE, 0);
	atomic_dec(&range->ctx->table.nr);
	if (WARN_ON_ONCE(!mmun_interval_is_settled(range)))
		WRITE_ONCE(range->ctx->unsettled, true);
	else
		mmun_range_put(range);
}

/*
 * Return whether all of [start, start + length) is in pages that the range
 * touches.  A walk cannot end after the last page of the address space, whose end
 * is 0.
 */
static bool mmun_range_has_pages(const struct mmun_range *range, u64 start,
				 u64 length)
{
	u64 end = start + length;

	return start >= (mmun_range_start(range) & PAGE_MASK) && end > start &&
	       end - 1 <= (mmun_range_last(range) | ~PAGE_MASK);
}

static int mmun_fail_nonblock(struct mmun_ctx *ctx,
			      struct mmun_fail_nonblock *cmd)
{
	struct mmun_range *range = mmun_range_get(ctx, cmd->id);

	if (IS_ERR(range))
		return PTR_ERR(range);
	spin_lock(&range->lock);
	cmd->out_left = range->fail_nonblock;
	range->fail_nonblock = cmd->count;
	spin_unlock(&range->lock);
	mmun_range_put(range);
	return 0;
}

static int mmun_query_range(struct mmun_ctx *ctx, struct mmun_query_range *cmd)
{
	struct mmun_range *range = mmun_range_get(ctx, cmd->id);

	if (IS_ERR(range))
		return PTR_ERR(range);
	cmd->out_retry = range->kind->check_retry(range, cmd->seq);
	cmd->out_seq = mmun_subscription_seq(&range->mni);
	cmd->out_in_tree = mmun_subscription_in_tree(&range->mni);
	spin_lock(&range->lock);
	cmd->out_invalidations = range->invalidations;
	cmd->out_failed = range->failed;
	cmd->out_commits = range->commits;
	cmd->out_collisions = range->collisions;
	spin_unlock(&range->lock);
	mmun_range_put(range);
	return 0;
}
