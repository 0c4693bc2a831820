// SPDX-License-Identifier: GPL-2.0
/*
 * Tests what hmm_range_fault() reports for memory that a device cannot use, or
 * can use only in part: memory without read permission or without struct page,
 * of memfd_secret(2), in a guard region, or write-protected by userfaultfd; and
 * for parts of huge pages.
 */
#include "lib/hugetlb.h"
#include "lib/mmun.h"
#include "lib/range.h"
#include "lib/setting.h"
#include "lib/uffd.h"
#include "lib/xfail.h"

/* Page n contains the byte n + 1.  The range covers all pages. */
#define PAGES 8
#define PAGE_FLAGS (MMUN_PAGE_VALID | MMUN_PAGE_WRITE | MMUN_PAGE_ERROR)
#define WRITABLE (MMUN_PAGE_VALID | MMUN_PAGE_WRITE)

MMUN_PLAIN_FIXTURE(hmm_entry, MMUN_RANGE_FIXTURE)

FIXTURE_SETUP(hmm_entry)
{
	setup_range(PAGES, PAGES, PAGES);
	self->method = MMUN_METHOD_HMM_FAULT;
}

#define ENTRY_TEST(_test) \
	MMUN_TEST_NEEDS(hmm_entry, _test, mmun_need_feature(MMUN_FEATURE_HMM))

/* Returns the entry that a snapshot of page @_nr reports without page faults. */
#define look(_nr)                                                    \
	({                                                           \
		__u64 __entry = 0;                                   \
		mmun_snapshot(self->id, mmun_page(_nr), self->page,  \
			      MMUN_METHOD_HMM_NOFAULT, 0, &__entry); \
		__entry;                                             \
	})

#define page_flags(_nr, _flags) (snapshot_page(_nr, _flags) & PAGE_FLAGS)

/*
 * The loop of the driver holds mmap_lock during a page fault.  A page fault
 * that waits for a userfaultfd then fails instead.
 */
#define err_snapshot_locked(_errno, _nr, _flags) \
	err_snapshot_pages(_errno, _nr, 1, (_flags) | MMUN_OWN_LOOP)

/* A snapshot of page @_nr must fail, and must report an error for the page. */
#define expect_refused(_nr)                                         \
	do {                                                        \
		EXPECT_EQ(MMUN_PAGE_ERROR, look(_nr) & PAGE_FLAGS); \
		err_snapshot_pages(EFAULT, _nr, 1, 0);              \
		expect_no_entry(_nr);                               \
	} while (0)

ENTRY_TEST(memory_without_read_permission_is_refused)
{
	static const int prot[] = { PROT_NONE, PROT_WRITE, PROT_EXEC };

	for (int i = 0; i < 3; i++) {
		snapshot_page(3, MMUN_WRITE);
		ASSERT_EQ(0, mprotect(mmun_page(3), self->page, prot[i]));
		expect_refused(3);
		err_snapshot_pages(EFAULT, 3, 1, MMUN_WRITE);
		ASSERT_EQ(0, mprotect(mmun_page(3), self->page,
				      PROT_READ | PROT_WRITE));
	}
	EXPECT_EQ(WRITABLE, page_flags(3, MMUN_WRITE));
	EXPECT_EQ(4, device_byte(3));
}

/*
 * Returns the address of the first mapping with the flag VM_PFNMAP, or NULL.
 * The line VmFlags is the last line of a mapping in smaps.
 */
static char *find_pfnmap(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long first, end, start = 0;
	char line[256];

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx", &first, &end) == 2)
			start = first;
		if (!strncmp(line, "VmFlags:", 8) && strstr(line, " pf ")) {
			fclose(smaps);
			return (char *)start;
		}
	}
	if (smaps)
		fclose(smaps);
	return NULL;
}

/*
 * The vDSO has a mapping of time values with VM_PFNMAP, like a mapping of the
 * registers of a device: [vvar], or [vvar_vclock] in newer kernels.
 */
ENTRY_TEST(memory_without_struct_page_is_refused)
{
	self->map = find_pfnmap();
	mmun_skip_if(!self->map,
		     "no VM_PFNMAP: set CONFIG_GENERIC_GETTIMEOFDAY");
	self->id = insert_pages(0, 1);
	expect_refused(0);
	err_snapshot_pages(EFAULT, 0, 1, MMUN_WRITE);
}

/*
 * A snapshot without page faults reports a guard page like a page that is not
 * present.
 */
ENTRY_TEST(guard_page_is_refused)
{
	snapshot_page(3, MMUN_WRITE);
	mmun_skip_if(madvise(mmun_page(3), self->page, MADV_GUARD_INSTALL),
		     "no guard pages: Linux 6.13 and later have guard pages");
	expect_no_entry(3);
	EXPECT_EQ(0, look(3));
	err_snapshot_pages(EFAULT, 3, 1, 0);
	err_snapshot_pages(EFAULT, 0, PAGES, MMUN_WRITE);
	snapshot_page(2, MMUN_WRITE);
	ASSERT_EQ(0, madvise(mmun_page(3), self->page, MADV_GUARD_REMOVE));
	EXPECT_EQ(WRITABLE, page_flags(3, MMUN_WRITE));
	EXPECT_EQ(0, device_byte(3));
}

