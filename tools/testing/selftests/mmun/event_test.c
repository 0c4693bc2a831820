// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the event that an operation raises, and the bytes that the event
 * covers.  Some operations must raise no event.  Each operation works on pages
 * 3 and 4 of the area, or on page 3.
 *
 *   0   1   2   3   4   5   6   7
 *   |------------area-------------|
 *               |--op---|
 */
#include "lib/mmun.h"
#include "lib/process.h"
#include "lib/uffd.h"
#include "lib/watch.h"
#include <sys/ptrace.h>

#define AREA_PAGES 8
#define OP_FIRST 3

enum mem {
	MEM_ANON, /* private anonymous memory; every page was written */
	MEM_EMPTY, /* private anonymous memory without pages */
	MEM_ZERO, /* private anonymous memory; every page is the zero page */
	MEM_SHARED, /* shared mapping of a memfd; every page was written */
	MEM_PRIVATE, /* private mapping of a memfd; every page was read */
};

/**
 * struct area - the memory, and the objects that operations use
 * @map: address of the first page, where a page table begins
 * @page: the size of a page
 * @memfd: the file that is mapped, if there is one
 * @uffd: a userfaultfd, if there is one
 * @child: a process that was forked after the memory was mapped
 * @in_child: the function that the child executes in op_in_child()
 *
 * An operation returns 0, or sets errno and returns another number.
 */
struct area {
	char *map;
	size_t page;
	int memfd;
	int uffd;
	struct mmun_child child;
	mmun_order_fn in_child;
};

static char *op_at(const struct area *a)
{
	return a->map + OP_FIRST * a->page;
}

static int touch_read(const char *p, size_t length, size_t page)
{
	for (size_t i = 0; i < length; i += page)
		mmun_load(p + i);
	return 0;
}

/* Map the area.  The memory around the area is not mapped. */
static int area_map(struct area *a, enum mem mem)
{
	int flags = mem == MEM_SHARED ? MAP_SHARED : MAP_PRIVATE;
	size_t length;

	a->page = sysconf(_SC_PAGESIZE);
	length = AREA_PAGES * a->page;
	a->map = mmun_arena_aligned(4 * length, HUGE_SIZE);
	if (mem == MEM_SHARED || mem == MEM_PRIVATE)
		a->memfd = mmun_memfd_sized(length, 0);
	else
		flags |= MAP_ANONYMOUS;
	if (!a->map || !mmun_map_file(a->map, length, flags, a->memfd))
		return -1;
	if (mem == MEM_ANON || mem == MEM_SHARED)
		memset(a->map, 1, length);
	else if (mem != MEM_EMPTY)
		touch_read(a->map, length, a->page);
	return 0;
}

/* Returns an address behind the area, where an operation can map pages. */
static char *other_place(const struct area *a)
{
	return a->map + 2 * AREA_PAGES * a->page;
}

/* A child calls this function, to write to memory of its parent. */
static int write_parent_file(const char *name, const char *byte, off_t offset)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", getppid(), name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	n = pwrite(fd, byte, 1, offset);
	close(fd);
	return n == 1 ? 0 : -1;
}

#define OP(name, expression)                                   \
	static int op_##name(void *area, int arg)              \
	{                                                      \
		struct area *a __attribute__((unused)) = area; \
		return expression;                             \
	}

