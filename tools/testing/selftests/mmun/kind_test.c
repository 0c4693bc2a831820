// SPDX-License-Identifier: GPL-2.0
/*
 * Tests what is special about a kind of ranges, and ranges of several kinds on
 * one mm.  The programs that the Makefile compiles for each kind test what the
 * kinds have in common.
 */
#include "lib/hold.h"
#include "lib/victim.h"

#define insert_kind(_kind, _first, _nr) \
	mmun_insert_kind(_kind, mmun_page(_first), mmun_pages(_nr))
#define query(_id) mmun_query_range(_id)
#define drop_page(_nr) \
	ASSERT_EQ(0, madvise(mmun_page(_nr), self->page, MADV_DONTNEED))

#define need_two_pass()                                            \
	mmun_skip_if(!mmun_has_kind(self->fd, MMUN_KIND_TWO_PASS), \
		     "no two-pass notifiers: the kernel is older")

/* Snapshot page @_nr, and expect the page in the shadow. */
#define snapshot_page(_id, _nr)                                     \
	EXPECT_EQ(1, mmun_snapshot(_id, mmun_page(_nr), self->page, \
				   MMUN_METHOD_GUP, 0, NULL))

#define has_entry(_id, _nr)                                               \
	(!_mmun_access(self->fd, _id, mmun_page(_nr), 1, &(char){ 0 }, 0, \
		       &(__u64){ 0 }))

/* Expect that the next record reports a callback of range @_id. */
#define expect_callback(_id, _flags)                                   \
	({                                                             \
		struct mmun_record __r = {};                           \
		ASSERT_EQ(1, mmun_next_record(self->fd, &__r));        \
		EXPECT_EQ(MMUN_RECORD_INVALIDATE, __r.type);           \
		EXPECT_EQ(_id, __r.id);                                \
		EXPECT_EQ(MMUN_RECORD_BLOCKABLE | (_flags), __r.flags) \
		{                                                      \
			mmun_print_record(&__r);                       \
		}                                                      \
		__r;                                                   \
	})

/* Two passes */

HOLD_FIXTURE(two_pass)

/*
 * Both ranges have had their first pass when the second pass of the first range
 * ends.  The second range has had no second pass.
 *
 *	low			high
 *	first pass
 *				first pass
 *	second pass: held
 *				second pass
 */
TEST_F(two_pass, second_pass_follows_the_first_pass_of_all_ranges)
{
	__u32 low, high;

	need_two_pass();
	low = insert_kind(MMUN_KIND_TWO_PASS, FREE_PAGE, 1);
	high = insert_kind(MMUN_KIND_TWO_PASS, FREE_PAGE, 2);
	snapshot_page(low, FREE_PAGE);
	snapshot_page(high, FREE_PAGE);
	hold_dontneed(FREE_PAGE, MMUN_POINT_LEAVE, low);
	EXPECT_EQ(1, query(low).out_invalidations);
	EXPECT_EQ(1, query(high).out_invalidations);
	EXPECT_EQ(query(low).out_seq, query(high).out_seq);
	EXPECT_FALSE(has_entry(low, FREE_PAGE));
	EXPECT_TRUE(has_entry(high, FREE_PAGE));
	end_workers();
	EXPECT_FALSE(has_entry(high, FREE_PAGE));
	expect_callback(low, MMUN_RECORD_FINISH);
	expect_callback(high, MMUN_RECORD_FINISH);
	mmun_expect_no_event();
}

/* A range with one pass is complete before the second pass of any range. */
TEST_F(two_pass, range_with_one_pass_comes_before_any_second_pass)
{
	__u32 two, one;

	need_two_pass();
	two = insert_kind(MMUN_KIND_TWO_PASS, FREE_PAGE, 1);
	one = insert_kind(MMUN_KIND_INTERVAL, FREE_PAGE, 2);
	drop_page(FREE_PAGE);
	expect_callback(one, 0);
	expect_callback(two, MMUN_RECORD_FINISH);
	mmun_expect_no_event();
}

/* The second pass belongs to the invalidation: it ends later. */
TEST_F(two_pass, reader_waits_for_the_second_pass)
{
	need_two_pass();
	self->reader.id = insert_kind(MMUN_KIND_TWO_PASS, FREE_PAGE, 1);
	insert_kind(MMUN_KIND_TWO_PASS, FREE_PAGE, 2);
	hold_dontneed(FREE_PAGE, MMUN_POINT_LEAVE, self->reader.id);
	block_reader();
	end_workers();
	EXPECT_EQ(0, mmun_commit(self->reader.token));
}

