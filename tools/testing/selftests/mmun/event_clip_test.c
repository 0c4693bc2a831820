// SPDX-License-Identifier: GPL-2.0
/*
 * Tests which ranges one invalidation reaches, and which part of the
 * invalidation each range sees.
 */
#include "lib/mmun.h"
#include "lib/watch.h"

/*
 * Every way in which an operation can overlap a range, and ranges that begin and
 * end inside a page.
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
	char *start; /* start of the operation */
	size_t length;
	struct watch watch[ALIGN_RANGES];
};

FIXTURE_VARIANT(event_align)
{
	int first, end; /* pages that the operation works on */
};

FIXTURE_SETUP(event_align)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmun_arena_aligned(ALIGN_PAGES * page, HUGE_SIZE);

	mmun_setup();
	ASSERT_NE(NULL, p);
	ASSERT_NE(NULL, mmun_map_filled(p, ALIGN_PAGES));
	self->map = p;
	self->start = p + variant->first * page;
	self->length = (variant->end - variant->first) * page;
	self->watch[0] = watch_range(p + 4 * page, 8 * page);
	self->watch[1] = watch_range(p + 4 * page + 1, 8 * page - 2);
	self->watch[2] = watch_range(p + 4 * page, 1);
	self->watch[3] = watch_range(p + 12 * page - 1, 1);
	self->watch[4] = watch_range(p + 8 * page - 1, 2);
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
 * Check that the ranges that the operation meets are called once each, and no
 * other range.
 */
static void check_align(struct __test_metadata *_metadata,
			FIXTURE_DATA(event_align) * self, __u32 event)
{
	struct mmun_records log;
	int i, meets, total = 0;

	mmun_read_all(self->fd, &log);
	for (i = 0; i < ALIGN_RANGES; i++) {
		const struct watch *w = &self->watch[i];

		meets = watch_meets(w, self->start, self->length);
		expect_times(&log, meets, w, event, self->start, self->length);
		total += meets;
	}
	expect_total(&log, total);
}

TEST_F(event_align, munmap_is_clipped_to_each_range_it_meets)
{
	ASSERT_EQ(0, munmap(self->start, self->length));
	check_align(_metadata, self, MMUN_EVENT_UNMAP);
}

TEST_F(event_align, mmap_over_is_clipped_to_each_range_it_meets)
{
	ASSERT_EQ(self->start,
		  mmap(self->start, self->length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	check_align(_metadata, self, MMUN_EVENT_UNMAP);
}

TEST_F(event_align, mprotect_is_clipped_to_each_range_it_meets)
{
	ASSERT_EQ(0, mprotect(self->start, self->length, PROT_READ));
	check_align(_metadata, self, MMUN_EVENT_PROTECTION_VMA);
}

TEST_F(event_align, dontneed_is_clipped_to_each_range_it_meets)
{
	ASSERT_EQ(0, madvise(self->start, self->length, MADV_DONTNEED));
	check_align(_metadata, self, MMUN_EVENT_CLEAR);
}

TEST_F(event_align, munmap_over_holes_is_one_event)
{
	size_t page = self->page;
	int i;

	for (i = variant->first + 1; i < variant->end - 1; i += 2)
		ASSERT_EQ(0, munmap(self->map + i * page, page));
	mmun_drain_log(self->fd);
	ASSERT_EQ(0, munmap(self->start, self->length));
	check_align(_metadata, self, MMUN_EVENT_UNMAP);
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
	size_t op_length;
};

FIXTURE_SETUP(event_clip)
{
	mmun_setup_filled(PAGES);
	self->op = self->map + 3 * self->page;
	self->op_length = 2 * self->page;
}

MMUN_FIXTURE_TEARDOWN(event_clip)

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
	int i;

	for (i = 0; i < 5; i++)
		w[i] = watch_range(self->map + first[i] * self->page,
				   pages[i] * self->page);
	ASSERT_EQ(0, madvise(self->op, self->op_length, MADV_DONTNEED));
	mmun_read_all(self->fd, &log);
	expect_total(&log, 5);
	for (i = 0; i < 5; i++) {
		expect_times(&log, 1, &w[i], MMUN_EVENT_CLEAR, self->op,
			     self->op_length);
		EXPECT_EQ(log.records[0].cur_seq, log.records[i].cur_seq);
	}
}

TEST_F(event_clip, one_munmap_calls_every_range_it_meets_and_no_other)
{
	size_t piece = self->page / 8;
	struct watch w[8 * PAGES];
	struct mmun_records log;
	int i;

	for (i = 0; i < 8 * PAGES; i++)
		w[i] = watch_range(self->map + i * piece, piece);
	ASSERT_EQ(0, munmap(self->op, self->op_length));
	mmun_read_all(self->fd, &log);
	expect_total(&log, 16);
	for (i = 0; i < 8 * PAGES; i++)
		expect_times(&log,
			     watch_meets(&w[i], self->op, self->op_length),
			     &w[i], MMUN_EVENT_UNMAP, self->op,
			     self->op_length);
}

TEST_F(event_clip, each_invalidation_has_a_later_seq)
{
	__u32 id = mmun_insert(self->map, PAGES * self->page);
	struct mmun_record r;
	__u64 seq = 0;
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, madvise(self->op, self->op_length, MADV_DONTNEED));
		r = mmun_expect_event(id, MMUN_EVENT_CLEAR, self->op,
				      self->op_length);
		EXPECT_LT(seq, r.cur_seq);
		seq = r.cur_seq;
	}
}

