// SPDX-License-Identifier: GPL-2.0
/*
 * Tests ranges: the ranges that an invalidation calls, bulk calls, a million
 * ranges, limits and signals.  The removal of a range must free all its memory.
 */
#include <sys/ptrace.h>

#include "lib/mmun.h"
#include "lib/range.h"
#include "lib/watch.h"

#define NR_PAGES 12
#define NR_MANY 20000
#define NR_MILLION 1000000

/*
 * Bytes per range: the core's struct mmu_interval_notifier, and the maximum
 * that the driver may add
 */
#define CORE_BYTES 88LL
#define OUR_BYTES 256LL

#define invalidate(_at, _length) \
	ASSERT_EQ(0, madvise(_at, _length, MADV_DONTNEED))

#define expect_ranges(_count) EXPECT_EQ(_count, mmun_query_context().out_ranges)

/*
 * A range from byte @first_byte of page @first to byte @last_byte of page
 * @last, exclusive
 */
struct place {
	int first;
	int first_byte;
	int last;
	int last_byte;
};

#define NR_PLACES 6

/*
 * Each variant inserts its ranges.  The tests invalidate pages 4 to 7.
 *
 *	0   1   2   3   4   5   6   7   8   9   10  11
 *	                |-invalidate----|
 */
FIXTURE(dispatch)
{
	MMUN_FIXTURE;
	struct watch ranges[NR_PLACES];
};

FIXTURE_VARIANT(dispatch)
{
	int count;
	struct place places[NR_PLACES];
};

/* clang-format off */
/*
 *	            |-------|
 *	                |-------|
 *	                    |-------|
 *	                            |-------|
 *	            |-----------------------|
 */
FIXTURE_VARIANT_ADD(dispatch, overlapping) {
	5, { { 3, 0, 5, 0 }, { 4, 0, 6, 0 }, { 5, 0, 7, 0 }, { 7, 0, 9, 0 }, { 3, 0, 9, 0 } }
};

/*
 *	|-----------------------------------------------|
 *	            |-----------------------|
 *	                |---------------|
 *	                    |-------|
 *	                        |			one byte
 */
FIXTURE_VARIANT_ADD(dispatch, nested) {
	5, { { 0, 0, 12, 0 }, { 3, 0, 9, 0 }, { 4, 0, 8, 0 }, { 5, 0, 7, 0 }, { 6, 0, 6, 1 } }
};

/*
 *	|---------------|
 *	            |---|
 *	                |---------------|
 *	                                |---|
 *	                                |---------------|
 */
FIXTURE_VARIANT_ADD(dispatch, touching) {
	5, { { 0, 0, 4, 0 }, { 3, 0, 4, 0 }, { 4, 0, 8, 0 }, { 8, 0, 9, 0 }, { 8, 0, 12, 0 } }
};

/*
 * Each range overlaps the start or the end of the invalidation: the range
 * covers the byte before that address, the byte at that address, or both bytes.
 */
FIXTURE_VARIANT_ADD(dispatch, byte_granular) {
	6, { { 4, -1, 4, 0 }, { 4, 0, 4, 1 }, { 4, -1, 4, 1 },
	     { 8, -1, 8, 0 }, { 8, 0, 8, 1 }, { 8, -1, 8, 1 } }
};

FIXTURE_VARIANT_ADD(dispatch, identical) {
	4, { { 5, 0, 6, 0 }, { 5, 0, 6, 0 }, { 5, 0, 6, 0 }, { 9, 0, 10, 0 } }
};
/* clang-format on */

#define hit_at mmun_page(4)
#define hit_length mmun_pages(4)

FIXTURE_SETUP(dispatch)
{
	mmun_setup_filled(NR_PAGES);
	for (int i = 0; i < variant->count; i++) {
		struct place p = variant->places[i];
		char *start = mmun_page(p.first) + p.first_byte;
		char *end = mmun_page(p.last) + p.last_byte;

		self->ranges[i] = watch_range(start, end - start);
	}
}

MMUN_FIXTURE_TEARDOWN(dispatch)

#define is_hit(_range) watch_meets(_range, hit_at, hit_length)

#define expect_invalidations(_range) \
	EXPECT_EQ(is_hit(_range),    \
		  mmun_query_range((_range)->id).out_invalidations)

