// SPDX-License-Identifier: GPL-2.0
/*
 * Holds: a task stops at a named point of an invalidation, and what is to be
 * seen there; who can be stopped, by whom, and for how long.
 */
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "lib/worker.h"

/*
 *   0   1   2   3   4   5   6   7
 *   |-----range-----|-near--|       all of them written
 */
#define PAGES		8
#define RANGE_PAGES	4
#define NEAR		4	/* first page of the neighbour */
#define FREE		6	/* first page that nobody watches */

/* In the environment of what a victim becomes */
#define EXEC		"MMUN_HOLD_TEST_EXEC"
#define EXEC_OK		42

/*
 * All of them start before anybody is held: who is may have mmap_lock, which a
 * new thread needs.
 */
static int worker_start(struct worker *worker, int fd, char *map, __u32 id)
{
	worker->fd = fd;
	worker->map = map;
	worker->id = id;
	return worker_create(worker);
}

/* Tell it what to do; returns its thread ID. */
static pid_t worker_plan(struct worker *worker, int (*job)(struct worker *),
			 int nr)
{
	worker->job = job;
	worker->nr = nr;
	return worker->tid;
}

static void worker_go(struct worker *worker)
{
	sem_post(&worker->go);
}

/* Jobs */

static char *worker_page(struct worker *worker)
{
	return worker->map + worker->nr * sysconf(_SC_PAGESIZE);
}

static int job_dontneed(struct worker *worker)
{
	return madvise(worker_page(worker), sysconf(_SC_PAGESIZE),
		       MADV_DONTNEED);
}

/* One invalidation for each of the range's pages */
static int job_dontneed_each(struct worker *worker)
{
	for (worker->nr = 0; worker->nr < RANGE_PAGES; worker->nr++)
		if (job_dontneed(worker))
			return -1;
	return 0;
}

static int job_munmap(struct worker *worker)
{
	return munmap(worker_page(worker), sysconf(_SC_PAGESIZE));
}

static int job_collect(struct worker *worker)
{
	__u32 valid;

	return _mmun_collect(worker->fd, worker->token, worker_page(worker),
			     sysconf(_SC_PAGESIZE), MMUN_METHOD_GUP,
			     MMUN_WRITE, &valid);
}

static int job_probe(struct worker *worker)
{
	struct mmun_check_balance probe;

	if (_mmun_check_balance(worker->fd, MMUN_HOLD_MS, &probe))
		return -1;
	return probe.out_balanced;
}

static int job_mrelease(struct worker *worker)
{
	return syscall(SYS_process_mrelease, worker->nr, 0);
}

static atomic_int spin;

static int job_spin(struct worker *worker)
{
	while (spin)
		;
	return 0;
}

static int job_nothing(struct worker *worker)
{
	return 0;
}

FIXTURE(hold)
{
	int fd;
	size_t page;
	char *map;
	__u32 id;
	__u32 near;
	struct worker mutator;
	struct worker other;
	struct worker reader;
};

#define start_worker(_worker)                                             \
	ASSERT_EQ(0, worker_start(_worker, self->fd, self->map, self->id))

FIXTURE_SETUP(hold)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_map_filled(mmun_arena(PAGES), PAGES);
	ASSERT_NE(NULL, self->map);
	self->id = mmun_insert(self->map, RANGE_PAGES * self->page);
	self->near = mmun_insert(self->map + NEAR * self->page,
				 2 * self->page);
	start_worker(&self->mutator);
	start_worker(&self->other);
	start_worker(&self->reader);
}

/* Whoever is held by a test that failed is let go. */
FIXTURE_TEARDOWN(hold)
{
	EXPECT_EQ(0, close(self->fd));
}

/* Hold @_worker, which is to do @_job on page @_nr, at @_point of @_id. */
#define hold_worker(_worker, _job, _nr, _point, _id)                      \
	({                                                                \
		pid_t __tid = worker_plan(_worker, _job, _nr);            \
		__u32 __at = mmun_hold(_point, _id, __tid);               \
		worker_go(_worker);                                       \
		mmun_wait_held(__at);                                     \
		__at;                                                     \
	})

#define hold_dontneed(_nr, _point, _id) \
	hold_worker(&self->mutator, job_dontneed, _nr, _point, _id)

/* Let it go; it was held for the last time and goes on to the end. */
#define let_go(_worker, _hold)                                            \
	do {                                                              \
		EXPECT_EQ(1, mmun_resume(_hold));                        \
		EXPECT_EQ(0, worker_join(_worker));                       \
		mmun_err_resume(ENOENT, _hold);                          \
	} while (0)

/* Have a worker do it at once. */
#define run_worker(_worker, _job, _nr)                                    \
	do {                                                              \
		worker_plan(_worker, _job, _nr);                          \
		worker_go(_worker);                                       \
	} while (0)

/* The worker is in a call of the device and gets no further. */
#define expect_blocked_in(_worker, _cmd)                                  \
	do {                                                              \
		struct mmun_task __t = mmun_quiesce_one((_worker)->tid);  \
		EXPECT_EQ(MMUN_TASK_BLOCKED, __t.state);                  \
		EXPECT_EQ(SYS_ioctl, __t.syscall);                        \
		EXPECT_EQ(_cmd, __t.arg);                                 \
	} while (0)

/* The thread sleeps, and it is held. */
#define expect_held(_tid, _hold)                                          \
	do {                                                              \
		EXPECT_EQ(MMUN_TASK_BLOCKED, mmun_quiesce_one(_tid).state); \
		EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(_hold));        \
	} while (0)

#define expect_shadow(_nr, _there)                                        \
	do {                                                              \
		__u64 __done;                                             \
		char __c;                                                 \
		EXPECT_EQ((_there) ? 0 : -1,                              \
			  _mmun_access(self->fd, self->id,                \
				       self->map + (_nr) * self->page, 1, \
				       &__c, 0, &__done));                \
	} while (0)

static bool present(const char *p)
{
	return mmun_pagemap(p) >> 63;
}

#define snapshot_range()                                                  \
	EXPECT_EQ(RANGE_PAGES, mmun_snapshot(self->id, self->map,         \
					     RANGE_PAGES * self->page,    \
					     MMUN_METHOD_GUP, 0, NULL))

/* The points, in the order in which an invalidation comes to them. */

TEST_F(hold, at_enter_nothing_is_done_yet)
{
	char *page = self->map + self->page;
	struct mmun_wait_held held;
	__u64 seq;
	__u32 at;

	snapshot_range();
	seq = mmun_query_range(self->id).out_seq;
	at = hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	held = mmun_wait_held(at);
	EXPECT_EQ(self->mutator.tid, held.out_tid);
	EXPECT_EQ(MMUN_EVENT_CLEAR, held.out_event);
	EXPECT_EQ(self->id, held.out_id);
	EXPECT_EQ(mmun_u64(page), held.out_start);
	EXPECT_EQ(mmun_u64(page) + self->page, held.out_end);
	EXPECT_EQ(seq, mmun_query_range(self->id).out_seq);
	EXPECT_EQ(0, mmun_query_range(self->id).out_invalidations);
	expect_shadow(1, true);
	EXPECT_EQ(true, present(page));
	let_go(&self->mutator, at);
	EXPECT_EQ(false, present(page));
	expect_shadow(1, false);
}

TEST_F(hold, at_leave_the_callback_is_done_and_the_page_still_there)
{
	char *page = self->map + self->page;
	struct mmun_record r;
	__u32 at;

	snapshot_range();
	at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	r = mmun_expect_event(self->id, MMUN_EVENT_CLEAR, page, self->page);
	EXPECT_EQ(r.cur_seq, mmun_query_range(self->id).out_seq);
	EXPECT_EQ(1, mmun_query_range(self->id).out_invalidations);
	expect_shadow(1, false);
	expect_shadow(2, true);
	EXPECT_EQ(true, present(page));
	let_go(&self->mutator, at);
	EXPECT_EQ(false, present(page));
}

/*
 *   0   1   2   3
 *   |-----range-----|
 *       |twin|
 */
TEST_F(hold, at_start_all_callbacks_are_done_and_the_page_still_there)
{
	char *page = self->map + self->page;
	__u32 twin = mmun_insert(page, self->page);
	__u32 at = hold_dontneed(1, MMUN_POINT_START, self->id);

	EXPECT_EQ(1, mmun_query_range(self->id).out_invalidations);
	EXPECT_EQ(1, mmun_query_range(twin).out_invalidations);
	EXPECT_EQ(mmun_query_range(twin).out_seq,
		  mmun_query_range(self->id).out_seq);
	EXPECT_EQ(true, present(page));
	run_worker(&self->reader, job_begin, 0);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(false, present(page));
}