static void ignore_signal(int signal)
{
}

/*
 * Let the kernel treat the page as memory with an error.  The kernel sends
 * SIGBUS to the task, because the contents of the page are lost.  The kernel
 * does not use this page of the machine again before the next boot.
 */
static int poison(char *at, size_t length)
{
	struct sigaction action = { .sa_handler = ignore_signal };

	return sigaction(SIGBUS, &action, NULL) ?:
		       madvise(at, length, MADV_HWPOISON);
}

/*
 * A snapshot without page faults reports a poisoned page like a page that is
 * not present.
 */
ENTRY_TEST(poisoned_page_is_refused)
{
	snapshot_page(3, MMUN_WRITE);
	mmun_skip_if(poison(mmun_page(3), self->page),
		     "no MADV_HWPOISON: set CONFIG_MEMORY_FAILURE");
	expect_no_entry(3);
	EXPECT_EQ(0, look(3));
	err_snapshot_pages(EFAULT, 3, 1, 0);
	err_snapshot_pages(EFAULT, 3, 1, MMUN_WRITE);
	snapshot_page(2, MMUN_WRITE);
	ASSERT_NE(NULL, mmun_map(mmun_page(3), self->page));
	EXPECT_EQ(WRITABLE, page_flags(3, MMUN_WRITE));
}

#define NO_SECRET_MEMORY "set CONFIG_SECRETMEM, boot with secretmem.enable=1"
#define SECRET_PFN "HMM reports the PFN of secret memory, see patches/secretmem"

/*
 * The pages of memfd_secret(2) are not in the direct map of the kernel, and
 * get_user_pages() refuses them.  If hmm_range_fault() reports the PFN, a device
 * can read and write the secret.
 */
ENTRY_TEST(secret_memory_is_refused)
{
	int fd = syscall(SYS_memfd_secret, 0);
	__u64 entry;

	mmun_skip_if(fd < 0, NO_SECRET_MEMORY);
	ASSERT_EQ(0, ftruncate(fd, self->page));
	ASSERT_NE(NULL, mmun_map_file(self->map, self->page, MAP_SHARED, fd));
	mmun_store(self->map, 1);
	entry = look(0);
	if (entry & MMUN_PAGE_VALID) {
		EXPECT_EQ(mmun_pagemap(self->map) & PAGEMAP_PFN,
			  mmun_entry_pfn(entry));
		EXPECT_EQ(WRITABLE, page_flags(0, MMUN_WRITE));
		XFAIL(return, SECRET_PFN);
	}
	expect_refused(0);
	err_snapshot_pages(EFAULT, 0, 1, MMUN_WRITE);
}

/* Write protection by userfaultfd */

static int register_wp(char *at, size_t length, __u64 features)
{
	return uffd_create(at, length,
			   UFFD_FEATURE_PAGEFAULT_FLAG_WP | features,
			   UFFDIO_REGISTER_MODE_WP);
}

/* The device may read page @_nr, but may not write it. */
#define expect_read_only(_nr)                                   \
	do {                                                    \
		err_snapshot_locked(EFAULT, _nr, MMUN_WRITE);   \
		EXPECT_EQ(MMUN_PAGE_VALID, page_flags(_nr, 0)); \
		expect_no_write(_nr);                           \
		EXPECT_EQ((_nr) + 1, device_byte(_nr));         \
	} while (0)

ENTRY_TEST(page_that_userfaultfd_protects_is_not_writable)
{
	int uffd = register_wp(self->map, mmun_pages(PAGES), 0);

	mmun_skip_if(uffd < 0, NO_UFFD_WP);
	snapshot_pages(0, PAGES, MMUN_WRITE, NULL);
	ASSERT_EQ(0, uffd_protect(uffd, mmun_page(3), self->page, true));
	expect_no_entry(3);
	expect_read_only(3);
	snapshot_page(2, MMUN_WRITE);
	ASSERT_EQ(0, uffd_protect(uffd, mmun_page(3), self->page, false));
	EXPECT_EQ(WRITABLE, page_flags(3, MMUN_WRITE));
	close(uffd);
}

/*
 * MADV_DONTNEED removes the page of the file from the page table, and leaves a
 * marker, so that the page is protected when the page is mapped again.
 */