TEST_F(dispatch, each_range_that_is_hit_is_called_once_and_no_other)
{
	struct mmun_records log;
	int hits = 0;

	invalidate(hit_at, hit_length);
	mmun_read_all(self->fd, &log);
	for (int i = 0; i < variant->count; i++) {
		struct watch *range = &self->ranges[i];

		hits += expect_times(&log, is_hit(range), range,
				     MMUN_EVENT_CLEAR, hit_at, hit_length);
		expect_invalidations(range);
	}
	expect_total(&log, hits);
}

TEST_F(dispatch, removed_ranges_are_not_called_and_the_others_are)
{
	for (int i = 0; i < variant->count; i += 2)
		mmun_remove(self->ranges[i].id);
	expect_ranges(variant->count / 2);
	invalidate(hit_at, hit_length);
	for (int i = 1; i < variant->count; i += 2) {
		expect_invalidations(&self->ranges[i]);
		mmun_remove(self->ranges[i].id);
	}
	mmun_drain_log(self->fd);
	memset(hit_at, 1, hit_length);
	invalidate(hit_at, hit_length);
	mmun_expect_no_event();
}

/*
 * @observer is another context, by which a test reads the number of objects of
 * all contexts.
 */
FIXTURE(range)
{
	MMUN_RANGE_FIXTURE;
	int observer;
};

FIXTURE_SETUP(range)
{
	mmun_setup_filled(NR_PAGES);
	self->method = MMUN_METHOD_GUP;
	self->observer = mmun_open();
	ASSERT_LE(0, self->observer);
}

FIXTURE_TEARDOWN(range)
{
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, close(self->observer));
}

/* Returns the number of CPUs.  Each idle CPU may hold a reference to the mm. */
static int cpus(void)
{
	return sysconf(_SC_NPROCESSORS_CONF);
}

TEST_F(range, two_ranges_at_one_address_have_two_ids)
{
	__u32 a = insert_pages(0, 1);
	__u32 b = insert_pages(0, 1);

	EXPECT_NE(a, b);
	mmun_remove(a);
	EXPECT_EQ(0, mmun_query_range(b).out_invalidations);
	mmun_remove(b);
	mmun_err_remove(ENOENT, b);
}

/*
 *	0   1   2   3   4   5
 *	|-A-|               |-B-|	B is inserted when A is removed
 */
TEST_F(range, new_range_is_not_mistaken_for_a_removed_range)
{
	__u32 a = insert_pages(0, 1), b;

	invalidate(self->map, self->page);
	mmun_expect_event(a, MMUN_EVENT_CLEAR, self->map, self->page);
	mmun_remove(a);
	b = insert_pages(5, 1);
	EXPECT_EQ(0, mmun_query_range(b).out_invalidations);
	invalidate(self->map, self->page);
	mmun_expect_no_event();
	invalidate(mmun_page(5), self->page);
	mmun_expect_event(b, MMUN_EVENT_CLEAR, mmun_page(5), self->page);
}

/*
 * The sequence of a range is always odd, so it never equals the even sequence
 * of an idle mm.
 *
 *	0   1   2   3
 *	|-0-|-1-|-2-|	each is inserted after an invalidation of the one before
 */
TEST_F(range, sequence_is_odd_from_the_insert_on)
{
	for (int i = 0; i < 3; i++) {
		__u32 id = insert_pages(i, 1);
		struct mmun_token token = mmun_read_begin(id);

		EXPECT_EQ(1, token.seq & 1);
		EXPECT_EQ(0, mmun_check_retry(id, token.seq));
		invalidate(mmun_page(i), self->page);
		EXPECT_EQ(1, mmun_check_retry(id, token.seq));
		EXPECT_EQ(1, mmun_read_begin(id).seq & 1);
	}
}

TEST_F(range, failed_insert_leaves_no_range)
{
	struct mmun_query_context before = mmun_query_context(), after;

	for (int i = 0; i < 100; i++) {
		mmun_err_insert(EOVERFLOW, self->map, 0);
		mmun_err_insert(EOVERFLOW, NULL, 0);
		mmun_err_insert(EOVERFLOW, self->map, -1UL);
		mmun_err_insert(EOVERFLOW, (void *)-1L, 2);
	}
	after = mmun_query_context();
	EXPECT_EQ(0, after.out_ranges);
	EXPECT_EQ(before.out_objects, after.out_objects);
	EXPECT_GE(before.out_mm_count + cpus(), after.out_mm_count);
}