TEST_F(hold, at_end_the_page_is_gone_and_readers_do_not_wait)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_END, self->id);

	EXPECT_EQ(false, present(self->map + self->page));
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->id)));
	EXPECT_EQ(1, mmun_check_balance(0));
	let_go(&self->mutator, at);
}

TEST_F(hold, at_enter_a_reader_does_not_wait_and_collides_afterwards)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	struct mmun_token token = mmun_read_begin(self->id);

	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	let_go(&self->mutator, at);
	EXPECT_EQ(1, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(1, mmun_commit(token));
}

TEST_F(hold, at_leave_a_reader_waits_for_the_end_and_does_not_collide)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);

	run_worker(&self->reader, job_begin, 0);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
}

/* A collection for writing replaces the zero page, and is held as it does. */
TEST_F(hold, batch_that_a_call_works_on_is_not_found_by_another_call)
{
	struct mmun_token token = mmun_read_begin(self->id);
	__u32 at;

	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	ASSERT_EQ(0, self->map[0]);
	self->reader.token = token;
	at = hold_worker(&self->reader, job_collect, 0, MMUN_POINT_ENTER,
			 self->id);
	expect_blocked_in(&self->reader, MMUN_COLLECT);
	EXPECT_EQ(0, mmun_query_context().out_batches);
	mmun_err_commit(ENOENT, token);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token));
	let_go(&self->reader, at);
	EXPECT_EQ(1, mmun_query_context().out_batches);
	EXPECT_EQ(1, mmun_commit(token));
}

TEST_F(hold, of_one_range_does_not_delay_a_reader_of_another)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);

	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->near)));
	let_go(&self->mutator, at);
}

TEST_F(hold, one_passage_of_each_point_in_order)
{
	static const __u32 points[] = {
		MMUN_POINT_ENTER, MMUN_POINT_LEAVE,
		MMUN_POINT_START, MMUN_POINT_END,
	};
	__u32 at[4];
	int i, j;

	worker_plan(&self->mutator, job_dontneed, 1);
	for (i = 3; i >= 0; i--)
		at[i] = mmun_hold(points[i], 0, self->mutator.tid);
	worker_go(&self->mutator);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(i < 2 ? self->id : 0, mmun_wait_held(at[i]).out_id);
		for (j = i + 1; j < 4; j++)
			EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at[j]));
		EXPECT_EQ(1, mmun_resume(at[i]));
	}
	EXPECT_EQ(0, worker_join(&self->mutator));
}

/* Which passages. */

TEST_F(hold, of_a_range_is_passed_by_the_callbacks_of_others)
{
	__u32 at;

	worker_plan(&self->mutator, job_dontneed, NEAR);
	at = mmun_hold(MMUN_POINT_ENTER, self->id, self->mutator.tid);
	worker_go(&self->mutator);
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at));
	EXPECT_EQ(1, mmun_query_range(self->near).out_invalidations);
}

TEST_F(hold, at_start_of_a_range_is_passed_by_invalidations_that_miss_it)
{
	__u32 at, all;

	worker_plan(&self->mutator, job_dontneed, RANGE_PAGES);
	at = mmun_hold(MMUN_POINT_START, self->id, self->mutator.tid);
	all = mmun_hold(MMUN_POINT_START, 0, self->mutator.tid);
	worker_go(&self->mutator);
	mmun_wait_held(all);
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at));
	let_go(&self->mutator, all);
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at));
}

TEST_F(hold, of_any_range_stops_at_each_that_is_hit)
{
	struct mmun_hold hold = { .point = MMUN_POINT_ENTER, .count = 2 };
	__u32 twin = mmun_insert(self->map, self->page), first, second;

	hold.tid = worker_plan(&self->mutator, job_dontneed, 0);
	hold.timeout_ms = MMUN_HOLD_MS;
	ASSERT_EQ(0, _mmun_hold(self->fd, &hold));
	worker_go(&self->mutator);
	first = mmun_wait_held(hold.out_hold).out_id;
	EXPECT_EQ(1, mmun_resume(hold.out_hold));
	second = mmun_wait_held(hold.out_hold).out_id;
	EXPECT_EQ(self->id + twin, first + second);
	EXPECT_NE(first, second);
	let_go(&self->mutator, hold.out_hold);
}

TEST_F(hold, of_a_thread_is_passed_by_other_threads)
{
	__u32 at;

	worker_plan(&self->mutator, job_dontneed, 0);
	at = mmun_hold(MMUN_POINT_ENTER, self->id, self->mutator.tid);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at));
	worker_go(&self->mutator);
	mmun_wait_held(at);
	let_go(&self->mutator, at);
}

TEST_F(hold, of_any_thread_stops_whoever_comes)
{
	__u32 at = mmun_hold(MMUN_POINT_ENTER, self->id, 0);

	run_worker(&self->mutator, job_dontneed, 0);
	EXPECT_EQ(self->mutator.tid, mmun_wait_held(at).out_tid);
	let_go(&self->mutator, at);
}

TEST_F(hold, skips_and_counts_passages)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_ENTER,
		.id = self->id,
		.skip = 1,
		.count = 2,
		.timeout_ms = MMUN_HOLD_MS,
	};
	int i;

	hold.tid = worker_plan(&self->mutator, job_dontneed_each, 0);
	ASSERT_EQ(0, _mmun_hold(self->fd, &hold));
	worker_go(&self->mutator);
	for (i = 1; i <= 2; i++) {
		EXPECT_EQ(mmun_u64(self->map) + i * self->page,
			  mmun_wait_held(hold.out_hold).out_start);
		EXPECT_EQ(i, mmun_query_range(self->id).out_invalidations);
		EXPECT_EQ(1, mmun_resume(hold.out_hold));
	}
	EXPECT_EQ(0, worker_join(&self->mutator));
	mmun_err_wait_held(ENOENT, hold.out_hold);
}

TEST_F(hold, resume_end_drops_the_passages_that_are_left)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_ENTER,
		.count = 4,
		.timeout_ms = MMUN_HOLD_MS,
	};

	hold.tid = worker_plan(&self->mutator, job_dontneed_each, 0);
	ASSERT_EQ(0, _mmun_hold(self->fd, &hold));
	worker_go(&self->mutator);
	mmun_wait_held(hold.out_hold);
	EXPECT_EQ(1, mmun_resume_end(hold.out_hold));
	EXPECT_EQ(0, worker_join(&self->mutator));
	mmun_err_resume(ENOENT, hold.out_hold);
}

TEST_F(hold, resume_without_a_held_task_keeps_the_hold_armed)
{
	__u32 at;

	worker_plan(&self->mutator, job_dontneed, 0);
	at = mmun_hold(MMUN_POINT_ENTER, self->id, self->mutator.tid);
	EXPECT_EQ(0, mmun_resume(at));
	worker_go(&self->mutator);
	mmun_wait_held(at);
	let_go(&self->mutator, at);
}

TEST_F(hold, several_on_one_passage_stop_it_one_after_the_other)
{
	__u32 first, second;

	worker_plan(&self->mutator, job_dontneed, 0);
	first = mmun_hold(MMUN_POINT_ENTER, self->id, self->mutator.tid);
	second = mmun_hold(MMUN_POINT_ENTER, self->id, self->mutator.tid);
	worker_go(&self->mutator);
	mmun_wait_held(first);
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(second));
	EXPECT_EQ(1, mmun_resume(first));
	mmun_wait_held(second);
	let_go(&self->mutator, second);
}

/* Two at once. */

FIXTURE(hold_two)
{
	int fd;
	size_t page;
	char *map;
	__u32 id;
	struct worker worker[2];
	struct worker reader;
};

