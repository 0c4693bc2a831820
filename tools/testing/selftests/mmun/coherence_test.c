// SPDX-License-Identifier: GPL-2.0
/*
 * Coherence: what a device sees and writes through the shadow is what the CPU
 * has there, and after each mutator exactly the pages it took are gone.
 */
#include "lib/mmun.h"

#define PAGE_FLAGS	(MMUN_PAGE_VALID | MMUN_PAGE_WRITE | MMUN_PAGE_ERROR)

static __u64 entry_pfn(__u64 entry)
{
	return entry & MMUN_PAGE_PFN_MASK;
}

static unsigned int entry_order(__u64 entry)
{
	return (entry >> MMUN_PAGE_ORDER_SHIFT) & MMUN_PAGE_ORDER_MASK;
}

static char cpu_read(const char *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void cpu_write(char *p, char c)
{
	__atomic_store_n(p, c, __ATOMIC_RELAXED);
}

/* The best method that this kernel has. */
static __u32 any_method(int fd)
{
	struct mmun_info info;

	if (_mmun_info(fd, &info) || !(info.out_features & MMUN_FEATURE_HMM))
		return MMUN_METHOD_GUP;
	return MMUN_METHOD_HMM_FAULT;
}

/* VERIFY where there is one; the device reads that go with it always work. */
#define verify_range(_id, _checked)                                        \
	do {                                                               \
		if (mmun_info().out_features & MMUN_FEATURE_HMM)           \
			EXPECT_EQ(_checked, mmun_verify(_id));             \
	} while (0)

#define verify(_checked) verify_range(self->id, _checked)

/*
 * The kinds of memory.  Page n holds the byte n + 1, put there by the CPU; the
 * range is all of it; mutators work on pages 3 and 4.
 *
 *   0   1   2   3   4   5   6   7   8 ...            15
 *   |------------range------------|   nothing mapped
 *               |--op---|
 */
#define PAGES		8
#define OP_FIRST	3
#define OP_END		5

FIXTURE(coherence_mem) {
	int fd;
	int memfd;
	size_t page;
	char *map;
	__u32 method;
	__u32 id;
};

FIXTURE_VARIANT(coherence_mem)
{
	int flags;		/* of mmap() */
	int file;		/* a memfd */
	int shared;
	char dropped;		/* what page 3 holds after DONTNEED; 0: zero */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(coherence_mem, anon_private) {
	.flags = MAP_PRIVATE | MAP_ANONYMOUS, .dropped = 0,
};

FIXTURE_VARIANT_ADD(coherence_mem, anon_shared) {
	.flags = MAP_SHARED | MAP_ANONYMOUS, .shared = 1, .dropped = 0x44,
};

FIXTURE_VARIANT_ADD(coherence_mem, memfd_shared) {
	.flags = MAP_SHARED, .file = 1, .shared = 1, .dropped = 0x44,
};

FIXTURE_VARIANT_ADD(coherence_mem, memfd_private) {
	.flags = MAP_PRIVATE, .file = 1, .dropped = 0x7f,
};
/* clang-format on */

FIXTURE_SETUP(coherence_mem)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int i;

	self->page = page;
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_arena(2 * PAGES);
	ASSERT_NE(NULL, self->map);
	self->memfd = -1;
	if (variant->file) {
		self->memfd = mmun_memfd(0);
		ASSERT_EQ(0, ftruncate(self->memfd, PAGES * page));
		for (i = 0; i < PAGES * page; i += page)
			ASSERT_EQ(1, pwrite(self->memfd, "\x7f", 1, i));
	}
	ASSERT_EQ(self->map, mmap(self->map, PAGES * page,
				  PROT_READ | PROT_WRITE,
				  variant->flags | MAP_FIXED, self->memfd, 0));
	madvise(self->map, PAGES * page, MADV_NOHUGEPAGE);
	for (i = 0; i < PAGES; i++)
		memset(self->map + i * page, i + 1, page);
	self->method = any_method(self->fd);
	self->id = mmun_insert(self->map, PAGES * page);
}

FIXTURE_TEARDOWN(coherence_mem)
{
	close(self->memfd);
	close(self->fd);
}

#define page_at(_nr) (self->map + (_nr) * self->page)

/* All pages become valid and writable. */
#define snapshot_all()                                                     \
	ASSERT_EQ(PAGES, mmun_snapshot(self->id, self->map,                \
				       PAGES * self->page, self->method,   \
				       MMUN_WRITE, NULL))

#define snapshot_op(_flags)                                                \
	ASSERT_EQ(2, mmun_snapshot(self->id, page_at(OP_FIRST),            \
				   2 * self->page, self->method, _flags,   \
				   NULL))

/* The device reads all of the page, and that is what the CPU reads. */
static void check_same(struct __test_metadata *_metadata,
		       FIXTURE_DATA(coherence_mem) *self, int nr)
{
	char buffer[self->page];

	mmun_device_read(self->id, page_at(nr), self->page, buffer);
	EXPECT_EQ(0, memcmp(buffer, page_at(nr), self->page))
	{
		TH_LOG("page %d: device %#x, CPU %#x", nr, buffer[0],
		       page_at(nr)[0]);
	}
}

/* Pages @first to @end are gone, exactly; the others are read and written. */
static void check_gone(struct __test_metadata *_metadata,
		       FIXTURE_DATA(coherence_mem) *self, int first, int end)
{
	int nr;

	for (nr = 0; nr < PAGES; nr++) {
		if (nr >= first && nr < end) {
			mmun_err_access(EFAULT, self->id, page_at(nr), 1, 0);
			mmun_err_access(EFAULT, self->id, page_at(nr), 1,
					MMUN_WRITE);
			continue;
		}
		check_same(_metadata, self, nr);
		mmun_device_write(self->id, page_at(nr) + 7, 1, "w");
		EXPECT_EQ('w', cpu_read(page_at(nr) + 7));
		EXPECT_EQ(nr + 1, cpu_read(page_at(nr) + 8));
	}
	verify(PAGES - (end - first));
}

TEST_F(coherence_mem, device_reads_what_the_cpu_wrote)
{
	int nr;

	snapshot_all();
	for (nr = 0; nr < PAGES; nr++) {
		check_same(_metadata, self, nr);
		memset(page_at(nr) + 1, 0x50 + nr, self->page - 2);
		check_same(_metadata, self, nr);
	}
	verify(PAGES);
	EXPECT_EQ(0, mmun_query_range(self->id).out_invalidations);
}

TEST_F(coherence_mem, cpu_reads_what_the_device_wrote)
{
	char buffer[self->page];
	int nr;

	snapshot_all();
	for (nr = 0; nr < PAGES; nr++) {
		memset(buffer, 0x60 + nr, self->page);
		mmun_device_write(self->id, page_at(nr), self->page, buffer);
		EXPECT_EQ(0, memcmp(page_at(nr), buffer, self->page));
	}
	verify(PAGES);
}

/* Odd bytes, over two page boundaries, and not one more. */
TEST_F(coherence_mem, device_access_crosses_pages)
{
	size_t length = self->page + 10, i;
	char *at = page_at(3) - 5, buffer[length];

	snapshot_all();
	mmun_device_read(self->id, at, length, buffer);
	EXPECT_EQ(0, memcmp(at, buffer, length));
	for (i = 0; i < length; i++)
		buffer[i] = 3 * i + 1;
	mmun_device_write(self->id, at, length, buffer);
	EXPECT_EQ(0, memcmp(at, buffer, length));
	EXPECT_EQ(3, cpu_read(at - 1));
	EXPECT_EQ(5, cpu_read(at + length));
}

TEST_F(coherence_mem, munmap_takes_exactly_its_pages)
{
	snapshot_all();
	ASSERT_EQ(0, munmap(page_at(OP_FIRST), 2 * self->page));
	check_gone(_metadata, self, OP_FIRST, OP_END);
	mmun_err_snapshot(EFAULT, self->id, page_at(OP_FIRST), self->page,
			  self->method, 0);
	check_gone(_metadata, self, OP_FIRST, OP_END);
}

TEST_F(coherence_mem, mmap_over_shows_the_new_pages)
{
	snapshot_all();
	ASSERT_NE(NULL, mmun_map(page_at(OP_FIRST), 2 * self->page));
	check_gone(_metadata, self, OP_FIRST, OP_END);
	cpu_write(page_at(OP_FIRST), 0x21);
	snapshot_op(MMUN_WRITE);
	check_same(_metadata, self, OP_FIRST);
	verify(PAGES);
}

TEST_F(coherence_mem, mprotect_takes_exactly_its_pages)
{
	snapshot_all();
	ASSERT_EQ(0, mprotect(page_at(OP_FIRST), 2 * self->page, PROT_READ));
	check_gone(_metadata, self, OP_FIRST, OP_END);
}

/* What may only be read may only be read by the device. */
TEST_F(coherence_mem, read_only_mapping_gives_read_only_entries)
{
	snapshot_all();
	ASSERT_EQ(0, mprotect(page_at(OP_FIRST), 2 * self->page, PROT_READ));
	snapshot_op(0);
	check_same(_metadata, self, OP_FIRST);
	mmun_err_access(EFAULT, self->id, page_at(OP_FIRST), 1, MMUN_WRITE);
	EXPECT_EQ(OP_FIRST + 1, cpu_read(page_at(OP_FIRST)));
	mmun_err_snapshot(EACCES, self->id, page_at(OP_FIRST), self->page,
			  self->method, MMUN_WRITE);
	verify(PAGES);
}

TEST_F(coherence_mem, writable_again_after_mprotect_back)
{
	snapshot_all();
	ASSERT_EQ(0, mprotect(page_at(OP_FIRST), 2 * self->page, PROT_READ));
	ASSERT_EQ(0, mprotect(page_at(OP_FIRST), 2 * self->page,
			      PROT_READ | PROT_WRITE));
	check_gone(_metadata, self, OP_FIRST, OP_END);
	snapshot_op(MMUN_WRITE);
	check_gone(_metadata, self, 0, 0);
}

/* A private page reads as zeroes or as the file again; a shared one stays. */
TEST_F(coherence_mem, dontneed_takes_exactly_its_pages)
{
	memset(page_at(OP_FIRST), 0x44, self->page);
	snapshot_all();
	ASSERT_EQ(0, madvise(page_at(OP_FIRST), 2 * self->page,
			     MADV_DONTNEED));
	check_gone(_metadata, self, OP_FIRST, OP_END);
	snapshot_op(MMUN_WRITE);
	check_same(_metadata, self, OP_FIRST);
	EXPECT_EQ(variant->dropped, cpu_read(page_at(OP_FIRST)));
	mmun_device_write(self->id, page_at(OP_FIRST), 1, "d");
	EXPECT_EQ('d', cpu_read(page_at(OP_FIRST)));
	verify(PAGES);
}

TEST_F(coherence_mem, mremap_takes_exactly_its_pages)
{
	size_t length = 2 * self->page;

	snapshot_all();
	ASSERT_EQ(page_at(PAGES + 1),
		  mremap(page_at(OP_FIRST), length, length,
			 MREMAP_MAYMOVE | MREMAP_FIXED, page_at(PAGES + 1)));
	check_gone(_metadata, self, OP_FIRST, OP_END);
}

TEST_F(coherence_mem, mremap_moves_the_pages_with_their_pfns)
{
	size_t length = 2 * self->page;
	__u64 before[2], after[2];
	char c = 0;
	__u32 id;

	mmun_snapshot(self->id, page_at(OP_FIRST), length, self->method,
		      MMUN_WRITE, before);
	ASSERT_EQ(page_at(PAGES + 1),
		  mremap(page_at(OP_FIRST), length, length,
			 MREMAP_MAYMOVE | MREMAP_FIXED, page_at(PAGES + 1)));
	id = mmun_insert(page_at(PAGES + 1), length);
	mmun_snapshot(id, page_at(PAGES + 1), length, self->method, MMUN_WRITE,
		      after);
	EXPECT_EQ(entry_pfn(before[0]), entry_pfn(after[0]));
	EXPECT_EQ(entry_pfn(before[1]), entry_pfn(after[1]));
	EXPECT_NE(entry_pfn(after[0]), entry_pfn(after[1]));
	mmun_device_read(id, page_at(PAGES + 1), 1, &c);
	EXPECT_EQ(OP_FIRST + 1, c);
}

/* The child takes page 0, tells what it finds when woken, and ends. */
struct child {
	pid_t pid;
	int wake;
};

static struct child child_fork(const char *p)
{
	struct child child = { .pid = -1 };
	int fds[2];
	char c;

	if (pipe2(fds, O_CLOEXEC))
		return child;
	child.pid = fork();
	if (!child.pid) {
		close(fds[1]);
		_exit(read(fds[0], &c, 1) == 1 ? cpu_read(p) : 0xff);
	}
	close(fds[0]);
	child.wake = fds[1];
	return child;
}

/* What the child finds at its address. */
static int child_reads(struct child child)
{
	if (write(child.wake, "x", 1) != 1)
		return -1;
	close(child.wake);
	return mmun_wait_child(child.pid);
}

TEST_F(coherence_mem, fork_takes_the_pages_that_it_protects)
{
	struct child child;

	snapshot_all();
	child = child_fork(self->map);
	ASSERT_LT(0, child.pid);
	check_gone(_metadata, self, 0, variant->shared ? 0 : PAGES);
	EXPECT_EQ(1, child_reads(child));
}

TEST_F(coherence_mem, device_writes_after_fork_stay_with_the_parent)
{
	struct child child = child_fork(self->map);

	ASSERT_LT(0, child.pid);
	snapshot_all();
	mmun_device_write(self->id, self->map, 1, "d");
	EXPECT_EQ('d', cpu_read(self->map));
	EXPECT_EQ(variant->shared ? 'd' : 1, child_reads(child));
	verify(PAGES);
}

/* The parent's write moves it to a new page, which the device must follow. */
TEST_F(coherence_mem, device_follows_a_cpu_write_after_fork)
{
	struct child child = child_fork(self->map);
	int nr;

	ASSERT_LT(0, child.pid);
	for (nr = 0; nr < PAGES; nr++)
		mmun_snapshot(self->id, page_at(nr), self->page, self->method,
			      0, NULL);
	cpu_write(self->map, 0x55);
	if (!variant->shared) {
		mmun_err_access(EFAULT, self->id, self->map, 1, 0);
		mmun_snapshot(self->id, self->map, self->page, self->method,
			      0, NULL);
	}
	for (nr = 0; nr < PAGES; nr++)
		check_same(_metadata, self, nr);
	verify(PAGES);
	EXPECT_EQ(variant->shared ? 0x55 : 1, child_reads(child));
}

/* Two ways to snapshot. */

FIXTURE(coherence_method) {
	int fd;
	size_t page;
	char *map;
	__u32 method;
	__u32 id;
};

FIXTURE_VARIANT(coherence_method)
{
	__u32 method;
	__u64 needs;
};

FIXTURE_SETUP(coherence_method)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->method = variant->method;
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_arena(2 * PAGES);
	ASSERT_NE(NULL, self->map);
	ASSERT_NE(NULL, mmun_map_filled(self->map, PAGES));
	self->id = mmun_insert(self->map, PAGES * self->page);
}

