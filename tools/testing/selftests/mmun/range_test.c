// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges: which of them an invalidation calls, bulk calls, a million of them,
 * limits, signals, and that nothing of them is left behind.
 */
#include <sys/ptrace.h>
#include <time.h>

#include "lib/mmun.h"

#define NR_PAGES	12
#define NR_MANY		20000
#define NR_MILLION	1000000

/* The core's own node, struct mmu_interval_notifier, and what we may add. */
#define CORE_BYTES	88
#define OUR_BYTES	256

static int invalidate(char *start, size_t length)
{
	return madvise(start, length, MADV_DONTNEED);
}

/* From page first + byte to page last + byte, exclusive. */
struct place {
	int first;
	int first_byte;
	int last;
	int last_byte;
};

#define NR_PLACES	6

/*
 * Each variant inserts its ranges; then pages 4 to 7 are invalidated.
 *
 *	0   1   2   3   4   5   6   7   8   9   10  11
 *	                |-invalidate----|
 */
FIXTURE(dispatch)
{
	int fd;
	size_t page;
	char *map;
	char *start;
	char *end;
	__u32 ids[NR_PLACES];
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
	.count = 5,
	.places = { { 3, 0, 5, 0 }, { 4, 0, 6, 0 }, { 5, 0, 7, 0 },
		    { 7, 0, 9, 0 }, { 3, 0, 9, 0 } },
};

/*
 *	|-----------------------------------------------|
 *	            |-----------------------|
 *	                |---------------|
 *	                    |-------|
 *	                        |			one byte
 */
FIXTURE_VARIANT_ADD(dispatch, nested) {
	.count = 5,
	.places = { { 0, 0, 12, 0 }, { 3, 0, 9, 0 }, { 4, 0, 8, 0 },
		    { 5, 0, 7, 0 }, { 6, 0, 6, 1 } },
};

/*
 *	|---------------|
 *	            |---|
 *	                |---------------|
 *	                                |---|
 *	                                |---------------|
 */
FIXTURE_VARIANT_ADD(dispatch, touching) {
	.count = 5,
	.places = { { 0, 0, 4, 0 }, { 3, 0, 4, 0 }, { 4, 0, 8, 0 },
		    { 8, 0, 9, 0 }, { 8, 0, 12, 0 } },
};

/* The last byte before, the first inside, both; the same at the end. */
FIXTURE_VARIANT_ADD(dispatch, byte_granular) {
	.count = 6,
	.places = { { 4, -1, 4, 0 }, { 4, 0, 4, 1 }, { 4, -1, 4, 1 },
		    { 8, -1, 8, 0 }, { 8, 0, 8, 1 }, { 8, -1, 8, 1 } },
};

FIXTURE_VARIANT_ADD(dispatch, identical) {
	.count = 4,
	.places = { { 5, 0, 6, 0 }, { 5, 0, 6, 0 }, { 5, 0, 6, 0 },
		    { 9, 0, 10, 0 } },
};

/* clang-format on */

static char *at(FIXTURE_DATA(dispatch) *self, int page, int byte)
{
	return self->map + page * (long)self->page + byte;
}

static char *place_start(FIXTURE_DATA(dispatch) *self, const struct place *p)
{
	return at(self, p->first, p->first_byte);
}

static char *place_end(FIXTURE_DATA(dispatch) *self, const struct place *p)
{
	return at(self, p->last, p->last_byte);
}

FIXTURE_SETUP(dispatch)
{
	const struct place *p = variant->places;
	int i;

	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_map_filled(mmun_arena(NR_PAGES), NR_PAGES);
	ASSERT_NE(NULL, self->map);
	self->start = at(self, 4, 0);
	self->end = at(self, 8, 0);
	for (i = 0; i < variant->count; i++, p++)
		self->ids[i] = mmun_insert(place_start(self, p),
					   place_end(self, p) -
					   place_start(self, p));
}

FIXTURE_TEARDOWN(dispatch)
{
	EXPECT_EQ(0, close(self->fd));
}