FIXTURE_VARIANT(hold_two)
{
	int first;	/* to be let go */
	__u32 point;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(hold_two, leave_fifo) {
	.first = 0, .point = MMUN_POINT_LEAVE,
};

FIXTURE_VARIANT_ADD(hold_two, leave_lifo) {
	.first = 1, .point = MMUN_POINT_LEAVE,
};

FIXTURE_VARIANT_ADD(hold_two, start_fifo) {
	.first = 0, .point = MMUN_POINT_START,
};

FIXTURE_VARIANT_ADD(hold_two, start_lifo) {
	.first = 1, .point = MMUN_POINT_START,
};
/* clang-format on */

FIXTURE_SETUP(hold_two)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_map_filled(mmun_arena(PAGES), PAGES);
	ASSERT_NE(NULL, self->map);
	self->id = mmun_insert(self->map, RANGE_PAGES * self->page);
	start_worker(&self->worker[0]);
	start_worker(&self->worker[1]);
	start_worker(&self->reader);
}

FIXTURE_TEARDOWN(hold_two)
{
	EXPECT_EQ(0, close(self->fd));
}

/*
 *	mutator 0	mutator 1	reader
 *	held
 *			held
 *					begin: waits
 *	let go, or the other one
 *					still waits
 *			let go
 *					returns
 */
TEST_F(hold_two, reader_waits_for_the_last_of_two_invalidations)
{
	int i, first = variant->first;
	__u32 at[2];

	for (i = 0; i < 2; i++)
		at[i] = hold_worker(&self->worker[i], job_dontneed, i,
				    variant->point, self->id);
	EXPECT_EQ(2, mmun_query_range(self->id).out_invalidations);
	run_worker(&self->reader, job_begin, 0);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	let_go(&self->worker[first], at[first]);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	EXPECT_EQ(0, mmun_check_balance(0));
	let_go(&self->worker[!first], at[!first]);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(hold_two, one_hold_of_any_thread_can_hold_both)
{
	struct mmun_hold hold = {
		.point = variant->point,
		.count = 2,
		.timeout_ms = MMUN_HOLD_MS,
	};
	struct mmun_record r = {};
	int i;

	mmun_log_setup(16, 1U << MMUN_RECORD_HELD);
	ASSERT_EQ(0, _mmun_hold(self->fd, &hold));
	for (i = 0; i < 2; i++) {
		run_worker(&self->worker[i], job_dontneed, i);
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_HELD, &r));
		EXPECT_EQ(self->worker[i].tid, r.tid);
	}
	EXPECT_EQ(self->worker[0].tid, mmun_wait_held(hold.out_hold).out_tid);
	EXPECT_EQ(2, mmun_resume(hold.out_hold));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, worker_join(&self->worker[i]));
}

/* What waits for the end, and what does not. */

TEST_F(hold, insert_while_odd_is_deferred_and_its_reader_waits)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	__u32 late = mmun_insert(self->map, self->page);

	EXPECT_EQ(0, mmun_query_range(late).out_in_tree);
	EXPECT_EQ(1, mmun_query_range(self->id).out_in_tree);
	EXPECT_EQ(mmun_query_range(self->id).out_seq,
		  mmun_query_range(late).out_seq);
	self->reader.id = late;
	run_worker(&self->reader, job_begin, 0);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(1, mmun_query_range(late).out_in_tree);
	EXPECT_EQ(0, mmun_query_range(late).out_invalidations);
}

/*
 * Nobody watches the page, so the sequence is even: an insert gets in at once,
 * and makes it odd.
 */
TEST_F(hold, insert_while_even_is_in_the_tree_and_its_reader_waits)
{
	__u32 at = hold_dontneed(FREE, MMUN_POINT_START, 0);
	__u64 seq = mmun_query_range(self->id).out_seq;
	__u32 late;

	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->id)));
	late = mmun_insert(self->map, self->page);
	EXPECT_EQ(1, mmun_query_range(late).out_in_tree);
	EXPECT_EQ(seq + 2, mmun_query_range(late).out_seq);
	self->reader.id = late;
	run_worker(&self->reader, job_begin, 0);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->id)));
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->reader));
}

TEST_F(hold, remove_while_odd_waits_for_the_end)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);

	self->other.id = self->near;
	run_worker(&self->other, job_remove, 0);
	expect_blocked_in(&self->other, MMUN_REMOVE);
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->other));
}

TEST_F(hold, remove_of_a_deferred_insert_does_not_wait)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	__u32 late = mmun_insert(self->map, self->page);

	EXPECT_EQ(0, mmun_query_range(late).out_in_tree);
	mmun_remove(late);
	let_go(&self->mutator, at);
}

TEST_F(hold, remove_while_even_does_not_wait)
{
	__u32 at = hold_dontneed(FREE, MMUN_POINT_START, 0);

	mmun_remove(self->near);
	let_go(&self->mutator, at);
}

TEST_F(hold, remove_is_not_delayed_by_a_hold_that_nobody_came_to)
{
	__u32 at, twin;

	worker_plan(&self->mutator, job_dontneed, 1);
	at = mmun_hold(MMUN_POINT_ENTER, self->id, self->mutator.tid);
	mmun_remove(self->id);
	mmun_err_hold(ENOENT, MMUN_POINT_ENTER, self->id, self->mutator.tid);
	twin = mmun_insert(self->map, RANGE_PAGES * self->page);
	EXPECT_NE(self->id, twin);
	worker_go(&self->mutator);
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_EQ(1, mmun_query_range(twin).out_invalidations);
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at));
	EXPECT_EQ(0, mmun_resume_end(at));
}

TEST_F(hold, at_start_of_a_range_that_was_removed_never_happens)
{
	__u32 at;

	worker_plan(&self->mutator, job_dontneed, 1);
	at = mmun_hold(MMUN_POINT_START, self->id, self->mutator.tid);
	mmun_remove(self->id);
	worker_go(&self->mutator);
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at));
}

TEST_F(hold, munmap_is_held_before_its_pages_go_and_faults_wait_for_nothing)
{
	char *page = self->map + self->page;
	__u32 at = hold_worker(&self->mutator, job_munmap, 1, MMUN_POINT_ENTER,
			       self->id);

	EXPECT_EQ(MMUN_EVENT_UNMAP, mmun_wait_held(at).out_event);
	EXPECT_EQ(SYS_munmap, mmun_quiesce_one(self->mutator.tid).syscall);
	EXPECT_EQ(3, self->map[2 * self->page]);
	let_go(&self->mutator, at);
	EXPECT_EQ(-1, msync(page, self->page, MS_ASYNC));
}

/* Time. */

/* Hold at most @_ms. */
#define short_hold(_ms, _tid)                                             \
	({                                                                \
		struct mmun_hold __hold = {                               \
			.point = MMUN_POINT_LEAVE,                        \
			.tid = _tid,                                      \
			.timeout_ms = _ms,                                \
		};                                                        \
		ASSERT_EQ(0, _mmun_hold(self->fd, &__hold));              \
		__hold.out_hold;                                          \
	})

TEST_F(hold, is_over_when_its_time_is)
{
	struct mmun_wait_held held;
	struct timespec then;
	__u32 at;

	worker_plan(&self->mutator, job_dontneed, 1);
	clock_gettime(CLOCK_MONOTONIC, &then);
	at = short_hold(50, self->mutator.tid);
	worker_go(&self->mutator);
	EXPECT_EQ(0, worker_join(&self->mutator));
	/* It is counted in ticks, the first of which may be half over. */
	EXPECT_LE(30, ms_since(&then));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	ASSERT_EQ(0, _mmun_wait_held(self->fd, at, MMUN_HOLD_MS, &held));
	EXPECT_EQ(MMUN_HOLD_OVER, held.out_state);
	EXPECT_EQ(0, held.out_tid);
	EXPECT_EQ(0, mmun_resume(at));
	mmun_err_resume(ENOENT, at);
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(hold, has_one_time_for_all_its_passages)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_ENTER,
		.count = 4,
		.timeout_ms = 200,
	};
	struct timespec then;

	hold.tid = worker_plan(&self->mutator, job_dontneed_each, 0);
	clock_gettime(CLOCK_MONOTONIC, &then);
	ASSERT_EQ(0, _mmun_hold(self->fd, &hold));
	worker_go(&self->mutator);
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_GT(800, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(hold.out_hold));
}

/* What the module parameter says, or 0; then sets it. */
static unsigned int set_max_hold_ms(unsigned int ms)
{
	int fd = open("/sys/module/test_mmun/parameters/max_hold_ms",
		      O_RDWR | O_CLOEXEC);
	char text[16] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ||
	    dprintf(fd, "%u", ms) < 0)
		*text = '\0';
	close(fd);
	return atoi(text);
}

static int job_dontneed_two(struct worker *worker)
{
	return madvise(worker_page(worker), 2 * sysconf(_SC_PAGESIZE),
		       MADV_DONTNEED);
}

