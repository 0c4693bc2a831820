// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges: the ranges that an invalidation calls, bulk calls, a million ranges,
 * limits and signals.  No range may leave anything behind.
 */
#include <sys/ptrace.h>

#include "lib/mmun.h"

#define NR_PAGES 12
#define NR_MANY 20000
#define NR_MILLION 1000000

/*
 * The size of the core's struct mmu_interval_notifier, and the bytes that the
 * driver may add
 */
#define CORE_BYTES 88
#define OUR_BYTES 256

static int invalidate(char *start, size_t length)
{
	return madvise(start, length, MADV_DONTNEED);
}

/*
 * A range from page @first + @first_byte to page @last + @last_byte, exclusive
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
	char *start;
	char *end;
	struct mmun_span spans[NR_PLACES];
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
 * At each end of the invalidation: the last byte before it, the first byte
 * behind it, and both.
 */
FIXTURE_VARIANT_ADD(dispatch, byte_granular) {
	6, { { 4, -1, 4, 0 }, { 4, 0, 4, 1 }, { 4, -1, 4, 1 },
	     { 8, -1, 8, 0 }, { 8, 0, 8, 1 }, { 8, -1, 8, 1 } }
};

FIXTURE_VARIANT_ADD(dispatch, identical) {
	4, { { 5, 0, 6, 0 }, { 5, 0, 6, 0 }, { 5, 0, 6, 0 }, { 9, 0, 10, 0 } }
};
/* clang-format on */

FIXTURE_SETUP(dispatch)
{
	const struct place *p = variant->places;
	struct mmun_span *span = self->spans;
	char *start, *end;

	mmun_setup_filled(NR_PAGES);
	self->start = mmun_page(4);
	self->end = mmun_page(8);
	for (; p < variant->places + variant->count; p++, span++) {
		start = mmun_page(p->first) + p->first_byte;
		end = mmun_page(p->last) + p->last_byte;
		span->start = mmun_u64(start);
		span->length = end - start;
		span->id = mmun_insert(start, span->length);
	}
}

MMUN_FIXTURE_TEARDOWN(dispatch)

/*
 * Set the part of @span that is invalidated.  Returns whether this part exists.
 */
static bool clip(FIXTURE_DATA(dispatch) * self, const struct mmun_span *span,
		 __u64 *start, __u64 *end)
{
	*start = mmun_u64(self->start);
	*end = mmun_u64(self->end);
	if (*start < span->start)
		*start = span->start;
	if (*end > span->start + span->length)
		*end = span->start + span->length;
	return *start < *end;
}

static bool is_hit(FIXTURE_DATA(dispatch) * self, const struct mmun_span *span)
{
	__u64 start, end;

	return clip(self, span, &start, &end);
}

/* Returns how often the range was called, or -1 if a record is wrong. */
static int count_calls(FIXTURE_DATA(dispatch) * self,
		       const struct mmun_records *log,
		       const struct mmun_span *span)
{
	const struct mmun_record *r;
	__u64 start, end;
	int calls = 0;

	clip(self, span, &start, &end);
	for (r = log->records; r < log->records + log->count; r++) {
		if (r->id != span->id)
			continue;
		if (r->event != MMUN_EVENT_CLEAR ||
		    r->start != mmun_u64(self->start) ||
		    r->end != mmun_u64(self->end) || r->clip_start != start ||
		    r->clip_end != end)
			return -1;
		calls++;
	}
	return calls;
}

#define expect_invalidations(_span)    \
	EXPECT_EQ(is_hit(self, _span), \
		  mmun_query_range((_span)->id).out_invalidations)

TEST_F(dispatch, each_hit_range_is_called_once_and_no_other_range)
{
	struct mmun_records log;
	int i;

	ASSERT_EQ(0, invalidate(self->start, self->end - self->start));
	mmun_read_all(self->fd, &log);
	for (i = 0; i < variant->count; i++) {
		EXPECT_EQ(is_hit(self, &self->spans[i]),
			  count_calls(self, &log, &self->spans[i]))
		{
			TH_LOG("range %d", i);
		}
		expect_invalidations(&self->spans[i]);
	}
}

