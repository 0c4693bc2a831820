// SPDX-License-Identifier: GPL-2.0
/*
 * Tests which ranges one invalidation calls, and which part of the invalidation
 * each callback receives.
 */
#include "lib/mmun.h"
#include "lib/range.h"
#include "lib/watch.h"

/*
 * The operations overlap the ranges in every possible way.  Range 1 begins and
 * ends inside a page.
 *
 *   0   1   2   3   4   5   6   7   8   9  10  11  12  13  14  15
 *                   |--------------range 0--------------|
 *                    |-------------range 1-------------|
 *                   |2                |4|              3|
 */
#define ALIGN_PAGES 16
#define ALIGN_RANGES 5

FIXTURE(event_align)
{
	MMUN_FIXTURE;
	char *op;
	size_t length;
	struct watch watch[ALIGN_RANGES];
};

FIXTURE_VARIANT(event_align)
{
	int first, end; /* pages that the operation works on */
};

FIXTURE_SETUP(event_align)
{
	mmun_setup();
	self->map = mmun_arena_aligned(mmun_pages(ALIGN_PAGES), HUGE_SIZE);
	ASSERT_NE(NULL, self->map);
	ASSERT_NE(NULL, mmun_map_filled(self->map, ALIGN_PAGES));
	self->op = mmun_page(variant->first);
	self->length = mmun_pages(variant->end - variant->first);
	self->watch[0] = watch_range(mmun_page(4), mmun_pages(8));
	self->watch[1] = watch_range(mmun_page(4) + 1, mmun_pages(8) - 2);
	self->watch[2] = watch_range(mmun_page(4), 1);
	self->watch[3] = watch_range(mmun_page(12) - 1, 1);
	self->watch[4] = watch_range(mmun_page(8) - 1, 2);
}

MMUN_FIXTURE_TEARDOWN(event_align)

/* clang-format off */
FIXTURE_VARIANT_ADD(event_align, before)         { .first = 1,  .end = 3 };
FIXTURE_VARIANT_ADD(event_align, touches_before) { .first = 1,  .end = 4 };
FIXTURE_VARIANT_ADD(event_align, overlaps_start) { .first = 2,  .end = 6 };
FIXTURE_VARIANT_ADD(event_align, starts_with)    { .first = 4,  .end = 6 };
FIXTURE_VARIANT_ADD(event_align, inside)         { .first = 6,  .end = 10 };
FIXTURE_VARIANT_ADD(event_align, ends_with)      { .first = 10, .end = 12 };
FIXTURE_VARIANT_ADD(event_align, equals)         { .first = 4,  .end = 12 };
FIXTURE_VARIANT_ADD(event_align, covers_to_end)  { .first = 2,  .end = 12 };
FIXTURE_VARIANT_ADD(event_align, covers_from_start) { .first = 4, .end = 14 };
FIXTURE_VARIANT_ADD(event_align, covers)         { .first = 2,  .end = 14 };
FIXTURE_VARIANT_ADD(event_align, overlaps_end)   { .first = 10, .end = 14 };
FIXTURE_VARIANT_ADD(event_align, touches_after)  { .first = 12, .end = 14 };
FIXTURE_VARIANT_ADD(event_align, after)          { .first = 13, .end = 15 };
/* clang-format on */

/*
 * Expect one callback of each range that the operation overlaps, and no other
 * callback.  Evaluates to the number of callbacks.
 */
#define expect_met(_watch, _event)                                           \
	({                                                                   \
		struct mmun_records __log;                                   \
		const struct watch *__w = _watch;                            \
		int __meets, __total = 0;                                    \
		mmun_read_all(self->fd, &__log);                             \
		for (; __w < &_watch[ARRAY_SIZE(_watch)]; __w++) {           \
			__meets = watch_meets(__w, self->op, self->length);  \
			expect_times(&__log, __meets, __w, _event, self->op, \
				     self->length);                          \
			__total += __meets;                                  \
		}                                                            \
		expect_total(&__log, __total);                               \
	})

