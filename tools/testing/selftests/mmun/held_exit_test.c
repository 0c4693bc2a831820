// SPDX-License-Identifier: GPL-2.0
/*
 * Tests a process that is killed, exits or executes a program while its task is
 * held.
 */
#include "lib/hold.h"
#include "lib/victim.h"

static void on_signal(int sig)
{
}

/* An order */
static int unmap(void *map, int nr)
{
	return munmap(map, ALL_PAGES * sysconf(_SC_PAGESIZE));
}

/* Start a victim with a range over all of its pages, and start a worker. */
#define setup_held()                                                      \
	do {                                                              \
		signal(SIGUSR1, on_signal);                               \
		setup_victim(ALL_PAGES, ALL_PAGES);                       \
		self->id = mmun_insert(self->map, mmun_pages(ALL_PAGES)); \
		start_worker(&self->worker);                              \
	} while (0)

#define hold_victim(_order, _point)                                  \
	({                                                           \
		__u32 __at = mmun_hold(_point, 0, self->victim.tid); \
		order_victim(_order, 0);                             \
		mmun_wait_held(__at);                                \
		__at;                                                \
	})

VICTIM_FIXTURE(held_kill, setup_held(), __u32 id; struct worker worker)

AT_EACH_POINT(held_kill);

TEST_F(held_kill, sigkill_ends_the_hold_at_once)
{
	struct timespec then = mmun_now();
	__u32 at = hold_victim(unmap, variant->point);

	end_victim();
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
	EXPECT_EQ(0, mmun_resume(at));
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

TEST_F(held_kill, handled_signal_does_not_end_the_hold)
{
	__u32 at = hold_victim(unmap, variant->point);

	signal_victim(SIGUSR1);
	expect_held(self->victim.tid, at);
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(0, mmun_child_end(&self->victim));
}

VICTIM_FIXTURE(held_exit, setup_held(), __u32 id; struct worker worker)

TEST_F(held_exit, reader_returns_when_the_held_task_is_killed)
{
	__u32 at = hold_victim(unmap, MMUN_POINT_LEAVE);

	block_worker(&self->worker, job_begin, MMUN_READ_BEGIN);
	signal_victim(SIGKILL);
	EXPECT_EQ(0, worker_join(&self->worker));
	end_victim();
	EXPECT_EQ(0, mmun_resume(at));
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->id)));
}

TEST_F(held_exit, exit_is_held_before_the_callback_runs)
{
	struct mmun_token token = mmun_read_begin(self->id), during;
	__u32 at = hold_victim(victim_exit, MMUN_POINT_EXIT);
	struct mmun_wait_held held = mmun_wait_held(at);

	EXPECT_EQ(MMUN_EVENT_RELEASE, held.out_event);
	EXPECT_EQ(self->id, held.out_id);
	EXPECT_EQ(0, held.out_start);
	EXPECT_EQ(-1ULL, held.out_end);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
	EXPECT_EQ(0, mmun_query_range(self->id).out_invalidations);
	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	during = mmun_read_begin(self->id);
	EXPECT_EQ(1, mmun_resume(at));
	expect_status(0);
	EXPECT_EQ(1, mmun_commit(token));
	EXPECT_EQ(1, mmun_commit(during));
}

TEST_F(held_exit, exit_after_sigkill_is_held)
{
	__u32 at = mmun_hold(MMUN_POINT_EXIT, 0, self->victim.tid);

	signal_victim(SIGKILL);
	mmun_wait_held(at);
	expect_held(self->victim.tid, at);
	EXPECT_EQ(1, mmun_resume(at));
}

TEST_F(held_exit, release_is_not_held_at_enter_or_leave)
{
	__u32 enter = mmun_hold(MMUN_POINT_ENTER, 0, self->victim.tid);
	__u32 leave = mmun_hold(MMUN_POINT_LEAVE, 0, self->victim.tid);
	__u32 at = hold_victim(victim_exit, MMUN_POINT_EXIT);

	expect_armed(enter);
	EXPECT_EQ(1, mmun_resume(at));
	/* exit() raises UNMAP after RELEASE.  UNMAP passes ENTER and LEAVE. */
	EXPECT_EQ(MMUN_EVENT_UNMAP, mmun_wait_held(enter).out_event);
	expect_armed(leave);
	EXPECT_EQ(1, mmun_resume(enter));
	EXPECT_EQ(MMUN_EVENT_UNMAP, mmun_wait_held(leave).out_event);
	EXPECT_EQ(1, mmun_resume(leave));
	expect_status(0);
}

TEST_F(held_exit, exit_continues_at_the_timeout)
{
	const struct timespec then = mmun_now();
	__u32 at = hold_for(200, .point = MMUN_POINT_EXIT,
			    .tid = self->victim.tid);

	order_victim(victim_exit, 0);
	expect_status(0);
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
}

TEST_F(held_exit, exec_is_held_at_the_exit_point)
{
	__u32 at = hold_victim(victim_exec, MMUN_POINT_EXIT);

	/* During exec, expect_held() would wait for a lock of /proc. */
	EXPECT_EQ(1, mmun_resume(at));
	expect_status(EXECED_OK);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

TEST_F(held_exit, exit_of_the_mm_leaves_holds_armed)
{
	__u32 start = mmun_hold(MMUN_POINT_START, 0, mmun_gettid());
	__u32 enter = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	struct mmun_check_balance balance;

	EXPECT_EQ(0, mmun_child_end(&self->victim));
	expect_armed(start);
	expect_armed(enter);
	mmun_err_hold(ESRCH, MMUN_POINT_START, 0, mmun_gettid());
	start = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	EXPECT_EQ(0, mmun_resume_end(start));
	EXPECT_ERRNO(ESRCH, _mmun_check_balance(self->fd, 0, &balance));
}

/* @worker->fd is a pidfd. */
JOB(mrelease, syscall(SYS_process_mrelease, worker->fd, 0))

TEST_F(held_exit, arrival_that_must_not_block_is_missed)
{
	struct worker *reaper = &self->worker;
	struct mmun_wait_held held;
	__u32 at[3], i;

	pin_victim();
	signal_victim(SIGKILL);
	for (i = 0; i < 3; i++)
		at[i] = mmun_hold(i, self->id, reaper->tid);
	reaper->fd = self->victim.pidfd;
	worker_do(reaper, job_mrelease);
	EXPECT_EQ(0, worker_join(reaper));
	for (i = 0; i < 3; i++) {
		held = mmun_wait_held_ms(at[i], 0);
		EXPECT_EQ(MMUN_HOLD_MISSED, held.out_state);
		EXPECT_EQ(reaper->tid, held.out_tid);
		EXPECT_EQ(i < 2 ? self->id : 0, held.out_id);
		EXPECT_EQ(mmun_u64(self->map), held.out_start);
		/* A hold that missed an arrival does not count the arrival. */
		EXPECT_EQ(0, mmun_resume(at[i]));
		expect_armed(at[i]);
	}
	expect_balance(1);
}

EXECED_MAIN
