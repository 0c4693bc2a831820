// SPDX-License-Identifier: GPL-2.0
/*
 * Tests holds, which stop a thread at a named point of an invalidation.  The
 * tests check what is visible at each point, which arrivals a hold stops, and
 * which calls wait for the end of the invalidation.
 */
#include "lib/hold.h"
#include "lib/ksm.h"
#include "lib/process.h"

#define present(_nr) (mmun_pagemap(mmun_page(_nr)) >> 63)

JOB(munmap, munmap(worker->at, worker->length))

HOLD_FIXTURE(hold)

/* The points, in the order in which an invalidation passes them */

#define snapshot_range()                                                      \
	EXPECT_EQ(RANGE_PAGES,                                                \
		  mmun_snapshot(self->id, self->map, mmun_pages(RANGE_PAGES), \
				MMUN_METHOD_GUP, 0, NULL))

TEST_F(hold, nothing_is_invalidated_at_enter)
{
	struct mmun_wait_held held;
	__u64 seq;

	snapshot_range();
	seq = mmun_query_range(self->id).out_seq;
	held = hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	EXPECT_EQ(self->mutator.tid, held.out_tid);
	EXPECT_EQ(MMUN_EVENT_CLEAR, held.out_event);
	EXPECT_EQ(self->id, held.out_id);
	EXPECT_EQ(mmun_u64(mmun_page(1)), held.out_start);
	EXPECT_EQ(mmun_u64(mmun_page(2)), held.out_end);
	EXPECT_EQ(seq, mmun_query_range(self->id).out_seq);
	EXPECT_EQ(0, mmun_query_range(self->id).out_invalidations);
	expect_shadow(1, true);
	EXPECT_EQ(1, present(1));
	end_workers();
	EXPECT_EQ(0, present(1));
	expect_shadow(1, false);
}

TEST_F(hold, callback_has_run_and_the_page_is_present_at_leave)
{
	struct mmun_record r;

	snapshot_range();
	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	r = mmun_expect_event(self->id, MMUN_EVENT_CLEAR, mmun_page(1),
			      self->page);
	EXPECT_EQ(r.cur_seq, mmun_query_range(self->id).out_seq);
	EXPECT_EQ(1, mmun_query_range(self->id).out_invalidations);
	expect_shadow(1, false);
	expect_shadow(2, true);
	EXPECT_EQ(1, present(1));
	end_workers();
	EXPECT_EQ(0, present(1));
}

/*
 *   0   1   2   3
 *   |-----range-----|
 *       |twin|
 */
TEST_F(hold, all_callbacks_have_run_and_the_page_is_present_at_start)
{
	__u32 twin = mmun_insert(mmun_page(1), self->page);

	hold_dontneed(1, MMUN_POINT_START, self->id);
	EXPECT_EQ(1, mmun_query_range(self->id).out_invalidations);
	EXPECT_EQ(1, mmun_query_range(twin).out_invalidations);
	EXPECT_EQ(mmun_query_range(twin).out_seq,
		  mmun_query_range(self->id).out_seq);
	EXPECT_EQ(1, present(1));
	block_reader();
	end_workers();
	EXPECT_EQ(0, present(1));
}

TEST_F(hold, page_is_gone_and_readers_do_not_wait_at_end)
{
	hold_dontneed(1, MMUN_POINT_END, self->id);
	EXPECT_EQ(0, present(1));
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->id)));
	expect_balance(1);
}

TEST_F(hold, reader_does_not_wait_at_enter_and_collides_later)
{
	struct mmun_token token;

	hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	token = mmun_read_begin(self->id);
	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	end_workers();
	EXPECT_EQ(1, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(1, mmun_commit(token));
}

TEST_F(hold, reader_waits_at_leave_and_does_not_collide)
{
	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	block_reader();
	end_workers();
	EXPECT_EQ(0, mmun_commit(self->reader.token));
}

/* MMUN_COLLECT replaces the zero page, which invalidates the range. */
TEST_F(hold, batch_in_use_by_a_call_is_not_found_by_another_call)
{
	struct worker *reader = &self->reader;
	__u32 at;

	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	ASSERT_EQ(0, self->map[0]);
	reader->token = mmun_read_begin(self->id);
	reader->flags = MMUN_WRITE;
	hold_worker(reader, job_collect, 0, MMUN_POINT_ENTER, self->id);
	at = reader->hold;
	expect_blocked_in(reader->tid, MMUN_COLLECT);
	EXPECT_EQ(0, mmun_query_context().out_batches);
	mmun_err_commit(ENOENT, reader->token);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, reader->token));
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(1, worker_join(reader));
	mmun_err_resume(ENOENT, at);
	EXPECT_EQ(1, mmun_query_context().out_batches);
	EXPECT_EQ(1, mmun_commit(reader->token));
}

