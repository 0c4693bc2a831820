// SPDX-License-Identifier: GPL-2.0
/*
 * Tests invalidations of huge pages: transparent huge pages, huge pages of
 * files, and hugetlb.
 */
#include "lib/hugetlb.h"
#include "lib/mmun.h"
#include "lib/shadow.h"
#include "lib/uffd.h"

static int touch(void *p, int nr)
{
	mmun_load(p);
	return 0;
}

/* The tests cannot use mmun_map_file(), which advises against huge pages. */
static char *map_at(char *at, size_t length, int flags, int fd)
{
	char *p = mmap(at, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		       fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The mapping keeps the file after the descriptor is closed. */
static char *map_memfd(char *at, size_t length, unsigned int flags)
{
	int fd = mmun_memfd_sized(length, flags);
	char *p = map_at(at, length, MAP_SHARED | MAP_NORESERVE, fd);

	close(fd);
	return p;
}

/*
 * Anonymous huge pages.  The mapping begins before the huge page.
 *
 *   0         2 MiB      4 MiB
 *   |--small--|---huge---|
 */
MMUN_PLAIN_FIXTURE(huge_page, MMUN_FIXTURE)

#define huge (self->map + HUGE_SIZE)

FIXTURE_SETUP(huge_page)
{
	mmun_setup_aligned(2 * HUGE_SIZE, HUGE_SIZE);
	ASSERT_NE(NULL, mmun_map_filled(self->map, 2 * HUGE_SIZE / self->page));
	/* khugepaged must not collapse the small pages before the huge page. */
	madvise(huge, HUGE_SIZE, MADV_HUGEPAGE);
}

#define collapse_or_skip() mmun_skip_for(mmun_collapse(huge))

TEST_F(huge_page, collapse_raises_clear_for_the_huge_page)
{
	char *p = huge + self->page;
	__u32 id = mmun_insert(p, self->page);
	struct mmun_record r;

	collapse_or_skip();
	r = mmun_expect_event(id, MMUN_EVENT_CLEAR, p, self->page);
	EXPECT_EQ(mmun_u64(huge), r.start);
	EXPECT_EQ(mmun_u64(huge) + HUGE_SIZE, r.end);
	mmun_expect_no_event();
}

/* The huge page is split inside the invalidation of MADV_DONTNEED. */
TEST_F(huge_page, split_raises_a_nested_clear_with_the_same_seq)
{
	char *p = huge + 3 * self->page;
	struct mmun_record outer, inner;
	__u32 id;

	collapse_or_skip();
	id = mmun_insert(huge, HUGE_SIZE);
	ASSERT_EQ(0, madvise(p, self->page, MADV_DONTNEED));
	outer = mmun_expect_event(id, MMUN_EVENT_CLEAR, p, self->page);
	inner = mmun_expect_event(id, MMUN_EVENT_CLEAR, huge, HUGE_SIZE);
	mmun_expect_no_event();
	EXPECT_EQ(outer.cur_seq, inner.cur_seq);
}

/*
 * MADV_COLD splits the huge page.  The kernel splits the mapping of the page,
 * and replaces the mapping by migration entries.  The split of the huge page
 * raises one or two events.
 *
 *   0         2 MiB      4 MiB
 *   |--small--|---huge---|
 *                  |op|
 *             |--event---|
 */
TEST_F(huge_page, madv_cold_of_a_part_raises_clear_for_the_huge_page)
{
	char *p = huge + mmun_pages(3);
	struct mmun_records log;
	struct watch w;

	collapse_or_skip();
	w = watch_range(self->map, 2 * HUGE_SIZE);
	ASSERT_EQ(0, madvise(p, self->page, MADV_COLD));
	mmun_read_all(self->fd, &log);
	EXPECT_LE(1, log.count);
	expect_times(&log, log.count, &w, MMUN_EVENT_CLEAR, huge, HUGE_SIZE);
}

/* Huge pages of a file.  Each process that maps the pages receives events. */

#define NO_FILE_COLLAPSE \
	"no huge pages of files: set CONFIG_TRANSPARENT_HUGEPAGE, CONFIG_BASE_FULL, boot with MEM=1G"

FIXTURE(huge_file)
{
	MMUN_FIXTURE;
	struct mmun_child child;
};

FIXTURE_VARIANT(huge_file)
{
	bool in_child;
	int huge_min;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(huge_file, own)                { .huge_min = 1 };
FIXTURE_VARIANT_ADD(huge_file, of_another_process) { .in_child = true };
/* clang-format on */

static int collapse(void *map, int nr)
{
	touch(map, 0);
	return madvise(map, HUGE_SIZE, MADV_COLLAPSE);
}

FIXTURE_SETUP(huge_file)
{
	mmun_setup_aligned(HUGE_SIZE, HUGE_SIZE);
	ASSERT_NE(NULL, map_memfd(self->map, HUGE_SIZE, 0));
	mmun_fill(self->map, HUGE_SIZE / self->page);
	ASSERT_EQ(0, mmun_child_start(&self->child, self->map));
}

FIXTURE_TEARDOWN(huge_file)
{
	mmun_child_kill(&self->child);
	EXPECT_EQ(0, close(self->fd));
}

/*
 * The kernel may first unmap the small pages one by one.  In a process that did
 * not call madvise(), khugepaged may map the huge page later.
 *
 *   0    5               300        512
 *   |----w----------------w----------|
 *   |--------------event-------------|
 */
TEST_F(huge_file, collapse_raises_clear_for_the_huge_page_or_each_small_page)
{
	static const int watched[] = { 5, 300 };
	struct watch w[2];
	struct mmun_records log;
	int large, small, total = 0;

	for (int i = 0; i < 2; i++)
		w[i] = watch_filled(mmun_page(watched[i]), self->page, 0);
	mmun_skip_if(variant->in_child ?
			     mmun_child_do(&self->child, collapse, 0) :
			     collapse(self->map, 0),
		     NO_FILE_COLLAPSE);
	mmun_read_all(self->fd, &log);
	for (int i = 0; i < 2; i++) {
		large = expect_between(&log, variant->huge_min, 2, &w[i],
				       MMUN_EVENT_CLEAR, self->map, HUGE_SIZE);
		small = expect_between(&log, !large, 1, &w[i], MMUN_EVENT_CLEAR,
				       w[i].start, self->page);
		total += large + small;
		expect_all_lost(w[i]);
		expect_device_reads(w[i], w[i].start, watched[i] + 1);
	}
	expect_total(&log, total);
}

/*
 * Tests of hugetlb.  The test writes to three mappings of one huge page each.
 * The operation of a variant works on the second mapping, or on all three
 * mappings.  No operation splits a mapping, because lockdep reports a missing
 * lock in the split on some kernels before 6.3.
 *
 *   0       1       2       3
 *   |private|private|private|
 *           |--op---|
 *   |---------range---------|
 */

#define HUGE_PAGES 3

/*
 * A fixture with huge pages of the pool.  The teardown unmaps the pages before
 * it restores the size of the pool.
 */
#define HUGETLB_FIXTURE(_fixture, _length)                  \
	FIXTURE(_fixture)                                   \
	{                                                   \
		MMUN_FIXTURE;                               \
		char *op;                                   \
		bool has_pool;                              \
		struct mmun_child child;                    \
		struct setting pool;                        \
	};                                                  \
	FIXTURE_TEARDOWN(_fixture)                          \
	{                                                   \
		mmun_child_kill(&self->child);              \
		munmap(self->map, _length);                 \
		EXPECT_EQ(0, close(self->fd));              \
		EXPECT_EQ(0, setting_restore(&self->pool)); \
	}

#define huge_at(_nr) (self->map + (_nr)*HUGE_SIZE)

#define HUGETLB_LENGTH (3 * HUGE_PAGES * HUGE_SIZE)
HUGETLB_FIXTURE(hugetlb, HUGETLB_LENGTH)

#define OP(fixture, name, expression)                             \
	static int fixture##_##name(FIXTURE_DATA(fixture) * self) \
	{                                                         \
		return expression;                                \
	}

/* clang-format off */
OP(hugetlb, fork, mmun_child_start(&self->child, NULL))
OP(hugetlb, write, (mmun_store(self->op, 2), 0))
OP(hugetlb, munmap, munmap(self->op, HUGE_SIZE))
OP(hugetlb, dontneed, madvise(self->op, HUGE_SIZE, MADV_DONTNEED))
OP(hugetlb, mprotect, mprotect(self->op, HUGE_SIZE, PROT_READ))
OP(hugetlb, mremap, mremap(self->op, HUGE_SIZE, HUGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   huge_at(2 * HUGE_PAGES)) == MAP_FAILED ? -1 : 0)
/* clang-format on */

/* The number of events of one type that an operation raises */
struct events {
	__u32 type;
	int min;
	int max;
};

/*
 * @events: the events of each huge page; the last element has a maximum of 0.
 * Kernels before 6.3 raise a second, nested UNMAP to unmap huge pages.
 */
FIXTURE_VARIANT(hugetlb)
{
	int (*run)(FIXTURE_DATA(hugetlb) * self);
	struct events events[3];
	bool is_forked; /* the test forks before the operation */
	bool on_all;
};

/* clang-format off */
#define CLEAR { MMUN_EVENT_CLEAR, 1, 1 }
#define PROTECT { MMUN_EVENT_PROTECTION_VMA, 1, 1 }
#define UNMAPS(min, max) { MMUN_EVENT_UNMAP, min, max }

FIXTURE_VARIANT_ADD(hugetlb, munmap)   { hugetlb_munmap, .events = { UNMAPS(1, 2) } };
FIXTURE_VARIANT_ADD(hugetlb, dontneed) { hugetlb_dontneed, .events = { CLEAR, UNMAPS(0, 1) } };
FIXTURE_VARIANT_ADD(hugetlb, mprotect) { hugetlb_mprotect, .events = { PROTECT } };
/* mremap() moves the pages, and then unmaps the old mapping. */
FIXTURE_VARIANT_ADD(hugetlb, mremap)   { hugetlb_mremap, .events = { CLEAR, UNMAPS(1, 2) } };
FIXTURE_VARIANT_ADD(hugetlb, fork)     { hugetlb_fork, { CLEAR }, .on_all = true };
FIXTURE_VARIANT_ADD(hugetlb, write_after_fork) { hugetlb_write, { CLEAR }, .is_forked = true };
/* clang-format on */

FIXTURE_SETUP(hugetlb)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | HUGETLB(MAP_HUGETLB);

	self->has_pool = fill_pool(&self->pool, POOL_PAGES);
	mmun_setup_aligned(HUGETLB_LENGTH, HUGE_SIZE);
	self->op = huge_at(1);
	for (int i = 0; self->has_pool && i < HUGE_PAGES; i++) {
		ASSERT_NE(NULL, map_at(huge_at(i), HUGE_SIZE, flags, -1));
		mmun_store(huge_at(i), 1);
	}
}

TEST_F(hugetlb, raises_its_events_for_exactly_its_huge_pages)
{
	int kept = 0, total = 0;
	const struct events *e;
	struct mmun_records log;
	struct watch w;

	mmun_skip_if(!self->has_pool, NO_POOL);
	if (variant->is_forked)
		ASSERT_EQ(0, hugetlb_fork(self));
	w = watch_filled(self->map, HUGE_PAGES * HUGE_SIZE, 0);
	ASSERT_EQ(0, variant->run(self));
	mmun_read_all(self->fd, &log);
	for (int i = 0; i < HUGE_PAGES; i++) {
		if (!variant->on_all && huge_at(i) != self->op) {
			kept++;
			continue;
		}
		mmun_err_access(EFAULT, w.id, huge_at(i), 1, 0);
		mmun_err_access(EFAULT, w.id, huge_at(i + 1) - 1, 1, 0);
		for (e = variant->events; e->max; e++)
			total += expect_between(&log, e->min, e->max, &w,
						e->type, huge_at(i), HUGE_SIZE);
	}
	expect_total(&log, total);
	expect_entries(w, kept * HUGE_SIZE / self->page);
}

/*
 * Processes may share a page table of hugetlb pages that maps only one file.
 * If a process changes one page, the kernel may first have to end the sharing
 * of the table.  The invalidation therefore covers all pages of the table.
 *
 *   0     1     2     3     4    ...   500   501  ...   512
 *   |-----|--w--|-----|--w--|----------|--w--|-----------|
 *                     |op---|
 *   |------------------------event-----------------------|
 */

HUGETLB_FIXTURE(hugetlb_table, TABLE_SIZE)

OP(hugetlb_table, dontneed, madvise(self->op, HUGE_SIZE, MADV_DONTNEED))

static int uffd;

static int table_register(FIXTURE_DATA(hugetlb_table) * self)
{
	uffd = uffd_create(self->map, TABLE_SIZE,
			   UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
			   UFFDIO_REGISTER_MODE_WP);
	if (uffd < 0)
		return -1;
	return touch(huge_at(1), 0) ?: touch(self->op, 0);
}

static int table_writeprotect(FIXTURE_DATA(hugetlb_table) * self)
{
	return uffd_protect(uffd, self->op, HUGE_SIZE, true);
}

FIXTURE_VARIANT(hugetlb_table)
{
	int (*prepare)(FIXTURE_DATA(hugetlb_table) * self);
	int (*run)(FIXTURE_DATA(hugetlb_table) * self);
	__u32 event;
	int unmaps_max; /* number of nested UNMAPs, which kernels before 6.3 raise */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(hugetlb_table, dontneed) {
	.run = hugetlb_table_dontneed, .event = MMUN_EVENT_CLEAR, .unmaps_max = 1 };
/* The test cannot use mprotect(): a split mapping shares no page table. */
FIXTURE_VARIANT_ADD(hugetlb_table, writeprotect) {
	table_register, table_writeprotect, .event = MMUN_EVENT_PROTECTION_VMA };
/* clang-format on */

FIXTURE_SETUP(hugetlb_table)
{
	self->has_pool = fill_pool(&self->pool, POOL_PAGES);
	mmun_setup_aligned(TABLE_SIZE, TABLE_SIZE);
	self->op = huge_at(3);
	if (self->has_pool) {
		ASSERT_NE(NULL, map_memfd(self->map, TABLE_SIZE,
					  HUGETLB(MFD_HUGETLB)));
		mmun_store(huge_at(1), 1);
		mmun_store(self->op, 3);
		ASSERT_EQ(0, mmun_child_start(&self->child, huge_at(1)));
		ASSERT_EQ(0, mmun_child_do(&self->child, touch, 0));
	}
}

#define count_table(_min, _max, _watch, _event) \
	expect_between(&log, _min, _max, _watch, _event, self->map, TABLE_SIZE)

TEST_F(hugetlb_table, is_invalidated_as_a_whole_if_it_may_be_shared)
{
	struct watch w[3];
	struct mmun_records log;
	int unmaps, total = 0;

	mmun_skip_if(!self->has_pool, NO_POOL);
	mmun_skip_if(variant->prepare && variant->prepare(self), NO_UFFD_WP);
	w[0] = watch_filled(self->op, self->page, 0);
	w[1] = watch_filled(huge_at(1), self->page, 0);
	w[2] = watch_range(huge_at(500), self->page);
	ASSERT_EQ(0, variant->run(self));
	mmun_read_all(self->fd, &log);
	unmaps = watch_count(&w[0], &log, MMUN_EVENT_UNMAP, self->map,
			     TABLE_SIZE);
	for (int i = 0; i < 3; i++) {
		total += count_table(1, 1, &w[i], variant->event);
		total += count_table(unmaps, variant->unmaps_max, &w[i],
				     MMUN_EVENT_UNMAP);
	}
	expect_total(&log, total);
	expect_all_lost(w[0]);
	expect_all_lost(w[1]);
	expect_device_reads(w[1], w[1].start, 1);
}

MMUN_HARNESS_MAIN
