// SPDX-License-Identifier: GPL-2.0
/*
 * Which system call raises which event, for which bytes, on which ranges, and
 * which raise none.  fork, exit and the OOM killer have programs of their own.
 */
#include "lib/mmun.h"
#include <linux/userfaultfd.h>
#include <sys/ptrace.h>

#ifndef FALLOC_FL_PUNCH_HOLE
#define FALLOC_FL_KEEP_SIZE	1
#define FALLOC_FL_PUNCH_HOLE	2
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY	1
#endif

/* Intervals: [start, end), in bytes. */
struct span {
	__u64 start;
	__u64 end;
};

static struct span span_of(const char *start, size_t length)
{
	return (struct span){ mmun_u64(start), mmun_u64(start) + length };
}

static int span_meets(struct span a, struct span b)
{
	return a.start < b.end && b.start < a.end;
}

static struct span span_clip(struct span a, struct span b)
{
	return (struct span){
		a.start > b.start ? a.start : b.start,
		a.end < b.end ? a.end : b.end,
	};
}

/* Does it tell of @event on all of @whole, clipped to what @id watches? */
static int event_matches(const struct mmun_record *r, __u32 id, __u32 event,
			 struct span whole, struct span watched)
{
	struct span clip = span_clip(whole, watched);

	return r->type == MMUN_RECORD_INVALIDATE && r->id == id &&
	       r->event == event && r->flags == MMUN_RECORD_BLOCKABLE &&
	       r->cur_seq % 2 == 1 &&
	       r->start == whole.start && r->end == whole.end &&
	       r->clip_start == clip.start && r->clip_end == clip.end;
}

static int event_count(const struct mmun_records *log, __u32 id, __u32 event,
		       struct span whole, struct span watched)
{
	int i, count = 0;

	for (i = 0; i < log->count; i++)
		count += event_matches(&log->records[i], id, event, whole,
				       watched);
	return count;
}

#define event_expect(_log, _times, _id, _event, _whole, _watched)          \
	({                                                                 \
		EXPECT_EQ(_times, event_count(_log, _id, _event, _whole,   \
					      _watched))                   \
		{                                                          \
			TH_LOG("no such record among these:");             \
			mmun_print_all(_log);                             \
		}                                                          \
	})

#define event_expect_total(_log, _total)                                   \
	({                                                                 \
		EXPECT_EQ(_total, (_log)->count)                           \
		{                                                          \
			mmun_print_all(_log);                             \
		}                                                          \
	})

/*
 * The area: 8 pages at the start of a page table of their own, nothing mapped
 * around them.  The operations work on pages 3 and 4, or on page 3 alone.
 *
 *   0   1   2   3   4   5   6   7
 *   |------------area-------------|
 *               |--op---|
 */
#define AREA_PAGES	8
#define OP_FIRST	3

enum mem {
	MEM_ANON,		/* private and anonymous, all written */
	MEM_EMPTY,		/* the same, never touched */
	MEM_ZERO,		/* the same, all read: the zero page */
	MEM_SHARED,		/* a memfd, shared, all written */
	MEM_PRIVATE,		/* a memfd, private, all read */
};

struct area {
	char *map;
	size_t page;
	int memfd;
	int uffd;
	pid_t child;
	int wake;
};

static char *op_at(const struct area *a)
{
	return a->map + OP_FIRST * a->page;
}

static void touch_read(const char *p, size_t length, size_t page)
{
	size_t i;

	for (i = 0; i < length; i += page)
		(void)__atomic_load_n(p + i, __ATOMIC_RELAXED);
}

/* An arena of that many bytes whose first byte begins a page table. */
static char *arena_aligned(size_t length)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmun_arena((length + HUGE_SIZE) / page);

	if (!p)
		return NULL;
	return p + (-(uintptr_t)p & (HUGE_SIZE - 1));
}

static int area_map_memfd(struct area *a, int shared)
{
	size_t length = AREA_PAGES * a->page;
	char *p;

	a->memfd = mmun_memfd(0);
	if (a->memfd < 0 || ftruncate(a->memfd, length))
		return -1;
	p = mmap(a->map, length, PROT_READ | PROT_WRITE,
		 MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE), a->memfd, 0);
	if (p == MAP_FAILED)
		return -1;
	if (shared)
		memset(p, 1, length);
	touch_read(p, length, a->page);
	return 0;
}