FIXTURE_TEARDOWN(coherence_method)
{
	close(self->fd);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(coherence_method, fault) {
	.method = MMUN_METHOD_HMM_FAULT, .needs = MMUN_FEATURE_HMM,
};

FIXTURE_VARIANT_ADD(coherence_method, gup) {
	.method = MMUN_METHOD_GUP,
};
/* clang-format on */

#define need_method()                                                      \
	do {                                                               \
		if (variant->needs & ~mmun_info().out_features)            \
			SKIP(return, "no HMM: set CONFIG_HMM_MIRROR");     \
	} while (0)

#define snapshot_page(_nr, _flags)                                         \
	({                                                                 \
		__u64 __entry = 0;                                         \
									   \
		ASSERT_EQ(1, mmun_snapshot(self->id, page_at(_nr),         \
					   self->page, self->method,       \
					   _flags, &__entry));             \
		__entry;                                                   \
	})

TEST_F(coherence_method, write_snapshot_reports_writable_pages)
{
	__u64 entry;

	need_method();
	entry = snapshot_page(0, MMUN_WRITE);
	EXPECT_EQ(MMUN_PAGE_VALID | MMUN_PAGE_WRITE, entry & PAGE_FLAGS);
	EXPECT_EQ(0, entry_order(entry));
}

/* HMM tells what the page tables allow, GUP only what was asked for. */
TEST_F(coherence_method, read_snapshot_gives_the_rights_it_can_know)
{
	int hmm = variant->method == MMUN_METHOD_HMM_FAULT;
	__u64 entry;

	need_method();
	entry = snapshot_page(0, 0);
	EXPECT_EQ(MMUN_PAGE_VALID | (hmm ? MMUN_PAGE_WRITE : 0),
		  entry & PAGE_FLAGS);
	if (hmm)
		mmun_device_write(self->id, self->map, 1, "d");
	else
		mmun_err_access(EFAULT, self->id, self->map, 1, MMUN_WRITE);
	EXPECT_EQ(hmm ? 'd' : 1, cpu_read(self->map));
}

TEST_F(coherence_method, snapshot_over_a_hole_is_efault_and_changes_nothing)
{
	int nr;

	need_method();
	snapshot_page(0, 0);
	ASSERT_EQ(0, munmap(page_at(3), self->page));
	mmun_err_snapshot(EFAULT, self->id, self->map, PAGES * self->page,
			  variant->method, 0);
	mmun_err_snapshot(EFAULT, self->id, page_at(3), self->page,
			  variant->method, MMUN_WRITE);
	for (nr = 1; nr < PAGES; nr++)
		mmun_err_access(EFAULT, self->id, page_at(nr), 1, 0);
	EXPECT_EQ(1, mmun_query_range(self->id).out_commits);
}

TEST_F(coherence_method, snapshot_of_unreadable_memory_is_efault)
{
	need_method();
	ASSERT_EQ(0, mprotect(page_at(3), self->page, PROT_NONE));
	mmun_err_snapshot(EFAULT, self->id, page_at(3), self->page,
			  variant->method, 0);
	mmun_err_access(EFAULT, self->id, page_at(3), 1, 0);
}

TEST_F(coherence_method, write_snapshot_of_a_read_only_page_is_eacces)
{
	need_method();
	ASSERT_EQ(0, mprotect(page_at(3), self->page, PROT_READ));
	mmun_err_snapshot(EACCES, self->id, page_at(3), self->page,
			  variant->method, MMUN_WRITE);
	mmun_err_access(EFAULT, self->id, page_at(3), 1, 0);
	EXPECT_EQ(MMUN_PAGE_VALID, snapshot_page(3, 0) & PAGE_FLAGS);
}

/* Beyond the end of a file there is a mapping, but no page. */
TEST_F(coherence_method, snapshot_beyond_the_file_is_efault)
{
	int memfd = mmun_memfd(0);

	need_method();
	ASSERT_EQ(0, ftruncate(memfd, PAGES * self->page));
	ASSERT_EQ(self->map, mmap(self->map, PAGES * self->page,
				  PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, memfd, 0));
	snapshot_page(3, MMUN_WRITE);
	ASSERT_EQ(0, ftruncate(memfd, 3 * self->page));
	mmun_err_access(EFAULT, self->id, page_at(3), 1, 0);
	mmun_err_snapshot(EFAULT, self->id, page_at(3), self->page,
			  variant->method, 0);
	snapshot_page(2, MMUN_WRITE);
}

/* Pages that nobody touched: for reading there is one for all of them. */
TEST_F(coherence_method, untouched_pages_read_as_the_one_zero_page)
{
	__u64 first, second;
	char c = 1;

	need_method();
	ASSERT_NE(NULL, mmun_map(self->map, PAGES * self->page));
	first = snapshot_page(3, 0);
	second = snapshot_page(6, 0);
	EXPECT_EQ(MMUN_PAGE_VALID, first & PAGE_FLAGS);
	EXPECT_EQ(entry_pfn(first), entry_pfn(second));
	mmun_device_read(self->id, page_at(3), 1, &c);
	EXPECT_EQ(0, c);
	mmun_err_access(EFAULT, self->id, page_at(3), 1, MMUN_WRITE);
}

TEST_F(coherence_method, write_snapshot_replaces_the_zero_page)
{
	__u64 zero, own;

	need_method();
	ASSERT_NE(NULL, mmun_map(self->map, PAGES * self->page));
	zero = snapshot_page(3, 0);
	own = snapshot_page(3, MMUN_WRITE);
	EXPECT_EQ(MMUN_PAGE_VALID | MMUN_PAGE_WRITE, own & PAGE_FLAGS);
	EXPECT_NE(entry_pfn(zero), entry_pfn(own));
	mmun_device_write(self->id, page_at(3), 1, "d");
	EXPECT_EQ('d', cpu_read(page_at(3)));
	EXPECT_EQ(0, cpu_read(page_at(6)));
}

TEST_F(coherence_method, device_does_not_keep_the_zero_page_after_a_write)
{
	char c = 0;

	need_method();
	ASSERT_NE(NULL, mmun_map(self->map, PAGES * self->page));
	snapshot_page(3, 0);
	snapshot_page(4, 0);
	cpu_write(page_at(3), 0x33);
	mmun_err_access(EFAULT, self->id, page_at(3), 1, 0);
	mmun_device_read(self->id, page_at(4), 1, &c);
	EXPECT_EQ(0, c);
	snapshot_page(3, 0);
	mmun_device_read(self->id, page_at(3), 1, &c);
	EXPECT_EQ(0x33, c);
}

TEST_F(coherence_method, pages_differ_exactly_when_their_pfns_do)
{
	__u64 a[PAGES], b[PAGES];
	int i, j;

	need_method();
	mmun_snapshot(self->id, self->map, PAGES * self->page, variant->method,
		      MMUN_WRITE, a);
	mmun_snapshot(self->id, self->map, PAGES * self->page, variant->method,
		      0, b);
	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(entry_pfn(a[i]), entry_pfn(b[i]));
		for (j = 0; j < i; j++)
			EXPECT_NE(entry_pfn(a[i]), entry_pfn(a[j]));
	}
}