TEST_F(dispatch, removed_range_is_not_called_and_the_rest_are)
{
	int i;

	for (i = 0; i < variant->count; i += 2)
		mmun_remove(self->spans[i].id);
	EXPECT_EQ(variant->count / 2, mmun_query_context().out_ranges);
	ASSERT_EQ(0, invalidate(self->start, self->end - self->start));
	for (i = 1; i < variant->count; i += 2) {
		expect_invalidations(&self->spans[i]);
		mmun_remove(self->spans[i].id);
	}
	mmun_drain_log(self->fd);
	memset(self->start, 1, self->end - self->start);
	ASSERT_EQ(0, invalidate(self->start, self->end - self->start));
	mmun_expect_no_event();
}

/*
 * @observer is another context.  It reports the number of objects of all
 * contexts.
 */
FIXTURE(range)
{
	MMUN_FIXTURE;
	int observer;
};

FIXTURE_SETUP(range)
{
	mmun_setup_filled(NR_PAGES);
	self->observer = mmun_open();
	ASSERT_LE(0, self->observer);
}

FIXTURE_TEARDOWN(range)
{
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, close(self->observer));
}

/*
 * An idle CPU may hold a reference to the mm that it used last.  Returns the
 * number of CPUs.
 */
static int cpus(void)
{
	return sysconf(_SC_NPROCESSORS_CONF);
}

TEST_F(range, two_ranges_at_one_address_have_two_ids)
{
	__u32 a = mmun_insert(self->map, self->page);
	__u32 b = mmun_insert(self->map, self->page);

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
	char *there = mmun_page(5);
	__u32 a, b;

	a = mmun_insert(self->map, self->page);
	ASSERT_EQ(0, invalidate(self->map, self->page));
	mmun_expect_event(a, MMUN_EVENT_CLEAR, self->map, self->page);
	mmun_remove(a);
	b = mmun_insert(there, self->page);
	EXPECT_EQ(0, mmun_query_range(b).out_invalidations);
	ASSERT_EQ(0, invalidate(self->map, self->page));
	mmun_expect_no_event();
	ASSERT_EQ(0, invalidate(there, self->page));
	mmun_expect_event(b, MMUN_EVENT_CLEAR, there, self->page);
}

/*
 * The sequence of an idle mm is even, so it never equals an odd sequence.
 *
 *	0   1   2   3
 *	|-0-|-1-|-2-|	each is inserted after an invalidation of the one before
 */
TEST_F(range, sequence_is_odd_from_the_insert_on)
{
	struct mmun_token token;
	char *at = self->map;
	__u32 i, id;

	for (i = 0; i < 3; i++, at += self->page) {
		id = mmun_insert(at, self->page);
		token = mmun_read_begin(id);
		EXPECT_EQ(1, token.seq & 1);
		EXPECT_EQ(0, mmun_check_retry(id, token.seq));
		ASSERT_EQ(0, invalidate(at, self->page));
		EXPECT_EQ(1, mmun_check_retry(id, token.seq));
		token = mmun_read_begin(id);
		EXPECT_EQ(1, token.seq & 1);
	}
}