/*
 * The core stores the last address of a range, and not its end.  A range may
 * therefore include the last byte of the address space, but not all 2^64 bytes.
 * The last range also includes the stack.  A write to a page of the stack that
 * fork() has shared is an invalidation, too.
 */
TEST_F(range, range_may_end_at_the_top_of_the_address_space)
{
	struct mmun_records log;
	struct watch all;

	mmun_remove(mmun_insert((void *)-1L, 1));
	mmun_remove(mmun_insert((void *)-self->page, self->page));
	mmun_remove(mmun_insert((void *)1, -1UL));
	mmun_remove(mmun_insert(NULL, -1UL));
	all = watch_range(self->map + 1, -mmun_u64(self->map + 1));
	invalidate(self->map, self->page);
	mmun_read_all(self->fd, &log);
	expect_times(&log, 1, &all, MMUN_EVENT_CLEAR, self->map, self->page);
}

/*
 * The last page is in the last chunk of the shadow.  Its end wraps to 0.
 *
 *	2^64 - 4 MiB		2^64 - 2 MiB		2^64
 *	|--------chunk----------|--------chunk----------|
 *				|page|
 */
TEST_F(range, verify_works_at_the_top_of_the_address_space)
{
	__u32 id = mmun_insert((char *)-0x400000UL, 0x400000);

	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_EQ(0, mmun_snapshot(id, (char *)-0x200000UL, self->page,
				   MMUN_METHOD_HMM_NOFAULT, 0, NULL));
	EXPECT_EQ(0, mmun_verify(id));
}

/*
 *	|- - - - - - - - - - - -|	nothing is mapped yet
 *	    |-range-|
 */
TEST_F(range, memory_mapped_after_the_insert_is_watched)
{
	char *place = mmun_page(1);
	__u32 id;

	ASSERT_EQ(0, munmap(self->map, mmun_pages(NR_PAGES)));
	id = mmun_insert(place, mmun_pages(2));
	ASSERT_EQ(place, mmun_map(place, mmun_pages(2)));
	memset(place, 1, mmun_pages(2));
	mmun_expect_no_event();
	ASSERT_EQ(0, munmap(place, mmun_pages(2)));
	mmun_expect_event(id, MMUN_EVENT_UNMAP, place, mmun_pages(2));
	mmun_expect_no_event();
}

/* Returns @n adjacent spans of @bytes each.  The first span begins at @start. */
static struct mmun_span *row_of_spans(char *start, size_t bytes, size_t n)
{
	struct mmun_span *row = calloc(n, sizeof(*row));

	for (size_t i = 0; row && i < n; i++) {
		row[i].start = mmun_u64(start) + i * bytes;
		row[i].length = bytes;
	}
	return row;
}

/* Insert or remove @_n spans.  Evaluates to the number of processed spans. */
#define process(_call, _row, _n)                                  \
	({                                                        \
		__u64 __done;                                     \
		ASSERT_EQ(0, _call(self->fd, _row, _n, &__done)); \
		__done;                                           \
	})

#define insert_row(_row, _n) ASSERT_EQ(_n, process(_mmun_insert_bulk, _row, _n))
#define remove_row(_row, _n) ASSERT_EQ(_n, process(_mmun_remove_bulk, _row, _n))

TEST_F(range, each_range_holds_one_reference_to_the_mm)
{
	const int n = 1000;
	struct mmun_span *row = row_of_spans(self->map, 1, n);
	__u32 before, between, after;

	before = mmun_query_context().out_mm_count;
	insert_row(row, n);
	between = mmun_query_context().out_mm_count;
	remove_row(row, n);
	after = mmun_query_context().out_mm_count;
	EXPECT_LE(n - cpus(), (int)(between - before));
	EXPECT_GE(n + cpus(), (int)(between - before));
	EXPECT_GE(cpus(), abs((int)(after - before)));
}

TEST_F(range, close_frees_ranges_batches_and_shadows)
{
	struct mmun_query_context before, after;

	close(self->fd);
	ASSERT_EQ(0, _mmun_query_context(self->observer, &before));
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	for (int i = 0; i < 100; i++) {
		self->id = insert_pages(0, NR_PAGES);
		snapshot_pages(0, NR_PAGES, 0, NULL);
		mmun_collect(mmun_read_begin(self->id), self->map, self->page,
			     self->method, 0);
	}
	EXPECT_LT(before.out_objects, mmun_query_context().out_objects);
	ASSERT_EQ(0, close(self->fd));
	self->fd = dup(self->observer);
	after = mmun_query_context();
	EXPECT_EQ(before.out_objects, after.out_objects);
	EXPECT_GE(before.out_mm_count + cpus(), after.out_mm_count);
}

