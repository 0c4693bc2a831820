// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the naive kinds: ranges without a sequence and without a count of
 * active invalidations, as drivers had them.  Each test steps through a race of
 * these drivers, and shows the stale page.  A range of INTERVAL over the same
 * pages, self->id, does not have the race.
 */
#include "lib/hold.h"

HOLD_FIXTURE(naive)

/* clang-format off */
FIXTURE_VARIANT(naive) { __u32 kind; };
FIXTURE_VARIANT_ADD(naive, interval) { MMUN_KIND_NAIVE };
FIXTURE_VARIANT_ADD(naive, tree)     { MMUN_KIND_NAIVE_TREE };
FIXTURE_VARIANT_ADD(naive, linear)   { MMUN_KIND_NAIVE_LINEAR };
/* clang-format on */

#define insert_naive() \
	mmun_insert_kind(variant->kind, self->map, mmun_pages(RANGE_PAGES))

#define collect_first(_token)                                    \
	EXPECT_EQ(1, mmun_collect(_token, self->map, self->page, \
				  MMUN_METHOD_GUP, 0))

/* Expect that the shadow has an entry of the first page, which is unmapped. */
#define expect_stale(_id)                                               \
	do {                                                            \
		struct mmun_verify __v;                                 \
		if (!mmun_has_feature(self->fd, MMUN_FEATURE_HMM))      \
			break;                                          \
		__v = MMUN_MUST(struct mmun_verify, _mmun_verify, _id); \
		EXPECT_EQ(MMUN_VERIFY_DIFFERS, __v.out_result);         \
		EXPECT_EQ(mmun_u64(self->map), __v.out_addr);           \
		EXPECT_EQ(0, __v.out_pte &MMUN_PAGE_VALID);             \
	} while (0)

/*
 * Expect that the batch publishes its page, although the page was unmapped or
 * will be.
 */
#define expect_stale_commit(_token)                                          \
	do {                                                                 \
		struct mmun_commit __c =                                     \
			MMUN_MUST(struct mmun_commit, _mmun_commit, _token); \
		EXPECT_EQ(0, __c.out_collided);                              \
		EXPECT_EQ(1, __c.out_published);                             \
	} while (0)

/*
 * hfi1 pinned the pages, and inserted them into its tree afterwards.
 *
 *	reader			mutator
 *	collect page 0
 *				start: finds no entry of page 0
 *				end: page 0 is unmapped
 *	commit: publishes page 0
 */
TEST_F(naive, pages_that_are_published_after_the_invalidation_are_stale)
{
	__u32 id = insert_naive();
	struct mmun_token token = mmun_read_begin(id);
	struct mmun_token sound = mmun_read_begin(self->id);

	collect_first(token);
	collect_first(sound);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	EXPECT_EQ(1, mmun_query_range(id).out_invalidations);
	expect_stale_commit(token);
	expect_stale(id);
	EXPECT_EQ(1, mmun_commit(sound));
	expect_shadow(0, false);
}

/*
 * i915 and gntdev searched their ranges only at the start of an invalidation,
 * and nothing told a reader that the invalidation had not ended.
 *
 *	reader			mutator
 *				start: calls the range
 *	collect page 0, which
 *	is still mapped
 *				end: page 0 is unmapped
 *	commit: publishes page 0
 */
TEST_F(naive, pages_that_are_collected_between_start_and_end_are_stale)
{
	__u32 id = insert_naive();
	struct mmun_token token;

	hold_dontneed(0, MMUN_POINT_START, self->id);
	EXPECT_EQ(1, mmun_query_range(id).out_invalidations);
	token = mmun_read_begin(id);
	collect_first(token);
	block_reader();
	end_workers();
	EXPECT_EQ(0, mmun_pagemap(self->map) >> 63);
	expect_stale_commit(token);
	expect_stale(id);
	EXPECT_EQ(0, mmun_commit(self->reader.token));
}

/* The same, and the commit comes before the end, too. */
TEST_F(naive, pages_that_are_published_between_start_and_end_are_stale)
{
	__u32 id = insert_naive();
	struct mmun_token token;

	hold_dontneed(0, MMUN_POINT_START, self->id);
	token = mmun_read_begin(id);
	collect_first(token);
	expect_stale_commit(token);
	end_workers();
	EXPECT_EQ(0, mmun_pagemap(self->map) >> 63);
	expect_stale(id);
}

TEST_F(naive, next_invalidation_drops_the_stale_entry)
{
	__u32 id = insert_naive();
	struct mmun_token token = mmun_read_begin(id);

	mmun_need_feature(MMUN_FEATURE_HMM);
	collect_first(token);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	expect_stale_commit(token);
	mmun_store(self->map, 2);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	EXPECT_EQ(0, mmun_verify(id));
	EXPECT_EQ(2, mmun_query_range(id).out_invalidations);
}

TEST_F(naive, reader_does_not_wait)
{
	__u32 id = insert_naive();
	struct mmun_token token;

	hold_dontneed(0, MMUN_POINT_START, self->id);
	token = mmun_read_begin(id);
	EXPECT_EQ(0, token.seq);
	EXPECT_EQ(1, mmun_query_range(id).out_invalidations);
	EXPECT_EQ(0, mmun_check_retry(id, token.seq));
	EXPECT_EQ(0, mmun_commit(token));
}

/* A stale entry can refer to a page of another process. */
TEST_F(naive, device_may_not_access_the_pages)
{
	__u32 id = insert_naive();

	EXPECT_EQ(1, mmun_snapshot(id, self->map, self->page, MMUN_METHOD_GUP,
				   0, NULL));
	mmun_err_access(EOPNOTSUPP, id, self->map, 1, 0);
	mmun_err_access(EOPNOTSUPP, id, self->map, 1, MMUN_WRITE);
}

TEST_F(naive, every_method_takes_a_snapshot)
{
	__u32 id = insert_naive(), m;

	mmun_need_feature(MMUN_FEATURE_HMM);
	for (m = MMUN_METHOD_HMM_FAULT; m <= MMUN_METHOD_GUP; m++)
		EXPECT_EQ(1,
			  mmun_snapshot(id, self->map, self->page, m, 0, NULL));
	EXPECT_EQ(1, mmun_verify(id));
}

/* Each lookup must find exactly the ranges that the invalidation overlaps. */
TEST_F(naive, lookup_finds_the_ranges_that_overlap)
{
	__u32 before, around, inside, behind;

	before = mmun_insert_kind(variant->kind, self->map, self->page);
	around = insert_naive();
	inside = mmun_insert_kind(variant->kind, mmun_page(1) + 8, 8);
	behind = mmun_insert_kind(variant->kind, mmun_page(2), self->page);
	ASSERT_EQ(0, madvise(mmun_page(1), self->page, MADV_DONTNEED));
	EXPECT_EQ(0, mmun_query_range(before).out_invalidations);
	EXPECT_EQ(1, mmun_query_range(around).out_invalidations);
	EXPECT_EQ(1, mmun_query_range(inside).out_invalidations);
	EXPECT_EQ(0, mmun_query_range(behind).out_invalidations);
	mmun_remove(around);
	ASSERT_EQ(0, madvise(mmun_page(1), mmun_pages(2), MADV_DONTNEED));
	EXPECT_EQ(2, mmun_query_range(inside).out_invalidations);
	EXPECT_EQ(1, mmun_query_range(behind).out_invalidations);
}

MMUN_HARNESS_MAIN