TEST_F(range, failed_insert_leaves_nothing)
{
	struct mmun_query_context before = mmun_query_context(), after;
	int i;

	for (i = 0; i < 100; i++) {
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
 * The core stores the last address and not the end.  So a range may include the
 * last byte of the address space, but not all 2^64 bytes.
 */
TEST_F(range, range_may_end_at_the_top_of_the_address_space)
{
	__u32 id;

	mmun_remove(mmun_insert((void *)-1L, 1));
	mmun_remove(mmun_insert((void *)-self->page, self->page));
	mmun_remove(mmun_insert((void *)1, -1UL));
	mmun_remove(mmun_insert(NULL, -1UL));
	id = mmun_insert(self->map + 1, -mmun_u64(self->map + 1));
	ASSERT_EQ(0, invalidate(self->map, self->page));
	mmun_expect_event(id, MMUN_EVENT_CLEAR, self->map + 1, self->page - 1);
	mmun_expect_no_event();
}

/*
 * The last chunk of the shadow contains the last page, whose end is 0.
 *
 *	2^64 - 4 MiB		2^64 - 2 MiB		2^64
 *	|--------chunk----------|--------chunk----------|
 *				|page|
 */
TEST_F(range, verify_works_at_the_top_of_the_address_space)
{
	char *start = (char *)-0x400000UL, *page = (char *)-0x200000UL;
	struct mmun_verify verify;
	__u32 id;

	mmun_need_feature(MMUN_FEATURE_HMM);
	id = mmun_insert(start, 0x400000);
	EXPECT_EQ(0, mmun_snapshot(id, page, self->page,
				   MMUN_METHOD_HMM_NOFAULT, 0, NULL));
	ASSERT_EQ(0, _mmun_verify(self->fd, id, &verify));
	EXPECT_EQ(MMUN_VERIFY_AGREES, verify.out_result);
	EXPECT_EQ(0, verify.out_checked);
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

TEST_F(range, each_range_holds_one_reference_to_the_mm)
{
	const int n = 1000;
	__u32 before, between, after, id[n];
	int i;

	before = mmun_query_context().out_mm_count;
	for (i = 0; i < n; i++)
		id[i] = mmun_insert(self->map, self->page);
	between = mmun_query_context().out_mm_count;
	for (i = 0; i < n; i++)
		mmun_remove(id[i]);
	after = mmun_query_context().out_mm_count;
	EXPECT_LE(n - cpus(), (int)(between - before));
	EXPECT_GE(n + cpus(), (int)(between - before));
	EXPECT_GE(cpus(), abs((int)(after - before)));
}

TEST_F(range, close_frees_ranges_batches_and_shadows)
{
	struct mmun_query_context before, after;
	__u32 i, id;

	close(self->fd);
	ASSERT_EQ(0, _mmun_query_context(self->observer, &before));
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	for (i = 0; i < 100; i++) {
		id = mmun_insert(self->map, mmun_pages(NR_PAGES));
		mmun_snapshot(id, self->map, mmun_pages(NR_PAGES),
			      MMUN_METHOD_GUP, 0, NULL);
		mmun_collect(mmun_read_begin(id), self->map, self->page,
			     MMUN_METHOD_GUP, 0);
	}
	EXPECT_LT(before.out_objects, mmun_query_context().out_objects);
	ASSERT_EQ(0, close(self->fd));
	self->fd = dup(self->observer);
	after = mmun_query_context();
	EXPECT_EQ(before.out_objects, after.out_objects);
	EXPECT_GE(before.out_mm_count + cpus(), after.out_mm_count);
}

/*
 * Returns @n adjacent spans of @bytes each.  The first span begins at @start.
 */
static struct mmun_span *row_of_ranges(char *start, size_t bytes, size_t n)
{
	struct mmun_span *bulk = calloc(n, sizeof(*bulk));
	size_t i;

	for (i = 0; bulk && i < n; i++) {
		bulk[i].start = mmun_u64(start) + i * bytes;
		bulk[i].length = bytes;
	}
	return bulk;
}

#define SMALL 40 /* bytes */

/*
 *	| page | page | page | page | page |
 *	|||||||||||||||||||||||||||||||||||	twenty thousand ranges
 *	              |------|			invalidated
 */
TEST_F_TIMEOUT(range, among_many_ranges_only_those_on_the_page_are_called, 150)
{
	const size_t pages = NR_MANY * SMALL / self->page + 1;
	char *map = mmun_arena(pages), *hit = map + pages / 2 * self->page;
	struct mmun_span *bulk = row_of_ranges(map, SMALL, NR_MANY);
	size_t i = (hit - map) / SMALL;
	struct mmun_record record;
	__u64 done;

	ASSERT_NE(NULL, bulk);
	/*
	 * mmap() precedes the insert, because mmap() may invalidate the
	 * neighbours of the page.
	 */
	ASSERT_NE(NULL, mmun_map(hit, self->page));
	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, bulk, NR_MANY, &done));
	ASSERT_EQ(NR_MANY, done);
	EXPECT_EQ(NR_MANY, mmun_query_context().out_ranges);
	memset(hit, 1, self->page);
	mmun_expect_no_event();
	ASSERT_EQ(0, invalidate(hit, self->page));
	/* The core walks the interval tree in the order of the addresses. */
	for (; mmun_next_record(self->fd, &record); i++)
		ASSERT_EQ(bulk[i].id, record.id);
	EXPECT_EQ((hit + self->page - 1 - map) / SMALL + 1, i);
	ASSERT_EQ(0, _mmun_remove_bulk(self->fd, bulk, NR_MANY, &done));
	EXPECT_EQ(NR_MANY, done);
	EXPECT_EQ(0, mmun_query_context().out_ranges);
	free(bulk);
}

/* Returns the number of bytes of slabs that the kernel cannot reclaim. */
static long long slab_in_use(void)
{
	char text[8192], *at;

	mmun_read_file("/proc/meminfo", text, sizeof(text));
	at = strstr(text, "SUnreclaim:");
	return at ? atoll(at + strlen("SUnreclaim:")) * 1024 : -1;
}

/* Returns how long it takes to insert @count ranges and to remove them. */
static long ms_for(int fd, struct mmun_span *bulk, __u64 count)
{
	struct timespec start = mmun_now();
	__u64 done;

	if (_mmun_insert_bulk(fd, bulk, count, &done) || done != count ||
	    _mmun_remove_bulk(fd, bulk, count, &done) || done != count)
		return -1;
	return ms_since(&start);
}

#define TOO_SLOW \
	"too slow: try a machine without load, CONFIG_KASAN, CONFIG_KCSAN"

TEST_F_TIMEOUT(range, million_ranges_cost_at_most_344_bytes_each, 90)
{
	const long long limit =
		NR_MILLION * (long long)(CORE_BYTES + OUR_BYTES);
	__u64 done, max = mmun_info().out_max_ranges;
	char *map = (char *)(1UL << 40);
	struct mmun_span *bulk;
	long long slab;

	bulk = row_of_ranges(map, self->page, max + 1);
	ASSERT_NE(NULL, bulk);
	if (ms_for(self->fd, bulk, NR_MILLION / 50) * 50 > 30000)
		SKIP(return, TOO_SLOW);
	slab = slab_in_use();
	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, bulk, NR_MILLION, &done));
	ASSERT_EQ(NR_MILLION, done);
	slab = slab_in_use() - slab;
	TH_LOG("bytes per range, in the kernel's slabs: %lld",
	       slab / NR_MILLION);
	EXPECT_GE(limit, slab);
	EXPECT_LE(NR_MILLION * (long long)CORE_BYTES, slab);
	map += NR_MILLION / 2 * self->page;
	ASSERT_NE(NULL, mmun_map_filled(map, 1));
	ASSERT_EQ(0, invalidate(map, self->page));
	mmun_expect_event(bulk[NR_MILLION / 2].id, MMUN_EVENT_CLEAR, map,
			  self->page);
	mmun_expect_no_event();
	ASSERT_EQ(0, munmap(map, self->page));
	/* If one range exceeds the limit, the call fails with ENOSPC. */
	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, bulk + NR_MILLION,
				       max + 1 - NR_MILLION, &done));
	EXPECT_EQ(max - NR_MILLION, done);
	mmun_err_insert(ENOSPC, map, self->page);
	free(bulk);
}

