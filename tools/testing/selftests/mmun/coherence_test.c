// SPDX-License-Identifier: GPL-2.0
/*
 * Tests coherence: the device reads what the CPU wrote, and the CPU reads what
 * the device wrote.  An operation must remove the entries of its pages from the
 * shadow, and no other entries.
 */
#include "lib/mmun.h"
#include "lib/process.h"
#include "lib/range.h"

/*
 * Page n contains byte n + 1, which the CPU wrote.  The range covers all pages.
 * Operations change pages 3 and 4, or move these pages to pages 9 and 10.
 *
 *   0   1   2   3   4   5   6   7   8 ...            15
 *   |------------range------------|   no access
 *               |--op---|
 */
#define PAGES 8
#define OP_FIRST 3
#define OP_END 5
#define op_at mmun_page(OP_FIRST)
#define op_to mmun_page(PAGES + 1)
#define op_length mmun_pages(OP_END - OP_FIRST)

#define snapshot_all() snapshot_pages(0, PAGES, MMUN_WRITE, NULL)
#define snapshot_op(_flags) \
	snapshot_pages(OP_FIRST, OP_END - OP_FIRST, _flags, NULL)

/* The kinds of memory */

MMUN_PLAIN_FIXTURE(coherence_mem, MMUN_RANGE_FIXTURE)

/*
 * @dropped: the first byte of page 3 after MADV_DONTNEED.  Each page of the
 * file starts with byte 0x7f.
 */
FIXTURE_VARIANT(coherence_mem)
{
	int flags;
	char dropped;
};

#define is_shared (variant->flags & MAP_SHARED)

/* clang-format off */
FIXTURE_VARIANT_ADD(coherence_mem, anon_private)  { MAP_PRIVATE | MAP_ANONYMOUS, 0 };
FIXTURE_VARIANT_ADD(coherence_mem, anon_shared)   { MAP_SHARED | MAP_ANONYMOUS, 0x44 };
FIXTURE_VARIANT_ADD(coherence_mem, memfd_shared)  { MAP_SHARED, 0x44 };
FIXTURE_VARIANT_ADD(coherence_mem, memfd_private) { MAP_PRIVATE, 0x7f };
/* clang-format on */

/* When a test begins, the shadow has writable entries for all pages. */
FIXTURE_SETUP(coherence_mem)
{
	const bool has_file = !(variant->flags & MAP_ANONYMOUS);
	int fd;

	mmun_setup_arena(2 * PAGES);
	fd = has_file ? mmun_memfd_sized(mmun_pages(PAGES), 0) : -1;
	for (int nr = 0; has_file && nr < PAGES; nr++)
		ASSERT_EQ(1, pwrite(fd, "\x7f", 1, nr * self->page));
	ASSERT_NE(NULL, mmun_map_file(self->map, mmun_pages(PAGES),
				      variant->flags, fd));
	close(fd);
	mmun_fill(self->map, PAGES);
	self->method = mmun_best_method(self->fd);
	self->id = insert_pages(0, PAGES);
	snapshot_all();
}

/* Expect that the device and the CPU read the same bytes in the whole page. */
#define expect_same(_nr)                                                 \
	do {                                                             \
		char *__cpu = mmun_page(_nr), __device[self->page];      \
		mmun_device_read(self->id, __cpu, self->page, __device); \
		EXPECT_EQ(0, memcmp(__device, __cpu, self->page))        \
		{                                                        \
			TH_LOG("page %d: device %#x, CPU %#x", _nr,      \
			       __device[0], __cpu[0]);                   \
		}                                                        \
	} while (0)

/*
 * Check that pages [@first, @end) have no entry in the shadow.  In all other
 * pages, the CPU must read what the device wrote, and the device must read what
 * the CPU wrote.
 */