static int area_map(struct area *a, enum mem mem)
{
	size_t length;

	*a = (struct area){ .memfd = -1, .uffd = -1, .wake = -1 };
	a->page = sysconf(_SC_PAGESIZE);
	length = AREA_PAGES * a->page;
	a->map = arena_aligned(4 * length);
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

/* A child that does @work when told, and ends when told or left alone. */
static int area_fork(struct area *a, int (*work)(struct area *a))
{
	int fds[2];
	char c;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	a->child = fork();
	if (a->child < 0)
		return -1;
	if (!a->child) {
		close(fds[1]);
		if (read(fds[0], &c, 1) != 1)
			_exit(0);
		_exit(work && work(a) ? 1 : 0);
	}
	close(fds[0]);
	a->wake = fds[1];
	return 0;
}

/* Tell the child to work; returns 0 when it succeeded. */
static int area_child_work(struct area *a)
{
	pid_t child = a->child;

	a->child = 0;
	if (write(a->wake, "x", 1) != 1)
		return -1;
	return mmun_wait_child(child);
}

static void area_release(struct area *a)
{
	close(a->wake);
	if (a->child > 0)
		mmun_wait_child(a->child);
	close(a->uffd);
	close(a->memfd);
}

/* The page must sit in this CPU's LRU batches for the kernel to reuse it. */
static int pin_to_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* The operations.  They return 0, or -1 with errno. */

static int op_munmap(struct area *a)
{
	return munmap(op_at(a), 2 * a->page);
}

static int op_map_over(struct area *a)
{
	char *p = mmap(op_at(a), 2 * a->page, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

/* Its new home is beyond the area, in the same arena. */
static int op_mremap(struct area *a, int flags)
{
	size_t length = 2 * a->page;

	return mremap(op_at(a), length, length,
		      MREMAP_MAYMOVE | MREMAP_FIXED | flags,
		      a->map + 2 * AREA_PAGES * a->page) == MAP_FAILED ? -1 : 0;
}

static int op_mremap_move(struct area *a)
{
	return op_mremap(a, 0);
}

static int op_mremap_keep(struct area *a)
{
	return op_mremap(a, MREMAP_DONTUNMAP);
}

static int op_mremap_onto(struct area *a)
{
	size_t length = 2 * a->page;
	char *from = mmun_map_filled(a->map + 2 * AREA_PAGES * a->page, 2);

	return mremap(from, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
		      op_at(a)) == MAP_FAILED ? -1 : 0;
}

static int op_mremap_shrink(struct area *a)
{
	return mremap(a->map, (OP_FIRST + 2) * a->page, OP_FIRST * a->page,
		      0) == MAP_FAILED ? -1 : 0;
}

static int op_mprotect_read(struct area *a)
{
	return mprotect(op_at(a), 2 * a->page, PROT_READ);
}

static int op_mprotect_none(struct area *a)
{
	return mprotect(op_at(a), 2 * a->page, PROT_NONE);
}

static int op_dontneed(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_DONTNEED);
}

static int op_free(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_FREE);
}

static int op_remove(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_REMOVE);
}

static int op_punch(struct area *a)
{
	return fallocate(a->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 OP_FIRST * a->page, 2 * a->page);
}

static int op_truncate(struct area *a)
{
	return ftruncate(a->memfd, OP_FIRST * a->page);
}

static int op_write(struct area *a)
{
	__atomic_store_n(op_at(a), 2, __ATOMIC_RELAXED);
	return 0;
}

static int op_read(struct area *a)
{
	touch_read(op_at(a), 2 * a->page, a->page);
	return 0;
}

/* Reclaim drops a page that is free to go; no swap is needed for that. */
static int op_pageout(struct area *a)
{
	return madvise(op_at(a), a->page, MADV_PAGEOUT);
}

/* What a debugger does: the kernel writes where the mapping forbids it. */
static int op_poke_parent(struct area *a)
{
	pid_t parent = getppid();
	int status, ret;

	if (ptrace(PTRACE_ATTACH, parent, 0, 0) ||
	    waitpid(parent, &status, __WALL) != parent)
		return -1;
	ret = ptrace(PTRACE_POKEDATA, parent, op_at(a), 2);
	return ptrace(PTRACE_DETACH, parent, 0, 0) ?: ret;
}