TEST_F(hold, reader_of_another_range_does_not_wait)
{
	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->near)));
}

/* An invalidation passes the points in the order of their numbers. */
TEST_F(hold, invalidation_passes_each_point_once_in_order)
{
	__u32 at[4];

	for (int i = 3; i >= 0; i--)
		at[i] = arm_dontneed(1, i, 0);
	worker_go(&self->mutator);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(i < 2 ? self->id : 0, mmun_wait_held(at[i]).out_id);
		for (int j = i + 1; j < 4; j++)
			expect_armed(at[j]);
		EXPECT_EQ(1, mmun_resume(at[i]));
	}
	EXPECT_EQ(0, worker_join(&self->mutator));
}

TEST_F(hold, munmap_is_held_and_other_pages_stay_readable)
{
	struct mmun_wait_held held = hold_worker(&self->mutator, job_munmap, 1,
						 MMUN_POINT_ENTER, self->id);

	EXPECT_EQ(MMUN_EVENT_UNMAP, held.out_event);
	EXPECT_EQ(SYS_munmap, mmun_quiesce_one(self->mutator.tid).syscall);
	EXPECT_EQ(3, *mmun_page(2));
	end_workers();
	EXPECT_EQ(-1, msync(mmun_page(1), self->page, MS_ASYNC));
}

/* The arrivals that a hold stops */

TEST_F(hold, of_a_range_ignores_callbacks_of_other_ranges)
{
	__u32 at = arm_dontneed(NEAR_PAGE, MMUN_POINT_ENTER, self->id);

	worker_go(&self->mutator);
	EXPECT_EQ(0, worker_join(&self->mutator));
	expect_armed(at);
	EXPECT_EQ(1, mmun_query_range(self->near).out_invalidations);
}

TEST_F(hold, at_start_of_a_range_ignores_invalidations_that_miss_the_range)
{
	__u32 at = arm_dontneed(RANGE_PAGES, MMUN_POINT_START, self->id);

	hold_dontneed(RANGE_PAGES, MMUN_POINT_START, 0);
	expect_armed(at);
	end_workers();
	expect_armed(at);
}

TEST_F(hold, at_start_stays_armed_if_its_range_was_removed)
{
	__u32 at = arm_dontneed(1, MMUN_POINT_START, self->id);

	mmun_remove(self->id);
	worker_go(&self->mutator);
	EXPECT_EQ(0, worker_join(&self->mutator));
	expect_armed(at);
}

TEST_F(hold, of_any_range_stops_at_each_range_that_is_hit)
{
	__u32 twin = mmun_insert(self->map, self->page), first, second;

	first = hold_dontneed(0, MMUN_POINT_ENTER, 0, .count = 2).out_id;
	EXPECT_EQ(1, mmun_resume(self->mutator.hold));
	second = mmun_wait_held(self->mutator.hold).out_id;
	EXPECT_EQ(self->id + twin, first + second);
	EXPECT_NE(first, second);
}

TEST_F(hold, of_a_thread_ignores_other_threads)
{
	__u32 at = arm_dontneed(0, MMUN_POINT_ENTER, self->id);

	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	expect_armed(at);
	reach_hold(&self->mutator);
}

TEST_F(hold, of_any_thread_stops_the_first_thread_that_arrives)
{
	plan_worker(&self->mutator, job_dontneed, 0);
	self->mutator.hold = mmun_hold(MMUN_POINT_ENTER, self->id, 0);
	EXPECT_EQ(self->mutator.tid, reach_hold(&self->mutator).out_tid);
}