/*
 * One invalidation comes to a hold of one context, and then to a hold of
 * another one that was armed meanwhile.  Returns its milliseconds.
 *
 *	time	0 ..... 700 ... 1000 ......... 1700
 *	first	|---------------|
 *	second	        |- - - - - - - - - - - - |	armed, and void
 */
static long invalidate_through_two_holds(struct __test_metadata *_metadata,
					 FIXTURE_DATA(hold) *self, int fd)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_ENTER,
		.timeout_ms = 3000,
	};
	struct worker mutator = { };
	struct mmun_wait_held held;
	struct timespec then;
	long ms;

	EXPECT_EQ(0, worker_start(&mutator, self->fd, self->map, self->id));
	hold.tid = worker_plan(&mutator, job_dontneed_two, 1);
	/* The time of the mm ends the first hold, and not that of the hold. */
	set_max_hold_ms(3000);
	EXPECT_EQ(0, _mmun_hold(self->fd, &hold));
	EXPECT_EQ(3000, set_max_hold_ms(1000));
	hold.timeout_ms = 1000;
	clock_gettime(CLOCK_MONOTONIC, &then);
	worker_go(&mutator);
	EXPECT_EQ(0, _mmun_wait_held(self->fd, hold.out_hold, 1000, &held));
	EXPECT_EQ(MMUN_HOLD_HELD, held.out_state);
	/* Time has to pass, and nothing to happen in it. */
	poll(NULL, 0, 700);
	EXPECT_EQ(0, _mmun_hold(fd, &hold));
	EXPECT_EQ(0, worker_join(&mutator));
	ms = ms_since(&then);
	EXPECT_LE(950, ms);
	return ms;
}

TEST_F(hold, all_of_an_mm_share_one_limit)
{
	unsigned int before = set_max_hold_ms(1000);
	int fd = mmun_open();
	__u32 id;

	EXPECT_EQ(1000, mmun_info().out_max_hold_ms);
	EXPECT_EQ(0, _mmun_insert(fd, self->map + 2 * self->page, self->page,
				  &id));
	EXPECT_GT(1500, invalidate_through_two_holds(_metadata, self, fd));
	EXPECT_EQ(1000, set_max_hold_ms(before));
	EXPECT_EQ(0, close(fd));
}

/* The milliseconds of an invalidation that nothing else delays: the least of three */
static long fastest_dontneed(char *at, size_t length)
{
	struct timespec then;
	long ms, least = LONG_MAX;
	int i;

	for (i = 0; i < 3; i++) {
		clock_gettime(CLOCK_MONOTONIC, &then);
		madvise(at, length, MADV_DONTNEED);
		ms = ms_since(&then);
		least = ms < least ? ms : least;
	}
	return least;
}

/* Ranges of one byte in page 1, so many that their callbacks take milliseconds */
static void insert_many(struct __test_metadata *_metadata,
			FIXTURE_DATA(hold) *self, int fd)
{
	struct mmun_span spans[1000];
	int i, rounds = 0;
	__u64 done;

	for (i = 0; i < 1000; i++)
		spans[i] = (struct mmun_span){
			.start = mmun_u64(self->map + self->page) + i % 64,
			.length = 1,
		};
	do {
		ASSERT_EQ(0, _mmun_insert_bulk(fd, spans, 1000, &done));
	} while (fastest_dontneed(self->map + self->page, self->page) < 5 &&
		 ++rounds < 100);
}

/*
 *   0   1   2   3
 *   |-----range-----|	the first hold
 *       |||||		ranges of one byte
 *           |---|	the second hold, which must stop no task
 */
static void invalidate_through_many(struct __test_metadata *_metadata,
				    FIXTURE_DATA(hold) *self)
{
	unsigned int before = set_max_hold_ms(1000);
	int fd = mmun_open();
	struct mmun_record record;
	__u64 done;
	__u32 id;

	insert_many(_metadata, self, fd);
	EXPECT_EQ(0, _mmun_insert(fd, self->map + 2 * self->page, self->page,
				  &id));
	EXPECT_EQ(0, _mmun_log_setup(fd, 16, 1U << MMUN_RECORD_HELD, &done));
	invalidate_through_two_holds(_metadata, self, fd);
	EXPECT_EQ(0, mmun_next_record(fd, &record));
	/* Other invalidations must not delay the removal of so many. */
	spin = 0;
	EXPECT_EQ(1000, set_max_hold_ms(before));
	EXPECT_EQ(0, close(fd));
}

TEST_F(hold, limit_is_not_renewed_within_an_invalidation)
{
	invalidate_through_many(_metadata, self);
}

/* Come to START again and again, and be held there for two milliseconds. */
static int job_start_holds(struct worker *worker)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_START,
		.tid = mmun_gettid(),
		.timeout_ms = 2,
	};
	__u32 resumed;

	while (spin) {
		if (_mmun_hold(worker->fd, &hold) || job_dontneed(worker) ||
		    _mmun_resume(worker->fd, hold.out_hold, MMUN_RESUME_END,
				 &resumed))
			return -1;
	}
	return 0;
}

TEST_F(hold, limit_is_not_renewed_by_another_invalidation)
{
	spin = 1;
	run_worker(&self->other, job_start_holds, FREE);
	invalidate_through_many(_metadata, self);
	EXPECT_EQ(0, worker_join(&self->other));
}

/* The limit is there again for the next invalidation. */
TEST_F(hold, limit_is_renewed_when_no_task_is_held)
{
	unsigned int before = set_max_hold_ms(300);
	struct mmun_hold hold = {
		.point = MMUN_POINT_ENTER,
		.timeout_ms = 300,
	};
	struct timespec then;
	int i;

	hold.tid = mmun_gettid();
	for (i = 0; i < 3; i++) {
		self->map[0] = 1;
		/* Longer than a tick of a coarse clock */
		poll(NULL, 0, 20);
		clock_gettime(CLOCK_MONOTONIC, &then);
		EXPECT_EQ(0, _mmun_hold(self->fd, &hold));
		EXPECT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
		EXPECT_LE(250, ms_since(&then));
	}
	EXPECT_EQ(300, set_max_hold_ms(before));
}

/* The number of references to the module, or -1 */
static long module_users(void)
{
	return mmun_read_number("/sys/module/test_mmun/refcnt");
}

/*
 * The context that is closed has a range that the held invalidation has hit.  It
 * waits for the end of it, but close() does not: a reaper does, and pins the module.
 */
TEST_F(hold, close_waits_no_longer_than_the_limit)
{
	__u64 objects = mmun_query_context().out_objects;
	long users = module_users();
	int i, other = mmun_open();
	unsigned int before;
	struct timespec then;
	__u32 at, id;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, _mmun_insert(other, self->map, self->page, &id));
	at = hold_dontneed(0, MMUN_POINT_START, self->id);
	before = set_max_hold_ms(300);
	clock_gettime(CLOCK_MONOTONIC, &then);
	EXPECT_EQ(0, close(other));
	EXPECT_LE(250, ms_since(&then));
	EXPECT_GT(MMUN_HOLD_MS / 2, ms_since(&then));
	EXPECT_EQ(300, set_max_hold_ms(before));
	EXPECT_EQ(users + 1, module_users());
	let_go(&self->mutator, at);
	/* No call waits for the reaper. */
	for (i = 0; i < MMUN_HOLD_MS && module_users() != users; i++)
		poll(NULL, 0, 1);
	EXPECT_EQ(users, module_users());
	EXPECT_EQ(objects, mmun_query_context().out_objects);
}

TEST_F(hold, limit_has_limits)
{
	unsigned int before = mmun_info().out_max_hold_ms;

	set_max_hold_ms(0);
	EXPECT_EQ(before, mmun_info().out_max_hold_ms);
	set_max_hold_ms(60001);
	EXPECT_EQ(before, mmun_info().out_max_hold_ms);
}

TEST_F(hold, that_nobody_comes_to_ends_a_wait_when_its_time_is_over)
{
	struct mmun_wait_held held;
	struct timespec then;
	__u32 at;

	clock_gettime(CLOCK_MONOTONIC, &then);
	at = short_hold(100, mmun_gettid());
	ASSERT_EQ(0, _mmun_wait_held(self->fd, at, 1, &held));
	/* Unless the machine is so busy that it is over already */
	if (ms_since(&then) < 100) {
		EXPECT_EQ(MMUN_HOLD_ARMED, held.out_state);
	}
	ASSERT_EQ(0, _mmun_wait_held(self->fd, at, MMUN_HOLD_MS, &held));
	EXPECT_EQ(MMUN_HOLD_OVER, held.out_state);
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
}