static void check_gone(struct __test_metadata *_metadata,
		       FIXTURE_DATA(coherence_mem) * self, int first, int end)
{
	for (int nr = 0; nr < PAGES; nr++) {
		if (nr >= first && nr < end) {
			expect_no_entry(nr);
			expect_no_write(nr);
			continue;
		}
		expect_same(nr);
		mmun_device_write(self->id, mmun_page(nr) + 7, 1, "w");
		EXPECT_EQ('w', mmun_load(mmun_page(nr) + 7));
		EXPECT_EQ(nr + 1, mmun_load(mmun_page(nr) + 8));
	}
	verify(PAGES - (end - first));
}

#define expect_gone(_first, _end) check_gone(_metadata, self, _first, _end)
#define expect_op_gone() expect_gone(OP_FIRST, OP_END)

TEST_F(coherence_mem, device_reads_what_the_cpu_wrote)
{
	for (int nr = 0; nr < PAGES; nr++) {
		expect_same(nr);
		memset(mmun_page(nr) + 1, 0x50 + nr, self->page - 2);
		expect_same(nr);
	}
	verify(PAGES);
	EXPECT_EQ(0, mmun_query_range(self->id).out_invalidations);
}

TEST_F(coherence_mem, cpu_reads_what_the_device_wrote)
{
	char buffer[self->page];

	for (int nr = 0; nr < PAGES; nr++) {
		memset(buffer, 0x60 + nr, self->page);
		mmun_device_write(self->id, mmun_page(nr), self->page, buffer);
		EXPECT_EQ(0, memcmp(mmun_page(nr), buffer, self->page));
	}
	verify(PAGES);
}

/* The access starts and ends at odd bytes and crosses two page boundaries. */
TEST_F(coherence_mem, device_access_crosses_pages)
{
	size_t length = self->page + 10;
	char *at = mmun_page(3) - 5, buffer[length];

	mmun_device_read(self->id, at, length, buffer);
	EXPECT_EQ(0, memcmp(at, buffer, length));
	for (size_t i = 0; i < length; i++)
		buffer[i] = 3 * i + 1;
	mmun_device_write(self->id, at, length, buffer);
	EXPECT_EQ(0, memcmp(at, buffer, length));
	EXPECT_EQ(3, mmun_load(at - 1));
	EXPECT_EQ(5, mmun_load(at + length));
}

TEST_F(coherence_mem, munmap_removes_exactly_the_entries_of_its_pages)
{
	ASSERT_EQ(0, munmap(op_at, op_length));
	expect_op_gone();
	err_snapshot_pages(EFAULT, OP_FIRST, 1, 0);
	expect_op_gone();
}

TEST_F(coherence_mem, device_reads_the_new_pages_after_map_fixed)
{
	ASSERT_NE(NULL, mmun_map(op_at, op_length));
	expect_op_gone();
	mmun_store(op_at, 0x21);
	snapshot_op(MMUN_WRITE);
	expect_same(OP_FIRST);
	verify(PAGES);
}

#define protect_op(_prot) ASSERT_EQ(0, mprotect(op_at, op_length, _prot))

TEST_F(coherence_mem, mprotect_removes_exactly_the_entries_of_its_pages)
{
	protect_op(PROT_READ);
	expect_op_gone();
}

TEST_F(coherence_mem, read_only_mapping_gives_read_only_entries)
{
	protect_op(PROT_READ);
	snapshot_op(0);
	expect_same(OP_FIRST);
	expect_no_write(OP_FIRST);
	EXPECT_EQ(OP_FIRST + 1, mmun_load(op_at));
	err_snapshot_pages(EACCES, OP_FIRST, 1, MMUN_WRITE);
	verify(PAGES);
}

TEST_F(coherence_mem, entries_are_writable_after_mprotect_allows_writes_again)
{
	protect_op(PROT_READ);
	protect_op(PROT_READ | PROT_WRITE);
	expect_op_gone();
	snapshot_op(MMUN_WRITE);
	expect_gone(0, 0);
}

/*
 * MADV_DONTNEED drops the contents of private pages, and keeps the contents of
 * shared pages.
 */