TEST_F(hold, skips_and_counts_arrivals)
{
	__u32 at = arm_worker(&self->mutator, job_dontneed_each, 0,
			      MMUN_POINT_ENTER, self->id, .skip = 1,
			      .count = 2);

	worker_go(&self->mutator);
	for (int i = 1; i <= 2; i++) {
		EXPECT_EQ(mmun_u64(mmun_page(i)), mmun_wait_held(at).out_start);
		EXPECT_EQ(i, mmun_query_range(self->id).out_invalidations);
		EXPECT_EQ(1, mmun_resume(at));
	}
	EXPECT_EQ(0, worker_join(&self->mutator));
	mmun_err_wait_held(ENOENT, at);
}

TEST_F(hold, resume_end_lets_later_arrivals_pass)
{
	__u32 at = hold_worker(&self->mutator, job_dontneed_each, 0,
			       MMUN_POINT_ENTER, 0, .count = 4)
			   .hold;

	EXPECT_EQ(1, mmun_resume_end(at));
	EXPECT_EQ(0, worker_join(&self->mutator));
	mmun_err_resume(ENOENT, at);
}

TEST_F(hold, resume_without_a_held_task_keeps_the_hold_armed)
{
	__u32 at = arm_dontneed(0, MMUN_POINT_ENTER, self->id);

	EXPECT_EQ(0, mmun_resume(at));
	reach_hold(&self->mutator);
}

TEST_F(hold, two_holds_stop_one_arrival_in_turn)
{
	__u32 first = arm_dontneed(0, MMUN_POINT_ENTER, self->id);
	__u32 second = arm_dontneed(0, MMUN_POINT_ENTER, self->id);

	worker_go(&self->mutator);
	mmun_wait_held(first);
	expect_armed(second);
	EXPECT_EQ(1, mmun_resume(first));
	mmun_wait_held(second);
}

TEST_F(hold, of_a_held_thread_is_ebusy)
{
	__u32 other;

	hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	mmun_err_hold(EBUSY, MMUN_POINT_LEAVE, 0, self->mutator.tid);
	mmun_err_hold(EBUSY, MMUN_POINT_START, 0, self->mutator.tid);
	mmun_err_hold(EBUSY, MMUN_POINT_LEAVE, 0, 0);
	other = mmun_hold(MMUN_POINT_LEAVE, 0, mmun_gettid());
	end_workers();
	mmun_hold(MMUN_POINT_LEAVE, 0, 0);
	EXPECT_EQ(0, mmun_resume_end(other));
}

/* A resumed thread has passed the point, even if the thread has not run yet. */
TEST_F(hold, armed_after_a_resume_does_not_stop_the_same_arrival)
{
	__u32 next;

	for (int i = 0; i < 20; i++) {
		if (i)
			ASSERT_EQ(0, worker_create(&self->mutator));
		hold_dontneed(1, MMUN_POINT_ENTER, self->id);
		EXPECT_EQ(1, mmun_resume(self->mutator.hold));
		next = mmun_hold(MMUN_POINT_ENTER, self->id, 0);
		EXPECT_EQ(0, worker_join(&self->mutator));
		ASSERT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(next));
		mmun_resume_end(next);
	}
}

/*
 * Calls that wait for the end of a held invalidation, and calls that do not
 * wait
 */

TEST_F(hold, insert_while_odd_is_deferred_and_its_reader_waits)
{
	__u32 late;

	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	late = mmun_insert(self->map, self->page);
	EXPECT_EQ(0, mmun_query_range(late).out_in_tree);
	EXPECT_EQ(1, mmun_query_range(self->id).out_in_tree);
	EXPECT_EQ(mmun_query_range(self->id).out_seq,
		  mmun_query_range(late).out_seq);
	self->reader.id = late;
	block_reader();
	end_workers();
	EXPECT_EQ(1, mmun_query_range(late).out_in_tree);
	EXPECT_EQ(0, mmun_query_range(late).out_invalidations);
}

/*
 * No range covers the page, so the sequence of the mm is even.  The core
 * inserts a new range into the tree at once, and makes the sequence odd.
 */
