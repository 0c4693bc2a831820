// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges: allocation, references and subscription.  FAIL_NONBLOCK, QUERY_RANGE.
 */

#include "private.h"

static struct kmem_cache *mmun_range_cache;

/*
 * Slab constructor.  When a range is freed, its lock must not be held and its
 * shadow must be empty, as after mmun_range_ctor().
 */
static void mmun_range_ctor(void *object)
{
	struct mmun_range *range = object;

	spin_lock_init(&range->lock);
	xa_init_flags(&range->shadow, XA_FLAGS_ACCOUNT);
}

/*
 * Each range is a separate slab object, so that KASAN detects any use of a
 * range that was freed.  A cache with a constructor is not merged with other
 * caches.  Therefore kmem_cache_destroy() reports each range that was not
 * freed.
 */
static int mmun_range_cache_create(void)
{
	mmun_range_cache = kmem_cache_create("mmun_range",
					     sizeof(struct mmun_range), 0,
					     SLAB_ACCOUNT, mmun_range_ctor);
	return mmun_range_cache ? 0 : -ENOMEM;
}

/*
 * Allocate @nr ranges.  Returns false if there is not enough memory for all
 * ranges.
 */
static bool mmun_ranges_alloc(struct mmun_range **ranges, unsigned int nr)
{
	if (!nr || mmun_memory_is_low() ||
	    !kmem_cache_alloc_bulk(mmun_range_cache, MMUN_GFP, nr,
				   (void **)ranges))
		return false;
	atomic_long_add(nr, &mmun_nr_objects);
	return true;
}

/* Free ranges that have no reference and no shadow. */
static void mmun_ranges_free(struct mmun_range **ranges, unsigned int nr)
{
	if (nr)
		kmem_cache_free_bulk(mmun_range_cache, nr, (void **)ranges);
	atomic_long_sub(nr, &mmun_nr_objects);
}

/*
 * Put a reference.  If this was the last reference, free the shadow and return
 * true.  The caller must then free the range.
 */
static bool mmun_range_unref(struct mmun_range *range)
{
	if (!refcount_dec_and_test(&range->refs))
		return false;
	mmun_shadow_free(range);
	return true;
}

/* Put a reference.  @range may be NULL or an error pointer. */
static void mmun_range_put(struct mmun_range *range)
{
	if (!IS_ERR_OR_NULL(range) && mmun_range_unref(range))
		mmun_ranges_free(&range, 1);
}

static void mmun_range_init(struct mmun_range *range,
			    const struct mmun_span_group *group,
			    const struct mmun_span *span)
{
	/* The constructor has initialized the other fields. */
	memset(range, 0, offsetof(struct mmun_range, lock));
	range->mni.interval_tree.start = span->start;
	/* mmu_interval_notifier_insert() checks the length. */
	range->mni.interval_tree.last = span->start + span->length - 1;
	range->ctx = group->ctx;
	range->kind = group->kind;
	range->policy = group->policy;
	refcount_set(&range->refs, 1);
	range->id = span->id;
}

/*
 * Subscribe the range.  The function logs INSERT before the insertion, because
 * a callback can run before the insertion returns.  The caller must hold a
 * reference on mm_users.
 */
static int mmun_range_subscribe(struct mmun_range *range)
{
	int ret;

	mmun_log_range(range, MMUN_RECORD_INSERT, 0);
	ret = range->kind->insert(range);
	if (ret)
		mmun_log_range(range, MMUN_RECORD_REMOVE, 0);
	return ret;
}

/*
 * Make each later commit fail, and drop the shadow.  After the range is
 * unsubscribed, no callback drops a shadow entry that becomes stale.
 */
static void mmun_range_disable(struct mmun_range *range)
{
	guard(spinlock)(&range->lock);
	range->disabled = true;
	mmun_shadow_drop(range, 0, ULONG_MAX);
}

/*
 * Return whether the core has the range in its list of deferred changes.  The
 * pointer deferred_item.pprev is NULL if the core never deferred a change of
 * the range.  When the core removes the range from that list, hlist_del()
 * poisons the pointer.
 */
static bool mmun_range_is_deferred(const struct mmun_range *range)
{
	struct hlist_node **pprev = READ_ONCE(range->mni.deferred_item.pprev);

	return pprev && pprev != LIST_POISON2;
}

/*
 * Unsubscribe the range and put the reference of the table.  Returns true if
 * the caller must free the range, see mmun_range_unref().  Waits until no
 * callback of the range runs.
 *
 * If a broken core still has the range in its list of deferred changes, the
 * range, its context and the module must not be freed.
 */
static bool mmun_range_unsubscribe(struct mmun_range *range)
{
	mmun_range_disable(range);
	range->kind->remove(range);
	/* Pairs with the READ_ONCE in mmun_invalidate() */
	WRITE_ONCE(range->unsubscribed, true);
	mmun_log_range(range, MMUN_RECORD_REMOVE, 0);
	atomic_dec(&range->ctx->table.nr);
	if (range->ctx->mm_abandoned ||
	    !WARN_ON_ONCE(mmun_range_is_deferred(range)))
		return mmun_range_unref(range);
	WRITE_ONCE(range->ctx->has_deferred, true);
	return false;
}

/*
 * Return whether the range overlaps all pages of [start, start + length).  The
 * last page of the address space is excluded, because its end overflows to 0.
 */
static bool mmun_range_covers_pages(const struct mmun_range *range, u64 start,
				    u64 length)
{
	u64 end = start + length;

	return start >= (mmun_range_start(range) & PAGE_MASK) && end > start &&
	       end - 1 <= (mmun_range_last(range) | ~PAGE_MASK);
}

static int mmun_fail_nonblock(struct mmun_ctx *ctx,
			      struct mmun_fail_nonblock *cmd)
{
	struct mmun_range *range __free(mmun_range) = NULL;

	if (!cmd->id)
		return mmun_list_notifier_refuse(ctx, cmd);
	range = mmun_range_get(ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	if (!range->kind->can_refuse)
		return -EOPNOTSUPP;
	guard(spinlock)(&range->lock);
	cmd->out_left = range->fail_nonblock;
	range->fail_nonblock = cmd->count;
	return 0;
}

static int mmun_query_range(struct mmun_ctx *ctx, struct mmun_query_range *cmd)
{
	struct mmun_range *range __free(mmun_range) =
		mmun_range_get(ctx, cmd->id);

	if (IS_ERR(range))
		return PTR_ERR(range);
	cmd->out_retry =
		range->kind->coherent &&
		mmu_interval_check_retry(mmun_range_clock(range), cmd->seq);
	cmd->out_seq = mmun_subscription_seq(mmun_range_clock(range));
	cmd->out_in_tree = mmun_subscription_in_tree(&range->mni);
	guard(spinlock)(&range->lock);
	cmd->out_invalidations = range->invalidations;
	cmd->out_failed = range->failed;
	cmd->out_commits = range->commits;
	cmd->out_collisions = range->collisions;
	cmd->out_kept = range->kept;
	cmd->out_kept_accesses = range->kept_accesses;
	cmd->out_kept_tables = range->kept_chunks;
	return 0;
}