TEST_F(coherence_method, page_has_one_pfn_in_every_mapping_and_context)
{
	__u64 first[2], second[2], other[2];
	int memfd = mmun_memfd(0), fd = self->fd;
	size_t length = 2 * self->page;
	int nr;

	need_method();
	ASSERT_EQ(0, ftruncate(memfd, length));
	for (nr = 0; nr < 4; nr += 2)
		ASSERT_NE(MAP_FAILED, mmap(page_at(nr), length,
					   PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_FIXED, memfd, 0));
	mmun_snapshot(self->id, page_at(0), length, self->method, 0, first);
	mmun_snapshot(self->id, page_at(2), length, self->method, 0, second);
	self->fd = mmun_open();
	mmun_snapshot(mmun_insert(page_at(0), length), page_at(0), length,
		      self->method, 0, other);
	close(self->fd);
	self->fd = fd;
	for (nr = 0; nr < 2; nr++) {
		EXPECT_EQ(entry_pfn(first[nr]), entry_pfn(second[nr]));
		EXPECT_EQ(entry_pfn(first[nr]), entry_pfn(other[nr]));
	}
	EXPECT_NE(entry_pfn(first[0]), entry_pfn(first[1]));
}

/* A witness that has nothing to do with the driver. */
TEST_F(coherence_method, pfn_is_what_pagemap_reports)
{
	__u64 pfn;
	int nr;

	need_method();
	for (nr = 0; nr < PAGES; nr++) {
		pfn = entry_pfn(snapshot_page(nr, 0));
		ASSERT_NE(0, mmun_pagemap(page_at(nr)) & PAGEMAP_PFN);
		EXPECT_EQ(mmun_pagemap(page_at(nr)) & PAGEMAP_PFN, pfn);
	}
}