TEST_F(hold, insert_while_even_is_in_the_tree_and_its_reader_waits)
{
	__u64 seq = mmun_query_range(self->id).out_seq;
	__u32 late;

	hold_dontneed(FREE_PAGE, MMUN_POINT_START, 0);
	EXPECT_EQ(seq, mmun_query_range(self->id).out_seq);
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->id)));
	late = mmun_insert(self->map, self->page);
	EXPECT_EQ(1, mmun_query_range(late).out_in_tree);
	EXPECT_EQ(seq + 2, mmun_query_range(late).out_seq);
	self->reader.id = late;
	block_reader();
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->id)));
}

TEST_F(hold, remove_while_odd_waits_for_the_end)
{
	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	self->other.id = self->near;
	block_worker(&self->other, job_remove, MMUN_REMOVE);
}

TEST_F(hold, remove_of_a_deferred_insert_does_not_wait)
{
	__u32 late;

	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	late = mmun_insert(self->map, self->page);
	EXPECT_EQ(0, mmun_query_range(late).out_in_tree);
	mmun_remove(late);
}

TEST_F(hold, remove_while_the_sequence_is_even_does_not_wait)
{
	hold_dontneed(FREE_PAGE, MMUN_POINT_START, 0);
	mmun_remove(self->near);
}

TEST_F(hold, remove_does_not_wait_for_an_armed_hold)
{
	__u32 at = arm_dontneed(1, MMUN_POINT_ENTER, self->id), twin;

	mmun_remove(self->id);
	mmun_err_hold(ENOENT, MMUN_POINT_ENTER, self->id, self->mutator.tid);
	twin = mmun_insert(self->map, mmun_pages(RANGE_PAGES));
	EXPECT_NE(self->id, twin);
	worker_go(&self->mutator);
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_EQ(1, mmun_query_range(twin).out_invalidations);
	expect_armed(at);
	EXPECT_EQ(0, mmun_resume_end(at));
}

/* Two invalidations at once */

HOLD_FIXTURE(hold_two)

FIXTURE_VARIANT(hold_two)
{
	int first; /* number of the mutator that is resumed first */
	__u32 point;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(hold_two, leave_fifo) { 0, MMUN_POINT_LEAVE };
FIXTURE_VARIANT_ADD(hold_two, leave_lifo) { 1, MMUN_POINT_LEAVE };
FIXTURE_VARIANT_ADD(hold_two, start_fifo) { 0, MMUN_POINT_START };
FIXTURE_VARIANT_ADD(hold_two, start_lifo) { 1, MMUN_POINT_START };
/* clang-format on */

/*
 *	mutator 0	mutator 1	reader
 *	held
 *			held
 *					begin: waits
 *	resumed, or mutator 1
 *					still waits
 *			resumed
 *					returns
 */
TEST_F(hold_two, reader_waits_for_the_last_of_two_invalidations)
{
	struct worker *mutator[] = { &self->mutator, &self->other };

	for (int i = 0; i < 2; i++)
		hold_worker(mutator[i], job_dontneed, i, variant->point,
			    self->id);
	EXPECT_EQ(2, mmun_query_range(self->id).out_invalidations);
	block_reader();
	end_worker(mutator[variant->first]);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	expect_balance(0);
	end_workers();
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	expect_balance(1);
}

TEST_F(hold_two, one_hold_stops_both_threads)
{
	struct worker *mutator[] = { &self->mutator, &self->other };
	struct mmun_record r = {};
	__u32 at;

	mmun_log_setup(16, 1U << MMUN_RECORD_HELD);
	at = hold_for(MMUN_HOLD_MS, .point = variant->point, .count = 2);
	for (int i = 0; i < 2; i++) {
		run_worker(mutator[i], job_dontneed, i);
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_HELD, &r));
		EXPECT_EQ(mutator[i]->tid, r.tid);
	}
	EXPECT_EQ(mutator[0]->tid, mmun_wait_held(at).out_tid);
	EXPECT_EQ(2, mmun_resume(at));
}

/* Memory */

TEST_F(hold, one_hold_too_many_is_enospc)
{
	__u32 at[64];

	for (int i = 0; i < 64; i++)
		at[i] = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	mmun_err_hold(ENOSPC, MMUN_POINT_ENTER, 0, mmun_gettid());
	mmun_resume_end(at[17]);
	EXPECT_LT(at[63], mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid()));
}