static int op_uffd_wp(struct area *a)
{
	struct uffdio_writeprotect wp = {
		.range = { mmun_u64(op_at(a)), 2 * a->page },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return ioctl(a->uffd, UFFDIO_WRITEPROTECT, &wp);
}

static int op_uffd_copy(struct area *a)
{
	struct uffdio_copy copy = {
		.dst = mmun_u64(op_at(a)),
		.src = mmun_u64(op_at(a) + 2 * a->page),
		.len = a->page,
	};

	return ioctl(a->uffd, UFFDIO_COPY, &copy);
}

static int op_child_works(struct area *a)
{
	return area_child_work(a);
}

/* What comes before the range is inserted, and so raises nothing on it. */

static int prepare_child(struct area *a)
{
	return area_fork(a, NULL);
}

static int prepare_child_write(struct area *a)
{
	return area_fork(a, op_write);
}

static int prepare_child_munmap(struct area *a)
{
	return area_fork(a, op_munmap);
}

static int prepare_child_gone(struct area *a)
{
	return area_fork(a, NULL) ? -1 : area_child_work(a);
}

static int prepare_free(struct area *a)
{
	return mmun_write_lazily_freed(op_at(a), 2 * a->page);
}

static int prepare_debugger(struct area *a)
{
	if (mprotect(a->map, AREA_PAGES * a->page, PROT_READ))
		return -1;
	return area_fork(a, op_poke_parent);
}

static int prepare_hole(struct area *a)
{
	return op_munmap(a);
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

static int prepare_uffd_wp(struct area *a)
{
	return prepare_uffd(a, UFFD_FEATURE_PAGEFAULT_FLAG_WP,
			    UFFDIO_REGISTER_MODE_WP);
}

static int prepare_uffd_copy(struct area *a)
{
	memset(op_at(a) + 2 * a->page, 2, a->page);
	return prepare_uffd(a, 0, UFFDIO_REGISTER_MODE_MISSING);
}

/* Only what a variant says that a kernel may lack may fail. */
static int area_try(struct area *a, int (*step)(struct area *a))
{
	return step ? step(a) : 0;
}

#define area_do(_step)                                                     \
	do {                                                               \
		int __ret = area_try(&self->area, _step);                  \
									   \
		if (__ret && variant->needs)                               \
			SKIP(return, "%s", variant->needs);                \
		ASSERT_EQ(0, __ret)                                        \
		{                                                          \
			TH_LOG(#_step ": %s", strerror(errno));            \
		}                                                          \
	} while (0)

/* Operations that raise an event: on which bytes, and how often. */

FIXTURE(event_op) {
	int fd;
	struct area area;
	struct span whole;
};

FIXTURE_VARIANT(event_op)
{
	enum mem mem;
	int (*prepare)(struct area *a);
	int (*run)(struct area *a);
	const char *needs;
	__u32 event;
	int pages;		/* from OP_FIRST on */
	int times;
};

FIXTURE_SETUP(event_op)
{
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pin_to_this_cpu());
	ASSERT_EQ(0, area_map(&self->area, variant->mem));
	self->whole = span_of(op_at(&self->area),
			      variant->pages * self->area.page);
}

FIXTURE_TEARDOWN(event_op)
{
	area_release(&self->area);
	close(self->fd);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(event_op, munmap) {
	.run = op_munmap,
	.event = MMUN_EVENT_UNMAP, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, munmap_unpopulated) {
	.mem = MEM_EMPTY, .run = op_munmap,
	.event = MMUN_EVENT_UNMAP, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, munmap_file) {
	.mem = MEM_SHARED, .run = op_munmap,
	.event = MMUN_EVENT_UNMAP, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, map_over) {
	.run = op_map_over,
	.event = MMUN_EVENT_UNMAP, .pages = 2, .times = 1,
};

/* The page tables move, then the old mapping goes. */
FIXTURE_VARIANT_ADD(event_op, mremap_away) {
	.run = op_mremap_move,
	.event = MMUN_EVENT_UNMAP, .pages = 2, .times = 2,
};

FIXTURE_VARIANT_ADD(event_op, mremap_away_keeping_the_old) {
	.run = op_mremap_keep,
	.event = MMUN_EVENT_UNMAP, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, mremap_onto) {
	.run = op_mremap_onto,
	.event = MMUN_EVENT_UNMAP, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, mremap_shrink) {
	.run = op_mremap_shrink,
	.event = MMUN_EVENT_UNMAP, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, mprotect_read) {
	.run = op_mprotect_read,
	.event = MMUN_EVENT_PROTECTION_VMA, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, mprotect_none) {
	.run = op_mprotect_none,
	.event = MMUN_EVENT_PROTECTION_VMA, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, mprotect_file) {
	.mem = MEM_SHARED, .run = op_mprotect_read,
	.event = MMUN_EVENT_PROTECTION_VMA, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, uffd_writeprotect) {
	.prepare = prepare_uffd_wp, .run = op_uffd_wp,
	.needs = "no uffd-wp: set CONFIG_USERFAULTFD, CONFIG_HAVE_ARCH_USERFAULTFD_WP",
	.event = MMUN_EVENT_PROTECTION_VMA, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, dontneed) {
	.run = op_dontneed,
	.event = MMUN_EVENT_CLEAR, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, dontneed_file) {
	.mem = MEM_SHARED, .run = op_dontneed,
	.event = MMUN_EVENT_CLEAR, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, free) {
	.run = op_free,
	.event = MMUN_EVENT_CLEAR, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, remove) {
	.mem = MEM_SHARED, .run = op_remove,
	.event = MMUN_EVENT_CLEAR, .pages = 2, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, punch_hole) {
	.mem = MEM_SHARED, .run = op_punch,
	.event = MMUN_EVENT_CLEAR, .pages = 2, .times = 1,
};

/* A second time for private copies made meanwhile. */
FIXTURE_VARIANT_ADD(event_op, truncate) {
	.mem = MEM_SHARED, .run = op_truncate,
	.event = MMUN_EVENT_CLEAR, .pages = AREA_PAGES - OP_FIRST, .times = 2,
};

FIXTURE_VARIANT_ADD(event_op, pageout_of_free) {
	.prepare = prepare_free, .run = op_pageout,
	.event = MMUN_EVENT_CLEAR, .pages = 1, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, write_after_fork) {
	.prepare = prepare_child, .run = op_write,
	.event = MMUN_EVENT_CLEAR, .pages = 1, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, write_over_the_zero_page) {
	.mem = MEM_ZERO, .run = op_write,
	.event = MMUN_EVENT_CLEAR, .pages = 1, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, write_to_a_private_file_page) {
	.mem = MEM_PRIVATE, .run = op_write,
	.event = MMUN_EVENT_CLEAR, .pages = 1, .times = 1,
};

FIXTURE_VARIANT_ADD(event_op, forced_write_to_a_read_only_page) {
	.mem = MEM_PRIVATE, .prepare = prepare_debugger, .run = op_child_works,
	.event = MMUN_EVENT_CLEAR, .pages = 1, .times = 1,
};
/* clang-format on */

/* The only range is [@at, @at + @size): it is told of the operation's bytes. */
#define expect_alone(at, size)                                               \
	do {                                                                 \
		struct mmun_records log;                                     \
		__u32 id;                                                    \
									     \
		area_do(variant->prepare);                                   \
		id = mmun_insert(at, size);                                  \
		area_do(variant->run);                                       \
		mmun_read_all(self->fd, &log);                               \
		event_expect(&log, variant->times, id, variant->event,       \
			     self->whole, span_of(at, size));                \
		event_expect_total(&log, variant->times);                    \
	} while (0)

/*
 *   0   1   2   3   4   5   6   7
 *   |------------range------------|
 *               |--op---|
 *               |-event-|
 */
TEST_F(event_op, raises_its_event_for_exactly_its_bytes)
{
	expect_alone(self->area.map, AREA_PAGES * self->area.page);
}

/*
 *   0   1   2   3   4   5   6   7
 *             |-r-|   |r|
 *               |--op---|
 */
TEST_F(event_op, is_clipped_to_the_byte)
{
	char *head = op_at(&self->area) - 100;
	char *tail = (char *)(uintptr_t)self->whole.end - 1;
	struct mmun_records log;
	__u32 ids[2];

	area_do(variant->prepare);
	ids[0] = mmun_insert(head, 200);
	ids[1] = mmun_insert(tail, 2);
	area_do(variant->run);
	mmun_read_all(self->fd, &log);
	event_expect(&log, variant->times, ids[0], variant->event, self->whole,
		     span_of(head, 200));
	event_expect(&log, variant->times, ids[1], variant->event, self->whole,
		     span_of(tail, 2));
	event_expect_total(&log, 2 * variant->times);
}

/*
 *   0   1   2   3   4   5   6   7
 *              |r|
 *               |--op---|
 */
TEST_F(event_op, calls_the_only_range_for_its_first_byte)
{
	expect_alone(op_at(&self->area) - 1, 2);
}

/*
 *   0   1   2   3   4   5   6   7
 *                      |r|
 *               |--op---|
 */
TEST_F(event_op, calls_the_only_range_for_its_last_byte)
{
	char *tail = (char *)(uintptr_t)self->whole.end - 1;

	expect_alone(tail, 2);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |----r------|       |----r----
 *               |--op---|
 */
TEST_F(event_op, does_not_call_the_ranges_that_only_touch)
{
	size_t before = OP_FIRST * self->area.page;
	char *end = (char *)(uintptr_t)self->whole.end;
	struct mmun_records log;

	area_do(variant->prepare);
	mmun_insert(self->area.map, before);
	mmun_insert(end, AREA_PAGES * self->area.page);
	area_do(variant->run);
	mmun_read_all(self->fd, &log);
	event_expect_total(&log, 0);
}

/* Operations that must raise nothing on the range they work in. */

static int op_populate(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_POPULATE_WRITE);
}

static int op_mlock(struct area *a)
{
	return mlock(op_at(a), 2 * a->page);
}

static int op_munlock(struct area *a)
{
	return munlock(op_at(a), 2 * a->page);
}

static int op_willneed(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_WILLNEED);
}

static int op_sequential(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_SEQUENTIAL);
}

static int op_hugepage(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_HUGEPAGE);
}