static int compare_u64(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

/* 64 MiB, so that page tables, shadow and batch are all of many pieces. */
#define MANY	16384

TEST_F(coherence_method, snapshot_of_very_many_pages_has_them_all)
{
	size_t length = MANY * self->page, i;
	__u64 *entries = calloc(MANY, sizeof(*entries));
	char *p = mmun_map(mmun_arena(MANY), length), c;
	__u32 id;

	need_method();
	ASSERT_NE(NULL, p);
	id = mmun_insert(p, length);
	ASSERT_EQ(MANY, mmun_snapshot(id, p, length, self->method, MMUN_WRITE,
				      entries));
	for (i = 0; i < MANY; i += 509) {
		cpu_write(p + i * self->page + i % 4096, i % 127);
		mmun_device_read(id, p + i * self->page + i % 4096, 1, &c);
		EXPECT_EQ(i % 127, c);
	}
	qsort(entries, MANY, sizeof(*entries), compare_u64);
	for (i = 1; i < MANY; i++)
		ASSERT_NE(entries[i - 1], entries[i]);
	verify_range(id, MANY);
}

/* Single stories, by whatever method there is. */

FIXTURE(coherence) {
	int fd;
	size_t page;
	char *map;
	__u32 method;
	__u32 id;
};

FIXTURE_SETUP(coherence)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->method = any_method(self->fd);
	self->map = mmun_arena(2 * PAGES);
	ASSERT_NE(NULL, self->map);
	ASSERT_NE(NULL, mmun_map_filled(self->map, PAGES));
	self->id = mmun_insert(self->map, PAGES * self->page);
}