TEST_F(coherence_mem, dontneed_removes_exactly_the_entries_of_its_pages)
{
	memset(op_at, 0x44, self->page);
	ASSERT_EQ(0, madvise(op_at, op_length, MADV_DONTNEED));
	expect_op_gone();
	snapshot_op(MMUN_WRITE);
	expect_same(OP_FIRST);
	EXPECT_EQ(variant->dropped, mmun_load(op_at));
	device_write_byte(OP_FIRST, 'd');
	verify(PAGES);
}

#define move_op()                                            \
	ASSERT_EQ(op_to, mremap(op_at, op_length, op_length, \
				MREMAP_MAYMOVE | MREMAP_FIXED, op_to))

TEST_F(coherence_mem, mremap_removes_exactly_the_entries_of_its_pages)
{
	move_op();
	expect_op_gone();
}

TEST_F(coherence_mem, mremap_moves_the_pages_with_their_pfns)
{
	__u64 before[2], after[2];

	snapshot_pages(OP_FIRST, 2, MMUN_WRITE, before);
	move_op();
	self->id = mmun_insert(op_to, op_length);
	snapshot_pages(PAGES + 1, 2, MMUN_WRITE, after);
	EXPECT_EQ(mmun_entry_pfn(before[0]), mmun_entry_pfn(after[0]));
	EXPECT_EQ(mmun_entry_pfn(before[1]), mmun_entry_pfn(after[1]));
	EXPECT_NE(mmun_entry_pfn(after[0]), mmun_entry_pfn(after[1]));
	EXPECT_EQ(OP_FIRST + 1, mmun_device_byte(self->id, op_to));
}

/* A child reads page 0 of its own memory. */

static int read_map(void *map, int nr)
{
	return mmun_load(map);
}

static struct mmun_child child;

#define start_child() ASSERT_EQ(0, mmun_child_start(&child, self->map))

#define expect_child_reads(_value)                                     \
	do {                                                           \
		EXPECT_EQ(_value, mmun_child_do(&child, read_map, 0)); \
		EXPECT_EQ(0, mmun_child_end(&child));                  \
	} while (0)

TEST_F(coherence_mem, fork_removes_the_entries_of_pages_that_it_protects)
{
	start_child();
	if (is_shared)
		expect_gone(0, 0);
	for (int nr = 0; !is_shared && nr < PAGES; nr++)
		expect_protected(nr);
	verify(is_shared || MMUN_TEST_POLICY ? PAGES : 0);
	expect_child_reads(1);
}

TEST_F(coherence_mem, device_writes_after_fork_reach_only_the_parent)
{
	start_child();
	snapshot_all();
	device_write_byte(0, 'd');
	expect_child_reads(is_shared ? 'd' : 1);
	verify(PAGES);
}

/*
 * The CPU writes to a page that the parent and the child share.  If the write
 * copies the page, the entry of the old page must be removed from the shadow.
 */
TEST_F(coherence_mem, device_reads_what_the_cpu_wrote_after_fork)
{
	start_child();
	for (int nr = 0; nr < PAGES; nr++)
		snapshot_pages(nr, 1, 0, NULL);
	mmun_store(self->map, 0x55);
	if (!is_shared) {
		expect_no_entry(0);
		snapshot_pages(0, 1, 0, NULL);
	}
	for (int nr = 0; nr < PAGES; nr++)
		expect_same(nr);
	verify(PAGES);
	expect_child_reads(is_shared ? 0x55 : 1);
}

/* Tests with only one method of snapshots, the best method of the kernel */

MMUN_PLAIN_FIXTURE(coherence, MMUN_RANGE_FIXTURE)

FIXTURE_SETUP(coherence)
{
	setup_range(2 * PAGES, PAGES, PAGES);
}

TEST_F(coherence, no_page_has_an_entry_before_the_first_snapshot)
{
	for (int nr = 0; nr < PAGES; nr++)
		expect_no_entry(nr);
	verify(0);
}

