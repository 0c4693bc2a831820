// SPDX-License-Identifier: GPL-2.0
/*
 * Tests which operation raises which event on which bytes, and which operations
 * raise no event.  Each operation works on pages 3 and 4 of the area, or on
 * page 3.
 *
 *   0   1   2   3   4   5   6   7
 *   |------------area-------------|
 *               |--op---|
 */
#include "lib/mmun.h"
#include "lib/process.h"
#include "lib/watch.h"
#include <linux/userfaultfd.h>
#include <sys/ptrace.h>

#define AREA_PAGES 8
#define OP_FIRST 3

enum mem {
	MEM_ANON, /* private and anonymous, every page written */
	MEM_EMPTY, /* private and anonymous, no page touched */
	MEM_ZERO, /* private and anonymous, every page read: the zero page */
	MEM_SHARED, /* a memfd, shared, every page written */
	MEM_PRIVATE, /* a memfd, private, every page read */
};

struct area;

/* An operation returns 0, or -1 with errno. */
typedef int (*op_fn)(struct area *a, int arg);

/**
 * struct area - memory, and what the operations use
 * @map: the first page, at the start of a page table
 * @page: the size of a page
 * @memfd: the file that is mapped, if there is one
 * @uffd: a userfaultfd, if there is one
 * @child: a process that was forked after the memory was mapped
 * @in_child: what op_in_child() does
 */
struct area {
	char *map;
	size_t page;
	int memfd;
	int uffd;
	struct mmun_child child;
	op_fn in_child;
};

static char *op_at(const struct area *a)
{
	return a->map + OP_FIRST * a->page;
}

static int touch_read(const char *p, size_t length, size_t page)
{
	size_t i;

	for (i = 0; i < length; i += page)
		mmun_load(p + i);
	return 0;
}

static int area_map_memfd(struct area *a, bool shared)
{
	size_t length = AREA_PAGES * a->page;

	a->memfd = mmun_memfd_sized(length, 0);
	if (!mmun_map_file(a->map, length, shared ? MAP_SHARED : MAP_PRIVATE,
			   a->memfd))
		return -1;
	if (shared)
		memset(a->map, 1, length);
	return touch_read(a->map, length, a->page);
}

/* Map the area.  The memory around the area is not mapped. */
static int area_map(struct area *a, enum mem mem)
{
	size_t length;

	a->page = sysconf(_SC_PAGESIZE);
	length = AREA_PAGES * a->page;
	a->map = mmun_arena_aligned(4 * length, HUGE_SIZE);
	if (!a->map)
		return -1;
	if (mem == MEM_SHARED || mem == MEM_PRIVATE)
		return area_map_memfd(a, mem == MEM_SHARED);
	if (!mmun_map(a->map, length))
		return -1;
	if (mem == MEM_ANON)
		memset(a->map, 1, length);
	if (mem == MEM_ZERO)
		touch_read(a->map, length, a->page);
	return 0;
}

/* Returns a place behind the area in the same arena. */
static char *other_place(const struct area *a)
{
	return a->map + 2 * AREA_PAGES * a->page;
}

static int moved(const char *p)
{
	return p == MAP_FAILED ? -1 : 0;
}

static int child_works(void *area, int arg)
{
	struct area *a = area;

	return a->in_child(a, arg);
}

/* A child calls this function. */
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

/* Operations that consist of one expression */
#define OP(name, expression)                          \
	static int op_##name(struct area *a, int arg) \
	{                                             \
		return expression;                    \
	}

/* clang-format off */
OP(munmap, munmap(op_at(a), 2 * a->page))
OP(mmap_over, moved(mmap(op_at(a), 2 * a->page, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)))
OP(mremap_away, moved(mremap(op_at(a), 2 * a->page, 2 * a->page,
			     MREMAP_MAYMOVE | MREMAP_FIXED | arg, other_place(a))))
OP(mremap_onto, moved(mremap(mmun_map_filled(other_place(a), 2), 2 * a->page, 2 * a->page,
			     MREMAP_MAYMOVE | MREMAP_FIXED, op_at(a))))