/* The bytes of the place that are invalidated; returns whether there are any */
static bool clip(FIXTURE_DATA(dispatch) *self, const struct place *p,
		 __u64 *start, __u64 *end)
{
	char *from = place_start(self, p), *to = place_end(self, p);

	*start = mmun_u64(from > self->start ? from : self->start);
	*end = mmun_u64(to < self->end ? to : self->end);
	return *start < *end;
}

/* How often the range was called; -1: not as it should have been. */
static int count_calls(FIXTURE_DATA(dispatch) *self, __u32 id,
		       const struct mmun_record *records, int n,
		       __u64 start, __u64 end)
{
	int i, calls = 0;

	for (i = 0; i < n; i++) {
		if (records[i].id != id)
			continue;
		if (records[i].event != MMUN_EVENT_CLEAR ||
		    records[i].start != mmun_u64(self->start) ||
		    records[i].end != mmun_u64(self->end) ||
		    records[i].clip_start != start ||
		    records[i].clip_end != end)
			return -1;
		calls++;
	}
	return calls;
}

TEST_F(dispatch, each_range_that_is_hit_is_called_once_and_no_other)
{
	struct mmun_record records[NR_PLACES + 1];
	__u64 start, end;
	int i, n = 0;

	ASSERT_EQ(0, invalidate(self->start, self->end - self->start));
	while (n <= NR_PLACES && mmun_next_record(self->fd, records + n))
		n++;
	for (i = 0; i < variant->count; i++) {
		int hit = clip(self, variant->places + i, &start, &end);

		EXPECT_EQ(hit, count_calls(self, self->ids[i], records, n,
					   start, end))
		{
			TH_LOG("range %d", i);
		}
		EXPECT_EQ(hit, mmun_query_range(self->ids[i]).out_invalidations);
	}
}

TEST_F(dispatch, a_removed_range_is_not_called_and_the_others_still_are)
{
	__u64 start, end;
	int i;

	for (i = 0; i < variant->count; i += 2)
		mmun_remove(self->ids[i]);
	EXPECT_EQ(variant->count / 2, mmun_query_context().out_ranges);
	ASSERT_EQ(0, invalidate(self->start, self->end - self->start));
	for (i = 1; i < variant->count; i += 2) {
		bool hit = clip(self, variant->places + i, &start, &end);

		EXPECT_EQ(hit, mmun_query_range(self->ids[i]).out_invalidations);
		mmun_remove(self->ids[i]);
	}
	mmun_drain_log(self->fd);
	memset(self->start, 1, self->end - self->start);
	ASSERT_EQ(0, invalidate(self->start, self->end - self->start));
	mmun_expect_no_event();
}

FIXTURE(range)
{
	int fd;
	int observer;
	size_t page;
	char *arena;
};

FIXTURE_SETUP(range)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->observer = mmun_open();
	ASSERT_LE(0, self->observer);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->arena = mmun_arena(NR_PAGES);
	ASSERT_NE(NULL, self->arena);
}

FIXTURE_TEARDOWN(range)
{
	if (self->fd >= 0)
		EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, close(self->observer));
}

/* As the observer sees it: memory is counted over all contexts. */
static __u64 memory_in_use(FIXTURE_DATA(range) *self)
{
	struct mmun_query_context state;

	return _mmun_query_context(self->observer, &state) ? -1ULL : state.out_objects;
}

TEST_F(range, the_same_place_twice_gives_two_ids)
{
	__u32 a = mmun_insert(self->arena, self->page);
	__u32 b = mmun_insert(self->arena, self->page);

	EXPECT_NE(a, b);
	mmun_remove(a);
	EXPECT_EQ(0, mmun_query_range(b).out_invalidations);
	mmun_remove(b);
	mmun_err_remove(ENOENT, b);
}

/*
 *	0   1   2   3   4   5
 *	|-A-|               |-B-|	B comes when A is gone
 */