ENTRY_TEST(marker_of_userfaultfd_keeps_the_page_protected)
{
	int uffd, memfd = mmun_memfd_sized(mmun_pages(PAGES), 0);

	ASSERT_NE(NULL, mmun_map_file(self->map, mmun_pages(PAGES), MAP_SHARED,
				      memfd));
	mmun_fill(self->map, PAGES);
	uffd = register_wp(self->map, mmun_pages(PAGES),
			   UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	mmun_skip_if(uffd < 0, NO_UFFD_WP);
	ASSERT_EQ(0, uffd_protect(uffd, mmun_page(3), self->page, true));
	ASSERT_EQ(0, madvise(self->map, mmun_pages(PAGES), MADV_DONTNEED));
	EXPECT_EQ(0, look(3));
	expect_read_only(3);
	EXPECT_EQ(WRITABLE, page_flags(2, MMUN_WRITE));
	close(uffd);
}

/* Parts of huge pages.  The range has the pages [FIRST, FIRST + NR). */

#define NO_HUGETLB_PAGE "no huge page: set CONFIG_HUGETLBFS, boot with MEM=1G"

#define FIRST 3
#define NR 5

FIXTURE(hmm_huge)
{
	MMUN_RANGE_FIXTURE;
	struct setting pool;
	bool has_pool;
};

FIXTURE_SETUP(hmm_huge)
{
	self->has_pool = fill_pool(&self->pool, 1);
	mmun_setup_aligned(HUGE_SIZE, HUGE_SIZE);
	self->method = MMUN_METHOD_HMM_FAULT;
	self->id = insert_pages(FIRST, NR);
}

FIXTURE_TEARDOWN(hmm_huge)
{
	munmap(self->map, HUGE_SIZE);
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, setting_restore(&self->pool));
}

#define HUGE_TEST(_test) \
	MMUN_TEST_NEEDS(hmm_huge, _test, mmun_need_feature(MMUN_FEATURE_HMM))

/* Expect the PFN of each page, and its position in the huge page. */
#define expect_part_of_a_huge_page(_entries, _flags)                         \
	do {                                                                 \
		for (int __i = 0; __i < NR; __i++) {                         \
			EXPECT_EQ(_flags, (_entries)[__i] & PAGE_FLAGS);     \
			EXPECT_EQ(HUGE_SIZE, self->page << mmun_entry_order( \
						     (_entries)[__i]));      \
			EXPECT_EQ(FIRST + __i,                               \
				  mmun_entry_pfn((_entries)[__i]) %          \
					  (HUGE_SIZE / self->page));         \
			EXPECT_EQ(mmun_pagemap(mmun_page(FIRST + __i)) &     \
					  PAGEMAP_PFN,                       \
				  mmun_entry_pfn((_entries)[__i]));          \
		}                                                            \
	} while (0)

HUGE_TEST(part_of_a_hugetlb_page_has_the_pfns_of_the_part)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
			  MAP_HUGETLB |
			  __builtin_ctzl(HUGE_SIZE) << MAP_HUGE_SHIFT;
	__u64 entries[NR];

	mmun_skip_if(!self->has_pool, NO_HUGETLB_PAGE);
	ASSERT_NE(MAP_FAILED, mmap(self->map, HUGE_SIZE, PROT_READ | PROT_WRITE,
				   flags, -1, 0));
	EXPECT_EQ(0, look(FIRST) & PAGE_FLAGS);
	mmun_fill(self->map, FIRST + NR);
	snapshot_pages(FIRST, NR, MMUN_WRITE, entries);
	expect_part_of_a_huge_page(entries, WRITABLE);
	EXPECT_EQ(FIRST + 1, device_byte(FIRST));
	ASSERT_EQ(0, madvise(self->map, HUGE_SIZE, MADV_DONTNEED));
	expect_no_entry(FIRST);
	EXPECT_EQ(0, look(FIRST) & PAGE_FLAGS);
}

/* The kernel maps one huge page of zeroes if the CPU only reads. */
HUGE_TEST(part_of_the_huge_zero_page_is_read_only)
{
	__u64 entries[NR], pfn;

	ASSERT_NE(NULL, mmun_map(self->map, HUGE_SIZE));
	mmun_skip_if(madvise(self->map, HUGE_SIZE, MADV_HUGEPAGE),
		     "no huge pages: set CONFIG_TRANSPARENT_HUGEPAGE");
	EXPECT_EQ(0, mmun_load(self->map));
	snapshot_pages(FIRST, NR, 0, entries);
	mmun_skip_if(!mmun_entry_order(entries[0]),
		     "no memory for a huge page: boot with MEM=1G");
	expect_part_of_a_huge_page(entries, MMUN_PAGE_VALID);
	expect_no_write(FIRST);
	pfn = mmun_entry_pfn(entries[0]);
	EXPECT_EQ(WRITABLE, page_flags(FIRST, MMUN_WRITE));
	EXPECT_NE(pfn, mmun_entry_pfn(snapshot_page(FIRST, 0)));
	device_write_byte(FIRST, 'd');
	EXPECT_EQ(0, mmun_load(mmun_page(FIRST + 1)));
}

MMUN_HARNESS_MAIN