static int op_mergeable(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_MERGEABLE);
}

static int op_cold(struct area *a)
{
	return madvise(op_at(a), 2 * a->page, MADV_COLD);
}

static int op_mprotect_same(struct area *a)
{
	return mprotect(op_at(a), 2 * a->page, PROT_READ | PROT_WRITE);
}

static int op_fork(struct area *a)
{
	return prepare_child(a);
}

static int op_mincore(struct area *a)
{
	unsigned char vec[2];

	return mincore(op_at(a), 2 * a->page, vec);
}

static int op_msync(struct area *a)
{
	return msync(op_at(a), 2 * a->page, MS_SYNC);
}

/* The last three pages of the area are unmapped first. */
static int prepare_room(struct area *a)
{
	return munmap(op_at(a) + 2 * a->page,
		      (AREA_PAGES - OP_FIRST - 2) * a->page);
}

static int op_grow(struct area *a)
{
	return mremap(op_at(a), 2 * a->page, 4 * a->page, 0) == MAP_FAILED ?
	       -1 : 0;
}

FIXTURE(event_quiet) {
	int fd;
	struct area area;
};

FIXTURE_VARIANT(event_quiet)
{
	enum mem mem;
	int (*prepare)(struct area *a);
	int (*run)(struct area *a);
	const char *needs;
};

FIXTURE_SETUP(event_quiet)
{
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pin_to_this_cpu());
	ASSERT_EQ(0, area_map(&self->area, variant->mem));
}