TEST_F(hold, memory_is_freed_when_the_context_is_closed)
{
	__u64 before = mmun_objects_with_lists(!!MMUN_IS_LIST), idle;
	int other = mmun_open();
	__u32 hold;

	ASSERT_LE(0, other);
	idle = mmun_query_context().out_objects;
	for (int i = 0; i < 64; i++)
		ASSERT_EQ(0, _mmun_hold_once(other, i % 5, 0, mmun_gettid(),
					     &hold));
	EXPECT_LT(idle, mmun_query_context().out_objects);
	EXPECT_EQ(0, close(other));
	EXPECT_EQ(before, mmun_query_context().out_objects);
}

/* Records */

TEST_F(hold, record_reports_the_held_task)
{
	struct mmun_record r = {};

	mmun_log_setup(16, 1U << MMUN_RECORD_HELD);
	hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_HELD, &r));
	EXPECT_EQ(self->mutator.hold, r.id);
	EXPECT_EQ(self->mutator.tid, r.tid);
	EXPECT_EQ(MMUN_EVENT_CLEAR, r.event);
	EXPECT_EQ(1, r.cur_seq & 1);
	EXPECT_EQ(MMUN_RECORD_BLOCKABLE, r.flags);
	EXPECT_EQ(mmun_u64(mmun_page(1)), r.start);
	EXPECT_EQ(mmun_u64(mmun_page(2)), r.end);
	EXPECT_EQ(r.start, r.clip_start);
	EXPECT_EQ(r.end, r.clip_end);
	end_workers();
	mmun_expect_no_event();
}

TEST_F(hold, start_and_end_are_logged_after_the_first_hold_at_end)
{
	static const __u16 types[] = {
		MMUN_RECORD_INVALIDATE, MMUN_RECORD_START, MMUN_RECORD_END,
		MMUN_RECORD_INVALIDATE, MMUN_RECORD_START, MMUN_RECORD_END,
	};
	struct mmun_record r;

	mmun_log_setup(16, 1U << MMUN_RECORD_START | 1U << MMUN_RECORD_END |
				   1U << MMUN_RECORD_INVALIDATE);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	mmun_resume_end(mmun_hold(MMUN_POINT_END, 0, mmun_gettid()));
	ASSERT_EQ(0, madvise(mmun_page(FREE_PAGE), self->page, MADV_DONTNEED));
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	for (int i = 0; i < 6; i++) {
		ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		EXPECT_EQ(types[i], r.type);
		EXPECT_EQ(MMUN_EVENT_CLEAR, r.event);
	}
	EXPECT_EQ(0, r.id);
	EXPECT_EQ(0, r.cur_seq);
	EXPECT_EQ(mmun_u64(self->map), r.start);
	EXPECT_EQ(mmun_u64(mmun_page(1)), r.end);
	mmun_expect_no_event();
}

TEST_F(hold, is_not_logged_by_default)
{
	hold_dontneed(FREE_PAGE, MMUN_POINT_START, 0);
	end_workers();
	mmun_expect_no_event();
}

/* Threads that cannot be held */

TEST_F(hold, arrival_in_reclaim_is_missed)
{
	struct mmun_wait_held held;
	__u32 at;

	ASSERT_EQ(0, mmun_write_lazily_freed(self->map, self->page));
	at = mmun_hold(MMUN_POINT_ENTER, self->id, mmun_gettid());
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_PAGEOUT));
	held = mmun_wait_held_ms(at, 0);
	EXPECT_EQ(MMUN_HOLD_MISSED, held.out_state);
	EXPECT_EQ(MMUN_EVENT_CLEAR, held.out_event);
	EXPECT_EQ(self->id, held.out_id);
	EXPECT_EQ(mmun_gettid(), held.out_tid);
}

/*
 * Both holds, `at` and `late`, miss the second arrival.  Only `at` misses the
 * first arrival.
 */