/* A call that exceeds a limit fails with ENOSPC, not with ENOMEM. */

TEST_F(range, one_batch_too_many_is_enospc)
{
	__u32 i, max = mmun_info().out_max_batches;
	__u32 id = mmun_insert(self->map, self->page);
	struct mmun_token last;

	for (i = 0; i < max; i++)
		last = mmun_read_begin(id);
	mmun_err_read_begin(ENOSPC, id);
	EXPECT_EQ(max, mmun_query_context().out_batches);
	mmun_abandon(last);
	mmun_abandon(mmun_read_begin(id));
}

TEST_F(range, one_page_too_many_in_a_batch_is_enospc)
{
	const size_t pages = mmun_info().out_max_batch_pages;
	char *arena = mmun_arena(pages + 1);
	struct mmun_token token;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_NE(NULL, arena);
	token = mmun_read_begin(mmun_insert(arena, (pages + 1) * self->page));
	mmun_collect(token, arena, pages * self->page, MMUN_METHOD_HMM_NOFAULT,
		     0);
	mmun_err_collect(ENOSPC, token, arena, self->page,
			 MMUN_METHOD_HMM_NOFAULT, 0);
	EXPECT_EQ(0, mmun_commit(token));
}

/* The fixture has two open contexts. */
TEST_F(range, one_context_too_many_is_enospc)
{
	__u32 i, more = mmun_info().out_max_contexts - 2;
	int fd[more];

	for (i = 0; i < more; i++) {
		fd[i] = mmun_open();
		ASSERT_LE(0, fd[i]);
	}
	EXPECT_ERRNO(ENOSPC, mmun_open());
	EXPECT_EQ(0, close(fd[0]));
	fd[0] = mmun_open();
	EXPECT_LE(0, fd[0]);
	for (i = 0; i < more; i++)
		EXPECT_EQ(0, close(fd[i]));
}