/* clang-format off */
OP(munmap, munmap(op_at(a), 2 * a->page))
OP(mmap_over, mmap(op_at(a), 2 * a->page, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
OP(mremap_away, mremap(op_at(a), 2 * a->page, 2 * a->page,
		       MREMAP_MAYMOVE | MREMAP_FIXED | arg, other_place(a)) == MAP_FAILED)
OP(mremap_onto, mremap(mmun_map_filled(other_place(a), 2), 2 * a->page, 2 * a->page,
		       MREMAP_MAYMOVE | MREMAP_FIXED, op_at(a)) == MAP_FAILED)
/* Resize the mapping that consists of pages 0 to 4 to @arg pages. */
OP(mremap_in_place, mremap(a->map, (OP_FIRST + 2) * a->page, arg * a->page, 0) == MAP_FAILED)
OP(mprotect, mprotect(op_at(a), 2 * a->page, arg))
OP(madvise, madvise(op_at(a), 2 * a->page, arg))
OP(pageout, madvise(op_at(a), a->page, MADV_PAGEOUT))
OP(mlock, mlock(op_at(a), 2 * a->page))
OP(munlock, munlock(op_at(a), 2 * a->page))
OP(mincore, mincore(op_at(a), 2 * a->page, (unsigned char [2]){}))
OP(msync, msync(op_at(a), 2 * a->page, MS_SYNC))
OP(read, touch_read(op_at(a), 2 * a->page, a->page))
OP(write, !memset(op_at(a), 2, a->page))
OP(punch_hole, fallocate(a->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 OP_FIRST * a->page, 2 * a->page))
OP(truncate, ftruncate(a->memfd, OP_FIRST * a->page))
OP(fork, mmun_child_start(&a->child, a))
OP(in_child, mmun_child_do(&a->child, a->in_child, arg))
OP(clear_parent_refs, write_parent_file("clear_refs", "4", 0))
OP(write_parent_mem, write_parent_file("mem", "x", mmun_u64(op_at(a))))
OP(wp, uffd_protect(a->uffd, op_at(a), 2 * a->page, true))
OP(uffd_move, uffd_move(a->uffd, other_place(a), op_at(a), a->page))
OP(scan, pagemap_scan(op_at(a), 2 * a->page))
OP(uffd_copy, ioctl(a->uffd, UFFDIO_COPY, &(struct uffdio_copy){
			.dst = mmun_u64(op_at(a)),
			.src = mmun_u64(op_at(a) + 2 * a->page),
			.len = a->page }))
/* clang-format on */

/* Write to a page of the parent by ptrace.  The mapping is read-only. */
static int op_poke_parent(void *area, int arg)
{
	pid_t parent = getppid();
	int status, ret;

	if (ptrace(PTRACE_ATTACH, parent, 0, 0) ||
	    waitpid(parent, &status, __WALL) != parent)
		return -1;
	ret = ptrace(PTRACE_POKEDATA, parent, op_at(area), 2);
	return ptrace(PTRACE_DETACH, parent, 0, 0) ?: ret;
}

static int register_uffd(struct area *a, char *at, __u64 features, __u64 mode)
{
	a->uffd = uffd_create(at, 2 * a->page, features, mode);
	return a->uffd < 0 ? -1 : 0;
}

/*
 * Preparations run before the range is inserted, so that the range receives no
 * event of the preparation.
 */
/* clang-format off */
OP(end_child, op_fork(a, 0) ?: mmun_child_end(&a->child))
OP(free_lazily, mmun_write_lazily_freed(op_at(a), 2 * a->page))
OP(fork_tracer, (a->in_child = op_poke_parent,
		 mprotect(a->map, AREA_PAGES * a->page, PROT_READ) ?: op_fork(a, 0)))
/* Unmap the pages behind pages 3 and 4, so that the mapping can grow. */
OP(make_room, munmap(op_at(a) + 2 * a->page, (AREA_PAGES - OP_FIRST - 2) * a->page))
OP(register_wp, register_uffd(a, op_at(a), arg, UFFDIO_REGISTER_MODE_WP))
OP(register_async, op_register_wp(a, UFFD_FEATURE_WP_ASYNC))
OP(register_copy, (memset(op_at(a) + 2 * a->page, 2, a->page),
		   register_uffd(a, op_at(a), 0, UFFDIO_REGISTER_MODE_MISSING)))
OP(register_move, mmun_map(other_place(a), 2 * a->page) ?
	   register_uffd(a, other_place(a), UFFD_FEATURE_MOVE, UFFDIO_REGISTER_MODE_MISSING) : -1)
/* clang-format on */

/*
 * A fixture whose variants are operations.  A variant contains the expected
 * events, the operation, and what the operation needs.  The setup calls
 * mmun_stay_on_this_cpu() because some operations reclaim or reuse a page.
 */
#define AREA_FIXTURE(_fixture)                                     \
	FIXTURE(_fixture)                                          \
	{                                                          \
		int fd;                                            \
		struct area area;                                  \
	};                                                         \
	FIXTURE_VARIANT(_fixture)                                  \
	{                                                          \
		__u32 event;                                       \
		int pages; /* from OP_FIRST on */                  \
		int times;                                         \
		mmun_order_fn run;                                 \
		int arg;                                           \
		enum mem mem;                                      \
		mmun_order_fn prepare;                             \
		mmun_order_fn in_child;                            \
		const char *needs;                                 \
	};                                                         \
	FIXTURE_SETUP(_fixture)                                    \
	{                                                          \
		self->fd = mmun_open();                            \
		ASSERT_LE(0, self->fd);                            \
		ASSERT_EQ(0, mmun_stay_on_this_cpu());             \
		ASSERT_EQ(0, area_map(&self->area, variant->mem)); \
		self->area.in_child = variant->in_child;           \
	}                                                          \
	FIXTURE_TEARDOWN(_fixture)                                 \
	{                                                          \
		mmun_child_kill(&self->area.child);                \
		EXPECT_EQ(0, close(self->fd));                     \
	}

AREA_FIXTURE(event_op)
AREA_FIXTURE(event_quiet)
AREA_FIXTURE(event_foreign)

/* A variant with @needs is skipped if the operation fails. */
#define area_do(_op, _arg)                                      \
	do {                                                    \
		mmun_order_fn __op = _op;                       \
		int __ret = __op ? __op(&self->area, _arg) : 0; \
		if (__ret && variant->needs)                    \
			SKIP(return, "%s", variant->needs);     \
		ASSERT_EQ(0, __ret)                             \
		{                                               \
			TH_LOG(#_op ": %s", strerror(errno));   \
		}                                               \
	} while (0)

/* Addresses and lengths of the area and of the event */
#define AREA (self->area.map)
#define AREA_LENGTH (AREA_PAGES * self->area.page)
#define START op_at(&self->area)
#define LENGTH (variant->pages * self->area.page)
#define END (START + LENGTH)

#define NO_HUGE_PAGES "no huge pages: set CONFIG_TRANSPARENT_HUGEPAGE"
#define NO_SOFT_DIRTY "no soft dirty bits: set CONFIG_MEM_SOFT_DIRTY"

/* Short names for the tables */
enum {
	UNMAP = MMUN_EVENT_UNMAP,
	CLEAR = MMUN_EVENT_CLEAR,
	PROTECT = MMUN_EVENT_PROTECTION_VMA,
	SOFT_DIRTY = MMUN_EVENT_SOFT_DIRTY,
};

/*
 * Operations that raise an event.  The arguments of RAISES() are the event, its
 * number of pages, the number of events, and the operation.
 */

/* clang-format off */
#define RAISES(_name, _event, _pages, _times, ...)                             \
	FIXTURE_VARIANT_ADD(event_op, _name)                                   \
	{ .event = _event, .pages = _pages, .times = _times, .run = __VA_ARGS__ }

RAISES(munmap, UNMAP, 2, 1, op_munmap);
RAISES(munmap_unpopulated, UNMAP, 2, 1, op_munmap, .mem = MEM_EMPTY);
RAISES(munmap_file, UNMAP, 2, 1, op_munmap, .mem = MEM_SHARED);
RAISES(map_fixed, UNMAP, 2, 1, op_mmap_over);
/* mremap() moves the pages, and then unmaps the old mapping. */
RAISES(mremap_away, UNMAP, 2, 2, op_mremap_away);
RAISES(mremap_dontunmap, UNMAP, 2, 1, op_mremap_away, MREMAP_DONTUNMAP);
RAISES(mremap_onto, UNMAP, 2, 1, op_mremap_onto);
RAISES(mremap_shrink, UNMAP, 2, 1, op_mremap_in_place, OP_FIRST);
RAISES(mprotect_read, PROTECT, 2, 1, op_mprotect, PROT_READ);
RAISES(mprotect_none, PROTECT, 2, 1, op_mprotect, PROT_NONE);
RAISES(mprotect_file, PROTECT, 2, 1, op_mprotect, PROT_READ, MEM_SHARED);
RAISES(uffd_writeprotect, PROTECT, 2, 1, op_wp, .prepare = op_register_wp, .needs = NO_UFFD_WP);
RAISES(pagemap_scan, PROTECT, 2, 1, op_scan, .prepare = op_register_async, .needs = NO_SCAN);
/* The event is only for the place from which the page moves. */
RAISES(uffd_move, CLEAR, 1, 1, op_uffd_move, .prepare = op_register_move, .needs = NO_UFFD_MOVE);
RAISES(dontneed, CLEAR, 2, 1, op_madvise, MADV_DONTNEED);
RAISES(dontneed_file, CLEAR, 2, 1, op_madvise, MADV_DONTNEED, MEM_SHARED);
RAISES(free, CLEAR, 2, 1, op_madvise, MADV_FREE);
RAISES(remove, CLEAR, 2, 1, op_madvise, MADV_REMOVE, MEM_SHARED);
RAISES(punch_hole, CLEAR, 2, 1, op_punch_hole, .mem = MEM_SHARED);
/* truncate() unmaps pages twice, because faults may create private copies. */
RAISES(truncate, CLEAR, AREA_PAGES - OP_FIRST, 2, op_truncate, .mem = MEM_SHARED);
RAISES(pageout_of_lazily_freed_page, CLEAR, 1, 1, op_pageout, .prepare = op_free_lazily);
RAISES(write_after_fork, CLEAR, 1, 1, op_write, .prepare = op_fork);
RAISES(write_over_the_zero_page, CLEAR, 1, 1, op_write, .mem = MEM_ZERO);
RAISES(write_to_a_private_file_page, CLEAR, 1, 1, op_write, .mem = MEM_PRIVATE);
RAISES(ptrace_write_to_a_read_only_page, CLEAR, 1, 1, op_in_child, 0, MEM_PRIVATE, op_fork_tracer);
/* clang-format on */

/*
 * Check that each range receives the events, and that the log contains no other
 * record.
 */
static void check_op(struct __test_metadata *_metadata,
		     FIXTURE_DATA(event_op) * self,
		     const FIXTURE_VARIANT(event_op) * variant, struct watch *w,
		     int count, int times)
{
	struct mmun_records log;

	area_do(variant->prepare, 0);
	for (int i = 0; i < count; i++)
		w[i].id = mmun_insert(w[i].start, w[i].length);
	area_do(variant->run, variant->arg);
	mmun_read_all(self->fd, &log);
	for (int i = 0; i < count; i++)
		expect_times(&log, times, &w[i], variant->event, START, LENGTH);
	expect_total(&log, count * times);
}

/* Define a test.  Write each range of the test as { 0, start, length }. */
#define OP_TEST(_name, _times, ...)                                           \
	TEST_F(event_op, _name)                                               \
	{                                                                     \
		struct watch w[] = { __VA_ARGS__ };                           \
		check_op(_metadata, self, variant, w, ARRAY_SIZE(w), _times); \
	}

/*
 *   0   1   2   3   4   5   6   7
 *               |--op---|
 *   |------------range------------|	raises its event for |--op---|
 *             |-r-|   |r|		calls both ranges
 *              |r|			calls for its first byte
 *                      |r|		calls for its last byte
 *   |----r------|       |----r----	does not call
 */
/* clang-format off */
OP_TEST(raises_its_event_for_exactly_its_bytes, variant->times, { 0, AREA, AREA_LENGTH })
OP_TEST(calls_ranges_that_overlap_its_ends, variant->times, { 0, START - 100, 200 },
	{ 0, END - 1, 2 })
OP_TEST(calls_a_range_that_overlaps_only_its_first_byte, variant->times, { 0, START - 1, 2 })
OP_TEST(calls_a_range_that_overlaps_only_its_last_byte, variant->times, { 0, END - 1, 2 })
OP_TEST(does_not_call_adjacent_ranges, 0, { 0, AREA, START - AREA },
	{ 0, END, AREA_LENGTH })
/* clang-format on */

/* Operations that raise no event */

/* clang-format off */
#define QUIET(_name, ...) FIXTURE_VARIANT_ADD(event_quiet, _name) { .run = __VA_ARGS__ }

QUIET(first_read, op_read, .mem = MEM_EMPTY);
QUIET(first_write, op_write, .mem = MEM_EMPTY);
QUIET(write_again, op_write);
QUIET(write_to_a_shared_page, op_write, .mem = MEM_SHARED, .prepare = op_fork);
QUIET(write_after_the_exit_of_the_child, op_write, .prepare = op_end_child);
QUIET(populate, op_madvise, MADV_POPULATE_WRITE, MEM_EMPTY);
QUIET(mlock, op_mlock);
QUIET(munlock, op_munlock, .prepare = op_mlock);
QUIET(willneed, op_madvise, MADV_WILLNEED, MEM_SHARED);
QUIET(sequential, op_madvise, MADV_SEQUENTIAL);
QUIET(hugepage, op_madvise, MADV_HUGEPAGE, .needs = NO_HUGE_PAGES);
QUIET(mergeable, op_madvise, MADV_MERGEABLE, .needs = "no KSM: set CONFIG_KSM");
QUIET(cold, op_madvise, MADV_COLD);
QUIET(mincore, op_mincore);
QUIET(msync_of_a_memfd, op_msync, .mem = MEM_SHARED);
QUIET(mprotect_to_the_same_permissions, op_mprotect, PROT_READ | PROT_WRITE);
QUIET(fork_of_a_shared_mapping, op_fork, .mem = MEM_SHARED);
QUIET(write_in_the_child, op_in_child, .prepare = op_fork, .in_child = op_write);
QUIET(munmap_in_the_child, op_in_child, .prepare = op_fork, .in_child = op_munmap);
QUIET(munmap_of_a_hole, op_munmap, .prepare = op_munmap);
QUIET(mmap_into_a_hole, op_mmap_over, .prepare = op_munmap);
QUIET(mremap_into_a_hole, op_mremap_onto, .prepare = op_munmap);
QUIET(grow_in_place, op_mremap_in_place, OP_FIRST + 4, .prepare = op_make_room);
QUIET(uffd_copy, op_uffd_copy, 0, MEM_EMPTY, op_register_copy, .needs = NO_UFFD);
/* clang-format on */

/* MADV_DONTNEED at the end proves that the range can receive events. */
TEST_F(event_quiet, raises_no_event)
{
	struct mmun_records log;
	__u32 id;

	area_do(variant->prepare, 0);
	id = mmun_insert(AREA, AREA_LENGTH);
	area_do(variant->run, variant->arg);
	mmun_read_all(self->fd, &log);
	expect_total(&log, 0);

	ASSERT_EQ(0, madvise(AREA, self->area.page, MADV_DONTNEED));
	mmun_expect_event(id, CLEAR, AREA, self->area.page);
}

/* A written page is soft dirty, unless the kernel has no soft-dirty bit. */
static bool has_soft_dirty(const char *p)
{
	return mmun_pagemap(p) >> 55 & 1;
}

/* Invalidations that another process causes in this address space */

/* clang-format off */
#define FOREIGN(_name, _event, _pages, ...)                        \
	FIXTURE_VARIANT_ADD(event_foreign, _name)                  \
	{ .event = _event, .pages = _pages, .in_child = __VA_ARGS__ }

FOREIGN(punch_hole, CLEAR, 2, op_punch_hole, .mem = MEM_SHARED);
FOREIGN(remove, CLEAR, 2, op_madvise, .mem = MEM_SHARED, .arg = MADV_REMOVE);
FOREIGN(write_to_proc_mem, CLEAR, 1, op_write_parent_mem);
FOREIGN(clear_refs, SOFT_DIRTY, 2, op_clear_parent_refs);
/* clang-format on */

/* The driver reports the process by its ID in the initial PID namespace. */
TEST_F(event_foreign, event_reports_the_process_that_caused_it)
{
	struct mmun_record r;
	__u32 id;

	if (variant->event == SOFT_DIRTY && !has_soft_dirty(AREA))
		SKIP(return, NO_SOFT_DIRTY);
	ASSERT_EQ(0, op_fork(&self->area, 0));
	id = mmun_insert(START, LENGTH);
	ASSERT_EQ(0, op_in_child(&self->area, variant->arg));
	r = mmun_expect_event(id, variant->event, START, LENGTH);
	EXPECT_EQ(self->area.child.pid, r.tgid);
	EXPECT_EQ(self->area.child.pid, r.tid);
	mmun_expect_no_event();
}

/* Tests of memory that struct area does not describe */

FIXTURE(event)
{
	MMUN_FIXTURE;
};

FIXTURE_SETUP(event)
{
	mmun_setup_filled(AREA_PAGES);
}

MMUN_FIXTURE_TEARDOWN(event)

/*
 * The memory is so far from other memory that its page tables are missing at
 * every level.
 */
TEST_F(event, mprotect_of_unpopulated_memory_raises_no_event)
{
	size_t length = 8 * self->page;
	char *p = mmap((void *)(1UL << 44), length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u32 id;

	ASSERT_NE(MAP_FAILED, p);
	id = mmun_insert(p, length);
	ASSERT_EQ(0, mprotect(p, length, PROT_READ));
	mmun_expect_no_event();
	ASSERT_EQ(0, munmap(p, length));
	mmun_expect_event(id, UNMAP, p, length);
}

TEST_F(event, brk_that_shrinks_the_heap_raises_unmap)
{
	char *end =
		(char *)(((uintptr_t)sbrk(0) + self->page - 1) & -self->page);
	__u32 id;

	ASSERT_EQ(0, brk(end + 4 * self->page));
	memset(end, 1, 4 * self->page);
	id = mmun_insert(end, 4 * self->page);
	ASSERT_EQ(0, brk(end + self->page));
	mmun_expect_event(id, UNMAP, end + self->page, 3 * self->page);
	mmun_expect_no_event();
}

TEST_F(event, clear_refs_raises_soft_dirty_for_the_whole_address_space)
{
	size_t length = AREA_PAGES * self->page;
	__u32 id = mmun_insert(self->map, length);
	struct mmun_record r;

	if (!has_soft_dirty(self->map))
		SKIP(return, NO_SOFT_DIRTY);
	ASSERT_EQ(0, mmun_write_file("/proc/self/clear_refs", "4"));
	r = mmun_expect_event(id, SOFT_DIRTY, self->map, length);
	EXPECT_EQ(0, r.start);
	EXPECT_EQ(~0ULL, r.end);
	mmun_expect_no_event();
}

MMUN_HARNESS_MAIN
