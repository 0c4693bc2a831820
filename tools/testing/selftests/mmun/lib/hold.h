/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statements that hold and resume the threads of a test.  The test needs
 * self->fd, self->map and self->page.  HOLD_FIXTURE() defines a fixture with
 * threads that can be held.
 */
#ifndef _SELFTESTS_MMUN_HOLD_H
#define _SELFTESTS_MMUN_HOLD_H

#include "worker.h"

/*
 *   0   1   2   3   4   5   6   7
 *   |-----range-----|-near--|       all of them written
 */
#define ALL_PAGES 8
#define RANGE_PAGES 4
#define NEAR_PAGE 4 /* first page of the range self->near */
#define FREE_PAGE 6 /* first page that no range covers */

/* Invalidate the pages of the range one by one. */
static inline int job_dontneed_each(struct worker *worker)
{
	for (int i = 0; i < RANGE_PAGES; i++, worker->at += worker->length)
		if (job_dontneed(worker))
			return -1;
	return 0;
}

/*
 * Arm a hold that lasts @_ms milliseconds.  The arguments after @_ms initialize
 * fields of struct mmun_hold.  Returns the ID of the hold.
 */
#define hold_for(_ms, ...)                                                 \
	({                                                                 \
		struct mmun_hold __h = { .timeout_ms = _ms, __VA_ARGS__ }; \
		ASSERT_EQ(0, _mmun_hold(self->fd, &__h));                  \
		ASSERT_NE(0, __h.out_hold);                                \
		__h.out_hold;                                              \
	})

/* Set the job of the worker to @_job on page @_nr.  Returns the thread ID. */
#define plan_worker(_worker, _job, _nr)         \
	({                                      \
		(_worker)->job = _job;          \
		(_worker)->at = mmun_page(_nr); \
		(_worker)->length = self->page; \
		(_worker)->tid;                 \
	})

/* Set the job of the worker to @_job on page @_nr, and start the job. */
#define run_worker(_worker, _job, _nr)           \
	do {                                     \
		plan_worker(_worker, _job, _nr); \
		worker_go(_worker);              \
	} while (0)

/*
 * Set the job, and arm a hold of the worker at point @_point of range @_id.
 * The teardown resumes the worker if the test does not.  Returns the hold's ID.
 */