/* Each chunk of a shadow counts as 512 pages, even if only one page is used. */
TEST_F(range, one_shadow_page_too_many_in_a_context_is_enospc)
{
	__u32 chunks = mmun_info().out_max_shadow_pages / 512, id = 0, i;

	for (i = 0; i < chunks; i++) {
		id = mmun_insert(self->map, self->page);
		mmun_snapshot(id, self->map, self->page, MMUN_METHOD_GUP, 0,
			      NULL);
	}
	i = mmun_insert(self->map, self->page);
	mmun_err_snapshot(ENOSPC, i, self->map, self->page, MMUN_METHOD_GUP, 0);
	mmun_remove(id);
	mmun_snapshot(i, self->map, self->page, MMUN_METHOD_GUP, 0, NULL);
}

/* One range of a bulk call is wrong. */

#define NR_BULK 130 /* more than the driver handles between two pauses */

FIXTURE(bulk)
{
	int fd;
	struct mmun_span *bulk;
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
	self->bulk = row_of_ranges((char *)(1UL << 40), SMALL, NR_BULK);
	ASSERT_NE(NULL, self->bulk);
}

FIXTURE_TEARDOWN(bulk)
{
	free(self->bulk);
	EXPECT_EQ(0, close(self->fd));
}

/*
 * If no element was processed, the call fails.  Otherwise the call reports the
 * number of processed elements.
 */
#define EXPECT_BULK(_errno, call)                                         \
	({                                                                \
		__u64 __done = -1ULL;                                     \
		int __ret = call(self->fd, self->bulk, NR_BULK, &__done); \
		if (variant->wrong) {                                     \
			EXPECT_EQ(0, __ret);                              \
			EXPECT_EQ(variant->wrong, __done);                \
		} else {                                                  \
			EXPECT_EQ(-1, __ret);                             \
			EXPECT_EQ(_errno, errno);                         \
		}                                                         \
	})

#define insert_bulk()                                                         \
	do {                                                                  \
		__u64 __done;                                                 \
		ASSERT_EQ(0, _mmun_insert_bulk(self->fd, self->bulk, NR_BULK, \
					       &__done));                     \
	} while (0)

#define remove_from(_first)                                \
	do {                                               \
		int __i;                                   \
		for (__i = (_first); __i < NR_BULK; __i++) \
			mmun_remove(self->bulk[__i].id);   \
	} while (0)

TEST_F(bulk, insert_stops_at_the_failure_and_reports_where)
{
	int i;

	self->bulk[variant->wrong].length = 0;
	EXPECT_BULK(EOVERFLOW, _mmun_insert_bulk);
	EXPECT_EQ(variant->wrong, mmun_query_context().out_ranges);
	for (i = 0; i < variant->wrong; i++)
		mmun_remove(self->bulk[i].id);
	for (; i < NR_BULK; i++)
		EXPECT_EQ(0, self->bulk[i].id);
}