static void on_signal(int sig)
{
}

static int job_wait_held(struct worker *worker)
{
	struct mmun_wait_held held;

	return _mmun_wait_held(worker->fd, worker->id, MMUN_HOLD_MS, &held);
}

TEST_F(hold, wait_is_ended_by_a_signal)
{
	struct sigaction action = { .sa_handler = on_signal };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	self->other.id = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	run_worker(&self->other, job_wait_held, 0);
	EXPECT_EQ(MMUN_TASK_WAITING, mmun_quiesce_one(self->other.tid).state);
	ASSERT_EQ(0, pthread_kill(self->other.thread, SIGUSR1));
	EXPECT_EQ(-1, worker_join(&self->other));
	EXPECT_EQ(EINTR, self->other.errnum);
}

TEST_F(hold, wait_is_ended_by_the_resume_of_its_hold)
{
	self->other.id = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	run_worker(&self->other, job_wait_held, 0);
	mmun_quiesce_one(self->other.tid);
	mmun_resume_end(self->other.id);
	EXPECT_EQ(-1, worker_join(&self->other));
	EXPECT_EQ(ENOENT, self->other.errnum);
}

TEST_F(hold, no_other_can_be_armed_for_who_is_held)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	__u32 other;

	mmun_err_hold(EBUSY, MMUN_POINT_LEAVE, 0, self->mutator.tid);
	mmun_err_hold(EBUSY, MMUN_POINT_START, 0, self->mutator.tid);
	mmun_err_hold(EBUSY, MMUN_POINT_LEAVE, 0, 0);
	other = mmun_hold(MMUN_POINT_LEAVE, 0, mmun_gettid());
	let_go(&self->mutator, at);
	mmun_hold(MMUN_POINT_LEAVE, 0, 0);
	EXPECT_EQ(0, mmun_resume_end(other));
}

/* It was on its way, past the point, when the next hold came. */
TEST_F(hold, of_a_task_that_was_resumed_is_for_its_next_passage)
{
	__u32 at, next;
	int i;

	for (i = 0; i < 20; i++) {
		if (i)
			ASSERT_EQ(0, worker_create(&self->mutator));
		at = hold_dontneed(1, MMUN_POINT_ENTER, self->id);
		EXPECT_EQ(1, mmun_resume(at));
		next = mmun_hold(MMUN_POINT_ENTER, self->id, 0);
		EXPECT_EQ(0, worker_join(&self->mutator));
		ASSERT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(next));
		mmun_resume_end(next);
	}
}

TEST_F(hold, there_can_be_64_and_the_next_is_enospc)
{
	__u32 at[64];
	int i;

	for (i = 0; i < 64; i++)
		at[i] = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	mmun_err_hold(ENOSPC, MMUN_POINT_ENTER, 0, mmun_gettid());
	mmun_resume_end(at[17]);
	EXPECT_LT(at[63], mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid()));
}

TEST_F(hold, memory_comes_back_when_the_context_is_closed)
{
	__u64 before = mmun_query_context().out_objects, idle;
	int i, other = mmun_open();
	struct mmun_hold hold;

	ASSERT_LE(0, other);
	idle = mmun_query_context().out_objects;
	for (i = 0; i < 64; i++) {
		hold = (struct mmun_hold){
			.point = i % 5,
			.tid = mmun_gettid(),
			.timeout_ms = MMUN_HOLD_MS,
		};
		ASSERT_EQ(0, _mmun_hold(other, &hold));
	}
	EXPECT_LT(idle, mmun_query_context().out_objects);
	EXPECT_EQ(0, close(other));
	EXPECT_EQ(before, mmun_query_context().out_objects);
}

/* Records. */

TEST_F(hold, record_tells_that_a_task_is_held)
{
	struct mmun_record r = {};
	__u32 at;

	mmun_log_setup(16, 1U << MMUN_RECORD_HELD);
	at = hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_HELD, &r));
	EXPECT_EQ(at, r.id);
	EXPECT_EQ(self->mutator.tid, r.tid);
	EXPECT_EQ(MMUN_EVENT_CLEAR, r.event);
	EXPECT_EQ(1, r.cur_seq & 1);
	EXPECT_EQ(MMUN_RECORD_BLOCKABLE, r.flags);
	EXPECT_EQ(mmun_u64(self->map) + self->page, r.start);
	EXPECT_EQ(mmun_u64(self->map) + 2 * self->page, r.end);
	EXPECT_EQ(r.start, r.clip_start);
	EXPECT_EQ(r.end, r.clip_end);
	let_go(&self->mutator, at);
	mmun_expect_no_event();
}

TEST_F(hold, records_of_start_and_end_are_there_from_the_first_such_hold_on)
{
	static const __u16 types[] = {
		MMUN_RECORD_START, MMUN_RECORD_INVALIDATE,
		MMUN_RECORD_START, MMUN_RECORD_END,
		MMUN_RECORD_INVALIDATE, MMUN_RECORD_START, MMUN_RECORD_END,
	};
	struct mmun_record r;
	int i;

	mmun_log_setup(16, 1U << MMUN_RECORD_START | 1U << MMUN_RECORD_END |
			   1U << MMUN_RECORD_INVALIDATE);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	mmun_resume_end(mmun_hold(MMUN_POINT_END, 0, mmun_gettid()));
	ASSERT_EQ(0, madvise(self->map + FREE * self->page, self->page,
			     MADV_DONTNEED));
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	for (i = 1; i < 7; i++) {
		ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		EXPECT_EQ(types[i], r.type);
		EXPECT_EQ(MMUN_EVENT_CLEAR, r.event);
	}
	EXPECT_EQ(0, r.id);
	EXPECT_EQ(0, r.cur_seq);
	EXPECT_EQ(mmun_u64(self->map), r.start);
	EXPECT_EQ(mmun_u64(self->map) + self->page, r.end);
	mmun_expect_no_event();
}

TEST_F(hold, records_of_holds_are_not_there_by_default)
{
	__u32 at = hold_dontneed(FREE, MMUN_POINT_START, 0);

	let_go(&self->mutator, at);
	mmun_expect_no_event();
}

/* What threads do: lib/task.h */

TEST_F(hold, quiesce_tells_who_waits_is_blocked_held_and_gone)
{
	struct mmun_task task;
	__u32 at;

	at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	run_worker(&self->reader, job_begin, 0);
	worker_plan(&self->other, job_nothing, 0);
	expect_held(self->mutator.tid, at);
	task = mmun_quiesce_one(self->mutator.tid);
	EXPECT_EQ(SYS_madvise, task.syscall);
	EXPECT_EQ(self->page, task.arg);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	task = mmun_quiesce_one(self->other.tid);
	EXPECT_EQ(MMUN_TASK_WAITING, task.state);
	EXPECT_EQ(SYS_futex, task.syscall);
	task = mmun_quiesce_one(0x7ffffff0);
	EXPECT_EQ(MMUN_TASK_GONE, task.state);
	EXPECT_EQ(-1, task.syscall);
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	worker_go(&self->other);
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_EQ(MMUN_TASK_GONE, mmun_quiesce_one(self->other.tid).state);
}

TEST_F(hold, quiesce_is_not_quiet_while_one_runs)
{
	struct mmun_task task = {};

	spin = 1;
	task.tid = worker_plan(&self->other, job_spin, 0);
	worker_go(&self->other);
	EXPECT_EQ(0, mmun_task_quiesce(&task, 20));
	EXPECT_EQ(MMUN_TASK_RUNNING, task.state);
	spin = 0;
	EXPECT_EQ(0, worker_join(&self->other));
	mmun_task_close(&task);
}

TEST_F(hold, quiesce_of_oneself_is_never_quiet)
{
	struct mmun_task task = { .tid = mmun_gettid() };

	EXPECT_EQ(0, mmun_task_quiesce(&task, 0));
	EXPECT_EQ(MMUN_TASK_RUNNING, task.state);
	mmun_task_close(&task);
}

