// SPDX-License-Identifier: GPL-2.0
/*
 * Tests snapshots: the entries that each method reports for each kind of page.
 * A page can be small, missing, read-only, zero, secret or huge.
 */
#include "lib/mmun.h"
#include "lib/process.h"
#include "lib/range.h"

/*
 * Page n contains the byte n + 1.  The range covers all pages.
 *
 *   0   1   2   3   4   5   6   7
 *   |------------range------------|
 */
#define PAGES 8
#define PAGE_FLAGS (MMUN_PAGE_VALID | MMUN_PAGE_WRITE | MMUN_PAGE_ERROR)
#define WRITABLE (MMUN_PAGE_VALID | MMUN_PAGE_WRITE)

#define page_flags(_nr, _flags) (snapshot_page(_nr, _flags) & PAGE_FLAGS)
#define page_pfn(_nr, _flags) mmun_entry_pfn(snapshot_page(_nr, _flags))

/* Tests of the two methods that fault pages in */

MMUN_PLAIN_FIXTURE(snapshot_method, MMUN_RANGE_FIXTURE)

FIXTURE_VARIANT(snapshot_method)
{
	__u32 method;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(snapshot_method, fault) { MMUN_METHOD_HMM_FAULT };
FIXTURE_VARIANT_ADD(snapshot_method, gup)   { MMUN_METHOD_GUP };
/* clang-format on */

FIXTURE_SETUP(snapshot_method)
{
	setup_range(PAGES, PAGES, PAGES);
	self->method = variant->method;
}

#define METHOD_TEST(_test)                      \
	MMUN_TEST_NEEDS(snapshot_method, _test, \
			mmun_need_method(variant->method))

/* Map new pages, which the CPU has not accessed. */
#define map_untouched_pages() \
	ASSERT_NE(NULL, mmun_map(self->map, mmun_pages(PAGES)))

METHOD_TEST(write_snapshot_reports_writable_pages)
{
	__u64 entry = snapshot_page(0, MMUN_WRITE);

	EXPECT_EQ(WRITABLE, entry & PAGE_FLAGS);
	EXPECT_EQ(0, mmun_entry_order(entry));
}

/*
 * HMM reports the permissions in the page tables.  GUP reports only the
 * requested permissions.
 */
METHOD_TEST(read_snapshot_reports_write_permission_only_with_hmm)
{
	bool writes = variant->method == MMUN_METHOD_HMM_FAULT;

	EXPECT_EQ(writes ? WRITABLE : MMUN_PAGE_VALID, page_flags(0, 0));
	if (writes)
		device_write_byte(0, 'd');
	else
		expect_no_write(0);
	EXPECT_EQ(writes ? 'd' : 1, mmun_load(self->map));
}

METHOD_TEST(snapshot_over_a_hole_is_efault_and_changes_nothing)
{
	snapshot_page(0, 0);
	ASSERT_EQ(0, munmap(mmun_page(3), self->page));
	err_snapshot_pages(EFAULT, 0, PAGES, 0);
	err_snapshot_pages(EFAULT, 3, 1, MMUN_WRITE);
	for (int nr = 1; nr < PAGES; nr++)
		expect_no_entry(nr);
	EXPECT_EQ(1, mmun_query_range(self->id).out_commits);
}

METHOD_TEST(snapshot_of_unreadable_memory_is_efault)
{
	ASSERT_EQ(0, mprotect(mmun_page(3), self->page, PROT_NONE));
	err_snapshot_pages(EFAULT, 3, 1, 0);
	expect_no_entry(3);
}

METHOD_TEST(write_snapshot_of_a_read_only_page_is_eacces)
{
	ASSERT_EQ(0, mprotect(mmun_page(3), self->page, PROT_READ));
	err_snapshot_pages(EACCES, 3, 1, MMUN_WRITE);
	expect_no_entry(3);
	EXPECT_EQ(MMUN_PAGE_VALID, page_flags(3, 0));
}

/*
 * A mapping can be longer than its file, and then has no pages behind the file.
 */
METHOD_TEST(snapshot_beyond_the_file_is_efault)
{
	int memfd = mmun_memfd_sized(mmun_pages(PAGES), 0);

	ASSERT_NE(NULL, mmun_map_file(self->map, mmun_pages(PAGES), MAP_SHARED,
				      memfd));
	snapshot_page(3, MMUN_WRITE);
	ASSERT_EQ(0, ftruncate(memfd, mmun_pages(3)));
	expect_no_entry(3);
	err_snapshot_pages(EFAULT, 3, 1, 0);
	snapshot_page(2, MMUN_WRITE);
}

/* The kernel maps one zero page for all pages that were only read. */
METHOD_TEST(untouched_pages_share_the_zero_page)
{
	map_untouched_pages();
	EXPECT_EQ(MMUN_PAGE_VALID, page_flags(3, 0));
	EXPECT_EQ(page_pfn(3, 0), page_pfn(6, 0));
	EXPECT_EQ(0, device_byte(3));
	expect_no_write(3);
}

METHOD_TEST(write_snapshot_replaces_the_zero_page)
{
	__u64 zero, own;

	map_untouched_pages();
	zero = snapshot_page(3, 0);
	own = snapshot_page(3, MMUN_WRITE);
	EXPECT_EQ(WRITABLE, own & PAGE_FLAGS);
	EXPECT_NE(mmun_entry_pfn(zero), mmun_entry_pfn(own));
	device_write_byte(3, 'd');
	EXPECT_EQ(0, mmun_load(mmun_page(6)));
}

METHOD_TEST(device_does_not_keep_the_zero_page_after_a_write)
{
	map_untouched_pages();
	snapshot_page(3, 0);
	snapshot_page(4, 0);
	mmun_store(mmun_page(3), 0x33);
	expect_no_entry(3);
	EXPECT_EQ(0, device_byte(4));
	snapshot_page(3, 0);
	EXPECT_EQ(0x33, device_byte(3));
}

METHOD_TEST(different_pages_have_different_pfns)
{
	__u64 a[PAGES], b[PAGES];

	snapshot_pages(0, PAGES, MMUN_WRITE, a);
	snapshot_pages(0, PAGES, 0, b);
	for (int i = 0; i < PAGES; i++) {
		EXPECT_EQ(mmun_entry_pfn(a[i]), mmun_entry_pfn(b[i]));
		for (int j = 0; j < i; j++)
			EXPECT_NE(mmun_entry_pfn(a[i]), mmun_entry_pfn(a[j]));
	}
}

/* Pages 2 and 3 of the map show the same pages of the file as pages 0 and 1. */
METHOD_TEST(page_has_one_pfn_in_every_mapping_and_context)
{
	int memfd = mmun_memfd_sized(mmun_pages(2), 0), fd = self->fd;
	__u64 pfn[4];

	for (int nr = 0; nr < 4; nr += 2)
		ASSERT_NE(NULL, mmun_map_file(mmun_page(nr), mmun_pages(2),
					      MAP_SHARED, memfd));
	for (int nr = 0; nr < 4; nr++)
		pfn[nr] = page_pfn(nr, 0);
	self->fd = mmun_open();
	self->id = insert_pages(0, 2);
	for (int nr = 0; nr < 2; nr++) {
		EXPECT_EQ(pfn[nr], pfn[nr + 2]);
		EXPECT_EQ(pfn[nr], page_pfn(nr, 0));
	}
	EXPECT_NE(pfn[0], pfn[1]);
	close(self->fd);
	self->fd = fd;
}

/* /proc/PID/pagemap reports PFNs that do not come from the driver. */
METHOD_TEST(pfn_is_what_pagemap_reports)
{
	for (int nr = 0; nr < PAGES; nr++) {
		__u64 pfn = page_pfn(nr, 0);

		ASSERT_NE(0, mmun_pagemap(mmun_page(nr)) & PAGEMAP_PFN);
		EXPECT_EQ(mmun_pagemap(mmun_page(nr)) & PAGEMAP_PFN, pfn);
	}
}

static int compare_u64(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

/* 64 MiB, which need many page tables and many chunks of the shadow */
#define MANY 16384

METHOD_TEST(snapshot_of_16384_pages_reports_each_page)
{
	__u64 *entries = calloc(MANY, sizeof(*entries));

	self->map = mmun_map(mmun_arena(MANY), mmun_pages(MANY));
	ASSERT_NE(NULL, self->map);
	self->id = insert_pages(0, MANY);
	snapshot_pages(0, MANY, MMUN_WRITE, entries);
	for (size_t i = 0; i < MANY; i += 509) {
		char *at = mmun_page(i) + i % 4096;

		mmun_store(at, i % 127);
		EXPECT_EQ(i % 127, mmun_device_byte(self->id, at));
	}
	qsort(entries, MANY, sizeof(*entries), compare_u64);
	for (size_t i = 1; i < MANY; i++)
		ASSERT_NE(entries[i - 1], entries[i]);
	verify(MANY);
}

/* Tests of MMUN_METHOD_HMM_NOFAULT, the method that faults no page in */

MMUN_PLAIN_FIXTURE(snapshot, MMUN_RANGE_FIXTURE)

FIXTURE_SETUP(snapshot)
{
	setup_range(PAGES, PAGES, PAGES);
	self->method = MMUN_METHOD_HMM_NOFAULT;
}

#define LOOK_TEST(_test) \
	MMUN_TEST_NEEDS(snapshot, _test, mmun_need_feature(MMUN_FEATURE_HMM))

#define expect_look(_valid, _entries)                                   \
	ASSERT_EQ(_valid,                                               \
		  mmun_snapshot(self->id, self->map, mmun_pages(PAGES), \
				self->method, 0, _entries))

LOOK_TEST(nofault_snapshot_leaves_absent_pages_absent)
{
	unsigned char resident[PAGES];
	__u64 entries[PAGES];

	map_untouched_pages();
	mmun_store(mmun_page(3), 1);
	expect_look(1, entries);
	ASSERT_EQ(0, mincore(self->map, mmun_pages(PAGES), resident));
	for (int nr = 0; nr < PAGES; nr++) {
		EXPECT_EQ(nr == 3, resident[nr] & 1);
		EXPECT_EQ(nr == 3 ? WRITABLE : 0, entries[nr] & PAGE_FLAGS);
	}
	self->method = MMUN_METHOD_HMM_FAULT;
	snapshot_pages(0, PAGES, MMUN_WRITE, NULL);
	ASSERT_EQ(0, mincore(self->map, mmun_pages(PAGES), resident));
	for (int nr = 0; nr < PAGES; nr++)
		EXPECT_EQ(1, resident[nr] & 1);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |RW|   |none|   |R|
 *       hole    empty   hole ...
 */
LOOK_TEST(nofault_snapshot_reports_errors_for_unreadable_memory)
{
	static const __u64 flags[] = {
		WRITABLE, MMUN_PAGE_ERROR, MMUN_PAGE_ERROR,
		0,	  MMUN_PAGE_VALID, MMUN_PAGE_ERROR,
	};
	__u64 entries[PAGES];

	ASSERT_EQ(0, munmap(mmun_page(1), self->page));
	ASSERT_EQ(0, mprotect(mmun_page(2), self->page, PROT_NONE));
	ASSERT_EQ(0, madvise(mmun_page(3), self->page, MADV_DONTNEED));
	ASSERT_EQ(0, mprotect(mmun_page(4), self->page, PROT_READ));
	ASSERT_EQ(0, munmap(mmun_page(5), mmun_pages(3)));
	expect_look(2, entries);
	for (int nr = 0; nr < 6; nr++)
		EXPECT_EQ(flags[nr], entries[nr] & PAGE_FLAGS);
	EXPECT_EQ(0, entries[3]);
	expect_no_entry(2);
}

static int read_map(void *map, int nr)
{
	return mmun_load(map);
}

/* The snapshot reports a page that a child shares, and makes no copy. */
LOOK_TEST(nofault_snapshot_does_not_break_copy_on_write)
{
	struct mmun_child child;

	ASSERT_EQ(0, mmun_child_start(&child, self->map));
	EXPECT_EQ(MMUN_PAGE_VALID, page_flags(0, 0));
	expect_no_write(0);
	EXPECT_EQ(0, mmun_query_range(self->id).out_collisions);
	EXPECT_EQ(1, mmun_child_do(&child, read_map, 0));
	EXPECT_EQ(0, mmun_child_end(&child));
}

#define NO_SECRET_MEMORY "set CONFIG_SECRETMEM, boot with secretmem.enable=1"

/*
 * The direct map of the kernel lacks the pages of memfd_secret(2).  Even if
 * hmm_range_fault() reports the pages (see hmm_entry_test), an access by the
 * driver fails, and get_user_pages() fails.
 */
LOOK_TEST(device_cannot_touch_secret_memory)
{
	int fd = syscall(SYS_memfd_secret, 0);

	mmun_skip_if(fd < 0, NO_SECRET_MEMORY);
	ASSERT_EQ(0, ftruncate(fd, self->page));
	ASSERT_NE(NULL, mmun_map_file(self->map, self->page, MAP_SHARED, fd));
	*self->map = 1;
	mmun_snapshot(self->id, self->map, self->page, self->method, 0, NULL);
	self->method = MMUN_METHOD_GUP;
	err_snapshot_pages(EFAULT, 0, 1, MMUN_WRITE);
	expect_no_entry(0);
	expect_no_write(0);
	EXPECT_EQ(1, *self->map);
}

/* The tests use MADV_COLLAPSE, which works with any setting of huge pages. */

#define HUGE_PAGES (HUGE_SIZE / self->page)

/* @no_huge: the reason why the test has no huge page, or NULL */
FIXTURE(snapshot_huge)
{
	MMUN_RANGE_FIXTURE;
	const char *no_huge;
	__u64 *entries;
};

FIXTURE_SETUP(snapshot_huge)
{
	mmun_setup_aligned(HUGE_SIZE, HUGE_SIZE);
	self->method = MMUN_METHOD_HMM_FAULT;
	ASSERT_NE(NULL, mmun_map_filled(self->map, HUGE_PAGES));
	madvise(self->map, HUGE_SIZE, MADV_HUGEPAGE);
	self->no_huge = mmun_collapse(self->map);
	self->id = insert_pages(0, HUGE_PAGES);
	self->entries = calloc(HUGE_PAGES, sizeof(__u64));
}

MMUN_FIXTURE_TEARDOWN(snapshot_huge)

#define snapshot_huge() snapshot_pages(0, HUGE_PAGES, MMUN_WRITE, self->entries)

#define need_snapshot_huge()                         \
	do {                                         \
		mmun_need_feature(MMUN_FEATURE_HMM); \
		mmun_skip_for(self->no_huge);        \
		snapshot_huge();                     \
	} while (0)

#define HUGE_TEST(_test) \
	MMUN_TEST_NEEDS(snapshot_huge, _test, need_snapshot_huge())

HUGE_TEST(huge_page_is_reported_with_its_order)
{
	for (size_t i = 0; i < HUGE_PAGES; i++) {
		ASSERT_EQ(WRITABLE, self->entries[i] & PAGE_FLAGS);
		ASSERT_EQ(HUGE_SIZE,
			  self->page << mmun_entry_order(self->entries[i]));
	}
	EXPECT_EQ(78, device_byte(77));
	verify(HUGE_PAGES);
}

/* Expect the same entries for a part as for the whole huge page. */
#define expect_part(_first, _nr)                                    \
	do {                                                        \
		snapshot_pages(_first, _nr, 0, part);               \
		ASSERT_EQ(0, memcmp(part, self->entries + (_first), \
				    (_nr) * sizeof(*part)));        \
	} while (0)

/*
 *	|   0   1   2   3   ...                 509 510 511 |	huge page
 *	            |-----------range-------------|
 */
HUGE_TEST(range_inside_a_huge_page_reports_its_pages)
{
	const size_t first = 2, nr = HUGE_PAGES - 4;
	__u64 part[nr];

	expect_part(509UL, 3UL);
	self->id = mmun_insert(mmun_page(first) + 8, mmun_pages(nr) - 16);
	expect_part(first, nr);
	EXPECT_EQ(nr, mmun_verify(self->id));
	EXPECT_EQ(78, device_byte(77));
	/* Take snapshots of a long and of a short part of the huge page. */
	expect_part(100UL, 300UL);
	expect_part(200UL, 3UL);
	EXPECT_EQ(nr, mmun_verify(self->id));
	/* The split of the huge page does not move the pages. */
	ASSERT_EQ(0, mprotect(mmun_page(300), self->page, PROT_READ));
	EXPECT_EQ(0, mmun_verify(self->id));
	snapshot_pages(first, nr, 0, part);
	EXPECT_EQ(0, mmun_entry_order(part[0]));
	for (size_t i = 0; i < nr; i++)
		ASSERT_EQ(mmun_entry_pfn(self->entries[first + i]),
			  mmun_entry_pfn(part[i]));
	EXPECT_EQ(nr, mmun_verify(self->id));
}

/* The kernel splits the huge page, and the driver splits the entry. */
HUGE_TEST(munmap_of_a_part_leaves_small_pages)
{
	ASSERT_EQ(0, munmap(mmun_page(100), self->page));
	expect_no_entry(100);
	verify(0);
	snapshot_pages(0, 100, MMUN_WRITE, self->entries);
	for (size_t i = 0; i < 100; i++)
		ASSERT_EQ(0, mmun_entry_order(self->entries[i]));
	EXPECT_EQ(100, device_byte(99));
	verify(100);
}

HUGE_TEST(mprotect_of_a_part_leaves_small_pages)
{
	ASSERT_EQ(0, mprotect(mmun_page(100), self->page, PROT_READ));
	expect_no_entry(100);
	snapshot_pages(0, HUGE_PAGES, 0, self->entries);
	EXPECT_EQ(MMUN_PAGE_VALID, self->entries[100] & PAGE_FLAGS);
	EXPECT_EQ(WRITABLE, self->entries[101] & PAGE_FLAGS);
	EXPECT_EQ(0, mmun_entry_order(self->entries[100]));
	EXPECT_EQ(0, mmun_entry_order(self->entries[0]));
	expect_no_write(100);
	device_write_byte(101, 'd');
	verify(HUGE_PAGES);
}

/* MADV_COLLAPSE copies the small pages into the huge page. */
HUGE_TEST(device_reads_the_huge_page_after_a_collapse)
{
	ASSERT_NE(NULL, mmun_map_filled(self->map, HUGE_PAGES));
	madvise(self->map, HUGE_SIZE, MADV_HUGEPAGE);
	snapshot_huge();
	mmun_skip_for(mmun_collapse(self->map));
	expect_no_entry(77);
	verify(0);
	snapshot_huge();
	ASSERT_NE(0, mmun_entry_order(self->entries[77]));
	EXPECT_EQ(78, device_byte(77));
	verify(HUGE_PAGES);
}

MMUN_HARNESS_MAIN