TEST_F(bulk, remove_stops_at_the_failure_and_reports_where)
{
	insert_bulk();
	mmun_remove(self->bulk[variant->wrong].id);
	EXPECT_BULK(ENOENT, _mmun_remove_bulk);
	EXPECT_EQ(NR_BULK - 1 - variant->wrong,
		  mmun_query_context().out_ranges);
	remove_from(variant->wrong + 1);
}

/* A reserved field is set, and the ID is the largest possible ID. */
TEST_F(bulk, remove_stops_at_an_invalid_id_and_loses_nothing)
{
	struct mmun_span *wrong = &self->bulk[variant->wrong];
	__u64 done;
	__u32 id;

	insert_bulk();
	id = wrong->id;
	wrong->id = -1U;
	wrong->__reserved = -1U;
	EXPECT_BULK(EOPNOTSUPP, _mmun_remove_bulk);
	EXPECT_EQ(NR_BULK - variant->wrong, mmun_query_context().out_ranges);
	EXPECT_ERRNO(EOPNOTSUPP, _mmun_remove_bulk(self->fd, wrong, 1, &done));
	wrong->__reserved = 0;
	EXPECT_ERRNO(ENOENT, _mmun_remove_bulk(self->fd, wrong, 1, &done));
	mmun_err_remove(ENOENT, -1U);
	mmun_err_remove(ENOENT, 0);
	mmun_remove(id);
	remove_from(variant->wrong + 1);
	EXPECT_EQ(0, mmun_query_context().out_ranges);
}

/* The array reaches beyond the end of a mapping. */
TEST_F(bulk, insert_stops_where_the_array_cannot_be_read)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	const size_t length = variant->wrong * sizeof(*self->bulk);
	char *map = mmun_map(mmun_arena(1), page), *array = map + page - length;
	__u64 done;

	ASSERT_NE(NULL, map);
	memcpy(array, self->bulk, length);
	free(self->bulk);
	self->bulk = (struct mmun_span *)array;
	EXPECT_BULK(EFAULT, _mmun_insert_bulk);
	EXPECT_EQ(variant->wrong, mmun_query_context().out_ranges);
	if (variant->wrong)
		ASSERT_EQ(0, _mmun_remove_bulk(self->fd, self->bulk,
					       variant->wrong, &done));
	self->bulk = NULL;
	EXPECT_EQ(0, mmun_query_context().out_ranges);
}

/*
 * A signal is pending when INSERT begins.  The tracer stops the child at the
 * entry of each INSERT and sends the signal, so there is no race.
 */

#define NR_SIGNALS 32 /* more than there are CPUs */

static void do_nothing(int signal)
{
}

/* Returns the exit status of the child, whose mm has @ranges ranges at first. */
static int insert_interrupted(int ranges)
{
	const int expected = ranges ? 0 : EINTR;
	struct mmun_query_context before, after;
	int i, fd = mmun_open();
	__u32 id;

	signal(SIGUSR1, do_nothing);
	for (i = 0; i < ranges; i++)
		if (_mmun_insert(fd, &fd, 1, &id))
			return 1;
	if (_mmun_query_context(fd, &before) ||
	    ptrace(PTRACE_TRACEME, 0, 0, 0) || kill(getpid(), SIGSTOP))
		return 2;
	for (i = 0; i < NR_SIGNALS; i++) {
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

static bool at_entry_of_insert(pid_t child, int status)
{
	struct __ptrace_syscall_info info;

	return WSTOPSIG(status) == (SIGTRAP | 0x80) &&
	       ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) >
		       0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY &&
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
		if (at_entry_of_insert(child, status))
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
TEST_F(range, signal_ends_the_first_insert_and_nothing_is_left)
{
	expect_interrupted(0);
}

TEST_F(range, signal_does_not_end_a_later_insert)
{
	expect_interrupted(1);
}

MMUN_HARNESS_MAIN
