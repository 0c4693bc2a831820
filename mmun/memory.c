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

/* Cookies: a bijection of the PFN under secrets of this load of the module. */

static u64 mmun_cookie_keys[3] __ro_after_init;

static u64 mmun_cookie(u64 pfn)
{
	u64 x = (pfn ^ mmun_cookie_keys[0]) & MMUN_PAGE_COOKIE_MASK;

	x = (x * mmun_cookie_keys[1]) & MMUN_PAGE_COOKIE_MASK;
	x ^= x >> 24;
	x = (x * mmun_cookie_keys[2]) & MMUN_PAGE_COOKIE_MASK;
	return x ^ x >> 24;
}

/* As user space may see it: nothing of what is not mapped, and no raw PFN. */
static u64 mmun_entry_to_user(u64 entry, bool raw_pfn)
{
	u64 pfn = entry & MMUN_PFN_MASK;

	if (!(entry & MMUN_PAGE_VALID))
		return entry & MMUN_PAGE_ERROR;
	return (entry & ~MMUN_PFN_MASK) | (raw_pfn ? pfn : mmun_cookie(pfn));
}