FIXTURE_TEARDOWN(coherence)
{
	close(self->fd);
}

TEST_F(coherence, nothing_is_valid_before_the_first_snapshot)
{
	int nr;

	for (nr = 0; nr < PAGES; nr++)
		mmun_err_access(EFAULT, self->id, page_at(nr), 1, 0);
	verify(0);
}

/* The buffers of ACCESS, behind the range */

TEST_F(coherence, device_read_fills_a_buffer_that_is_not_there_yet)
{
	char *buffer = mmun_map(page_at(PAGES), 2 * self->page);

	ASSERT_NE(NULL, buffer);
	snapshot_all();
	mmun_device_read(self->id, page_at(3), 2 * self->page, buffer);
	EXPECT_EQ(0, memcmp(buffer, page_at(3), 2 * self->page));
}

TEST_F(coherence, device_write_takes_a_buffer_that_is_not_there_yet)
{
	char *buffer = mmun_map(page_at(PAGES), 2 * self->page);

	ASSERT_NE(NULL, buffer);
	snapshot_all();
	mmun_device_write(self->id, page_at(3), 2 * self->page, buffer);
	EXPECT_EQ(0, memcmp(page_at(3), buffer, 2 * self->page));
}

/* What lies below the frame is not there until it is touched. */
TEST_F(coherence, device_read_fills_a_buffer_for_which_the_stack_must_grow)
{
	__u64 frame = mmun_u64(__builtin_frame_address(0)) - (1 << 20);
	char *buffer = (char *)(frame & -self->page);

	snapshot_all();
	mmun_device_read(self->id, page_at(3), self->page, buffer);
	EXPECT_EQ(0, memcmp(buffer, page_at(3), self->page));
}

/* Its own shadow entry goes when the read replaces the zero page. */
TEST_F(coherence, device_read_of_the_zero_page_can_be_into_the_same_page)
{
	ASSERT_EQ(0, madvise(page_at(3), self->page, MADV_DONTNEED));
	ASSERT_EQ(0, cpu_read(page_at(3)));
	ASSERT_EQ(1, mmun_snapshot(self->id, page_at(3), self->page,
				   self->method, 0, NULL));
	mmun_device_read(self->id, page_at(3), self->page, page_at(3));
	EXPECT_EQ(0, cpu_read(page_at(3)));
}

/* A step of ACCESS is the part of it that lies in one page of the range. */
TEST_F(coherence, access_ends_before_the_step_whose_buffer_is_bad)
{
	char *buffer = mmun_map(page_at(PAGES), self->page);
	__u64 done;

	ASSERT_NE(NULL, buffer);
	snapshot_all();
	ASSERT_EQ(0, _mmun_access(self->fd, self->id, page_at(3),
				  2 * self->page, buffer, 0, &done));
	EXPECT_EQ(self->page, done);
	ASSERT_EQ(0, _mmun_access(self->fd, self->id, page_at(0),
				  2 * self->page, buffer, MMUN_WRITE, &done));
	EXPECT_EQ(self->page, done);
	EXPECT_EQ(4, cpu_read(page_at(0)));
	EXPECT_EQ(2, cpu_read(page_at(1)));
	EXPECT_ERRNO(EFAULT, _mmun_access(self->fd, self->id, page_at(2),
					  self->page, buffer + self->page / 2,
					  MMUN_WRITE, &done));
	EXPECT_EQ(3, cpu_read(page_at(2)));
	ASSERT_EQ(0, mprotect(buffer, self->page, PROT_READ));
	EXPECT_ERRNO(EFAULT, _mmun_access(self->fd, self->id, page_at(2),
					  self->page, buffer, 0, &done));
	EXPECT_EQ(4, cpu_read(buffer));
}