/* Resize the mapping of pages 0 to 4 to @arg pages. */
OP(mremap_in_place, moved(mremap(a->map, (OP_FIRST + 2) * a->page, arg * a->page, 0)))
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
OP(in_child, mmun_child_do(&a->child, child_works, arg))
OP(clear_parent_refs, write_parent_file("clear_refs", "4", 0))
OP(write_parent_mem, write_parent_file("mem", "x", mmun_u64(op_at(a))))
/* clang-format on */

static int op_uffd_wp(struct area *a, int arg)
{
	struct uffdio_writeprotect wp = {
		.range = { mmun_u64(op_at(a)), 2 * a->page },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return ioctl(a->uffd, UFFDIO_WRITEPROTECT, &wp);
}

static int op_uffd_copy(struct area *a, int arg)
{
	struct uffdio_copy copy = {
		.dst = mmun_u64(op_at(a)),
		.src = mmun_u64(op_at(a) + 2 * a->page),
		.len = a->page,
	};

	return ioctl(a->uffd, UFFDIO_COPY, &copy);
}

/* A debugger writes to a page although its mapping forbids that. */
static int op_poke_parent(struct area *a, int arg)
{
	pid_t parent = getppid();
	int status, ret;

	if (ptrace(PTRACE_ATTACH, parent, 0, 0) ||
	    waitpid(parent, &status, __WALL) != parent)
		return -1;
	ret = ptrace(PTRACE_POKEDATA, parent, op_at(a), 2);
	return ptrace(PTRACE_DETACH, parent, 0, 0) ?: ret;
}

/*
 * These functions run before the range is inserted, so that the range receives
 * no event of them.
 */

static int prepare_child_gone(struct area *a, int arg)
{
	return op_fork(a, 0) ?: mmun_child_end(&a->child);
}

static int prepare_free(struct area *a, int arg)
{
	return mmun_write_lazily_freed(op_at(a), 2 * a->page);
}

static int prepare_debugger(struct area *a, int arg)
{
	return mprotect(a->map, AREA_PAGES * a->page, PROT_READ) ?:
								   op_fork(a, 0);
}

/* Unmap what follows pages 3 and 4, so that the mapping can grow. */
static int prepare_room(struct area *a, int arg)
{
	return munmap(op_at(a) + 2 * a->page,
		      (AREA_PAGES - OP_FIRST - 2) * a->page);
}

static int prepare_uffd(struct area *a, __u64 features, __u64 mode)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register reg = {
		.range = { mmun_u64(op_at(a)), 2 * a->page },
		.mode = mode,
	};

	a->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (a->uffd < 0 || ioctl(a->uffd, UFFDIO_API, &api))
		return -1;
	return ioctl(a->uffd, UFFDIO_REGISTER, &reg);
}

static int prepare_uffd_wp(struct area *a, int arg)
{
	return prepare_uffd(a, UFFD_FEATURE_PAGEFAULT_FLAG_WP,
			    UFFDIO_REGISTER_MODE_WP);
}

static int prepare_uffd_copy(struct area *a, int arg)
{
	memset(op_at(a) + 2 * a->page, 2, a->page);
	return prepare_uffd(a, 0, UFFDIO_REGISTER_MODE_MISSING);
}

#define NO_UFFD_WP \
	"no uffd-wp: set CONFIG_USERFAULTFD, CONFIG_HAVE_ARCH_USERFAULTFD_WP"

/* See mmun_stay_on_this_cpu(): some operations reclaim or reuse a page. */
#define setup_area(_mem)                                   \
	do {                                               \
		self->fd = mmun_open();                    \
		ASSERT_LE(0, self->fd);                    \
		ASSERT_EQ(0, mmun_stay_on_this_cpu());     \
		ASSERT_EQ(0, area_map(&self->area, _mem)); \
		self->area.in_child = variant->in_child;   \
	} while (0)