FIXTURE_TEARDOWN(event_quiet)
{
	area_release(&self->area);
	close(self->fd);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(event_quiet, first_read) {
	.mem = MEM_EMPTY, .run = op_read,
};

FIXTURE_VARIANT_ADD(event_quiet, first_write) {
	.mem = MEM_EMPTY, .run = op_write,
};

FIXTURE_VARIANT_ADD(event_quiet, write_again) {
	.run = op_write,
};

FIXTURE_VARIANT_ADD(event_quiet, write_to_a_shared_page) {
	.mem = MEM_SHARED, .prepare = prepare_child, .run = op_write,
};

FIXTURE_VARIANT_ADD(event_quiet, write_when_the_child_is_gone) {
	.prepare = prepare_child_gone, .run = op_write,
};

FIXTURE_VARIANT_ADD(event_quiet, populate) {
	.mem = MEM_EMPTY, .run = op_populate,
};

FIXTURE_VARIANT_ADD(event_quiet, mlock) {
	.run = op_mlock,
};

FIXTURE_VARIANT_ADD(event_quiet, munlock) {
	.prepare = op_mlock, .run = op_munlock,
};

FIXTURE_VARIANT_ADD(event_quiet, willneed) {
	.mem = MEM_SHARED, .run = op_willneed,
};

FIXTURE_VARIANT_ADD(event_quiet, sequential) {
	.run = op_sequential,
};

FIXTURE_VARIANT_ADD(event_quiet, hugepage) {
	.run = op_hugepage,
	.needs = "no huge pages: set CONFIG_TRANSPARENT_HUGEPAGE",
};

FIXTURE_VARIANT_ADD(event_quiet, mergeable) {
	.run = op_mergeable,
	.needs = "no KSM: set CONFIG_KSM",
};

FIXTURE_VARIANT_ADD(event_quiet, cold) {
	.run = op_cold,
};

FIXTURE_VARIANT_ADD(event_quiet, mincore) {
	.run = op_mincore,
};

FIXTURE_VARIANT_ADD(event_quiet, msync_of_a_memfd) {
	.mem = MEM_SHARED, .run = op_msync,
};

FIXTURE_VARIANT_ADD(event_quiet, mprotect_to_the_same) {
	.run = op_mprotect_same,
};

FIXTURE_VARIANT_ADD(event_quiet, fork_of_a_shared_mapping) {
	.mem = MEM_SHARED, .run = op_fork,
};

FIXTURE_VARIANT_ADD(event_quiet, write_in_the_child) {
	.prepare = prepare_child_write, .run = op_child_works,
};

FIXTURE_VARIANT_ADD(event_quiet, munmap_in_the_child) {
	.prepare = prepare_child_munmap, .run = op_child_works,
};

FIXTURE_VARIANT_ADD(event_quiet, munmap_of_nothing) {
	.prepare = prepare_hole, .run = op_munmap,
};

FIXTURE_VARIANT_ADD(event_quiet, mmap_into_a_hole) {
	.prepare = prepare_hole, .run = op_map_over,
};

FIXTURE_VARIANT_ADD(event_quiet, mremap_into_a_hole) {
	.prepare = prepare_hole, .run = op_mremap_onto,
};

FIXTURE_VARIANT_ADD(event_quiet, grow_in_place) {
	.prepare = prepare_room, .run = op_grow,
};

FIXTURE_VARIANT_ADD(event_quiet, uffd_copy) {
	.mem = MEM_EMPTY, .prepare = prepare_uffd_copy, .run = op_uffd_copy,
	.needs = "no userfaultfd: set CONFIG_USERFAULTFD",
};
/* clang-format on */

/* The DONTNEED after it proves that the range was listening. */
TEST_F(event_quiet, raises_nothing)
{
	size_t length = AREA_PAGES * self->area.page;
	struct mmun_records log;
	__u32 id;

	area_do(variant->prepare);
	id = mmun_insert(self->area.map, length);
	area_do(variant->run);
	mmun_read_all(self->fd, &log);
	event_expect_total(&log, 0);

	ASSERT_EQ(0, madvise(self->area.map, self->area.page, MADV_DONTNEED));
	mmun_expect_event(id, MMUN_EVENT_CLEAR, self->area.map,
			  self->area.page);
}

/*
 * Every way in which an interval can lie to a range, and ranges that begin and
 * end inside a page.
 *
 *   0   1   2   3   4   5   6   7   8   9  10  11  12  13  14  15
 *                   |------------watched[0]-----------|
 *                    |-----------watched[1]----------|
 *                   |first byte       across|last byte|
 */
#define ALIGN_PAGES	16
#define ALIGN_RANGES	5

FIXTURE(event_align) {
	int fd;
	size_t page;
	char *map;
	struct span whole;
	struct span watched[ALIGN_RANGES];
	__u32 ids[ALIGN_RANGES];
};

FIXTURE_VARIANT(event_align)
{
	int first, end;		/* pages that the operation works on */
};

FIXTURE_SETUP(event_align)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = arena_aligned(ALIGN_PAGES * page);
	int i;

	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	ASSERT_NE(NULL, p);
	ASSERT_NE(NULL, mmun_map_filled(p, ALIGN_PAGES));
	self->page = page;
	self->map = p;
	self->whole = span_of(p + variant->first * page,
			      (variant->end - variant->first) * page);
	self->watched[0] = span_of(p + 4 * page, 8 * page);
	self->watched[1] = span_of(p + 4 * page + 1, 8 * page - 2);
	self->watched[2] = span_of(p + 4 * page, 1);
	self->watched[3] = span_of(p + 12 * page - 1, 1);
	self->watched[4] = span_of(p + 8 * page - 1, 2);
	for (i = 0; i < ALIGN_RANGES; i++)
		self->ids[i] = mmun_insert((char *)(uintptr_t)
					   self->watched[i].start,
					   self->watched[i].end -
					   self->watched[i].start);
}

FIXTURE_TEARDOWN(event_align)
{
	close(self->fd);
}

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

/* Exactly the ranges that meet it are called, once, with their part of it. */
static void check_align(struct __test_metadata *_metadata,
			FIXTURE_DATA(event_align) *self, __u32 event)
{
	struct mmun_records log;
	int i, meets, total = 0;

	mmun_read_all(self->fd, &log);
	for (i = 0; i < ALIGN_RANGES; i++) {
		meets = span_meets(self->whole, self->watched[i]);
		total += meets;
		event_expect(&log, meets, self->ids[i], event, self->whole,
			     self->watched[i]);
	}
	event_expect_total(&log, total);
}

TEST_F(event_align, munmap_is_clipped_to_each_range_it_meets)
{
	char *p = self->map + variant->first * self->page;

	ASSERT_EQ(0, munmap(p, (variant->end - variant->first) * self->page));
	check_align(_metadata, self, MMUN_EVENT_UNMAP);
}