/* A thread that was woken and sleeps in the same place has run in between. */
TEST_F(hold, quiesce_tells_one_sleep_from_the_next)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	struct mmun_task task = { .tid = self->reader.tid };

	run_worker(&self->reader, job_begin, 0);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	EXPECT_EQ(1, mmun_task_quiesce(&task, MMUN_HOLD_MS));
	EXPECT_EQ(1, mmun_task_look(&task));
	EXPECT_EQ(1, mmun_wake_thread(self->reader.tid, 1));
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	EXPECT_EQ(0, mmun_task_look(&task));
	EXPECT_EQ(MMUN_TASK_BLOCKED, task.state);
	EXPECT_EQ(1, mmun_task_look(&task));
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	mmun_task_close(&task);
}

TEST_F(hold, quiesce_tells_a_zombie_as_gone_and_a_stopped_one_as_waiting)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		raise(SIGSTOP);
		_exit(7);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	EXPECT_EQ(MMUN_TASK_WAITING, mmun_quiesce_one(pid).state);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_EQ(MMUN_TASK_GONE, mmun_quiesce_one(pid).state);
	EXPECT_EQ(7, mmun_wait_child(pid));
}

/* WAKE_THREAD */

TEST_F(hold, wake_up_does_not_get_a_reader_past_its_wait)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);

	run_worker(&self->reader, job_begin, 0);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	EXPECT_LE(1, mmun_wake_thread(self->reader.tid, 10000));
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
}

TEST_F(hold, wake_up_does_not_get_a_remover_past_its_wait)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);

	self->other.id = self->near;
	run_worker(&self->other, job_remove, 0);
	expect_blocked_in(&self->other, MMUN_REMOVE);
	EXPECT_LE(1, mmun_wake_thread(self->other.tid, 10000));
	expect_blocked_in(&self->other, MMUN_REMOVE);
	let_go(&self->mutator, at);
	EXPECT_EQ(0, worker_join(&self->other));
}

TEST_F(hold, wake_up_does_not_end_a_hold)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_ENTER, self->id);

	mmun_quiesce_one(self->mutator.tid);
	EXPECT_LE(1, mmun_wake_thread(self->mutator.tid, 10000));
	expect_held(self->mutator.tid, at);
	let_go(&self->mutator, at);
}

TEST_F(hold, wake_up_of_a_thread_that_runs_wakes_no_thread)
{
	spin = 1;
	run_worker(&self->other, job_spin, 0);
	mmun_hold(MMUN_POINT_ENTER, 0, self->other.tid);
	EXPECT_EQ(0, mmun_wake_thread(mmun_gettid(), 10));
	spin = 0;
	EXPECT_EQ(0, worker_join(&self->other));
}

/* CHECK_BALANCE */

TEST_F(hold, probe_of_an_idle_mm_is_balanced_and_leaves_nothing)
{
	struct mmun_query_context before = mmun_query_context(), after;
	struct mmun_check_balance probe;
	int i;

	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, _mmun_check_balance(self->fd, 0, &probe));
		ASSERT_EQ(1, probe.out_balanced);
		ASSERT_EQ(0, probe.out_odd);
		ASSERT_EQ(1, probe.out_seq & 1);
	}
	after = mmun_query_context();
	EXPECT_EQ(before.out_objects, after.out_objects);
	EXPECT_EQ(before.out_mm_users, after.out_mm_users);
}

TEST_F(hold, probe_during_an_odd_invalidation_is_not_balanced)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	struct mmun_check_balance probe;
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, _mmun_check_balance(self->fd, 0, &probe));
		ASSERT_EQ(0, probe.out_balanced);
		ASSERT_EQ(1, probe.out_odd);
		ASSERT_EQ(mmun_query_range(self->id).out_seq, probe.out_seq);
	}
	let_go(&self->mutator, at);
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(hold, probe_during_an_even_invalidation_is_not_balanced_and_makes_it_odd)
{
	__u32 at = hold_dontneed(FREE, MMUN_POINT_START, 0);
	struct mmun_check_balance probe;

	ASSERT_EQ(0, _mmun_check_balance(self->fd, 0, &probe));
	EXPECT_EQ(0, probe.out_balanced);
	EXPECT_EQ(0, probe.out_odd);
	ASSERT_EQ(0, _mmun_check_balance(self->fd, 0, &probe));
	EXPECT_EQ(0, probe.out_balanced);
	EXPECT_EQ(1, probe.out_odd);
	let_go(&self->mutator, at);
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(hold, probe_waits_for_an_invalidation_in_flight)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);

	run_worker(&self->other, job_probe, 0);
	let_go(&self->mutator, at);
	EXPECT_EQ(1, worker_join(&self->other));
}

TEST_F(hold, context_that_probed_during_an_invalidation_can_be_closed)
{
	__u32 at = hold_dontneed(FREE, MMUN_POINT_START, 0);
	__u64 memory = mmun_query_context().out_objects;
	int other = mmun_open();
	struct mmun_check_balance probe;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, _mmun_check_balance(other, 0, &probe));
	EXPECT_EQ(0, probe.out_balanced);
	EXPECT_LT(memory, mmun_query_context().out_objects);
	let_go(&self->mutator, at);
	EXPECT_EQ(0, close(other));
	EXPECT_GE(memory, mmun_query_context().out_objects);
	EXPECT_EQ(1, mmun_check_balance(0));
}

/* Kinds */

/*
 *	reader			mutator
 *	begin
 *	collect page 0
 *				invalidate page 0
 *	commit
 */
#define stepped_race(_id)                                                 \
	({                                                                \
		struct mmun_token __t = mmun_read_begin(_id);             \
		EXPECT_EQ(1, mmun_collect(__t, self->map, self->page,     \
					  MMUN_METHOD_GUP, 0));           \
		ASSERT_EQ(0, madvise(self->map, self->page,               \
				     MADV_DONTNEED));                     \
		mmun_commit(__t);                                         \
	})

TEST_F(hold, naive_range_publishes_what_is_gone_and_verify_tells)
{
	__u32 id = mmun_insert_kind(MMUN_KIND_NAIVE, self->map, self->page);
	struct mmun_verify verify;

	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_EQ(0, stepped_race(id));
	ASSERT_EQ(0, _mmun_verify(self->fd, id, &verify));
	EXPECT_EQ(MMUN_VERIFY_DIFFERS, verify.out_result);
	EXPECT_EQ(mmun_u64(self->map), verify.out_addr);
	mmun_err_access(EOPNOTSUPP, id, self->map, 1, 0);
	mmun_err_access(EOPNOTSUPP, id, self->map, 1, MMUN_WRITE);
	self->map[0] = 1;
	EXPECT_EQ(1, stepped_race(self->id));
	EXPECT_EQ(0, mmun_verify(self->id));
}

TEST_F(hold, naive_reader_does_not_wait)
{
	__u32 naive = mmun_insert_kind(MMUN_KIND_NAIVE, self->map, self->page);
	__u32 at = hold_dontneed(0, MMUN_POINT_START, self->id);
	struct mmun_token token = mmun_read_begin(naive);

	EXPECT_EQ(0, token.seq);
	EXPECT_EQ(1, mmun_query_range(naive).out_invalidations);
	EXPECT_EQ(0, mmun_check_retry(naive, token.seq));
	EXPECT_EQ(0, mmun_commit(token));
	let_go(&self->mutator, at);
}

TEST_F(hold, naive_range_collects_by_every_method)
{
	__u32 id = mmun_insert_kind(MMUN_KIND_NAIVE, self->map, self->page), m;

	mmun_need_feature(MMUN_FEATURE_HMM);
	for (m = MMUN_METHOD_HMM_FAULT; m <= MMUN_METHOD_GUP; m++)
		EXPECT_EQ(1, mmun_snapshot(id, self->map, self->page, m, 0,
					   NULL));
	EXPECT_EQ(1, mmun_verify(id));
}

/* What can be named. */

TEST_F(hold, task_that_reclaims_memory_is_missed)
{
	struct mmun_wait_held held = { .out_state = MMUN_HOLD_ARMED };
	__u32 at;

	ASSERT_EQ(0, mmun_write_lazily_freed(self->map, self->page));
	at = mmun_hold(MMUN_POINT_ENTER, self->id, mmun_gettid());
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_PAGEOUT));
	ASSERT_EQ(0, _mmun_wait_held(self->fd, at, 0, &held));
	EXPECT_EQ(MMUN_HOLD_MISSED, held.out_state);
	EXPECT_EQ(MMUN_EVENT_CLEAR, held.out_event);
	EXPECT_EQ(self->id, held.out_id);
	EXPECT_EQ(mmun_gettid(), held.out_tid);
}