#define teardown_area()                             \
	do {                                        \
		mmun_child_kill(&self->area.child); \
		EXPECT_EQ(0, close(self->fd));      \
	} while (0)

/* If the operation fails, a variant with @needs is skipped. */
#define area_do(_op, _arg)                                      \
	do {                                                    \
		op_fn __op = _op;                               \
		int __ret = __op ? __op(&self->area, _arg) : 0; \
		if (__ret && variant->needs)                    \
			SKIP(return, "%s", variant->needs);     \
		ASSERT_EQ(0, __ret)                             \
		{                                               \
			TH_LOG(#_op ": %s", strerror(errno));   \
		}                                               \
	} while (0)

/* Short names for the tables */
enum {
	UNMAP = MMUN_EVENT_UNMAP,
	CLEAR = MMUN_EVENT_CLEAR,
	PROTECT = MMUN_EVENT_PROTECTION_VMA,
	SOFT_DIRTY = MMUN_EVENT_SOFT_DIRTY,
};

/*
 * Operations that raise an event: the bytes of the event, and the number of
 * events
 */

FIXTURE(event_op)
{
	int fd;
	struct area area;
	char *start;
	size_t length;
};

FIXTURE_VARIANT(event_op)
{
	__u32 event;
	int pages; /* from OP_FIRST on */
	int times;
	enum mem mem;
	op_fn prepare;
	op_fn run;
	int arg;
	op_fn in_child;
	const char *needs;
};

FIXTURE_SETUP(event_op)
{
	setup_area(variant->mem);
	self->start = op_at(&self->area);
	self->length = variant->pages * self->area.page;
}

FIXTURE_TEARDOWN(event_op)
{
	teardown_area();
}

/* clang-format off */
FIXTURE_VARIANT_ADD(event_op, munmap) { UNMAP, 2, 1, .run = op_munmap };
FIXTURE_VARIANT_ADD(event_op, munmap_unpopulated) { UNMAP, 2, 1, MEM_EMPTY, .run = op_munmap };
FIXTURE_VARIANT_ADD(event_op, munmap_file) { UNMAP, 2, 1, MEM_SHARED, .run = op_munmap };
FIXTURE_VARIANT_ADD(event_op, map_over) { UNMAP, 2, 1, .run = op_mmap_over };
/* First the pages move.  Then the old mapping is unmapped. */
FIXTURE_VARIANT_ADD(event_op, mremap_away) { UNMAP, 2, 2, .run = op_mremap_away };
FIXTURE_VARIANT_ADD(event_op, mremap_away_keeping_the_old) {
	UNMAP, 2, 1, .run = op_mremap_away, .arg = MREMAP_DONTUNMAP };
FIXTURE_VARIANT_ADD(event_op, mremap_onto) { UNMAP, 2, 1, .run = op_mremap_onto };
FIXTURE_VARIANT_ADD(event_op, mremap_shrink) {
	UNMAP, 2, 1, .run = op_mremap_in_place, .arg = OP_FIRST };
FIXTURE_VARIANT_ADD(event_op, mprotect_read) {
	PROTECT, 2, 1, .run = op_mprotect, .arg = PROT_READ };
FIXTURE_VARIANT_ADD(event_op, mprotect_none) {
	PROTECT, 2, 1, .run = op_mprotect, .arg = PROT_NONE };
FIXTURE_VARIANT_ADD(event_op, mprotect_file) {
	PROTECT, 2, 1, MEM_SHARED, .run = op_mprotect, .arg = PROT_READ };
FIXTURE_VARIANT_ADD(event_op, uffd_writeprotect) {
	PROTECT, 2, 1, .prepare = prepare_uffd_wp, .run = op_uffd_wp, .needs = NO_UFFD_WP };
FIXTURE_VARIANT_ADD(event_op, dontneed) { CLEAR, 2, 1, .run = op_madvise, .arg = MADV_DONTNEED };
FIXTURE_VARIANT_ADD(event_op, dontneed_file) {
	CLEAR, 2, 1, MEM_SHARED, .run = op_madvise, .arg = MADV_DONTNEED };
FIXTURE_VARIANT_ADD(event_op, free) { CLEAR, 2, 1, .run = op_madvise, .arg = MADV_FREE };
FIXTURE_VARIANT_ADD(event_op, remove) {
	CLEAR, 2, 1, MEM_SHARED, .run = op_madvise, .arg = MADV_REMOVE };
FIXTURE_VARIANT_ADD(event_op, punch_hole) { CLEAR, 2, 1, MEM_SHARED, .run = op_punch_hole };
/* The second event is about private copies that may have been made meanwhile. */
FIXTURE_VARIANT_ADD(event_op, truncate) {
	CLEAR, AREA_PAGES - OP_FIRST, 2, MEM_SHARED, .run = op_truncate };
FIXTURE_VARIANT_ADD(event_op, pageout_of_free) {
	CLEAR, 1, 1, .prepare = prepare_free, .run = op_pageout };
FIXTURE_VARIANT_ADD(event_op, write_after_fork) {
	CLEAR, 1, 1, .prepare = op_fork, .run = op_write };
FIXTURE_VARIANT_ADD(event_op, write_over_the_zero_page) { CLEAR, 1, 1, MEM_ZERO, .run = op_write };
FIXTURE_VARIANT_ADD(event_op, write_to_a_private_file_page) {
	CLEAR, 1, 1, MEM_PRIVATE, .run = op_write };
FIXTURE_VARIANT_ADD(event_op, forced_write_to_a_read_only_page) {
	CLEAR, 1, 1, MEM_PRIVATE, .prepare = prepare_debugger, .run = op_in_child,
	.in_child = op_poke_parent };
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
	int i;

	area_do(variant->prepare, 0);
	for (i = 0; i < count; i++)
		w[i].id = mmun_insert(w[i].start, w[i].length);
	area_do(variant->run, variant->arg);
	mmun_read_all(self->fd, &log);
	for (i = 0; i < count; i++)
		expect_times(&log, times, &w[i], variant->event, self->start,
			     self->length);
	expect_total(&log, count * times);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |------------range------------|
 *               |--op---|
 *               |-event-|
 */
TEST_F(event_op, raises_its_event_for_exactly_its_bytes)
{
	struct watch w = { 0, self->area.map, AREA_PAGES * self->area.page };

	check_op(_metadata, self, variant, &w, 1, variant->times);
}

/*
 *   0   1   2   3   4   5   6   7
 *             |-r-|   |r|
 *               |--op---|
 */
TEST_F(event_op, is_clipped_to_the_byte)
{
	struct watch w[] = {
		{ 0, self->start - 100, 200 },
		{ 0, self->start + self->length - 1, 2 },
	};

	check_op(_metadata, self, variant, w, 2, variant->times);
}

/*
 *   0   1   2   3   4   5   6   7
 *              |r|
 *               |--op---|
 */
TEST_F(event_op, calls_the_only_range_for_its_first_byte)
{
	struct watch w = { 0, self->start - 1, 2 };

	check_op(_metadata, self, variant, &w, 1, variant->times);
}

/*
 *   0   1   2   3   4   5   6   7
 *                      |r|
 *               |--op---|
 */
TEST_F(event_op, calls_the_only_range_for_its_last_byte)
{
	struct watch w = { 0, self->start + self->length - 1, 2 };

	check_op(_metadata, self, variant, &w, 1, variant->times);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |----r------|       |----r----
 *               |--op---|
 */
TEST_F(event_op, does_not_call_the_ranges_that_only_touch)
{
	struct watch w[] = {
		{ 0, self->area.map, OP_FIRST * self->area.page },
		{ 0, self->start + self->length, AREA_PAGES * self->area.page },
	};

	check_op(_metadata, self, variant, w, 2, 0);
}

/* Operations that raise no event */

FIXTURE(event_quiet)
{
	int fd;
	struct area area;
};

FIXTURE_VARIANT(event_quiet)
{
	enum mem mem;
	op_fn prepare;
	op_fn run;
	int arg;
	op_fn in_child;
	const char *needs;
};

FIXTURE_SETUP(event_quiet)
{
	setup_area(variant->mem);
}

FIXTURE_TEARDOWN(event_quiet)
{
	teardown_area();
}

/* clang-format off */
FIXTURE_VARIANT_ADD(event_quiet, first_read) { MEM_EMPTY, .run = op_read };
FIXTURE_VARIANT_ADD(event_quiet, first_write) { MEM_EMPTY, .run = op_write };
FIXTURE_VARIANT_ADD(event_quiet, write_again) { .run = op_write };
FIXTURE_VARIANT_ADD(event_quiet, write_to_a_shared_page) { MEM_SHARED, op_fork, .run = op_write };
FIXTURE_VARIANT_ADD(event_quiet, write_when_the_child_is_gone) {
	.prepare = prepare_child_gone, .run = op_write };
FIXTURE_VARIANT_ADD(event_quiet, populate) {
	MEM_EMPTY, .run = op_madvise, .arg = MADV_POPULATE_WRITE };
FIXTURE_VARIANT_ADD(event_quiet, mlock) { .run = op_mlock };
FIXTURE_VARIANT_ADD(event_quiet, munlock) { .prepare = op_mlock, .run = op_munlock };
FIXTURE_VARIANT_ADD(event_quiet, willneed) { MEM_SHARED, .run = op_madvise, .arg = MADV_WILLNEED };
FIXTURE_VARIANT_ADD(event_quiet, sequential) { .run = op_madvise, .arg = MADV_SEQUENTIAL };
FIXTURE_VARIANT_ADD(event_quiet, hugepage) {
	.run = op_madvise, .arg = MADV_HUGEPAGE,
	.needs = "no huge pages: set CONFIG_TRANSPARENT_HUGEPAGE" };
FIXTURE_VARIANT_ADD(event_quiet, mergeable) {
	.run = op_madvise, .arg = MADV_MERGEABLE, .needs = "no KSM: set CONFIG_KSM" };
FIXTURE_VARIANT_ADD(event_quiet, cold) { .run = op_madvise, .arg = MADV_COLD };
FIXTURE_VARIANT_ADD(event_quiet, mincore) { .run = op_mincore };
FIXTURE_VARIANT_ADD(event_quiet, msync_of_a_memfd) { MEM_SHARED, .run = op_msync };
FIXTURE_VARIANT_ADD(event_quiet, mprotect_to_the_same) {
	.run = op_mprotect, .arg = PROT_READ | PROT_WRITE };
FIXTURE_VARIANT_ADD(event_quiet, fork_of_a_shared_mapping) { MEM_SHARED, .run = op_fork };
FIXTURE_VARIANT_ADD(event_quiet, write_in_the_child) {
	.prepare = op_fork, .run = op_in_child, .in_child = op_write };
FIXTURE_VARIANT_ADD(event_quiet, munmap_in_the_child) {
	.prepare = op_fork, .run = op_in_child, .in_child = op_munmap };
FIXTURE_VARIANT_ADD(event_quiet, munmap_of_nothing) { .prepare = op_munmap, .run = op_munmap };
FIXTURE_VARIANT_ADD(event_quiet, mmap_into_a_hole) { .prepare = op_munmap, .run = op_mmap_over };
FIXTURE_VARIANT_ADD(event_quiet, mremap_into_a_hole) {
	.prepare = op_munmap, .run = op_mremap_onto };
FIXTURE_VARIANT_ADD(event_quiet, grow_in_place) {
	.prepare = prepare_room, .run = op_mremap_in_place, .arg = OP_FIRST + 4 };
FIXTURE_VARIANT_ADD(event_quiet, uffd_copy) {
	MEM_EMPTY, prepare_uffd_copy, .run = op_uffd_copy,
	.needs = "no userfaultfd: set CONFIG_USERFAULTFD" };
/* clang-format on */

/* The MADV_DONTNEED at the end proves that the range receives events. */
TEST_F(event_quiet, raises_nothing)
{
	struct mmun_records log;
	__u32 id;

	area_do(variant->prepare, 0);
	id = mmun_insert(self->area.map, AREA_PAGES * self->area.page);
	area_do(variant->run, variant->arg);
	mmun_read_all(self->fd, &log);
	expect_total(&log, 0);

	ASSERT_EQ(0, madvise(self->area.map, self->area.page, MADV_DONTNEED));
	mmun_expect_event(id, MMUN_EVENT_CLEAR, self->area.map,
			  self->area.page);
}

/* A page that was written is soft dirty, unless the kernel lacks the bit. */
static bool has_soft_dirty(const char *p)
{
	return mmun_pagemap(p) >> 55 & 1;
}

#define NO_SOFT_DIRTY "no soft dirty bits: set CONFIG_MEM_SOFT_DIRTY"

/* Invalidations that another process causes in this address space */

FIXTURE(event_foreign)
{
	int fd;
	struct area area;
};

FIXTURE_VARIANT(event_foreign)
{
	__u32 event;
	int pages;
	enum mem mem;
	op_fn in_child;
	int arg;
};

FIXTURE_SETUP(event_foreign)
{
	setup_area(variant->mem);
	ASSERT_EQ(0, op_fork(&self->area, 0));
}

FIXTURE_TEARDOWN(event_foreign)
{
	teardown_area();
}

/* clang-format off */
FIXTURE_VARIANT_ADD(event_foreign, punch_hole) { CLEAR, 2, MEM_SHARED, .in_child = op_punch_hole };
FIXTURE_VARIANT_ADD(event_foreign, remove) {
	CLEAR, 2, MEM_SHARED, .in_child = op_madvise, .arg = MADV_REMOVE };
FIXTURE_VARIANT_ADD(event_foreign, write_to_proc_mem) { CLEAR, 1, .in_child = op_write_parent_mem };
FIXTURE_VARIANT_ADD(event_foreign, clear_refs) { SOFT_DIRTY, 2, .in_child = op_clear_parent_refs };
/* clang-format on */

/* The driver reports IDs of the initial PID namespace. */
TEST_F(event_foreign, reports_the_process_that_caused_it)
{
	size_t length = variant->pages * self->area.page;
	struct mmun_record r;
	__u32 id;

	if (variant->event == SOFT_DIRTY && !has_soft_dirty(self->area.map))
		SKIP(return, NO_SOFT_DIRTY);
	id = mmun_insert(op_at(&self->area), length);
	ASSERT_EQ(0, op_in_child(&self->area, variant->arg));
	r = mmun_expect_event(id, variant->event, op_at(&self->area), length);
	EXPECT_EQ(self->area.child.pid, r.tgid);
	EXPECT_EQ(self->area.child.pid, r.tid);
	mmun_expect_no_event();
}

/* Operations that do not fit into the area */

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
 * The memory is so far from other memory that every level of the page tables is
 * missing.
 */
TEST_F(event, mprotect_of_unpopulated_memory_raises_nothing)
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
	mmun_expect_event(id, MMUN_EVENT_UNMAP, p, length);
}

TEST_F(event, brk_down_raises_unmap)
{
	char *end =
		(char *)(((uintptr_t)sbrk(0) + self->page - 1) & -self->page);
	__u32 id;

	ASSERT_EQ(0, brk(end + 4 * self->page));
	memset(end, 1, 4 * self->page);
	id = mmun_insert(end, 4 * self->page);
	ASSERT_EQ(0, brk(end + self->page));
	mmun_expect_event(id, MMUN_EVENT_UNMAP, end + self->page,
			  3 * self->page);
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
	r = mmun_expect_event(id, MMUN_EVENT_SOFT_DIRTY, self->map, length);
	EXPECT_EQ(0, r.start);
	EXPECT_EQ(~0ULL, r.end);
	mmun_expect_no_event();
}

MMUN_HARNESS_MAIN