TEST_F(event_clip, a_removed_range_is_not_called)
{
	__u32 gone = mmun_insert(self->map, PAGES * self->page);
	__u32 stays = mmun_insert(self->map, PAGES * self->page);

	mmun_remove(gone);
	ASSERT_EQ(0, munmap(self->op, self->op_length));
	mmun_expect_event(stays, MMUN_EVENT_UNMAP, self->op, self->op_length);
	mmun_expect_no_event();
}

/*
 *   0   1   2   3   4   5   6   7
 *   |-----rw----|-r-|-----rw------|
 *           |----op-----|
 */
TEST_F(event_clip, dontneed_over_three_mappings_is_one_event_each)
{
	char *p = self->map;
	__u32 id;
	int i;

	ASSERT_EQ(0, mprotect(p + 3 * self->page, self->page, PROT_READ));
	id = mmun_insert(p, PAGES * self->page);
	ASSERT_EQ(0,
		  madvise(p + 2 * self->page, 3 * self->page, MADV_DONTNEED));
	for (i = 2; i < 5; i++)
		mmun_expect_event(id, MMUN_EVENT_CLEAR, p + i * self->page,
				  self->page);
	mmun_expect_no_event();
}

/*
 * mprotect() works on one page table after another.  Both tables are in one page
 * middle directory.  A kernel may start with the second table if the first is
 * missing.
 *
 *   0   1   2   3 | 4   5   6   7	| is the end of the first page table
 *   |----------op-----------|
 *                     |-range-|
 */
static void check_two_tables(struct __test_metadata *_metadata,
			     FIXTURE_DATA(event_clip) * self,
			     bool first_is_missing)
{
	size_t page = self->page;
	char *p = mmun_arena_aligned(3 * HUGE_SIZE, HUGE_SIZE);
	__u32 id;

	ASSERT_NE(NULL, p);
	p += HUGE_SIZE;
	if (!((uintptr_t)p & (HUGE_SIZE / page * HUGE_SIZE - 1)))
		p += HUGE_SIZE;
	p -= 4 * page;
	ASSERT_NE(NULL, mmun_map(p, 8 * page));
	memset(first_is_missing ? p + 4 * page : p, 1,
	       (first_is_missing ? 4 : 8) * page);
	id = mmun_insert(p + 5 * page, 2 * page);
	ASSERT_EQ(0, mprotect(p, 6 * page, PROT_READ));
	mmun_expect_event(id, MMUN_EVENT_PROTECTION_VMA, p + 5 * page, page);
	mmun_expect_no_event();
}

TEST_F(event_clip, mprotect_reaches_a_range_in_the_second_page_table)
{
	check_two_tables(_metadata, self, false);
}

TEST_F(event_clip, mprotect_over_a_missing_page_table_reaches_the_next)
{
	check_two_tables(_metadata, self, true);
}

MMUN_HARNESS_MAIN