/* LOOK takes what is there and faults nothing in. */
TEST_F(coherence, look_leaves_absent_pages_absent)
{
	unsigned char resident[PAGES];
	__u64 entries[PAGES];
	int nr;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_NE(NULL, mmun_map(self->map, PAGES * self->page));
	cpu_write(page_at(3), 1);
	ASSERT_EQ(1, mmun_snapshot(self->id, self->map, PAGES * self->page,
				   MMUN_METHOD_HMM_NOFAULT, 0, entries));
	ASSERT_EQ(0, mincore(self->map, PAGES * self->page, resident));
	for (nr = 0; nr < PAGES; nr++) {
		EXPECT_EQ(nr == 3, resident[nr] & 1);
		EXPECT_EQ(nr == 3 ? MMUN_PAGE_VALID | MMUN_PAGE_WRITE : 0,
			  entries[nr] & PAGE_FLAGS);
	}
	ASSERT_EQ(PAGES, mmun_snapshot(self->id, self->map, PAGES * self->page,
				       MMUN_METHOD_HMM_FAULT, MMUN_WRITE, NULL));
	ASSERT_EQ(0, mincore(self->map, PAGES * self->page, resident));
	for (nr = 0; nr < PAGES; nr++)
		EXPECT_EQ(1, resident[nr] & 1);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |RW|   |none|   |R|
 *       hole    empty   hole ...
 */
TEST_F(coherence, look_reports_errors_where_nothing_can_be_read)
{
	__u64 entries[PAGES];

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, munmap(page_at(1), self->page));
	ASSERT_EQ(0, mprotect(page_at(2), self->page, PROT_NONE));
	ASSERT_EQ(0, madvise(page_at(3), self->page, MADV_DONTNEED));
	ASSERT_EQ(0, mprotect(page_at(4), self->page, PROT_READ));
	ASSERT_EQ(0, munmap(page_at(5), 3 * self->page));
	ASSERT_EQ(2, mmun_snapshot(self->id, self->map, PAGES * self->page,
				   MMUN_METHOD_HMM_NOFAULT, 0, entries));
	EXPECT_EQ(MMUN_PAGE_VALID | MMUN_PAGE_WRITE, entries[0] & PAGE_FLAGS);
	EXPECT_EQ(MMUN_PAGE_ERROR, entries[1] & PAGE_FLAGS);
	EXPECT_EQ(MMUN_PAGE_ERROR, entries[2] & PAGE_FLAGS);
	EXPECT_EQ(0, entries[3]);
	EXPECT_EQ(MMUN_PAGE_VALID, entries[4] & PAGE_FLAGS);
	EXPECT_EQ(MMUN_PAGE_ERROR, entries[5] & PAGE_FLAGS);
	mmun_err_access(EFAULT, self->id, page_at(2), 1, 0);
}

/* A page shared with a child may be read, and LOOK leaves it shared. */
TEST_F(coherence, look_does_not_break_copy_on_write)
{
	struct child child = child_fork(self->map);
	__u64 entry;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_LT(0, child.pid);
	ASSERT_EQ(1, mmun_snapshot(self->id, self->map, self->page,
				   MMUN_METHOD_HMM_NOFAULT, 0, &entry));
	EXPECT_EQ(MMUN_PAGE_VALID, entry & PAGE_FLAGS);
	mmun_err_access(EFAULT, self->id, self->map, 1, MMUN_WRITE);
	EXPECT_EQ(0, mmun_query_range(self->id).out_collisions);
	EXPECT_EQ(1, child_reads(child));
}

TEST_F(coherence, access_stops_at_the_first_page_without_an_entry)
{
	char buffer[20] = "abcdefghijklmnopqrs";
	__u64 done = 0;

	mmun_snapshot(self->id, self->map, self->page, self->method,
		      MMUN_WRITE, NULL);
	ASSERT_EQ(0, _mmun_access(self->fd, self->id, page_at(1) - 8, 20,
				  buffer, MMUN_WRITE, &done));
	EXPECT_EQ(8, done);
	EXPECT_EQ(0, memcmp(page_at(1) - 8, "abcdefgh", 8));
	EXPECT_EQ(2, cpu_read(page_at(1)));
	memset(buffer, 'z', sizeof(buffer));
	ASSERT_EQ(0, _mmun_access(self->fd, self->id, page_at(1) - 8, 20,
				  buffer, 0, &done));
	EXPECT_EQ(8, done);
	EXPECT_EQ(0, memcmp(buffer, "abcdefghzzzzzzzzzzzz", 20));
	mmun_err_access(EFAULT, self->id, page_at(1), 12, 0);
}

TEST_F(coherence, write_access_stops_at_the_first_read_only_entry)
{
	__u64 done = 0;

	ASSERT_EQ(0, mprotect(page_at(1), self->page, PROT_READ));
	mmun_snapshot(self->id, self->map, 3 * self->page, self->method, 0,
		      NULL);
	mmun_snapshot(self->id, self->map, self->page, self->method,
		      MMUN_WRITE, NULL);
	ASSERT_EQ(0, _mmun_access(self->fd, self->id, page_at(1) - 1, 2, "xy",
				  MMUN_WRITE, &done));
	EXPECT_EQ(1, done);
	EXPECT_EQ('x', cpu_read(page_at(1) - 1));
	EXPECT_EQ(2, cpu_read(page_at(1)));
	mmun_err_access(EFAULT, self->id, page_at(1), 1, MMUN_WRITE);
}

/*
 *   0   1   2   3
 *     |--range--|	from byte 100 of page 0 to byte 100 of page 2
 *   |--snapshot-----|
 */
