// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks of ranges: the table of their IDs, and their memory.
 */

static struct kmem_cache *mmun_block_cache;

/* The block that has the ID, or NULL. */
static __always_inline struct mmun_block *
mmun_block_get(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_block *block = ctx->block;
	u32 number = id / MMUN_BLOCK_RANGES;

	lockdep_assert_held(&ctx->blocks.xa_lock);
	if (block && block->number == number)
		return block;
	block = xa_load(&ctx->blocks, number);
	ctx->block = block;
	return block;
}

/* The range that can be found under the ID, or NULL. */
static __always_inline struct mmun_range *
mmun_block_find(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_block *block = mmun_block_get(ctx, id);
	struct mmun_range *range;

	if (!block)
		return NULL;
	range = &block->ranges[id % MMUN_BLOCK_RANGES];
	return range->published ? range : NULL;
}

/* Take the table's reference: nobody finds the ID any more.  It stays taken. */
static __always_inline struct mmun_range *
mmun_block_withdraw(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_range *range = mmun_block_find(ctx, id);

	if (range)
		range->published = false;
	return range;
}

/*
 * Free the block with that number if it is empty and not the one to give the
 * next ID.  It may be another one than the caller has emptied.
 */
static void mmun_block_reap(struct mmun_ctx *ctx, u32 number)
{
	struct mmun_block *block;

	xa_lock(&ctx->blocks);
	block = xa_load(&ctx->blocks, number);
	if (block && (atomic_read(&block->used) ||
		      ctx->next_range / MMUN_BLOCK_RANGES == number))
		block = NULL;
	if (block)
		__xa_erase(&ctx->blocks, number);
	if (block == ctx->block)
		ctx->block = NULL;
	xa_unlock(&ctx->blocks);
	if (block)
		kmem_cache_free(mmun_block_cache, block);
}

/* Or NULL.  It is charged when it gets its first range. */
static struct mmun_block *mmun_block_alloc(u32 number)
{
	struct mmun_block *block;
	u32 i;

	block = kmem_cache_alloc(mmun_block_cache, GFP_KERNEL);
	if (!block)
		return NULL;
	block->number = number;
	atomic_set(&block->used, 0);
	for (i = 0; i < MMUN_BLOCK_RANGES; i++) {
		block->ranges[i].published = false;
		block->ranges[i].id = 0;
	}
	return block;
}

/* Make the block to which the next ID belongs. */
static int mmun_block_add(struct mmun_ctx *ctx)
{
	/* Pairs with the WRITE_ONCE in mmun_block_reserve() */
	u32 number = READ_ONCE(ctx->next_range) / MMUN_BLOCK_RANGES;
	struct mmun_block *block = mmun_block_alloc(number);
	int ret;

	if (!block)
		return -ENOMEM;
	ret = xa_insert(&ctx->blocks, number, block, GFP_KERNEL_ACCOUNT);
	if (ret)
		kmem_cache_free(mmun_block_cache, block);
	/* Others may have been through with all of its IDs before it came. */
	mmun_block_reap(ctx, number);
	/* -EBUSY: somebody else has just made it */
	return ret == -EBUSY ? 0 : ret;
}

/* Count a range.  Blocks that have none are not charged, but see mmun_ctx_cost(). */
static bool mmun_block_use(struct mmun_block *block)
{
	if (atomic_inc_return(&block->used) > 1 || mmun_charge(sizeof(*block)))
		return true;
	atomic_dec(&block->used);
	return false;
}

/*
 * Reserve the next ID, which nobody can find yet.  NULL: its block is not there.
 * -EBUSY: that one is taken, look on.
 */
static struct mmun_range *mmun_block_reserve(struct mmun_ctx *ctx)
{
	u32 taken, id = ctx->next_range;
	struct mmun_block *block;
	struct mmun_range *range;

	lockdep_assert_held(&ctx->blocks.xa_lock);
	block = mmun_block_get(ctx, id);
	if (!block)
		return NULL;
	range = &block->ranges[id % MMUN_BLOCK_RANGES];
	/* Pairs with the release in mmun_block_release() */
	taken = smp_load_acquire(&range->id);
	if (!taken && !mmun_block_use(block))
		return ERR_PTR(-ENOSPC);
	if (taken)
		range = ERR_PTR(-EBUSY);
	else
		range->id = id;
	/*
	 * A block that this leaves behind is not empty: whoever empties it frees
	 * it.  Pairs with the READ_ONCE in mmun_block_add().
	 */
	WRITE_ONCE(ctx->next_range, id + 1 ?: 1);
	return range;
}

/* The place is free; the last one takes the block with it. */
static __always_inline void mmun_block_release(struct mmun_range *range)
{
	u32 id = range->id;
	struct mmun_range *first = range - id % MMUN_BLOCK_RANGES;
	struct mmun_block *block = container_of(first, struct mmun_block,
						ranges[0]);
	struct mmun_ctx *ctx = range->ctx;

	if (IS_ENABLED(CONFIG_KASAN))
		memset(range, POISON_FREE, offsetof(struct mmun_range,
						    published));
	/* Pairs with the acquire in mmun_block_reserve() */
	smp_store_release(&range->id, 0);
	if (atomic_dec_and_test(&block->used)) {
		mmun_uncharge(sizeof(*block));
		mmun_block_reap(ctx, id / MMUN_BLOCK_RANGES);
	}
}