TEST_F(range, a_new_range_is_not_taken_for_a_removed_one)
{
	char *map = mmun_map_filled(self->arena, NR_PAGES);
	__u32 a, b;

	ASSERT_NE(NULL, map);
	a = mmun_insert(map, self->page);
	ASSERT_EQ(0, invalidate(map, self->page));
	mmun_expect_event(a, MMUN_EVENT_CLEAR, map, self->page);
	mmun_remove(a);
	b = mmun_insert(map + 5 * self->page, self->page);
	EXPECT_EQ(0, mmun_query_range(b).out_invalidations);
	ASSERT_EQ(0, invalidate(map, self->page));
	mmun_expect_no_event();
	ASSERT_EQ(0, invalidate(map + 5 * self->page, self->page));
	mmun_expect_event(b, MMUN_EVENT_CLEAR, map + 5 * self->page,
			  self->page);
}

/*
 * An odd sequence is never taken for the even one of an idle mm.
 *
 *	0   1   2   3
 *	|-0-|-1-|-2-|	each is inserted after an invalidation of the one before
 */
TEST_F(range, is_born_with_an_odd_sequence_and_keeps_to_odd_ones)
{
	struct mmun_token token;
	char *at = mmun_map_filled(self->arena, NR_PAGES);
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

TEST_F(range, an_insert_that_fails_leaves_nothing)
{
	struct mmun_query_context before, after;
	__u32 i, cpus = sysconf(_SC_NPROCESSORS_CONF);

	before = mmun_query_context();
	for (i = 0; i < 100; i++) {
		mmun_err_insert(EOVERFLOW, self->arena, 0);
		mmun_err_insert(EOVERFLOW, NULL, 0);
		mmun_err_insert(EOVERFLOW, self->arena, -1UL);
		mmun_err_insert(EOVERFLOW, (void *)-1L, 2);
	}
	after = mmun_query_context();
	EXPECT_EQ(0, after.out_ranges);
	EXPECT_EQ(before.out_objects, after.out_objects);
	/* A CPU that idles on this mm may hold a reference, too. */
	EXPECT_GE(before.out_mm_count + cpus, after.out_mm_count);
}

/*
 * The core stores the last address and not the end, so a range may include the
 * very last byte of the address space, though never all 2^64 bytes.
 */
TEST_F(range, a_range_may_end_at_the_top_of_the_address_space)
{
	char *map = mmun_map_filled(self->arena, NR_PAGES);
	__u32 id;

	mmun_remove(mmun_insert((void *)-1L, 1));
	mmun_remove(mmun_insert((void *)-self->page, self->page));
	mmun_remove(mmun_insert((void *)1, -1UL));
	mmun_remove(mmun_insert(NULL, -1UL));
	id = mmun_insert(map + 1, -mmun_u64(map + 1));
	ASSERT_EQ(0, invalidate(map, self->page));
	mmun_expect_event(id, MMUN_EVENT_CLEAR, map + 1, self->page - 1);
	mmun_expect_no_event();
}

/*
 * The last chunk of the shadow has the last page, at whose end no walk can stop.
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
TEST_F(range, what_is_mapped_after_the_insert_is_watched)
{
	char *place = self->arena + self->page;
	__u32 id;

	ASSERT_EQ(0, munmap(self->arena, NR_PAGES * self->page));
	id = mmun_insert(place, 2 * self->page);
	ASSERT_EQ(place, mmun_map(place, 2 * self->page));
	memset(place, 1, 2 * self->page);
	mmun_expect_no_event();
	ASSERT_EQ(0, munmap(place, 2 * self->page));
	mmun_expect_event(id, MMUN_EVENT_UNMAP, place, 2 * self->page);
	mmun_expect_no_event();
}

TEST_F(range, each_range_holds_one_reference_to_the_mm)
{
	const int n = 1000, cpus = sysconf(_SC_NPROCESSORS_CONF);
	__u32 before, between, after, id[n];
	int i;

	before = mmun_query_context().out_mm_count;
	for (i = 0; i < n; i++)
		id[i] = mmun_insert(self->arena, self->page);
	between = mmun_query_context().out_mm_count;
	for (i = 0; i < n; i++)
		mmun_remove(id[i]);
	after = mmun_query_context().out_mm_count;
	/* A CPU that idles on this mm may hold a reference, too. */
	EXPECT_LE(n - cpus, (int)(between - before));
	EXPECT_GE(n + cpus, (int)(between - before));
	EXPECT_GE(cpus, abs((int)(after - before)));
}