/* Two holds miss a passage, the second of them once more. */
TEST_F(hold, wait_ends_when_the_passage_is_missed_by_another_hold_too)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_ENTER, .id = self->id, .skip = 1,
		.tid = mmun_gettid(), .timeout_ms = MMUN_HOLD_MS,
	};
	struct timespec then;
	__u32 at;

	ASSERT_EQ(0, mmun_write_lazily_freed(self->map, 2 * self->page));
	ASSERT_EQ(0, _mmun_hold(self->fd, &hold));
	self->other.id = hold.out_hold;
	at = mmun_hold(MMUN_POINT_ENTER, self->id, mmun_gettid());
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_PAGEOUT));
	ASSERT_EQ(MMUN_HOLD_MISSED, mmun_hold_state(at));
	ASSERT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(self->other.id));
	run_worker(&self->other, job_wait_held, 0);
	mmun_quiesce_one(self->other.tid);
	clock_gettime(CLOCK_MONOTONIC, &then);
	ASSERT_EQ(0, madvise(self->map + self->page, self->page, MADV_PAGEOUT));
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_GT(MMUN_HOLD_MS / 2, ms_since(&then));
}

/* The second thread of all is a kernel thread. */
TEST_F(hold, kernel_thread_cannot_be_named)
{
	__u32 woken;

	mmun_err_hold(EPERM, MMUN_POINT_ENTER, 0, 2);
	EXPECT_ERRNO(EPERM, _mmun_wake_thread(self->fd, 2, 1, &woken));
}

TEST_F(hold, thread_that_is_gone_cannot_be_named)
{
	__u32 woken;
	pid_t tid;

	tid = worker_plan(&self->other, job_nothing, 0);
	worker_go(&self->other);
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_EQ(MMUN_TASK_GONE, mmun_quiesce_one(tid).state);
	mmun_err_hold(ENOENT, MMUN_POINT_ENTER, 0, tid);
	EXPECT_ERRNO(ENOENT, _mmun_wake_thread(self->fd, tid, 1, &woken));
}

TEST_F(hold, of_a_thread_that_exits_is_armed_until_its_time_is_over)
{
	struct mmun_wait_held held;
	__u32 at;

	at = short_hold(100, worker_plan(&self->other, job_nothing, 0));
	worker_go(&self->other);
	EXPECT_EQ(0, worker_join(&self->other));
	ASSERT_EQ(0, _mmun_wait_held(self->fd, at, MMUN_HOLD_MS, &held));
	EXPECT_EQ(MMUN_HOLD_OVER, held.out_state);
}

/*
 * Other processes.  A victim opens the device, has a range over all of its
 * pages, and does what it is told; its descriptor is here, too.
 */
struct victim {
	pid_t pid;
	int pidfd;
	int fd;
	__u32 id;
	int to[2];	/* pipes */
	int from[2];
	char *map;
};

struct hello {
	int fd;
	__u32 id;
	int errnum;
};

static void victim_obey(struct victim *victim, char order)
{
	size_t length = PAGES * sysconf(_SC_PAGESIZE);
	__u32 released;

	switch (order) {
	case 'm':
		munmap(victim->map, length);
		break;
	case 'p':
		_mmun_pin_mm(victim->fd, 5000, &released);
		break;
	case 'e':
		setenv(EXEC, "", 1);
		execl("/proc/self/exe", "hold_test", NULL);
		break;
	case 'x':
		_exit(0);
	}
}

static void victim_main(struct victim *victim)
{
	struct hello hello = { .fd = mmun_open() };
	size_t length = PAGES * sysconf(_SC_PAGESIZE);
	char order;

	close(victim->to[1]);
	signal(SIGUSR1, on_signal);
	if (!mmun_map_filled(victim->map, PAGES) ||
	    _mmun_insert(hello.fd, victim->map, length, &hello.id))
		hello.errnum = errno;
	victim->fd = hello.fd;
	if (write(victim->from[1], &hello, sizeof(hello)) != sizeof(hello))
		_exit(125);
	while (read(victim->to[0], &order, 1) == 1)
		victim_obey(victim, order);
	_exit(0);
}

/* Returns 0 when there is a victim with a range and its descriptor here. */
static int victim_start(struct victim *victim)
{
	struct hello hello;

	victim->map = mmun_arena(PAGES);
	if (!victim->map || pipe(victim->to) || pipe(victim->from))
		return -1;
	victim->pid = fork();
	if (!victim->pid)
		victim_main(victim);
	close(victim->from[1]);
	close(victim->to[0]);
	if (read(victim->from[0], &hello, sizeof(hello)) != sizeof(hello))
		return -1;
	victim->id = hello.id;
	victim->pidfd = syscall(SYS_pidfd_open, victim->pid, 0);
	victim->fd = syscall(SYS_pidfd_getfd, victim->pidfd, hello.fd, 0);
	errno = hello.errnum ?: errno;
	return victim->fd < 0 || hello.errnum ? -1 : 0;
}

FIXTURE(hold_victim)
{
	int fd;
	struct victim victim;
	struct worker reader;
	struct worker reaper;
};

FIXTURE_SETUP(hold_victim)
{
	ASSERT_EQ(0, victim_start(&self->victim))
	{
		TH_LOG("no victim: %s", strerror(errno));
	}
	self->fd = self->victim.fd;
	ASSERT_EQ(0, worker_start(&self->reader, self->fd, self->victim.map,
				  self->victim.id));
	ASSERT_EQ(0, worker_start(&self->reaper, self->fd, self->victim.map,
				  self->victim.id));
}

FIXTURE_TEARDOWN(hold_victim)
{
	__u32 count;

	_mmun_unpin_mm(self->fd, 0, &count);
	kill(self->victim.pid, SIGKILL);
	close(self->fd);
}

#define order(_what) \
	ASSERT_EQ(1, write(self->victim.to[1], _what, 1))

#define hold_victim(_what, _point)                                        \
	({                                                                \
		__u32 __at = mmun_hold(_point, 0, self->victim.pid);      \
		order(_what);                                             \
		mmun_wait_held(__at);                                     \
		__at;                                                     \
	})

FIXTURE(hold_killed)
{
	int fd;
	struct victim victim;
};

FIXTURE_VARIANT(hold_killed)
{
	__u32 point;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(hold_killed, enter) { .point = MMUN_POINT_ENTER };
FIXTURE_VARIANT_ADD(hold_killed, leave) { .point = MMUN_POINT_LEAVE };
FIXTURE_VARIANT_ADD(hold_killed, start) { .point = MMUN_POINT_START };
FIXTURE_VARIANT_ADD(hold_killed, end) { .point = MMUN_POINT_END };
/* clang-format on */

FIXTURE_SETUP(hold_killed)
{
	ASSERT_EQ(0, victim_start(&self->victim))
	{
		TH_LOG("no victim: %s", strerror(errno));
	}
	self->fd = self->victim.fd;
}

FIXTURE_TEARDOWN(hold_killed)
{
	kill(self->victim.pid, SIGKILL);
	close(self->fd);
}

TEST_F(hold_killed, sigkill_ends_the_hold_at_once)
{
	struct timespec then;
	__u32 at;

	clock_gettime(CLOCK_MONOTONIC, &then);
	at = hold_victim("m", variant->point);
	ASSERT_EQ(0, kill(self->victim.pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, mmun_wait_child(self->victim.pid));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
	EXPECT_EQ(0, mmun_resume(at));
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

TEST_F(hold_killed, signal_that_does_not_kill_does_not_end_the_hold)
{
	__u32 at = hold_victim("m", variant->point);

	ASSERT_EQ(0, kill(self->victim.pid, SIGUSR1));
	expect_held(self->victim.pid, at);
	EXPECT_EQ(1, mmun_resume(at));
	order("x");
	EXPECT_EQ(0, mmun_wait_child(self->victim.pid));
}

TEST_F(hold_victim, reader_gets_on_when_the_held_task_is_killed)
{
	__u32 at = hold_victim("m", MMUN_POINT_LEAVE);

	run_worker(&self->reader, job_begin, 0);
	expect_blocked_in(&self->reader, MMUN_READ_BEGIN);
	ASSERT_EQ(0, kill(self->victim.pid, SIGKILL));
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(128 + SIGKILL, mmun_wait_child(self->victim.pid));
	EXPECT_EQ(0, mmun_resume(at));
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->victim.id)));
}