#define ALIGN_TEST(_name, _event, _call)                      \
	TEST_F(event_align, _name)                            \
	{                                                     \
		ASSERT_EQ(0, _call);                          \
		expect_met(self->watch, MMUN_EVENT_##_event); \
	}

/* clang-format off */
ALIGN_TEST(munmap_calls_exactly_the_ranges_that_it_overlaps, UNMAP, munmap(self->op, self->length))
ALIGN_TEST(map_fixed_calls_exactly_the_ranges_that_it_overlaps, UNMAP,
	   !mmun_map(self->op, self->length))
ALIGN_TEST(mprotect_calls_exactly_the_ranges_that_it_overlaps, PROTECTION_VMA,
	   mprotect(self->op, self->length, PROT_READ))
ALIGN_TEST(dontneed_calls_exactly_the_ranges_that_it_overlaps, CLEAR,
	   madvise(self->op, self->length, MADV_DONTNEED))
/* clang-format on */

TEST_F(event_align, munmap_over_holes_raises_one_event)
{
	for (int i = variant->first + 1; i < variant->end - 1; i += 2)
		ASSERT_EQ(0, munmap(mmun_page(i), self->page));
	mmun_drain_log(self->fd);
	ASSERT_EQ(0, munmap(self->op, self->length));
	expect_met(self->watch, MMUN_EVENT_UNMAP);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |------------map--------------|
 *               |--op---|
 */
#define PAGES 8

FIXTURE(event_clip)
{
	MMUN_FIXTURE;
	char *op;
	size_t length;
};

FIXTURE_SETUP(event_clip)
{
	mmun_setup_filled(PAGES);
	self->op = mmun_page(3);
	self->length = mmun_pages(2);
}

MMUN_FIXTURE_TEARDOWN(event_clip)

#define expect_op(_id, _event) \
	mmun_expect_event(_id, _event, self->op, self->length)

/*
 *   0   1   2   3   4   5   6   7
 *   |--------------0--------------|
 *       |----------1----------|
 *           |------2------|
 *           |------3------|
 *               |--4--|
 *               |--op---|
 */
TEST_F(event_clip, nested_ranges_are_each_called_once_with_one_seq)
{
	static const int first[] = { 0, 1, 2, 2, 3 };
	static const int pages[] = { 8, 6, 4, 4, 1 };
	struct mmun_records log;
	struct watch w[5];

	for (int i = 0; i < 5; i++)
		w[i] = watch_range(mmun_page(first[i]), mmun_pages(pages[i]));
	ASSERT_EQ(0, madvise(self->op, self->length, MADV_DONTNEED));
	mmun_read_all(self->fd, &log);
	expect_total(&log, 5);
	for (int i = 0; i < 5; i++) {
		expect_times(&log, 1, &w[i], MMUN_EVENT_CLEAR, self->op,
			     self->length);
		EXPECT_EQ(log.records[0].cur_seq, log.records[i].cur_seq);
	}
}

TEST_F(event_clip, munmap_calls_every_range_that_it_overlaps_and_no_other)
{
	size_t piece = self->page / 8;
	struct watch w[8 * PAGES];

	for (int i = 0; i < 8 * PAGES; i++)
		w[i] = watch_range(self->map + i * piece, piece);
	ASSERT_EQ(0, munmap(self->op, self->length));
	EXPECT_EQ(16, expect_met(w, MMUN_EVENT_UNMAP));
}

TEST_F(event_clip, each_invalidation_has_a_later_seq)
{
	__u32 id = insert_pages(0, PAGES);
	__u64 seq = 0, before;

	for (int i = 0; i < 10; i++) {
		before = seq;
		ASSERT_EQ(0, madvise(self->op, self->length, MADV_DONTNEED));
		seq = expect_op(id, MMUN_EVENT_CLEAR).cur_seq;
		EXPECT_LT(before, seq);
	}
}

TEST_F(event_clip, removed_range_is_not_called)
{
	__u32 gone = insert_pages(0, PAGES), stays = insert_pages(0, PAGES);

	mmun_remove(gone);
	ASSERT_EQ(0, munmap(self->op, self->length));
	expect_op(stays, MMUN_EVENT_UNMAP);
	mmun_expect_no_event();
}

/*
 *   0   1   2   3   4   5   6   7
 *   |-----rw----|-r-|-----rw------|
 *           |----op-----|
 */
TEST_F(event_clip, dontneed_over_three_mappings_raises_one_event_for_each)
{
	__u32 id;

	ASSERT_EQ(0, mprotect(mmun_page(3), self->page, PROT_READ));
	id = insert_pages(0, PAGES);
	ASSERT_EQ(0, madvise(mmun_page(2), mmun_pages(3), MADV_DONTNEED));
	for (int i = 2; i < 5; i++)
		mmun_expect_event(id, MMUN_EVENT_CLEAR, mmun_page(i),
				  self->page);
	mmun_expect_no_event();
}

/*
 * mprotect() works on one page table after another.  Both page tables are in
 * one page middle directory.  If the first page table is missing, the
 * invalidation may start at the second page table.
 *
 *   0   1   2   3 | 4   5   6   7	| is the end of the first page table
 *   |----------op-----------|
 *                     |-range-|
 */
static void check_two_tables(struct __test_metadata *_metadata,
			     FIXTURE_DATA(event_clip) * self, int first_filled)
{
	char *table = mmun_arena_aligned(3 * HUGE_SIZE, HUGE_SIZE);
	__u32 id;

	ASSERT_NE(NULL, table);
	table += HUGE_SIZE;
	if (!((uintptr_t)table & (HUGE_SIZE / self->page * HUGE_SIZE - 1)))
		table += HUGE_SIZE;
	self->map = table - mmun_pages(4);
	ASSERT_NE(NULL, mmun_map(self->map, mmun_pages(8)));
	memset(mmun_page(first_filled), 1, mmun_pages(8 - first_filled));
	id = insert_pages(5, 2);
	ASSERT_EQ(0, mprotect(self->map, mmun_pages(6), PROT_READ));
	mmun_expect_event(id, MMUN_EVENT_PROTECTION_VMA, mmun_page(5),
			  self->page);
	mmun_expect_no_event();
}

TEST_F(event_clip, mprotect_reaches_a_range_in_the_second_page_table)
{
	check_two_tables(_metadata, self, 0);
}

TEST_F(event_clip, mprotect_over_a_missing_page_table_reaches_the_next)
{
	check_two_tables(_metadata, self, 4);
}

MMUN_HARNESS_MAIN