TEST_F(two_pass, removal_waits_for_the_second_pass)
{
	need_two_pass();
	self->other.id = insert_kind(MMUN_KIND_TWO_PASS, FREE_PAGE, 1);
	hold_dontneed(FREE_PAGE, MMUN_POINT_LEAVE, self->other.id);
	block_worker(&self->other, job_remove, MMUN_REMOVE);
	end_workers();
	drop_page(FREE_PAGE);
	expect_callback(self->other.id, MMUN_RECORD_FINISH);
	mmun_expect_no_event();
}

/*
 * The driver has MMUN_MAX_FINISHES finish objects.  If there are more ranges,
 * the callbacks of the other ranges have one pass.
 */
TEST_F(two_pass, callback_without_a_finish_object_has_one_pass)
{
	const int nr = MMUN_MAX_FINISHES + 6;
	struct mmun_records log;
	int passes[2] = {};
	__u32 ids[nr];

	need_two_pass();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < nr; i++) {
			if (!round)
				ids[i] = insert_kind(MMUN_KIND_TWO_PASS,
						     FREE_PAGE, 1);
			snapshot_page(ids[i], FREE_PAGE);
		}
		mmun_drain_log(self->fd);
		drop_page(FREE_PAGE);
		mmun_read_all(self->fd, &log);
		EXPECT_EQ(nr, log.count);
		memset(passes, 0, sizeof(passes));
		for (int i = 0; i < log.count; i++)
			passes[!!(log.records[i].flags & MMUN_RECORD_FINISH)]++;
		EXPECT_EQ(6, passes[0]);
		EXPECT_EQ(MMUN_MAX_FINISHES, passes[1]);
		for (int i = 0; i < nr; i++)
			EXPECT_FALSE(has_entry(ids[i], FREE_PAGE));
		ASSERT_EQ(0, madvise(mmun_page(FREE_PAGE), self->page,
				     MADV_POPULATE_WRITE));
	}
}

/*
 * A victim has two ranges.  The second range refuses, so the core must still
 * call the second pass of the first range.
 *
 *   0   1   2   3   4   5   6   7
 *   |-two-pass--|
 *           |--refuses--|
 */
VICTIM_FIXTURE(two_pass_reaped, setup_victim(ALL_PAGES, ALL_PAGES);
	       pin_victim())

#define reap() \
	(syscall(SYS_process_mrelease, self->victim.pidfd, 0) ? errno : 0)

TEST_F(two_pass_reaped, second_pass_comes_even_if_a_later_range_refuses)
{
	struct mmun_record r = {};
	__u32 two, refuses;

	need_two_pass();
	two = insert_kind(MMUN_KIND_TWO_PASS, 0, 3);
	refuses = insert_kind(MMUN_KIND_INTERVAL, 2, 3);
	mmun_fail_nonblock(refuses, 1);
	signal_victim(SIGKILL);
	EXPECT_EQ(EAGAIN, reap());
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	EXPECT_EQ(refuses, r.id);
	EXPECT_EQ(MMUN_RECORD_FAILED, r.flags);
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	EXPECT_EQ(two, r.id);
	EXPECT_EQ(MMUN_RECORD_FINISH, r.flags);
	EXPECT_EQ(1, mmun_check_balance(0));
	EXPECT_EQ(0, reap());
	EXPECT_EQ(2, query(two).out_invalidations);
}

TEST_F(two_pass_reaped, first_pass_that_refuses_has_no_second_pass)
{
	struct mmun_record r = {};
	__u32 id;

	need_two_pass();
	id = insert_kind(MMUN_KIND_TWO_PASS, 0, 3);
	mmun_fail_nonblock(id, 1);
	signal_victim(SIGKILL);
	EXPECT_EQ(EAGAIN, reap());
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	EXPECT_EQ(id, r.id);
	EXPECT_EQ(MMUN_RECORD_FAILED, r.flags);
	mmun_expect_no_event();
	EXPECT_EQ(1, mmun_check_balance(0));
	EXPECT_EQ(0, reap());
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	EXPECT_EQ(MMUN_RECORD_FINISH, r.flags);
}

/* List notifiers */

HOLD_FIXTURE(list_kind)

