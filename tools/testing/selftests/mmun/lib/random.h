/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generates random numbers from a seed by the generator splitmix64.
 */
#ifndef _SELFTESTS_MMUN_RANDOM_H
#define _SELFTESTS_MMUN_RANDOM_H

#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns and prints the seed: MMUN_SEED of the environment, or @otherwise. */
static inline __u64 mmun_seed(__u64 otherwise)
{
	const char *text = getenv("MMUN_SEED");
	__u64 seed = text && *text ? strtoull(text, NULL, 0) : otherwise;

	printf("# MMUN_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

/* Returns a hash of @z: each bit depends on all bits of @z. */
static inline __u64 mmun_mix(__u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Returns the next number of splitmix64. */
static inline __u64 mmun_random(__u64 *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return mmun_mix(*state);
}

/* Returns a number from 0 to @limit - 1. */
static inline __u64 mmun_random_below(__u64 *state, __u64 limit)
{
	return mmun_random(state) % limit;
}

#endif /* _SELFTESTS_MMUN_RANDOM_H */