#define SMALL 40 /* bytes */

/*
 *	| page | page | page | page | page |
 *	|||||||||||||||||||||||||||||||||||	twenty thousand ranges
 *	              |------|			invalidated
 */
TEST_F_TIMEOUT(range, only_the_ranges_on_the_page_are_called_among_20000, 150)
{
	const size_t pages = NR_MANY * SMALL / self->page + 1;
	char *map = mmun_arena(pages), *hit = map + pages / 2 * self->page;
	struct mmun_span *row = row_of_spans(map, SMALL, NR_MANY);
	size_t i = (hit - map) / SMALL;
	struct mmun_record record;

	/*
	 * mmap() precedes the insert, because mmap() may invalidate the
	 * neighbours of the page.
	 */
	ASSERT_NE(NULL, mmun_map(hit, self->page));
	insert_row(row, NR_MANY);
	expect_ranges(NR_MANY);
	memset(hit, 1, self->page);
	mmun_expect_no_event();
	invalidate(hit, self->page);
	/* The core walks the interval tree in the order of the addresses. */
	for (; mmun_next_record(self->fd, &record); i++)
		ASSERT_EQ(row[i].id, record.id);
	EXPECT_EQ((hit + self->page - 1 - map) / SMALL + 1, i);
	remove_row(row, NR_MANY);
	expect_ranges(0);
}

/* Returns the number of bytes in slabs that the kernel cannot reclaim. */
static long long slab_in_use(void)
{
	char text[8192], *at;

	mmun_read_file("/proc/meminfo", text, sizeof(text));
	at = strstr(text, "SUnreclaim:");
	return at ? atoll(at + strlen("SUnreclaim:")) * 1024 : -1;
}

#define TOO_SLOW \
	"too slow: try a machine without load, CONFIG_KASAN, CONFIG_KCSAN"

TEST_F_TIMEOUT(range, million_ranges_cost_at_most_344_bytes_each, 90)
{
	__u64 max = mmun_info().out_max_ranges;
	char *map = (char *)(1UL << 40);
	struct mmun_span *row = row_of_spans(map, self->page, max + 1);
	struct timespec start = mmun_now();
	long long slab;

	insert_row(row, NR_MILLION / 50);
	remove_row(row, NR_MILLION / 50);
	mmun_skip_if(ms_since(&start) * 50 > 30000, TOO_SLOW);
	slab = slab_in_use();
	insert_row(row, NR_MILLION);
	slab = slab_in_use() - slab;
	TH_LOG("bytes per range, in the kernel's slabs: %lld",
	       slab / NR_MILLION);
	EXPECT_GE(NR_MILLION * (CORE_BYTES + OUR_BYTES), slab);
	EXPECT_LE(NR_MILLION * CORE_BYTES, slab);
	map += NR_MILLION / 2 * self->page;
	ASSERT_NE(NULL, mmun_map_filled(map, 1));
	invalidate(map, self->page);
	mmun_expect_event(row[NR_MILLION / 2].id, MMUN_EVENT_CLEAR, map,
			  self->page);
	mmun_expect_no_event();
	ASSERT_EQ(0, munmap(map, self->page));
	/* The bulk call stops at the limit, and a single insert fails. */
	EXPECT_EQ(max - NR_MILLION, process(_mmun_insert_bulk, row + NR_MILLION,
					    max + 1 - NR_MILLION));
	mmun_err_insert(ENOSPC, map, self->page);
}

/* A call that exceeds a limit fails with ENOSPC, not with ENOMEM. */

TEST_F(range, one_batch_too_many_is_enospc)
{
	__u32 max = mmun_info().out_max_batches, id = insert_pages(0, 1);
	struct mmun_token last;

	for (int i = 0; i < max; i++)
		last = mmun_read_begin(id);
	mmun_err_read_begin(ENOSPC, id);
	EXPECT_EQ(max, mmun_query_context().out_batches);
	mmun_abandon(last);
	mmun_abandon(mmun_read_begin(id));
}

