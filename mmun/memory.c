// SPDX-License-Identifier: GPL-2.0
/*
 * What user space makes us allocate is charged to one limit for all contexts.
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
