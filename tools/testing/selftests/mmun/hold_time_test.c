// SPDX-License-Identifier: GPL-2.0
/*
 * Tests how long a hold lasts, and how long MMUN_WAIT_HELD waits.  max_hold_ms,
 * a parameter of the module, limits the time for which tasks of an mm are held.
 */
#include <limits.h>
#include "lib/hold.h"
#include "lib/setting.h"

#define PARAMETER "/sys/module/test_mmun/parameters/max_hold_ms"
#define MODULE_USERS "/sys/module/test_mmun/refcnt"
#define MANY 1000

HOLD_FIXTURE(hold_time)

TEST_F(hold_time, held_task_is_resumed_at_the_timeout)
{
	const struct timespec then = mmun_now();
	struct mmun_wait_held held;
	__u32 at;

	at = hold_for(50, .point = MMUN_POINT_LEAVE, .tid = self->mutator.tid);
	run_worker(&self->mutator, job_dontneed, 1);
	end_workers();
	/* The kernel counts ticks, and the first tick may be short. */
	EXPECT_LE(30, ms_since(&then));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	held = mmun_wait_held_ms(at, MMUN_HOLD_MS);
	EXPECT_EQ(MMUN_HOLD_OVER, held.out_state);
	EXPECT_EQ(0, held.out_tid);
	EXPECT_EQ(0, mmun_resume(at));
	mmun_err_resume(ENOENT, at);
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(hold_time, timeout_covers_all_arrivals)
{
	const struct timespec then = mmun_now();
	__u32 at = hold_for(200, .point = MMUN_POINT_ENTER, .count = 4,
			    .tid = self->mutator.tid);

	run_worker(&self->mutator, job_dontneed_each, 0);
	end_workers();
	EXPECT_GT(800, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
}

TEST_F(hold_time, hold_of_an_exited_thread_stays_armed_until_the_timeout)
{
	__u32 at = hold_for(100, .point = MMUN_POINT_LEAVE,
			    .tid = self->other.tid);

	worker_do(&self->other, job_nothing);
	end_workers();
	EXPECT_EQ(MMUN_HOLD_OVER,
		  mmun_wait_held_ms(at, MMUN_HOLD_MS).out_state);
}

TEST_F(hold_time, wait_expires_when_no_task_arrives)
{
	const struct timespec then = mmun_now();
	__u32 at =
		hold_for(100, .point = MMUN_POINT_LEAVE, .tid = mmun_gettid());
	struct mmun_wait_held held = mmun_wait_held_ms(at, 1);

	/* On a busy machine the time-out of the hold may already be over. */
	if (ms_since(&then) < 100) {
		EXPECT_EQ(MMUN_HOLD_ARMED, held.out_state);
	}
	EXPECT_EQ(MMUN_HOLD_OVER,
		  mmun_wait_held_ms(at, MMUN_HOLD_MS).out_state);
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
}

static void on_signal(int sig)
{
}

TEST_F(hold_time, signal_ends_a_wait)
{
	struct sigaction action = { .sa_handler = on_signal };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	self->other.id = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	worker_do(&self->other, job_wait_held);
	EXPECT_EQ(MMUN_TASK_WAITING, mmun_quiesce_one(self->other.tid).state);
	ASSERT_EQ(0, pthread_kill(self->other.thread, SIGUSR1));
	EXPECT_ERRNO(EINTR, worker_join(&self->other));
}

TEST_F(hold_time, resume_of_the_hold_ends_a_wait)
{
	self->other.id = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	worker_do(&self->other, job_wait_held);
	mmun_quiesce_one(self->other.tid);
	mmun_resume_end(self->other.id);
	EXPECT_ERRNO(ENOENT, worker_join(&self->other));
}

static struct setting limit;

HOLD_FIXTURE_WITH(hold_limit, ASSERT_EQ(0, setting_keep(&limit, PARAMETER)),
		  EXPECT_EQ(0, setting_restore(&limit)))

#define expect_limit(_ms) EXPECT_EQ(_ms, mmun_info().out_max_hold_ms)

#define set_limit(_ms)                                                \
	do {                                                          \
		ASSERT_EQ(0, mmun_write_number(PARAMETER, _ms))       \
		{                                                     \
			TH_LOG("%s: %s", PARAMETER, strerror(errno)); \
		}                                                     \
		EXPECT_EQ(_ms, mmun_read_number(PARAMETER));          \
		expect_limit(_ms);                                    \
	} while (0)

/*
 * The first hold stops an invalidation.  Another context then arms the second
 * hold, at which the same invalidation arrives later.  Returns the duration of
 * the invalidation in milliseconds.
 *
 *	time	0 ..... 700 ... 1000 ......... 1700
 *	first	|---------------|
 *	second	        |- - - - - - - - - - - - |	holds no task
 */
static long invalidate_through_two_holds(struct __test_metadata *_metadata,
					 FIXTURE_DATA(hold_limit) * self,
					 int fd)
{
	struct mmun_hold second = {
		.point = MMUN_POINT_ENTER,
		.tid = plan_worker(&self->mutator, job_dontneed, 1),
		.timeout_ms = 1000,
	};
	struct timespec then;
	__u32 first, id;
	long ms;

	EXPECT_EQ(0, _mmun_insert(fd, mmun_page(2), self->page, &id));
	self->mutator.length = mmun_pages(2);
	/* The first hold must end by the limit, not by its time-out. */
	set_limit(3000);
	first = hold_for(3000, .point = MMUN_POINT_ENTER, .tid = second.tid);
	set_limit(1000);
	then = mmun_now();
	worker_go(&self->mutator);
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_wait_held_ms(first, 1000).out_state);
	/* Sleep for 700 ms, the first part of the limit. */
	poll(NULL, 0, 700);
	EXPECT_EQ(0, _mmun_hold(fd, &second));
	EXPECT_EQ(0, worker_join(&self->mutator));
	ms = ms_since(&then);
	EXPECT_LE(950, ms);
	return ms;
}

TEST_F(hold_limit, contexts_of_an_mm_share_one_limit)
{
	int fd = mmun_open();

	EXPECT_GT(1500, invalidate_through_two_holds(_metadata, self, fd));
	expect_limit(1000);
	EXPECT_EQ(0, close(fd));
}

/* Returns the duration in ms of the fastest of three invalidations. */
static long fastest_dontneed(char *at, size_t length)
{
	long ms, least = LONG_MAX;

	for (int i = 0; i < 3; i++) {
		const struct timespec then = mmun_now();

		madvise(at, length, MADV_DONTNEED);
		ms = ms_since(&then);
		least = ms < least ? ms : least;
	}
	return least;
}

/* Insert so many ranges in page 1 that their callbacks take milliseconds. */
static void insert_many(struct __test_metadata *_metadata,
			FIXTURE_DATA(hold_limit) * self, int fd)
{
	char *at = mmun_page(1);
	struct mmun_span spans[MANY];
	int rounds = 0;
	__u64 done;

	for (int i = 0; i < MANY; i++)
		spans[i] = (struct mmun_span){
			.start = mmun_u64(at) + i % 64,
			.length = 1,
		};
	do {
		ASSERT_EQ(0, _mmun_insert_bulk(fd, spans, MANY, &done));
	} while (fastest_dontneed(at, self->page) < 5 && ++rounds < 100);
}

/*
 *   0   1   2   3
 *   |-----range-----|	the first hold
 *       |||||		ranges of one byte
 *           |---|	the second hold, which must hold no task
 */
static void invalidate_through_many(struct __test_metadata *_metadata,
				    FIXTURE_DATA(hold_limit) * self)
{
	int fd = mmun_open();
	struct mmun_record record;
	__u64 done;

	insert_many(_metadata, self, fd);
	EXPECT_EQ(0, _mmun_log_setup(fd, 16, 1U << MMUN_RECORD_HELD, &done));
	invalidate_through_two_holds(_metadata, self, fd);
	EXPECT_EQ(0, mmun_next_record(fd, &record));
	/* Stop job_start_holds(), because close() below removes many ranges. */
	self->other.stop = true;
	expect_limit(1000);
	EXPECT_EQ(0, close(fd));
}

TEST_F(hold_limit, does_not_restart_within_an_invalidation)
{
	invalidate_through_many(_metadata, self);
}

/* Reach START again and again.  Each arrival is held for two milliseconds. */
static int job_start_holds(struct worker *worker)
{
	struct mmun_hold hold = {
		.point = MMUN_POINT_START,
		.tid = mmun_gettid(),
		.timeout_ms = 2,
	};
	__u32 resumed;

	while (!worker->stop) {
		if (_mmun_hold(worker->fd, &hold) || job_dontneed(worker) ||
		    _mmun_resume(worker->fd, hold.out_hold, MMUN_RESUME_END,
				 &resumed))
			return -1;
	}
	return 0;
}

TEST_F(hold_limit, does_not_restart_for_a_concurrent_invalidation)
{
	run_worker(&self->other, job_start_holds, FREE_PAGE);
	invalidate_through_many(_metadata, self);
}

TEST_F(hold_limit, restarts_when_no_task_is_held)
{
	struct timespec then;

	set_limit(300);
	for (int i = 0; i < 3; i++) {
		self->map[0] = 1;
		/* Sleep longer than a tick, so that a coarse clock advances. */
		poll(NULL, 0, 20);
		then = mmun_now();
		hold_for(300, .point = MMUN_POINT_ENTER, .tid = mmun_gettid());
		EXPECT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
		EXPECT_LE(250, ms_since(&then));
	}
	expect_limit(300);
}

/*
 * A held invalidation has hit a range of the context that the test closes.
 * close() waits for the end of the invalidation, at most until the limit.
 * After the limit, a worker of the driver waits, and pins the module.
 */
TEST_F(hold_limit, close_waits_no_longer_than_the_limit)
{
	__u64 objects = mmun_objects_without_lists();
	long users = mmun_read_number(MODULE_USERS);
	int other = mmun_open();
	struct timespec then;
	__u32 id;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, _mmun_insert(other, self->map, self->page, &id));
	hold_dontneed(0, MMUN_POINT_START, self->id);
	set_limit(300);
	then = mmun_now();
	EXPECT_EQ(0, close(other));
	EXPECT_LE(250, ms_since(&then));
	EXPECT_GT(MMUN_HOLD_MS / 2, ms_since(&then));
	expect_limit(300);
	set_limit(MMUN_HOLD_MS);
	EXPECT_EQ(users + 1, mmun_read_number(MODULE_USERS));
	end_workers();
	/* Poll until the worker of the driver has released the module. */
	for (int i = 0;
	     i < MMUN_HOLD_MS && mmun_read_number(MODULE_USERS) != users; i++)
		poll(NULL, 0, 1);
	EXPECT_EQ(users, mmun_read_number(MODULE_USERS));
	EXPECT_EQ(objects, mmun_query_context().out_objects);
}

TEST_F(hold_limit, of_0_or_more_than_a_minute_is_rejected)
{
	unsigned int before = mmun_info().out_max_hold_ms;

	mmun_write_number(PARAMETER, 0);
	expect_limit(before);
	mmun_write_number(PARAMETER, 60001);
	expect_limit(before);
}

MMUN_HARNESS_MAIN