/* The buffer of ACCESS is behind the range, and has no pages yet. */

TEST_F(coherence, device_read_faults_its_buffer_in)
{
	char *buffer = mmun_map(mmun_page(PAGES), op_length);

	ASSERT_NE(NULL, buffer);
	snapshot_all();
	mmun_device_read(self->id, op_at, op_length, buffer);
	EXPECT_EQ(0, memcmp(buffer, op_at, op_length));
}

TEST_F(coherence, device_write_faults_its_buffer_in)
{
	char *buffer = mmun_map(mmun_page(PAGES), op_length);

	ASSERT_NE(NULL, buffer);
	snapshot_all();
	mmun_device_write(self->id, op_at, op_length, buffer);
	EXPECT_EQ(0, memcmp(op_at, buffer, op_length));
}

/* The buffer is so far below the frame that the stack must grow. */
TEST_F(coherence, device_read_fills_a_buffer_for_which_the_stack_must_grow)
{
	__u64 frame = mmun_u64(__builtin_frame_address(0)) - (1 << 20);
	char *buffer = (char *)(frame & -self->page);

	snapshot_all();
	mmun_device_read(self->id, op_at, self->page, buffer);
	EXPECT_EQ(0, memcmp(buffer, op_at, self->page));
}

/*
 * ACCESS reads a page into a buffer, which is the same page.  The kernel
 * replaces the zero page, and removes the entry that ACCESS reads from.
 */
TEST_F(coherence, device_can_read_the_zero_page_into_the_same_page)
{
	ASSERT_EQ(0, madvise(op_at, self->page, MADV_DONTNEED));
	ASSERT_EQ(0, mmun_load(op_at));
	snapshot_pages(OP_FIRST, 1, 0, NULL);
	mmun_device_read(self->id, op_at, self->page, op_at);
	EXPECT_EQ(0, mmun_load(op_at));
}

/* Returns the number of bytes that the access completed, or -errno. */
static int access_at(FIXTURE_DATA(coherence) * self, char *at, size_t length,
		     char *buffer, __u32 flags)
{
	__u64 done;
	int ret = _mmun_access(self->fd, self->id, at, length, buffer, flags,
			       &done);

	return ret ? -errno : done;
}

/* ACCESS copies the bytes in steps, one page of the range after another. */
TEST_F(coherence, access_stops_before_the_first_page_with_a_bad_buffer)
{
	char *to = mmun_map(mmun_page(PAGES), self->page);
	const size_t page = self->page;

	ASSERT_NE(NULL, to);
	snapshot_all();
	EXPECT_EQ(page, access_at(self, mmun_page(3), 2 * page, to, 0));
	EXPECT_EQ(page, access_at(self, self->map, 2 * page, to, MMUN_WRITE));
	EXPECT_EQ(4, mmun_load(mmun_page(0)));
	EXPECT_EQ(2, mmun_load(mmun_page(1)));
	EXPECT_EQ(-EFAULT, access_at(self, mmun_page(2), page, to + page / 2,
				     MMUN_WRITE));
	EXPECT_EQ(3, mmun_load(mmun_page(2)));
	ASSERT_EQ(0, mprotect(to, page, PROT_READ));
	EXPECT_EQ(-EFAULT, access_at(self, mmun_page(2), page, to, 0));
	EXPECT_EQ(4, mmun_load(to));
}

TEST_F(coherence, access_stops_at_the_first_page_without_an_entry)
{
	char buffer[20] = "abcdefghijklmnopqrs", *at = mmun_page(1) - 8;

	snapshot_pages(0, 1, MMUN_WRITE, NULL);
	EXPECT_EQ(8, access_at(self, at, 20, buffer, MMUN_WRITE));
	EXPECT_EQ(0, memcmp(at, "abcdefgh", 8));
	EXPECT_EQ(2, mmun_load(mmun_page(1)));
	memset(buffer, 'z', sizeof(buffer));
	EXPECT_EQ(8, access_at(self, at, 20, buffer, 0));
	EXPECT_EQ(0, memcmp(buffer, "abcdefghzzzzzzzzzzzz", 20));
	mmun_err_access(EFAULT, self->id, mmun_page(1), 12, 0);
}