#define arm_worker(_worker, _job, _nr, _point, _id, ...)                      \
	((_worker)->hold = hold_for(MMUN_HOLD_MS, .point = _point, .id = _id, \
				    .tid = plan_worker(_worker, _job, _nr),   \
				    ##__VA_ARGS__))

/* Start the job of the worker, and wait until the worker is held. */
#define reach_hold(_worker)                      \
	({                                       \
		worker_go(_worker);              \
		mmun_wait_held((_worker)->hold); \
	})

/* arm_worker(), then reach_hold() */
#define hold_worker(_worker, ...)                 \
	({                                        \
		arm_worker(_worker, __VA_ARGS__); \
		reach_hold(_worker);              \
	})

#define arm_dontneed(...) arm_worker(&self->mutator, job_dontneed, __VA_ARGS__)
#define hold_dontneed(...) \
	hold_worker(&self->mutator, job_dontneed, __VA_ARGS__)

/*
 * If the job of the worker was started, resume the worker if it has a hold, and
 * expect that the job succeeds.  The hold must stop the worker only once.  The
 * macro uses no ASSERT: the harness of 6.1 repeats a teardown for ever if an
 * ASSERT fails in it.
 */
#define end_worker(_worker)                                          \
	do {                                                         \
		__u32 __at = (_worker)->hold, __resumed = 0;         \
		if (!(_worker)->is_busy)                             \
			break;                                       \
		if (__at) {                                          \
			_mmun_resume(self->fd, __at, 0, &__resumed); \
			EXPECT_EQ(1, __resumed);                     \
		}                                                    \
		(_worker)->stop = true;                              \
		EXPECT_EQ(0, worker_join(_worker));                  \
		if (__at)                                            \
			mmun_err_resume(ENOENT, __at);               \
	} while (0)

/* The teardown ends the workers that the test did not end. */
#define end_workers()                       \
	do {                                \
		end_worker(&self->mutator); \
		end_worker(&self->other);   \
		end_worker(&self->reader);  \
	} while (0)

#define expect_armed(_hold) EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(_hold))

/* Expect that thread @_tid sleeps because the hold @_hold stops it. */
#define expect_held(_tid, _hold)                                            \
	do {                                                                \
		EXPECT_EQ(MMUN_TASK_BLOCKED, mmun_quiesce_one(_tid).state); \
		EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(_hold));          \
	} while (0)

/* Expect that thread @_tid sleeps in the call @_cmd of the device. */
#define expect_blocked_in(_tid, _cmd)                          \
	do {                                                   \
		struct mmun_task __t = mmun_quiesce_one(_tid); \
		EXPECT_EQ(MMUN_TASK_BLOCKED, __t.state);       \
		EXPECT_EQ(SYS_ioctl, __t.syscall);             \
		EXPECT_EQ(_cmd, __t.arg);                      \
	} while (0)

/* Start the job, and expect that the worker sleeps in the call @_cmd. */
#define block_worker(_worker, _job, _cmd)                \
	do {                                             \
		worker_do(_worker, _job);                \
		expect_blocked_in((_worker)->tid, _cmd); \
	} while (0)
#define block_reader() block_worker(&self->reader, job_begin, MMUN_READ_BEGIN)

/* Expect an entry for page @_nr in the shadow if @_valid, otherwise none. */
#define expect_shadow(_nr, _valid)                                    \
	EXPECT_EQ((_valid) ? 0 : -1,                                  \
		  _mmun_access(self->fd, self->id, mmun_page(_nr), 1, \
			       &(char){ 0 }, 0, &(__u64){ 0 }))

/*
 * CHECK_BALANCE inserts interval notifiers.  An mm whose ranges use a list
 * notifier must not have an interval notifier.
 */
#define expect_balance(_balanced)                                    \
	do {                                                         \
		if (!MMUN_IS_LIST)                                   \
			EXPECT_EQ(_balanced, mmun_check_balance(0)); \
	} while (0)

/*
 * Expect that all invalidations of the mm have ended, or that the mm is gone.
 */
#define expect_balanced()                                                      \
	do {                                                                   \
		if (MMUN_IS_LIST)                                              \
			break;                                                 \
		struct mmun_check_balance __p;                                 \
		int __ret = _mmun_check_balance(self->fd, MMUN_HOLD_MS, &__p); \
		EXPECT_EQ(1, __ret ? errno == ESRCH : __p.out_balanced);       \
	} while (0)

#define start_worker(_worker)                         \
	do {                                          \
		(_worker)->fd = self->fd;             \
		(_worker)->id = self->id;             \
		(_worker)->at = self->map;            \
		ASSERT_EQ(0, worker_create(_worker)); \
	} while (0)

/*
 * Define a fixture with three workers and with the two ranges that are drawn
 * above.  The setup creates the workers: later a held task may own mmap_lock,
 * which pthread_create() needs.  If a failed test leaves tasks held, close() of
 * the device resumes these tasks.
 */
#define HOLD_FIXTURE(_fixture) HOLD_FIXTURE_WITH(_fixture, , )

/* @_setup, @_teardown: more statements of the setup and of the teardown */
#define HOLD_FIXTURE_WITH(_fixture, _setup, _teardown)                         \
	FIXTURE(_fixture)                                                      \
	{                                                                      \
		MMUN_FIXTURE;                                                  \
		__u32 id;                                                      \
		__u32 near;                                                    \
		struct worker mutator;                                         \
		struct worker other;                                           \
		struct worker reader;                                          \
	};                                                                     \
	FIXTURE_SETUP(_fixture)                                                \
	{                                                                      \
		mmun_setup_filled(ALL_PAGES);                                  \
		self->id = mmun_insert(self->map, mmun_pages(RANGE_PAGES));    \
		self->near = mmun_insert(mmun_page(NEAR_PAGE), mmun_pages(2)); \
		start_worker(&self->mutator);                                  \
		start_worker(&self->other);                                    \
		start_worker(&self->reader);                                   \
		_setup;                                                        \
	}                                                                      \
	FIXTURE_TEARDOWN(_fixture)                                             \
	{                                                                      \
		end_workers();                                                 \
		EXPECT_EQ(0, close(self->fd));                                 \
		_teardown;                                                     \
	}

/* clang-format off */
/*
 * Run each test of the fixture at ENTER, LEAVE, START and END.  The point EXIT
 * occurs only in the exit of an mm.
 */
#define AT_EACH_POINT(_fixture)                                             \
	FIXTURE_VARIANT(_fixture)                                           \
	{                                                                   \
		__u32 point;                                                \
	};                                                                  \
	FIXTURE_VARIANT_ADD(_fixture, enter) { .point = MMUN_POINT_ENTER }; \
	FIXTURE_VARIANT_ADD(_fixture, leave) { .point = MMUN_POINT_LEAVE }; \
	FIXTURE_VARIANT_ADD(_fixture, start) { .point = MMUN_POINT_START }; \
	FIXTURE_VARIANT_ADD(_fixture, end) { .point = MMUN_POINT_END }
/* clang-format on */

#endif /* _SELFTESTS_MMUN_HOLD_H */