TEST_F(range, close_gives_everything_back)
{
	struct mmun_query_context before, after;
	int i;

	close(self->fd);
	ASSERT_EQ(0, _mmun_query_context(self->observer, &before));
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	ASSERT_NE(NULL, mmun_map_filled(self->arena, NR_PAGES));
	for (i = 0; i < 100; i++) {
		__u32 id = mmun_insert(self->arena, NR_PAGES * self->page);

		mmun_snapshot(id, self->arena, NR_PAGES * self->page,
			      MMUN_METHOD_GUP, 0, NULL);
		mmun_collect(mmun_read_begin(id), self->arena, self->page,
			     MMUN_METHOD_GUP, 0);
	}
	EXPECT_LT(before.out_objects, memory_in_use(self));
	ASSERT_EQ(0, close(self->fd));
	self->fd = -1;
	ASSERT_EQ(0, _mmun_query_context(self->observer, &after));
	EXPECT_EQ(before.out_objects, after.out_objects);
	EXPECT_GE(before.out_mm_count + sysconf(_SC_NPROCESSORS_CONF),
		  after.out_mm_count);
}

/* Ranges of @bytes each, side by side, from @start on. */
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

#define SMALL	40	/* bytes */

/*
 *	| page | page | page | page | page |
 *	|||||||||||||||||||||||||||||||||||	twenty thousand ranges
 *	              |------|			invalidated
 */
TEST_F_TIMEOUT(range, of_very_many_ranges_exactly_those_on_the_page_are_called,
	       150)
{
	const size_t pages = NR_MANY * SMALL / self->page + 1;
	char *map = mmun_arena(pages), *hit = map + pages / 2 * self->page;
	struct mmun_span *bulk = row_of_ranges(map, SMALL, NR_MANY);
	size_t i = (hit - map) / SMALL;
	struct mmun_record record;
	__u64 done;

	ASSERT_NE(NULL, bulk);
	/* Before the insert: splitting a VMA may invalidate around the cut. */
	ASSERT_NE(NULL, mmun_map(hit, self->page));
	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, bulk, NR_MANY, &done));
	ASSERT_EQ(NR_MANY, done);
	EXPECT_EQ(NR_MANY, mmun_query_context().out_ranges);
	memset(hit, 1, self->page);
	mmun_expect_no_event();
	ASSERT_EQ(0, invalidate(hit, self->page));
	/* The interval tree is walked in the order of the addresses. */
	while (mmun_next_record(self->fd, &record)) {
		ASSERT_EQ(bulk[i].id, record.id);
		i++;
	}
	EXPECT_EQ((hit + self->page - 1 - map) / SMALL + 1, i);
	ASSERT_EQ(0, _mmun_remove_bulk(self->fd, bulk, NR_MANY, &done));
	EXPECT_EQ(NR_MANY, done);
	EXPECT_EQ(0, mmun_query_context().out_ranges);
	free(bulk);
}

/* Memory of the kernel that it cannot reclaim, in bytes. */
static long long slab_in_use(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	long long kib = -1;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %lld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

/* How long it takes to insert @count ranges, and to remove them again. */
static double seconds_for(int fd, struct mmun_span *bulk, __u64 count)
{
	struct timespec from, to;
	__u64 done;

	clock_gettime(CLOCK_MONOTONIC, &from);
	if (_mmun_insert_bulk(fd, bulk, count, &done) || done != count ||
	    _mmun_remove_bulk(fd, bulk, count, &done) || done != count)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &to);
	return to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
}