TEST_F(range, one_page_too_many_in_a_batch_is_enospc)
{
	const size_t pages = mmun_info().out_max_batch_pages;
	const __u32 method = MMUN_METHOD_HMM_NOFAULT;
	struct mmun_token token;

	mmun_need_feature(MMUN_FEATURE_HMM);
	self->map = mmun_arena(pages + 1);
	ASSERT_NE(NULL, self->map);
	token = mmun_read_begin(insert_pages(0, pages + 1));
	mmun_collect(token, self->map, mmun_pages(pages), method, 0);
	mmun_err_collect(ENOSPC, token, self->map, self->page, method, 0);
	EXPECT_EQ(0, mmun_commit(token));
}

/* The fixture has opened two contexts. */
TEST_F(range, one_context_too_many_is_enospc)
{
	int more = mmun_info().out_max_contexts - 2, fd[more];

	for (int i = 0; i < more; i++) {
		fd[i] = mmun_open();
		ASSERT_LE(0, fd[i]);
	}
	EXPECT_ERRNO(ENOSPC, mmun_open());
	EXPECT_EQ(0, close(fd[0]));
	fd[0] = mmun_open();
	EXPECT_LE(0, fd[0]);
	for (int i = 0; i < more; i++)
		EXPECT_EQ(0, close(fd[i]));
}

/* Each chunk of a shadow counts as 512 pages, even if only one page is used. */
TEST_F(range, one_shadow_page_too_many_in_a_context_is_enospc)
{
	__u32 chunks = mmun_info().out_max_shadow_pages / 512, last;

	for (int i = 0; i < chunks; i++) {
		self->id = insert_pages(0, 1);
		snapshot_pages(0, 1, 0, NULL);
	}
	last = self->id;
	self->id = insert_pages(0, 1);
	err_snapshot_pages(ENOSPC, 0, 1, 0);
	mmun_remove(last);
	snapshot_pages(0, 1, 0, NULL);
}

/* Bulk calls with one wrong span */

#define NR_BULK 130 /* more spans than the driver processes in one step */

FIXTURE(bulk)
{
	int fd;
	struct mmun_span *row;
};

FIXTURE_VARIANT(bulk)
{
	int wrong;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(bulk, first_is_wrong) { .wrong = 0 };
FIXTURE_VARIANT_ADD(bulk, second_is_wrong) { .wrong = 1 };
FIXTURE_VARIANT_ADD(bulk, middle_is_wrong) { .wrong = NR_BULK / 2 };
FIXTURE_VARIANT_ADD(bulk, last_is_wrong) { .wrong = NR_BULK - 1 };
/* clang-format on */

FIXTURE_SETUP(bulk)
{
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->row = row_of_spans((char *)(1UL << 40), SMALL, NR_BULK);
}

MMUN_FIXTURE_TEARDOWN(bulk)

/*
 * Expect that the bulk call stops at the wrong span.  The call fails only if
 * the wrong span is the first span.
 */
#define EXPECT_BULK(_errno, _call)                                       \
	do {                                                             \
		__u64 __done;                                            \
		EXPECT_EQ(variant->wrong ? 0 : -1,                       \
			  _call(self->fd, self->row, NR_BULK, &__done)); \
		if (!variant->wrong)                                     \
			EXPECT_EQ(_errno, errno);                        \
		EXPECT_EQ(variant->wrong, __done);                       \
	} while (0)

/* Expect that only spans [@_first, @_end) are inserted, and remove them. */
#define remove_left(_first, _end)                         \
	do {                                              \
		expect_ranges((_end) - (_first));         \
		for (int __i = _first; __i < _end; __i++) \
			mmun_remove(self->row[__i].id);   \
	} while (0)

TEST_F(bulk, insert_stops_at_the_failure_and_reports_where)
{
	self->row[variant->wrong].length = 0;
	EXPECT_BULK(EOVERFLOW, _mmun_insert_bulk);
	remove_left(0, variant->wrong);
	for (int i = variant->wrong; i < NR_BULK; i++)
		EXPECT_EQ(0, self->row[i].id);
}

TEST_F(bulk, remove_stops_at_the_failure_and_reports_where)
{
	insert_row(self->row, NR_BULK);
	mmun_remove(self->row[variant->wrong].id);
	EXPECT_BULK(ENOENT, _mmun_remove_bulk);
	remove_left(variant->wrong + 1, NR_BULK);
}

/* The wrong span has an invalid ID and an invalid reserved field. */
TEST_F(bulk, remove_stops_at_an_invalid_span_and_keeps_later_ranges)
{
	struct mmun_span *wrong = &self->row[variant->wrong];
	__u64 done;
	__u32 id;

	insert_row(self->row, NR_BULK);
	id = wrong->id;
	wrong->id = -1U;
	wrong->__reserved = -1U;
	EXPECT_BULK(EOPNOTSUPP, _mmun_remove_bulk);
	expect_ranges(NR_BULK - variant->wrong);
	EXPECT_ERRNO(EOPNOTSUPP, _mmun_remove_bulk(self->fd, wrong, 1, &done));
	wrong->__reserved = 0;
	EXPECT_ERRNO(ENOENT, _mmun_remove_bulk(self->fd, wrong, 1, &done));
	mmun_err_remove(ENOENT, -1U);
	mmun_err_remove(ENOENT, 0);
	mmun_remove(id);
	remove_left(variant->wrong + 1, NR_BULK);
	expect_ranges(0);
}

/* The array of spans ends behind the end of the mapped memory. */
TEST_F(bulk, insert_stops_where_the_array_cannot_be_read)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	const size_t length = variant->wrong * sizeof(*self->row);
	char *map = mmun_map(mmun_arena(1), page);

	ASSERT_NE(NULL, map);
	self->row = memcpy(map + page - length, self->row, length);
	EXPECT_BULK(EFAULT, _mmun_insert_bulk);
	remove_left(0, variant->wrong);
	expect_ranges(0);
}