TEST_F(event_align, mmap_over_is_clipped_to_each_range_it_meets)
{
	char *p = self->map + variant->first * self->page;

	ASSERT_EQ(p, mmap(p, (variant->end - variant->first) * self->page,
			  PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	check_align(_metadata, self, MMUN_EVENT_UNMAP);
}

TEST_F(event_align, mprotect_is_clipped_to_each_range_it_meets)
{
	char *p = self->map + variant->first * self->page;

	ASSERT_EQ(0, mprotect(p, (variant->end - variant->first) * self->page,
			      PROT_READ));
	check_align(_metadata, self, MMUN_EVENT_PROTECTION_VMA);
}

TEST_F(event_align, dontneed_is_clipped_to_each_range_it_meets)
{
	char *p = self->map + variant->first * self->page;

	ASSERT_EQ(0, madvise(p, (variant->end - variant->first) * self->page,
			     MADV_DONTNEED));
	check_align(_metadata, self, MMUN_EVENT_CLEAR);
}

/* One unmapping is one event, whatever holes it has. */
TEST_F(event_align, munmap_over_holes_is_one_event)
{
	size_t page = self->page;
	int i;

	for (i = variant->first + 1; i < variant->end - 1; i += 2)
		ASSERT_EQ(0, munmap(self->map + i * page, page));
	mmun_drain_log(self->fd);
	ASSERT_EQ(0, munmap(self->map + variant->first * page,
			    (variant->end - variant->first) * page));
	check_align(_metadata, self, MMUN_EVENT_UNMAP);
}

/* Single stories. */

FIXTURE(event) {
	int fd;
	size_t page;
	struct area area;
};

FIXTURE_SETUP(event)
{
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pin_to_this_cpu());
	ASSERT_EQ(0, area_map(&self->area, MEM_ANON));
	self->page = self->area.page;
}

FIXTURE_TEARDOWN(event)
{
	area_release(&self->area);
	close(self->fd);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |--------------0--------------|
 *       |----------1----------|
 *           |------2------|
 *           |------3------|
 *               |--4--|
 *               |--op---|
 */
TEST_F(event, nested_ranges_are_each_called_once_with_one_seq)
{
	static const int first[] = { 0, 1, 2, 2, 3 };
	static const int pages[] = { 8, 6, 4, 4, 1 };
	struct span whole = span_of(op_at(&self->area), 2 * self->page);
	struct mmun_records log;
	char *p[5];
	__u32 ids[5];
	int i;

	for (i = 0; i < 5; i++) {
		p[i] = self->area.map + first[i] * self->page;
		ids[i] = mmun_insert(p[i], pages[i] * self->page);
	}
	ASSERT_EQ(0, op_dontneed(&self->area));
	mmun_read_all(self->fd, &log);
	event_expect_total(&log, 5);
	for (i = 0; i < 5; i++) {
		event_expect(&log, 1, ids[i], MMUN_EVENT_CLEAR, whole,
			     span_of(p[i], pages[i] * self->page));
		EXPECT_EQ(log.records[0].cur_seq, log.records[i].cur_seq);
	}
}

TEST_F(event, one_munmap_calls_every_range_it_meets_and_no_other)
{
	size_t piece = self->page / 8;
	struct span whole = span_of(op_at(&self->area), 2 * self->page), part;
	struct mmun_records log;
	__u32 ids[8 * AREA_PAGES];
	int i;

	for (i = 0; i < 8 * AREA_PAGES; i++)
		ids[i] = mmun_insert(self->area.map + i * piece, piece);
	ASSERT_EQ(0, op_munmap(&self->area));
	mmun_read_all(self->fd, &log);
	event_expect_total(&log, 16);
	for (i = 0; i < 8 * AREA_PAGES; i++) {
		part = span_of(self->area.map + i * piece, piece);
		event_expect(&log, span_meets(whole, part), ids[i],
			     MMUN_EVENT_UNMAP, whole, part);
	}
}

TEST_F(event, each_invalidation_has_a_later_seq)
{
	__u32 id = mmun_insert(self->area.map, AREA_PAGES * self->page);
	__u64 seq = 0;
	int i;

	for (i = 0; i < 10; i++) {
		struct mmun_record r;

		ASSERT_EQ(0, op_dontneed(&self->area));
		r = mmun_expect_event(id, MMUN_EVENT_CLEAR,
				      op_at(&self->area), 2 * self->page);
		EXPECT_LT(seq, r.cur_seq);
		seq = r.cur_seq;
	}
}

TEST_F(event, a_removed_range_is_not_called)
{
	__u32 gone = mmun_insert(self->area.map, AREA_PAGES * self->page);
	__u32 stays = mmun_insert(self->area.map, AREA_PAGES * self->page);

	mmun_remove(gone);
	ASSERT_EQ(0, op_munmap(&self->area));
	mmun_expect_event(stays, MMUN_EVENT_UNMAP, op_at(&self->area),
			  2 * self->page);
	mmun_expect_no_event();
}

/*
 *   0   1   2   3   4   5   6   7
 *   |-----rw----|-r-|-----rw------|
 *           |----op-----|
 */
TEST_F(event, dontneed_over_three_mappings_is_one_event_each)
{
	size_t length = AREA_PAGES * self->page;
	char *p = self->area.map;
	__u32 id;
	int i;

	ASSERT_EQ(0, mprotect(p + 3 * self->page, self->page, PROT_READ));
	id = mmun_insert(p, length);
	ASSERT_EQ(0, madvise(p + 2 * self->page, 3 * self->page,
			     MADV_DONTNEED));
	for (i = 2; i < 5; i++)
		mmun_expect_event(id, MMUN_EVENT_CLEAR, p + i * self->page,
				  self->page);
	mmun_expect_no_event();
}

/* An area that spans two page tables, but not two page middle directories. */
static char *map_two_tables(size_t page, enum mem mem)
{
	char *p = arena_aligned(3 * HUGE_SIZE);

	if (!p)
		return NULL;
	p += HUGE_SIZE;
	if (!((uintptr_t)p & (HUGE_SIZE / page * HUGE_SIZE - 1)))
		p += HUGE_SIZE;
	p -= 4 * page;
	if (mem == MEM_ANON)
		return mmun_map_filled(p, 8);
	p = mmun_map(p, 8 * page);
	if (p)
		memset(p + 4 * page, 1, 4 * page);
	return p;
}

/*
 *   0   1   2   3 | 4   5   6   7	| a page table ends
 *   |----------op-----------|
 *                     |-range-|
 */
TEST_F(event, mprotect_reaches_a_range_in_the_second_page_table)
{
	char *p = map_two_tables(self->page, MEM_ANON);
	__u32 id;

	ASSERT_NE(NULL, p);
	id = mmun_insert(p + 5 * self->page, 2 * self->page);
	ASSERT_EQ(0, mprotect(p, 6 * self->page, PROT_READ));
	mmun_expect_event(id, MMUN_EVENT_PROTECTION_VMA, p + 5 * self->page,
			  self->page);
	mmun_expect_no_event();
}

/* The first page table is missing: a kernel may begin with the second. */
TEST_F(event, mprotect_over_a_missing_page_table_reaches_the_next)
{
	char *p = map_two_tables(self->page, MEM_EMPTY);
	__u32 id;

	ASSERT_NE(NULL, p);
	id = mmun_insert(p + 5 * self->page, 2 * self->page);
	ASSERT_EQ(0, mprotect(p, 6 * self->page, PROT_READ));
	mmun_expect_event(id, MMUN_EVENT_PROTECTION_VMA, p + 5 * self->page,
			  self->page);
	mmun_expect_no_event();
}

/* So far from everything that no level of the page tables is there. */
TEST_F(event, mprotect_of_unpopulated_memory_raises_nothing)
{
	char *p = mmap((void *)(1UL << 44), 8 * self->page,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	__u32 id;

	ASSERT_NE(MAP_FAILED, p);
	id = mmun_insert(p, 8 * self->page);
	ASSERT_EQ(0, mprotect(p, 8 * self->page, PROT_READ));
	mmun_expect_no_event();
	ASSERT_EQ(0, munmap(p, 8 * self->page));
	mmun_expect_event(id, MMUN_EVENT_UNMAP, p, 8 * self->page);
}

TEST_F(event, brk_down_raises_unmap)
{
	char *end = (char *)(((uintptr_t)sbrk(0) + self->page - 1) &
			     -self->page);
	__u32 id;

	ASSERT_EQ(0, brk(end + 4 * self->page));
	memset(end, 1, 4 * self->page);
	id = mmun_insert(end, 4 * self->page);
	ASSERT_EQ(0, brk(end + self->page));
	mmun_expect_event(id, MMUN_EVENT_UNMAP, end + self->page,
			  3 * self->page);
	mmun_expect_no_event();
}

/* A page that was written is soft dirty, if there is such a thing. */
static int has_soft_dirty(const char *p)
{
	return mmun_pagemap(p) >> 55 & 1;
}

#define NO_SOFT_DIRTY "no soft dirty bits: set CONFIG_MEM_SOFT_DIRTY"

TEST_F(event, clear_refs_raises_soft_dirty_for_the_whole_address_space)
{
	size_t length = AREA_PAGES * self->page;
	__u32 id = mmun_insert(self->area.map, length);
	struct mmun_record r;

	if (!has_soft_dirty(self->area.map))
		SKIP(return, NO_SOFT_DIRTY);
	ASSERT_EQ(0, mmun_write_file("/proc/self/clear_refs", "4"));
	r = mmun_expect_event(id, MMUN_EVENT_SOFT_DIRTY, self->area.map,
			      length);
	EXPECT_EQ(0, r.start);
	EXPECT_EQ(~0ULL, r.end);
	mmun_expect_no_event();
}

/* All pages of the area hold the same, so the merging begins with any. */
TEST_F(event, ksm_merge_raises_clear_for_one_page)
{
	__u32 id = mmun_insert(self->area.map, AREA_PAGES * self->page);
	struct mmun_record r = {};
	struct ksm ksm;
	int seen;

	if (madvise(self->area.map, AREA_PAGES * self->page, MADV_MERGEABLE) ||
	    ksm_start(&ksm))
		SKIP(return, "no KSM: set CONFIG_KSM");
	while (!(seen = mmun_next_record(self->fd, &r)) &&
	       !ksm_is_through(&ksm))
		;
	ASSERT_EQ(0, ksm_restore(&ksm));
	ASSERT_EQ(1, seen)
	{
		TH_LOG(KSM_MERGED_NOTHING);
	}
	EXPECT_EQ(MMUN_RECORD_INVALIDATE, r.type);
	EXPECT_EQ(id, r.id);
	EXPECT_EQ(MMUN_EVENT_CLEAR, r.event);
	EXPECT_EQ(MMUN_RECORD_BLOCKABLE, r.flags);
	EXPECT_EQ(self->page, r.end - r.start);
	EXPECT_EQ(r.start, r.clip_start);
	EXPECT_EQ(r.end, r.clip_end);
	EXPECT_EQ(0, strcmp("ksmd", r.comm));
}

/* Huge pages: collapsed by hand, so that no setting is needed. */
static char *map_huge(void)
{
	char *p = arena_aligned(HUGE_SIZE);

	if (!p || !mmun_map(p, HUGE_SIZE))
		return NULL;
	madvise(p, HUGE_SIZE, MADV_HUGEPAGE);
	memset(p, 1, HUGE_SIZE);
	return p;
}

TEST_F(event, collapse_raises_clear_for_the_huge_page)
{
	char *p = arena_aligned(HUGE_SIZE);
	__u32 id;
	const char *why_not;

	ASSERT_NE(NULL, p);
	ASSERT_NE(NULL, mmun_map_filled(p, HUGE_SIZE / self->page));
	madvise(p, HUGE_SIZE, MADV_HUGEPAGE);
	id = mmun_insert(p + self->page, self->page);
	why_not = mmun_collapse(p);
	if (why_not)
		SKIP(return, "%s", why_not);
	struct mmun_record r = mmun_expect_event(id, MMUN_EVENT_CLEAR,
						 p + self->page, self->page);

	EXPECT_EQ(mmun_u64(p), r.start);
	EXPECT_EQ(mmun_u64(p) + HUGE_SIZE, r.end);
	mmun_expect_no_event();
}

/* The invalidation inside the other belongs to the same critical section. */
TEST_F(event, splitting_a_huge_page_nests_a_clear_with_the_same_seq)
{
	char *p = map_huge();
	struct mmun_record outer, inner;
	__u32 id;
	const char *why_not;

	ASSERT_NE(NULL, p);
	why_not = mmun_collapse(p);
	if (why_not)
		SKIP(return, "%s", why_not);
	id = mmun_insert(p, HUGE_SIZE);
	ASSERT_EQ(0, madvise(p + 3 * self->page, self->page, MADV_DONTNEED));
	outer = mmun_expect_event(id, MMUN_EVENT_CLEAR, p + 3 * self->page,
				  self->page);
	inner = mmun_expect_event(id, MMUN_EVENT_CLEAR, p, HUGE_SIZE);
	mmun_expect_no_event();
	EXPECT_EQ(outer.cur_seq, inner.cur_seq);
}

/*
 * To split the page itself the kernel splits its mapping and replaces it by
 * migration entries: one or two events.  The VMA begins before the huge page.
 *
 *   0         2 MiB      4 MiB
 *   |--small--|---huge---|
 *                  |op|
 *             |--event---|
 */
TEST_F(event, cold_part_of_a_huge_page_clears_it_to_split_it)
{
	char *p = arena_aligned(2 * HUGE_SIZE), *huge = p + HUGE_SIZE;
	struct mmun_records log;
	__u32 id;
	const char *why_not;

	ASSERT_NE(NULL, p);
	ASSERT_NE(NULL, mmun_map_filled(p, 2 * HUGE_SIZE / self->page));
	madvise(p, 2 * HUGE_SIZE, MADV_HUGEPAGE);
	why_not = mmun_collapse(huge);
	if (why_not)
		SKIP(return, "%s", why_not);
	id = mmun_insert(p, 2 * HUGE_SIZE);
	ASSERT_EQ(0, madvise(huge + 3 * self->page, self->page, MADV_COLD));
	mmun_read_all(self->fd, &log);
	EXPECT_LE(1, log.count);
	event_expect(&log, log.count, id, MMUN_EVENT_CLEAR,
		     span_of(huge, HUGE_SIZE), span_of(p, 2 * HUGE_SIZE));
}

/* Invalidations that another process causes in this address space. */

FIXTURE(event_foreign) {
	int fd;
	struct area area;
};

FIXTURE_VARIANT(event_foreign)
{
	enum mem mem;
	int (*work)(struct area *a);
	__u32 event;
	int pages;
};

FIXTURE_SETUP(event_foreign)
{
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, area_map(&self->area, variant->mem));
	ASSERT_EQ(0, area_fork(&self->area, variant->work));
}

FIXTURE_TEARDOWN(event_foreign)
{
	area_release(&self->area);
	close(self->fd);
}

/* A write through the parent's address space. */
static int op_write_parent_mem(struct area *a)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", getppid());
	fd = open(path, O_RDWR | O_CLOEXEC);
	n = pwrite(fd, "x", 1, (off_t)(uintptr_t)op_at(a));
	close(fd);
	return n == 1 ? 0 : -1;
}

static int op_clear_parent_refs(struct area *a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", getppid());
	return mmun_write_file(path, "4");
}

/* clang-format off */
FIXTURE_VARIANT_ADD(event_foreign, punch_hole) {
	.mem = MEM_SHARED, .work = op_punch,
	.event = MMUN_EVENT_CLEAR, .pages = 2,
};

FIXTURE_VARIANT_ADD(event_foreign, remove) {
	.mem = MEM_SHARED, .work = op_remove,
	.event = MMUN_EVENT_CLEAR, .pages = 2,
};

FIXTURE_VARIANT_ADD(event_foreign, write_to_proc_mem) {
	.mem = MEM_ANON, .work = op_write_parent_mem,
	.event = MMUN_EVENT_CLEAR, .pages = 1,
};

FIXTURE_VARIANT_ADD(event_foreign, clear_refs) {
	.mem = MEM_ANON, .work = op_clear_parent_refs,
	.event = MMUN_EVENT_SOFT_DIRTY, .pages = 2,
};
/* clang-format on */

/* The initial PID namespace is taken to be the one of the test. */
TEST_F(event_foreign, is_seen_here_and_names_who_did_it)
{
	size_t length = variant->pages * self->area.page;
	pid_t child = self->area.child;
	struct mmun_record r;
	__u32 id;

	if (variant->event == MMUN_EVENT_SOFT_DIRTY &&
	    !has_soft_dirty(self->area.map))
		SKIP(return, NO_SOFT_DIRTY);
	id = mmun_insert(op_at(&self->area), length);
	ASSERT_EQ(0, area_child_work(&self->area));
	r = mmun_expect_event(id, variant->event, op_at(&self->area), length);
	EXPECT_EQ(child, r.tgid);
	EXPECT_EQ(child, r.tid);
	mmun_expect_no_event();
}

MMUN_HARNESS_MAIN