TEST_F(coherence, byte_granular_range_ends_at_its_bytes)
{
	char *first = self->map + 100, *last = page_at(2) + 99;
	__u32 id = mmun_insert(first, last + 1 - first);
	char c;

	EXPECT_EQ(3, mmun_snapshot(id, self->map, 3 * self->page,
				   self->method, 0, NULL));
	mmun_err_snapshot(ERANGE, id, self->map, 4 * self->page, self->method,
			  0);
	mmun_device_read(id, first, 1, &c);
	mmun_device_read(id, last, 1, &c);
	mmun_err_access(ERANGE, id, first - 1, 1, 0);
	mmun_err_access(ERANGE, id, last + 1, 1, 0);
	mmun_err_access(ERANGE, id, last, 2, 0);
	mmun_err_access(ERANGE, id, first - 1, 2, 0);
}

/* Each page that a byte granular range touches is dropped as a whole. */
TEST_F(coherence, byte_granular_range_drops_its_edge_pages)
{
	__u32 id = mmun_insert(page_at(1) - 1, self->page + 2);
	char c;

	EXPECT_EQ(3, mmun_snapshot(id, self->map, 3 * self->page,
				   self->method, 0, NULL));
	ASSERT_EQ(0, madvise(page_at(2), self->page, MADV_DONTNEED));
	mmun_err_access(EFAULT, id, page_at(2), 1, 0);
	mmun_device_read(id, page_at(1) - 1, 1, &c);
	mmun_device_read(id, page_at(2) - 1, 1, &c);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	mmun_err_access(EFAULT, id, page_at(1) - 1, 1, 0);
	mmun_device_read(id, page_at(1), 1, &c);
}

TEST_F(coherence, snapshot_of_a_part_leaves_the_other_parts)
{
	char buffer[1];
	int nr;

	for (nr = 0; nr < PAGES; nr += 2)
		mmun_snapshot(self->id, page_at(nr), self->page, self->method,
			      MMUN_WRITE, NULL);
	for (nr = 0; nr < PAGES; nr += 2) {
		mmun_device_read(self->id, page_at(nr), 1, buffer);
		EXPECT_EQ(nr + 1, buffer[0]);
		mmun_err_access(EFAULT, self->id, page_at(nr + 1), 1, 0);
	}
	verify(PAGES / 2);
}

TEST_F(coherence, each_range_has_a_shadow_of_its_own)
{
	__u32 twin = mmun_insert(self->map, PAGES * self->page);
	char c = 0;

	mmun_snapshot(self->id, self->map, PAGES * self->page, self->method, 0,
		      NULL);
	mmun_err_access(EFAULT, twin, self->map, 1, 0);
	mmun_snapshot(twin, self->map, PAGES * self->page, self->method, 0,
		      NULL);
	mmun_remove(self->id);
	mmun_device_read(twin, self->map, 1, &c);
	EXPECT_EQ(1, c);
	mmun_err_access(ENOENT, self->id, self->map, 1, 0);
}

/*
 * hmm_range_fault() takes memfd_secret(2) memory for any other, though it is not
 * in the kernel's map; get_user_pages() does not.
 */
TEST_F(coherence, device_cannot_touch_secret_memory)
{
	int fd = syscall(SYS_memfd_secret, 0);
	char *secret = page_at(0);

	mmun_need_feature(MMUN_FEATURE_HMM);
	if (fd < 0)
		SKIP(return, "set CONFIG_SECRETMEM, boot with secretmem.enable=1");
	ASSERT_EQ(0, ftruncate(fd, self->page));
	ASSERT_EQ(secret, mmap(secret, self->page, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, fd, 0));
	*secret = 1;
	mmun_err_snapshot(EFAULT, self->id, secret, self->page,
			  MMUN_METHOD_GUP, MMUN_WRITE);
	mmun_snapshot(self->id, secret, self->page, MMUN_METHOD_HMM_NOFAULT, 0, NULL);
	mmun_err_access(EFAULT, self->id, secret, 1, 0);
	mmun_err_access(EFAULT, self->id, secret, 1, MMUN_WRITE);
	EXPECT_EQ(1, *secret);
}

TEST_F(coherence, one_munmap_reaches_the_shadows_of_nested_ranges)
{
	__u32 inner = mmun_insert(page_at(2), 3 * self->page);
	char c;

	mmun_snapshot(self->id, self->map, PAGES * self->page, self->method, 0,
		      NULL);
	mmun_snapshot(inner, page_at(2), 3 * self->page, self->method, 0, NULL);
	ASSERT_EQ(0, munmap(page_at(3), 2 * self->page));
	mmun_err_access(EFAULT, self->id, page_at(3), 1, 0);
	mmun_err_access(EFAULT, inner, page_at(3), 1, 0);
	mmun_err_access(EFAULT, inner, page_at(4), 1, 0);
	mmun_device_read(inner, page_at(2), 1, &c);
	mmun_device_read(self->id, page_at(5), 1, &c);
	verify(PAGES - 2);
}

/* Huge pages: collapsed by hand, so that no setting is needed. */

#define HUGE_PAGES	(HUGE_SIZE / self->page)

FIXTURE(coherence_huge) {
	int fd;
	size_t page;
	char *map;
	__u32 method;
	__u32 id;
	const char *no_huge;	/* why there is none, or NULL */
	__u64 *entries;
};

FIXTURE_SETUP(coherence_huge)
{
	char *p;

	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->method = any_method(self->fd);
	p = mmun_arena(2 * HUGE_PAGES);
	ASSERT_NE(NULL, p);
	self->map = p + (-(uintptr_t)p & (HUGE_SIZE - 1));
	ASSERT_NE(NULL, mmun_map_filled(self->map, HUGE_PAGES));
	madvise(self->map, HUGE_SIZE, MADV_HUGEPAGE);
	self->no_huge = mmun_collapse(self->map);
	self->id = mmun_insert(self->map, HUGE_SIZE);
	self->entries = calloc(HUGE_PAGES, sizeof(__u64));
}