TEST_F(hold_victim, exit_is_held_before_the_range_is_told)
{
	struct mmun_token token = mmun_read_begin(self->victim.id), during;
	struct mmun_wait_held held;
	__u32 at;

	at = hold_victim("x", MMUN_POINT_EXIT);
	held = mmun_wait_held(at);
	EXPECT_EQ(MMUN_EVENT_RELEASE, held.out_event);
	EXPECT_EQ(self->victim.id, held.out_id);
	EXPECT_EQ(0, held.out_start);
	EXPECT_EQ(-1ULL, held.out_end);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
	EXPECT_EQ(0, mmun_query_range(self->victim.id).out_invalidations);
	EXPECT_EQ(0, mmun_check_retry(self->victim.id, token.seq));
	during = mmun_read_begin(self->victim.id);
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(0, mmun_wait_child(self->victim.pid));
	EXPECT_EQ(1, mmun_commit(token));
	EXPECT_EQ(1, mmun_commit(during));
}

TEST_F(hold_victim, exit_after_sigkill_is_held_too)
{
	__u32 at = mmun_hold(MMUN_POINT_EXIT, 0, self->victim.pid);

	ASSERT_EQ(0, kill(self->victim.pid, SIGKILL));
	mmun_wait_held(at);
	expect_held(self->victim.pid, at);
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(128 + SIGKILL, mmun_wait_child(self->victim.pid));
}

TEST_F(hold_victim, exit_is_no_enter_and_no_leave)
{
	__u32 enter = mmun_hold(MMUN_POINT_ENTER, 0, self->victim.pid);
	__u32 leave = mmun_hold(MMUN_POINT_LEAVE, 0, self->victim.pid);
	__u32 at = hold_victim("x", MMUN_POINT_EXIT);

	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(enter));
	EXPECT_EQ(1, mmun_resume(at));
	/* The UNMAP that follows is both. */
	EXPECT_EQ(MMUN_EVENT_UNMAP, mmun_wait_held(enter).out_event);
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(leave));
	EXPECT_EQ(1, mmun_resume(enter));
	EXPECT_EQ(MMUN_EVENT_UNMAP, mmun_wait_held(leave).out_event);
	EXPECT_EQ(1, mmun_resume(leave));
	EXPECT_EQ(0, mmun_wait_child(self->victim.pid));
}

TEST_F(hold_victim, exit_that_nobody_lets_go_ends_with_its_time)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_EXIT,
		.tid = self->victim.pid,
		.timeout_ms = 200,
	};
	struct timespec then;

	clock_gettime(CLOCK_MONOTONIC, &then);
	ASSERT_EQ(0, _mmun_hold(self->fd, &hold));
	order("x");
	EXPECT_EQ(0, mmun_wait_child(self->victim.pid));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(hold.out_hold));
}

TEST_F(hold_victim, exec_is_an_exit_of_the_mm)
{
	__u32 at = hold_victim("e", MMUN_POINT_EXIT);

	/* No look at the victim: exec has locked what /proc/PID/syscall needs. */
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(EXEC_OK, mmun_wait_child(self->victim.pid));
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

TEST_F(hold_victim, mm_that_exits_leaves_its_holds_armed)
{
	__u32 start = mmun_hold(MMUN_POINT_START, 0, mmun_gettid());
	__u32 enter = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	struct mmun_check_balance balance;

	order("x");
	EXPECT_EQ(0, mmun_wait_child(self->victim.pid));
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(start));
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(enter));
	mmun_err_hold(ESRCH, MMUN_POINT_START, 0, mmun_gettid());
	start = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	EXPECT_EQ(0, mmun_resume_end(start));
	EXPECT_ERRNO(ESRCH, _mmun_check_balance(self->fd, 0, &balance));
}

TEST_F(hold_victim, passage_that_must_not_block_is_missed)
{
	struct mmun_record park = {};
	struct mmun_wait_held held;
	__u32 at[3], i;

	order("p");
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, &park));
	ASSERT_EQ(0, kill(self->victim.pid, SIGKILL));
	worker_plan(&self->reaper, job_mrelease, self->victim.pidfd);
	for (i = 0; i < 3; i++)
		at[i] = mmun_hold(i, self->victim.id, self->reaper.tid);
	worker_go(&self->reaper);
	EXPECT_EQ(0, worker_join(&self->reaper));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, _mmun_wait_held(self->fd, at[i], 0, &held));
		EXPECT_EQ(MMUN_HOLD_MISSED, held.out_state);
		EXPECT_EQ(self->reaper.tid, held.out_tid);
		EXPECT_EQ(i < 2 ? self->victim.id : 0, held.out_id);
		EXPECT_EQ(mmun_u64(self->victim.map), held.out_start);
		/* A miss uses up nothing, and is told until RELEASE. */
		EXPECT_EQ(0, mmun_resume(at[i]));
		EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at[i]));
	}
	EXPECT_EQ(1, mmun_check_balance(0));
}

/* Controllers that die. */

/* Holds @tid at LEAVE by the only descriptor there is, and says so. */
static void controller(int fd, pid_t tid, int pipefd)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_LEAVE,
		.tid = tid,
		.timeout_ms = MMUN_HOLD_MS,
	};
	struct mmun_wait_held held;

	if (_mmun_hold(fd, &hold) || write(pipefd, "a", 1) != 1 ||
	    _mmun_wait_held(fd, hold.out_hold, MMUN_HOLD_MS, &held) ||
	    held.out_state != MMUN_HOLD_HELD || write(pipefd, "h", 1) != 1)
		_exit(1);
	pause();
}

TEST_F(hold, is_released_when_its_controller_dies)
{
	struct timespec then;
	int pipefd[2];
	char said;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &then);
	ASSERT_EQ(0, pipe(pipefd));
	worker_plan(&self->mutator, job_dontneed, 1);
	pid = fork();
	if (!pid)
		controller(self->fd, self->mutator.tid, pipefd[1]);
	close(pipefd[1]);
	close(self->fd);
	ASSERT_EQ(1, read(pipefd[0], &said, 1));
	worker_go(&self->mutator);
	ASSERT_EQ(1, read(pipefd[0], &said, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, mmun_wait_child(pid));
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	self->fd = mmun_open();
	EXPECT_EQ(1, mmun_check_balance(0));
}

FIXTURE(hold_close)
{
	int fd;
	size_t page;
	char *map;
	__u32 id;
	struct worker mutator;
};

FIXTURE_VARIANT(hold_close)
{
	__u32 point;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(hold_close, enter) { .point = MMUN_POINT_ENTER };
FIXTURE_VARIANT_ADD(hold_close, leave) { .point = MMUN_POINT_LEAVE };
FIXTURE_VARIANT_ADD(hold_close, start) { .point = MMUN_POINT_START };
FIXTURE_VARIANT_ADD(hold_close, end) { .point = MMUN_POINT_END };
/* clang-format on */

FIXTURE_SETUP(hold_close)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_map_filled(mmun_arena(PAGES), PAGES);
	ASSERT_NE(NULL, self->map);
	self->id = mmun_insert(self->map, RANGE_PAGES * self->page);
	start_worker(&self->mutator);
}

FIXTURE_TEARDOWN(hold_close)
{
	close(self->fd);
}

TEST_F(hold_close, lets_go_of_who_is_held)
{
	struct timespec then;

	clock_gettime(CLOCK_MONOTONIC, &then);
	hold_dontneed(1, variant->point, self->id);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, worker_join(&self->mutator));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	self->fd = mmun_open();
	EXPECT_EQ(1, mmun_check_balance(0));
	EXPECT_EQ(false, present(self->map + self->page));
}

/* Kernel threads */

TEST_F(hold, kernel_thread_is_never_stopped)
{
	struct mmun_wait_held held = {};
	struct ksm ksm;
	__u32 at;

	memset(self->map, 7, 2 * self->page);
	at = mmun_hold(MMUN_POINT_ENTER, self->id, 0);
	if (madvise(self->map, 2 * self->page, MADV_MERGEABLE) ||
	    ksm_start(&ksm))
		SKIP(return, "no page merging: set CONFIG_KSM");
	do {
		ASSERT_EQ(0, _mmun_wait_held(self->fd, at, 0, &held));
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

int main(int argc, char **argv)
{
	return getenv(EXEC) ? EXEC_OK : mmun_main(argc, argv);
}