TEST_F(coherence, write_access_stops_at_the_first_read_only_entry)
{
	char *last = mmun_page(1) - 1;

	ASSERT_EQ(0, mprotect(mmun_page(1), self->page, PROT_READ));
	snapshot_pages(0, 3, 0, NULL);
	snapshot_pages(0, 1, MMUN_WRITE, NULL);
	EXPECT_EQ(1, access_at(self, last, 2, "xy", MMUN_WRITE));
	EXPECT_EQ('x', mmun_load(last));
	EXPECT_EQ(2, mmun_load(mmun_page(1)));
	expect_no_write(1);
}

/*
 *   0   1   2   3
 *     |--range--|	from byte 100 of page 0 to byte 100 of page 2
 *   |--snapshot-----|
 */
TEST_F(coherence, access_outside_the_bytes_of_an_unaligned_range_is_erange)
{
	char *first = self->map + 100, *last = mmun_page(2) + 99;
	__u32 id = mmun_insert(first, last + 1 - first);

	self->id = id;
	snapshot_pages(0, 3, 0, NULL);
	err_snapshot_pages(ERANGE, 0, 4, 0);
	mmun_device_byte(id, first);
	mmun_device_byte(id, last);
	mmun_err_access(ERANGE, id, first - 1, 1, 0);
	mmun_err_access(ERANGE, id, last + 1, 1, 0);
	mmun_err_access(ERANGE, id, last, 2, 0);
	mmun_err_access(ERANGE, id, first - 1, 2, 0);
}

/*
 * An invalidation of a page removes the entry of the page even if the range
 * covers only a part of the page.
 */
TEST_F(coherence, invalidation_removes_entries_of_partly_covered_pages)
{
	char *first = mmun_page(1) - 1;

	self->id = mmun_insert(first, self->page + 2);
	snapshot_pages(0, 3, 0, NULL);
	ASSERT_EQ(0, madvise(mmun_page(2), self->page, MADV_DONTNEED));
	expect_no_entry(2);
	mmun_device_byte(self->id, first);
	mmun_device_byte(self->id, mmun_page(2) - 1);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	mmun_err_access(EFAULT, self->id, first, 1, 0);
	device_byte(1);
}

TEST_F(coherence, snapshot_of_a_part_keeps_the_other_entries)
{
	for (int nr = 0; nr < PAGES; nr += 2)
		snapshot_pages(nr, 1, MMUN_WRITE, NULL);
	for (int nr = 0; nr < PAGES; nr += 2) {
		EXPECT_EQ(nr + 1, device_byte(nr));
		expect_no_entry(nr + 1);
	}
	verify(PAGES / 2);
}

TEST_F(coherence, each_range_has_a_shadow_of_its_own)
{
	__u32 twin = self->id, other = insert_pages(0, PAGES);

	snapshot_pages(0, PAGES, 0, NULL);
	self->id = other;
	expect_no_entry(0);
	snapshot_pages(0, PAGES, 0, NULL);
	mmun_remove(twin);
	EXPECT_EQ(1, device_byte(0));
	mmun_err_access(ENOENT, twin, self->map, 1, 0);
}

TEST_F(coherence, one_munmap_reaches_the_shadows_of_nested_ranges)
{
	__u32 outer = self->id;

	snapshot_pages(0, PAGES, 0, NULL);
	self->id = insert_pages(2, 3);
	snapshot_pages(2, 3, 0, NULL);
	ASSERT_EQ(0, munmap(op_at, op_length));
	expect_no_entry(3);
	expect_no_entry(4);
	device_byte(2);
	self->id = outer;
	expect_no_entry(3);
	device_byte(5);
	verify(PAGES - 2);
}

MMUN_HARNESS_MAIN