FIXTURE_TEARDOWN(coherence_huge)
{
	close(self->fd);
}

#define need_huge()                                                        \
	do {                                                               \
		mmun_need_feature(MMUN_FEATURE_HMM);                       \
		if (self->no_huge)                                         \
			SKIP(return, "%s", self->no_huge);                 \
	} while (0)

#define snapshot_huge()                                                    \
	ASSERT_EQ(HUGE_PAGES, mmun_snapshot(self->id, self->map, HUGE_SIZE, \
					    self->method, MMUN_WRITE,      \
					    self->entries))

TEST_F(coherence_huge, huge_page_is_reported_with_its_order)
{
	char c = 0;
	size_t i;

	need_huge();
	snapshot_huge();
	for (i = 0; i < HUGE_PAGES; i++) {
		ASSERT_EQ(MMUN_PAGE_VALID | MMUN_PAGE_WRITE,
			  self->entries[i] & PAGE_FLAGS);
		ASSERT_EQ(HUGE_SIZE,
			  self->page << entry_order(self->entries[i]));
	}
	mmun_device_read(self->id, page_at(77), 1, &c);
	EXPECT_EQ(78, c);
	verify(HUGE_PAGES);
}

/* Pages [@first, @first + @nr) of the huge page, as @id reports them */
#define expect_part(_id, _first, _nr)                                      \
	do {                                                               \
		ASSERT_EQ(_nr, mmun_snapshot(_id, page_at(_first),         \
					     (_nr) * self->page,           \
					     self->method, 0, part));      \
		ASSERT_EQ(0, memcmp(part, self->entries + (_first),        \
				    (_nr) * sizeof(*part)));               \
	} while (0)

/*
 *	|   0   1   2   3   ...                 509 510 511 |	huge page
 *	            |-----------range-------------|
 */
TEST_F(coherence_huge, ranges_within_a_huge_page_have_its_pages)
{
	const size_t first = 2, nr = HUGE_PAGES - 4;
	__u64 part[nr];
	char c = 0;
	size_t i;
	__u32 id;

	need_huge();
	snapshot_huge();
	id = mmun_insert(page_at(first) + 8, nr * self->page - 16);
	expect_part(id, first, nr);
	verify_range(id, nr);
	mmun_device_read(id, page_at(77), 1, &c);
	EXPECT_EQ(78, c);
	/* Some of them, more than are asked for one by one, and fewer. */
	expect_part(id, 100UL, 300UL);
	expect_part(id, 200UL, 3UL);
	expect_part(self->id, 509UL, 3UL);
	verify_range(id, nr);
	/* The pages stay where they are. */
	ASSERT_EQ(0, mprotect(page_at(300), self->page, PROT_READ));
	verify_range(id, 0);
	ASSERT_EQ(nr, mmun_snapshot(id, page_at(first), nr * self->page,
				    self->method, 0, part));
	EXPECT_EQ(0, entry_order(part[0]));
	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, (part[i] ^ self->entries[first + i]) &
			     MMUN_PAGE_PFN_MASK);
	verify_range(id, nr);
}

/* It is split where the mapping ends, and the shadow with it. */
TEST_F(coherence_huge, munmap_of_a_part_leaves_small_pages)
{
	char c = 0;
	size_t i;

	need_huge();
	snapshot_huge();
	ASSERT_EQ(0, munmap(page_at(100), self->page));
	mmun_err_access(EFAULT, self->id, page_at(100), 1, 0);
	verify(0);
	ASSERT_EQ(100, mmun_snapshot(self->id, self->map, 100 * self->page,
				     self->method, MMUN_WRITE, self->entries));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, entry_order(self->entries[i]));
	mmun_device_read(self->id, page_at(99), 1, &c);
	EXPECT_EQ(100, c);
	verify(100);
}

TEST_F(coherence_huge, mprotect_of_a_part_leaves_small_pages)
{
	need_huge();
	snapshot_huge();
	ASSERT_EQ(0, mprotect(page_at(100), self->page, PROT_READ));
	mmun_err_access(EFAULT, self->id, page_at(100), 1, 0);
	ASSERT_EQ(HUGE_PAGES, mmun_snapshot(self->id, self->map, HUGE_SIZE,
					    self->method, 0, self->entries));
	EXPECT_EQ(MMUN_PAGE_VALID, self->entries[100] & PAGE_FLAGS);
	EXPECT_EQ(MMUN_PAGE_VALID | MMUN_PAGE_WRITE,
		  self->entries[101] & PAGE_FLAGS);
	EXPECT_EQ(0, entry_order(self->entries[100]));
	EXPECT_EQ(0, entry_order(self->entries[0]));
	mmun_err_access(EFAULT, self->id, page_at(100), 1, MMUN_WRITE);
	mmun_device_write(self->id, page_at(101), 1, "d");
	EXPECT_EQ('d', cpu_read(page_at(101)));
	verify(HUGE_PAGES);
}

/* The pages move: the small ones are copied into the huge one. */
TEST_F(coherence_huge, device_follows_a_collapse)
{
	const char *why_not;
	char c = 0;

	need_huge();
	ASSERT_NE(NULL, mmun_map_filled(self->map, HUGE_PAGES));
	madvise(self->map, HUGE_SIZE, MADV_HUGEPAGE);
	snapshot_huge();
	why_not = mmun_collapse(self->map);
	if (why_not)
		SKIP(return, "%s", why_not);
	mmun_err_access(EFAULT, self->id, page_at(77), 1, 0);
	verify(0);
	snapshot_huge();
	ASSERT_NE(0, entry_order(self->entries[77]));
	mmun_device_read(self->id, page_at(77), 1, &c);
	EXPECT_EQ(78, c);
	verify(HUGE_PAGES);
}

MMUN_HARNESS_MAIN