/* clang-format off */
FIXTURE_VARIANT(list_kind) { __u32 kind; };
FIXTURE_VARIANT_ADD(list_kind, list) { MMUN_KIND_LIST };
FIXTURE_VARIANT_ADD(list_kind, list_mm) { MMUN_KIND_LIST_MM };
/* clang-format on */

JOB(insert_list, _mmun_insert_kind(worker->fd, MMUN_KIND_LIST, worker->at,
				   worker->length, &worker->id))

TEST_F(list_kind, range_that_refuses_is_eopnotsupp)
{
	__u32 left, id = insert_kind(variant->kind, FREE_PAGE, 1);

	EXPECT_ERRNO(EOPNOTSUPP, _mmun_fail_nonblock(self->fd, id, 1, &left));
	EXPECT_ERRNO(EOPNOTSUPP, _mmun_fail_nonblock(self->fd, id, 0, &left));
}

#define hold_elsewhere() hold_dontneed(FREE_PAGE + 1, MMUN_POINT_START, 0)

/*
 * With a count in each range, an insertion waits for the active invalidations.
 * Otherwise their end would count down a range that their start did not count
 * up.
 */
TEST_F(list_kind, insertion_waits_for_an_active_invalidation_if_ranges_count)
{
	insert_kind(variant->kind, FREE_PAGE, 1);
	hold_elsewhere();
	self->other.at = mmun_page(FREE_PAGE);
	self->other.length = mmun_pages(2);
	if (variant->kind == MMUN_KIND_LIST) {
		block_worker(&self->other, job_insert_list, MMUN_INSERT);
		end_workers();
	} else {
		self->other.id = insert_kind(variant->kind, FREE_PAGE, 2);
	}
	end_workers();
	drop_page(FREE_PAGE);
	EXPECT_EQ(1, query(self->other.id).out_invalidations);
	mmun_abandon(mmun_read_begin(self->other.id));
}

TEST_F(list_kind, reader_waits_for_other_ranges_only_if_the_mm_counts)
{
	self->reader.id = insert_kind(variant->kind, FREE_PAGE, 1);
	hold_elsewhere();
	if (variant->kind == MMUN_KIND_LIST) {
		mmun_abandon(mmun_read_begin(self->reader.id));
	} else {
		block_reader();
	}
}

/* No invalidation counts a range that was removed, so its reader must not wait. */
TEST_F(list_kind, removal_wakes_the_reader_for_which_the_range_counts)
{
	__u32 id = insert_kind(variant->kind, FREE_PAGE, 1);

	self->reader.id = id;
	hold_dontneed(FREE_PAGE, MMUN_POINT_START, 0);
	block_reader();
	mmun_remove(id);
	if (variant->kind == MMUN_KIND_LIST) {
		EXPECT_EQ(0, worker_join(&self->reader));
	} else {
		expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	}
	end_workers();
	mmun_err_commit(ENOENT, self->reader.token);
}

/* mmu_notifier_get() returns the object of the mm to the second context. */
TEST_F(list_kind, contexts_of_an_mm_share_one_object)
{
	int first = mmun_open(), second = mmun_open();
	__u32 id;

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	mmun_objects_without_lists();
	ASSERT_EQ(0, _mmun_insert_kind(first, variant->kind, self->map,
				       self->page, &id));
	EXPECT_EQ(1, mmun_query_context().out_lists);
	ASSERT_EQ(0, _mmun_insert_kind(second, variant->kind, self->map,
				       self->page, &id));
	EXPECT_EQ(1, mmun_query_context().out_lists);
	EXPECT_EQ(0, close(first));
	drop_page(0);
	EXPECT_EQ(1, mmun_query_context().out_lists);
	EXPECT_EQ(0, close(second));
	mmun_objects_without_lists();
}

/* The length 0 and an end beyond the address space */
TEST_F(list_kind, range_that_overflows_is_eoverflow)
{
	const struct {
		__u64 start, length;
	} bad[] = {
		{ 0, 0 },
		{ mmun_u64(self->map), 0 },
		{ -1ULL, 2 },
		{ 2, -1ULL },
	};
	__u64 done;

	for (int i = 0; i < 4; i++) {
		struct mmun_span span = {
			.start = bad[i].start,
			.length = bad[i].length,
		};
		EXPECT_ERRNO(EOVERFLOW,
			     _mmun_insert_spans(self->fd, variant->kind, &span,
						1, &done));
	}
}