TEST_F_TIMEOUT(range, a_million_ranges_cost_344_bytes_each_at_most, 90)
{
	const long long limit = NR_MILLION * (long long)(CORE_BYTES + OUR_BYTES);
	__u64 done, max = mmun_info().out_max_ranges;
	char *map = (char *)(1UL << 40);
	struct mmun_span *bulk;
	long long slab;

	bulk = row_of_ranges(map, self->page, max + 1);
	ASSERT_NE(NULL, bulk);
	if (seconds_for(self->fd, bulk, NR_MILLION / 50) * 50 > 30)
		SKIP(return, "too slow: try a machine without load, CONFIG_KASAN, CONFIG_KCSAN");
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
	/* And one range too many is ENOSPC. */
	bulk += NR_MILLION;
	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, bulk, max + 1 - NR_MILLION,
				       &done));
	EXPECT_EQ(max - NR_MILLION, done);
	mmun_err_insert(ENOSPC, map, self->page);
	free(bulk - NR_MILLION);
}

/* Each limit is ENOSPC, not ENOMEM. */

TEST_F(range, one_batch_too_many_is_enospc)
{
	__u32 i, max = mmun_info().out_max_batches;
	__u32 id = mmun_insert(self->arena, self->page);
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
	mmun_collect(token, arena, pages * self->page, MMUN_METHOD_HMM_NOFAULT, 0);
	mmun_err_collect(ENOSPC, token, arena, self->page, MMUN_METHOD_HMM_NOFAULT, 0);
	EXPECT_EQ(0, mmun_commit(token));
}

/* The fixture has two contexts open. */
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

/* A chunk of a shadow counts as a whole, so ranges of one page use them up. */
TEST_F(range, one_shadow_page_too_many_in_a_context_is_enospc)
{
	__u32 chunks = mmun_info().out_max_shadow_pages / 512, id = 0, i;
	char *map = mmun_map_filled(self->arena, 1);

	ASSERT_NE(NULL, map);
	for (i = 0; i < chunks; i++) {
		id = mmun_insert(map, self->page);
		mmun_snapshot(id, map, self->page, MMUN_METHOD_GUP, 0, NULL);
	}
	i = mmun_insert(map, self->page);
	mmun_err_snapshot(ENOSPC, i, map, self->page, MMUN_METHOD_GUP, 0);
	mmun_remove(id);
	mmun_snapshot(i, map, self->page, MMUN_METHOD_GUP, 0, NULL);
}

/* A bulk call of NR_BULK ranges, of which one is wrong. */

#define NR_BULK	130	/* more than the driver does without a break */

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
FIXTURE_VARIANT_ADD(bulk, the_first_is_wrong) { .wrong = 0 };
FIXTURE_VARIANT_ADD(bulk, the_second_is_wrong) { .wrong = 1 };
FIXTURE_VARIANT_ADD(bulk, the_middle_is_wrong) { .wrong = NR_BULK / 2 };
FIXTURE_VARIANT_ADD(bulk, the_last_is_wrong) { .wrong = NR_BULK - 1 };

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

/* What is done counts; nothing done is an error. */
#define EXPECT_BULK(_errno, call)                                          \
	({                                                                 \
		__u64 __done = -1ULL;                                      \
		int __ret = call(self->fd, self->bulk, NR_BULK, &__done);  \
		if (variant->wrong) {                                      \
			EXPECT_EQ(0, __ret);                               \
			EXPECT_EQ(variant->wrong, __done);                 \
		} else {                                                   \
			EXPECT_EQ(-1, __ret);                              \
			EXPECT_EQ(_errno, errno);                          \
		}                                                          \
	})

TEST_F(bulk, insert_stops_at_the_first_failure_and_tells_where)
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

TEST_F(bulk, remove_stops_at_the_first_failure_and_tells_where)
{
	__u64 done;
	int i;

	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, self->bulk, NR_BULK, &done));
	mmun_remove(self->bulk[variant->wrong].id);
	EXPECT_BULK(ENOENT, _mmun_remove_bulk);
	EXPECT_EQ(NR_BULK - 1 - variant->wrong, mmun_query_context().out_ranges);
	for (i = variant->wrong + 1; i < NR_BULK; i++)
		mmun_remove(self->bulk[i].id);
}