TEST_F(hold, wait_ends_at_a_miss_even_if_another_hold_misses_too)
{
	struct timespec then;
	__u32 at, late;

	ASSERT_EQ(0, mmun_write_lazily_freed(self->map, mmun_pages(2)));
	late = hold_for(MMUN_HOLD_MS, .point = MMUN_POINT_ENTER, .id = self->id,
			.skip = 1, .tid = mmun_gettid());
	at = mmun_hold(MMUN_POINT_ENTER, self->id, mmun_gettid());
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_PAGEOUT));
	ASSERT_EQ(MMUN_HOLD_MISSED, mmun_hold_state(at));
	ASSERT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(late));
	self->other.id = late;
	worker_do(&self->other, job_wait_held);
	mmun_quiesce_one(self->other.tid);
	then = mmun_now();
	ASSERT_EQ(0, madvise(mmun_page(1), self->page, MADV_PAGEOUT));
	end_workers();
	EXPECT_GT(MMUN_HOLD_MS / 2, ms_since(&then));
}

/* Thread 2 is kthreadd, a kernel thread. */
TEST_F(hold, of_a_kernel_thread_is_eperm)
{
	__u32 woken;

	mmun_err_hold(EPERM, MMUN_POINT_ENTER, 0, 2);
	EXPECT_ERRNO(EPERM, _mmun_wake_thread(self->fd, 2, 1, &woken));
}

TEST_F(hold, of_an_exited_thread_is_enoent)
{
	const pid_t tid = self->other.tid;
	__u32 woken;

	worker_do(&self->other, job_nothing);
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_EQ(MMUN_TASK_GONE, mmun_quiesce_one(tid).state);
	mmun_err_hold(ENOENT, MMUN_POINT_ENTER, 0, tid);
	EXPECT_ERRNO(ENOENT, _mmun_wake_thread(self->fd, tid, 1, &woken));
}

TEST_F(hold, of_any_thread_does_not_stop_a_kernel_thread)
{
	struct mmun_wait_held held;
	struct ksm ksm;
	__u32 at;

	memset(self->map, 7, mmun_pages(2));
	at = mmun_hold(MMUN_POINT_ENTER, self->id, 0);
	if (madvise(self->map, mmun_pages(2), MADV_MERGEABLE) ||
	    ksm_start(&ksm))
		SKIP(return, "no page merging: set CONFIG_KSM");
	do {
		held = mmun_wait_held_ms(at, 0);
	} while (held.out_state == MMUN_HOLD_ARMED && !ksm_is_through(&ksm));
	EXPECT_EQ(0, ksm_restore(&ksm));
	EXPECT_EQ(MMUN_HOLD_MISSED, held.out_state)
	{
		TH_LOG(KSM_MERGED_NOTHING);
	}
	EXPECT_EQ(MMUN_EVENT_CLEAR, held.out_event);
	EXPECT_NE(0, held.out_tid);
	EXPECT_EQ(0, mmun_resume_end(at));
}

/* The tests below close the context, which resumes its held tasks. */

/* Functions that a child executes.  Only the child has a descriptor. */

static int order_hold(void *fd, int tid)
{
	__u32 hold;

	return _mmun_hold_once(*(int *)fd, MMUN_POINT_LEAVE, 0, tid, &hold) ?:
		       (int)hold;
}

static int order_wait_held(void *fd, int at)
{
	struct mmun_wait_held held;

	return _mmun_wait_held(*(int *)fd, at, MMUN_HOLD_MS, &held) ?:
		       (int)held.out_state;
}

TEST_F(hold, ends_when_the_process_that_armed_it_is_killed)
{
	struct timespec then = mmun_now();
	struct mmun_child child;
	int at, fd = self->fd;

	plan_worker(&self->mutator, job_dontneed, 1);
	ASSERT_EQ(0, mmun_child_start(&child, &fd));
	close(self->fd);
	at = mmun_child_do(&child, order_hold, self->mutator.tid);
	ASSERT_LT(0, at);
	worker_go(&self->mutator);
	ASSERT_EQ(MMUN_HOLD_HELD, mmun_child_do(&child, order_wait_held, at));
	ASSERT_EQ(0, mmun_child_signal(&child, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, mmun_child_wait(&child));
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	self->fd = mmun_open();
	expect_balance(1);
}

HOLD_FIXTURE(hold_close)

AT_EACH_POINT(hold_close);

TEST_F(hold_close, resumes_the_held_task)
{
	struct timespec then = mmun_now();

	hold_dontneed(1, variant->point, self->id);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	self->fd = mmun_open();
	expect_balance(1);
	EXPECT_EQ(0, present(1));
}

MMUN_HARNESS_MAIN
