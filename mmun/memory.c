// SPDX-License-Identifier: GPL-2.0
/*
 * What user space makes us allocate is charged to one limit for all contexts;
 * and the names that pages have in user space.
 */

static atomic_long_t mmun_used;
static long mmun_limit;

static bool mmun_charge(size_t bytes)
{
	if (atomic_long_add_return(bytes, &mmun_used) <= mmun_limit)
		return true;
	atomic_long_sub(bytes, &mmun_used);
	return false;
}

static void mmun_uncharge(size_t bytes)
{
	atomic_long_sub(bytes, &mmun_used);
}

/* What an array of @bytes costs at most: the allocators round up. */
static size_t mmun_cost(size_t bytes)
{
	return roundup_pow_of_two(bytes);
}

/*
 * Cookies: a bijection of the PFN under secrets of this load of the module, so
 * made that neighbours cost one look.  The upper bits name a block of 512 pages
 * and do not say where it is; the lower bits are those of the PFN, xored with a
 * secret of the block, which cannot be computed from its name.
 */

static u64 mmun_cookie_keys[6] __ro_after_init;

#define MMUN_COOKIE_LOW		(MMUN_CHUNK_PAGES - 1)
#define MMUN_COOKIE_BLOCKS	(MMUN_PAGE_COOKIE_MASK / MMUN_CHUNK_PAGES)

/* The cookie of the first page of a block */
static u64 mmun_cookie_block(u64 block)
{
	u64 name = (block ^ mmun_cookie_keys[0]) & MMUN_COOKIE_BLOCKS;
	u64 low = block ^ mmun_cookie_keys[3];

	name = (name * mmun_cookie_keys[1]) & MMUN_COOKIE_BLOCKS;
	name ^= name >> 20;
	name = (name * mmun_cookie_keys[2]) & MMUN_COOKIE_BLOCKS;
	name ^= name >> 20;
	low *= mmun_cookie_keys[4];
	low ^= low >> 32;
	low *= mmun_cookie_keys[5];
	return name * MMUN_CHUNK_PAGES | low >> 55;
}

/**
 * struct mmun_names - the names of pages, as user space may see them
 * @raw_pfn: they are the PFNs
 * @block: that of the last page, as an entry has it
 * @change: how the names in that block differ from the PFNs, to be xored
 */
struct mmun_names {
	bool raw_pfn;
	u64 block;
	u64 change;
};

static struct mmun_names mmun_names(bool raw_pfn)
{
	return (struct mmun_names){ .raw_pfn = raw_pfn, .block = U64_MAX };
}

static noinline void mmun_names_look(struct mmun_names *names, u64 block)
{
	names->block = block;
	if (!names->raw_pfn)
		names->change = block ^
				mmun_cookie_block(block / MMUN_CHUNK_PAGES);
}

/*
 * An entry as user space may see it: nothing of what is not mapped, and no raw
 * PFN.  Neighbours are often of one block.
 */
static __always_inline u64 mmun_entry_to_user(struct mmun_names *names,
					      u64 entry)
{
	u64 block = entry & MMUN_PFN_MASK & ~MMUN_COOKIE_LOW;

	if (!(entry & MMUN_PAGE_VALID))
		return entry & MMUN_PAGE_ERROR;
	if (block != names->block)
		mmun_names_look(names, block);
	return entry ^ names->change;
}