/*
 * A signal is pending when INSERT begins.  To avoid a race, a tracer stops the
 * child at the entry of each INSERT, and sends the signal there.
 */

#define NR_SIGNALS 32 /* more than the number of CPUs */

static void do_nothing(int signal)
{
}

/* Insert @ranges ranges, and then NR_SIGNALS ranges while signals arrive. */
static int insert_interrupted(int ranges)
{
	const int expected = ranges ? 0 : EINTR;
	struct mmun_query_context before, after;
	int fd = mmun_open();
	__u32 id;

	signal(SIGUSR1, do_nothing);
	for (int i = 0; i < ranges; i++)
		if (_mmun_insert(fd, &fd, 1, &id))
			return 1;
	if (_mmun_query_context(fd, &before) ||
	    ptrace(PTRACE_TRACEME, 0, 0, 0) || kill(getpid(), SIGSTOP))
		return 2;
	for (int i = 0; i < NR_SIGNALS; i++) {
		int err = _mmun_insert(fd, &fd, 1, &id) ? errno : 0;

		if (err != expected || (!err && _mmun_remove(fd, id)))
			return 3;
	}
	if (_mmun_query_context(fd, &after) || after.out_ranges != ranges ||
	    after.out_objects != before.out_objects)
		return 4;
	if (after.out_mm_count >= before.out_mm_count + NR_SIGNALS)
		return 5;
	return _mmun_insert(fd, &fd, 1, &id) || _mmun_remove(fd, id) ? 6 : 0;
}

static bool at_entry_of_insert(pid_t child)
{
	struct __ptrace_syscall_info info = {};

	ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY &&
	       info.entry.nr == SYS_ioctl && info.entry.args[1] == MMUN_INSERT;
}

/* Returns the number of signals that were sent. */
static int interrupt_inserts(pid_t child)
{
	int status, sent = 0;

	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		return -1;
	while (sent < NR_SIGNALS) {
		if (ptrace(PTRACE_SYSCALL, child, 0, 0) ||
		    waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			break;
		if (at_entry_of_insert(child))
			sent += !kill(child, SIGUSR1);
	}
	ptrace(PTRACE_DETACH, child, 0, 0);
	return sent;
}

#define expect_interrupted(_ranges)                                \
	do {                                                       \
		pid_t __child = fork();                            \
		ASSERT_LE(0, __child);                             \
		if (!__child)                                      \
			_exit(insert_interrupted(_ranges));        \
		EXPECT_EQ(NR_SIGNALS, interrupt_inserts(__child)); \
		EXPECT_EQ(0, mmun_wait_child(__child));            \
	} while (0)

/* The first insert into an mm waits for all locks of the mm. */
TEST_F(range, signal_ends_the_first_insert_and_leaves_no_range)
{
	expect_interrupted(0);
}

TEST_F(range, signal_does_not_end_a_later_insert)
{
	expect_interrupted(1);
}

MMUN_HARNESS_MAIN