/* No ID, and the largest that could be one. */
TEST_F(bulk, remove_stops_at_what_is_no_id_and_loses_nothing)
{
	struct mmun_span *wrong = &self->bulk[variant->wrong];
	__u32 i, id;
	__u64 done;

	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, self->bulk, NR_BULK, &done));
	id = wrong->id;
	wrong->id = -1U;
	wrong->__reserved = -1U;
	EXPECT_BULK(EOPNOTSUPP, _mmun_remove_bulk);
	EXPECT_EQ(NR_BULK - variant->wrong, mmun_query_context().out_ranges);
	EXPECT_EQ(-1, _mmun_remove_bulk(self->fd, wrong, 1, &done));
	EXPECT_EQ(EOPNOTSUPP, errno);
	wrong->__reserved = 0;
	EXPECT_EQ(-1, _mmun_remove_bulk(self->fd, wrong, 1, &done));
	EXPECT_EQ(ENOENT, errno);
	mmun_err_remove(ENOENT, -1U);
	mmun_err_remove(ENOENT, 0);
	mmun_remove(id);
	for (i = variant->wrong + 1; i < NR_BULK; i++)
		mmun_remove(self->bulk[i].id);
	EXPECT_EQ(0, mmun_query_context().out_ranges);
}

/* The array ends before the address space does. */
TEST_F(bulk, insert_stops_where_the_array_cannot_be_read)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmun_map(mmun_arena(1), page), *end = map + page;
	__u64 done;

	ASSERT_NE(NULL, map);
	end -= variant->wrong * sizeof(*self->bulk);
	memcpy(end, self->bulk, variant->wrong * sizeof(*self->bulk));
	free(self->bulk);
	self->bulk = (struct mmun_span *)end;
	EXPECT_BULK(EFAULT, _mmun_insert_bulk);
	EXPECT_EQ(variant->wrong, mmun_query_context().out_ranges);
	self->bulk = NULL;
	done = variant->wrong;
	if (done)
		ASSERT_EQ(0, _mmun_remove_bulk(self->fd, (void *)end, done,
					       &done));
	EXPECT_EQ(0, mmun_query_context().out_ranges);
}

/*
 * A signal that is pending when INSERT begins.  Its tracer stops the child at
 * the entry of each INSERT and sends the signal, so there is nothing to race.
 */
FIXTURE(interrupted)
{
};

FIXTURE_VARIANT(interrupted)
{
	int ranges;
};

/* clang-format off */
/* The first insertion of an mm takes all of its locks, which a signal ends. */
FIXTURE_VARIANT_ADD(interrupted, first) { .ranges = 0 };
/* The others take none. */
FIXTURE_VARIANT_ADD(interrupted, later) { .ranges = 1 };

/* clang-format on */

FIXTURE_SETUP(interrupted)
{
}

FIXTURE_TEARDOWN(interrupted)
{
}

#define NR_SIGNALS	32	/* more than there are CPUs */

static void do_nothing(int signal)
{
}

/* In a child, whose mm is new.  Returns its exit status. */
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
	if (_mmun_query_context(fd, &before) || ptrace(PTRACE_TRACEME, 0, 0, 0) ||
	    kill(getpid(), SIGSTOP))
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
	       ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY &&
	       info.entry.nr == SYS_ioctl && info.entry.args[1] == MMUN_INSERT;
}

/* Returns the number of signals sent. */
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

TEST_F(interrupted, insert_is_eintr_or_done_and_leaves_nothing_else)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(insert_interrupted(variant->ranges));
	EXPECT_EQ(NR_SIGNALS, interrupt_inserts(child));
	EXPECT_EQ(0, mmun_wait_child(child));
}

MMUN_HARNESS_MAIN