/*
 * A process that does not use the mm of the victim invalidates the mm, and the
 * victim exits meanwhile.  The core unlinks the list notifier at the exit, and
 * so never calls invalidate_range_end() for this invalidation.
 */
static int shared_file;

static int map_shared_file(void *map, int nr)
{
	char *p = mmap(map, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, shared_file, 0);

	return p == map ? (*p = 1, 0) : -1;
}

JOB(punch, fallocate(shared_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		     worker->length))

#define setup_shared_file()                                               \
	do {                                                              \
		shared_file = mmun_memfd_sized(sysconf(_SC_PAGESIZE), 0); \
		setup_victim(ALL_PAGES, ALL_PAGES);                       \
		victim_must(map_shared_file, 0);                          \
		start_worker(&self->mutator);                             \
		start_worker(&self->reader);                              \
	} while (0)

VICTIM_FIXTURE(list_exit, setup_shared_file(), __u32 id; struct worker mutator;
	       struct worker reader)

/* clang-format off */
FIXTURE_VARIANT(list_exit) { __u32 kind; };
FIXTURE_VARIANT_ADD(list_exit, list) { MMUN_KIND_LIST };
FIXTURE_VARIANT_ADD(list_exit, list_mm) { MMUN_KIND_LIST_MM };
/* clang-format on */

TEST_F(list_exit, exit_wakes_the_reader_of_an_invalidation_that_never_ends)
{
	__u32 id = insert_kind(variant->kind, 0, 1);

	self->reader.id = id;
	hold_worker(&self->mutator, job_punch, 0, MMUN_POINT_START, 0);
	block_reader();
	order_victim(victim_exit, 0);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(1, mmun_resume(self->mutator.hold));
	EXPECT_EQ(0, worker_join(&self->mutator));
	expect_status(0);
	mmun_abandon(mmun_read_begin(id));
	EXPECT_EQ(1, mmun_commit(self->reader.token));
}

/* Several kinds on one mm */

HOLD_FIXTURE(mixed_kinds)

/*
 * The core calls the interval notifiers first, and then the list notifiers, the
 * newest first.
 */
TEST_F(mixed_kinds, interval_notifiers_come_before_list_notifiers)
{
	__u32 mm = insert_kind(MMUN_KIND_LIST_MM, FREE_PAGE, 1);
	__u32 list = insert_kind(MMUN_KIND_LIST, FREE_PAGE, 1);
	__u32 interval = insert_kind(MMUN_KIND_INTERVAL, FREE_PAGE, 1);

	drop_page(FREE_PAGE);
	expect_callback(interval, 0);
	expect_callback(list, 0);
	expect_callback(mm, 0);
	mmun_expect_no_event();
}

/*
 * An invalidation that is held in the callback of the last kind is active for
 * the readers of the other kinds.
 */
TEST_F(mixed_kinds, readers_of_two_kinds_wait_until_the_invalidation_ends)
{
	struct worker *readers[] = { &self->reader, &self->other };
	__u32 mm = insert_kind(MMUN_KIND_LIST_MM, FREE_PAGE, 1);

	readers[0]->id = insert_kind(MMUN_KIND_LIST, FREE_PAGE, 1);
	readers[1]->id = insert_kind(MMUN_KIND_INTERVAL, FREE_PAGE, 1);
	hold_dontneed(FREE_PAGE, MMUN_POINT_LEAVE, mm);
	for (int i = 0; i < 2; i++)
		block_worker(readers[i], job_begin, MMUN_READ_BEGIN);
	end_workers();
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, mmun_commit(readers[i]->token));
}

TEST_F(mixed_kinds, removal_of_one_kind_leaves_the_others)
{
	__u32 ids[MMUN_NR_KINDS] = {}, rounds = 0;

	for (int kind = 0; kind < MMUN_NR_KINDS; kind++)
		if (mmun_has_kind(self->fd, kind))
			ids[kind] = insert_kind(kind, FREE_PAGE, 1);
	for (int kind = 0; kind < MMUN_NR_KINDS; kind++) {
		if (!ids[kind])
			continue;
		mmun_remove(ids[kind]);
		drop_page(FREE_PAGE);
		rounds++;
		for (int other = kind + 1; other < MMUN_NR_KINDS; other++)
			if (ids[other])
				EXPECT_EQ(rounds,
					  query(ids[other]).out_invalidations);
	}
}

MMUN_HARNESS_MAIN
