// SPDX-License-Identifier: GPL-2.0
/*
 * A process that is killed, exits or executes a program while its task is held.
 */
#include "lib/hold.h"
#include "lib/process.h"

#define EXECED "--execed"
#define EXECED_STATUS 42
#define PIN_MS 5000

/* Orders.  The first argument is the memory of the child. */

static int child_fd;

static void on_signal(int sig)
{
}

/* Returns the descriptor of the device. */
static int set_up(void *map, int nr)
{
	signal(SIGUSR1, on_signal);
	child_fd = mmun_open();
	return mmun_map_filled(map, PAGES) ? child_fd : -1;
}

static int unmap(void *map, int nr)
{
	return munmap(map, PAGES * sysconf(_SC_PAGESIZE));
}

static int pin_mm(void *map, int nr)
{
	__u32 released;

	return _mmun_pin_mm(child_fd, PIN_MS, &released);
}

static int execute(void *map, int nr)
{
	return execl("/proc/self/exe", "held_exit_test", EXECED, NULL);
}

static int exit_with(void *map, int status)
{
	_exit(status);
}

/* A child with a range over all of its pages, and a worker of the test */
#define CHILD_FIXTURE(_fixture)                                          \
	FIXTURE(_fixture)                                                \
	{                                                                \
		MMUN_FIXTURE;                                            \
		__u32 id;                                                \
		struct mmun_child child;                                 \
		struct worker worker;                                    \
	};                                                               \
	FIXTURE_SETUP(_fixture)                                          \
	{                                                                \
		self->page = sysconf(_SC_PAGESIZE);                      \
		self->map = mmun_arena(PAGES);                           \
		ASSERT_EQ(0, mmun_child_start(&self->child, self->map)); \
		self->fd = mmun_child_do(&self->child, set_up, 0);       \
		ASSERT_LE(0, self->fd);                                  \
		self->fd = mmun_child_getfd(&self->child, self->fd);     \
		ASSERT_LE(0, self->fd);                                  \
		self->id = mmun_insert(self->map, mmun_pages(PAGES));    \
		start_worker(&self->worker);                             \
	}                                                                \
	FIXTURE_TEARDOWN(_fixture)                                       \
	{                                                                \
		__u32 count;                                             \
		_mmun_unpin_mm(self->fd, 0, &count);                     \
		mmun_child_kill(&self->child);                           \
		close(self->fd);                                         \
	}

#define order(_order) ASSERT_EQ(0, mmun_child_order(&self->child, _order, 0))
#define kill_child(_sig) ASSERT_EQ(0, mmun_child_signal(&self->child, _sig))
#define expect_status(_status) EXPECT_EQ(_status, mmun_child_wait(&self->child))

#define hold_child(_order, _point)                                  \
	({                                                          \
		__u32 __at = mmun_hold(_point, 0, self->child.tid); \
		order(_order);                                      \
		mmun_wait_held(__at);                               \
		__at;                                               \
	})

CHILD_FIXTURE(held_kill)

FIXTURE_VARIANT(held_kill)
{
	__u32 point;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(held_kill, enter) { .point = MMUN_POINT_ENTER };
FIXTURE_VARIANT_ADD(held_kill, leave) { .point = MMUN_POINT_LEAVE };
FIXTURE_VARIANT_ADD(held_kill, start) { .point = MMUN_POINT_START };
FIXTURE_VARIANT_ADD(held_kill, end) { .point = MMUN_POINT_END };
/* clang-format on */

TEST_F(held_kill, sigkill_ends_the_hold_at_once)
{
	struct timespec then = mmun_now();
	__u32 at = hold_child(unmap, variant->point);

	kill_child(SIGKILL);
	expect_status(128 + SIGKILL);
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
	EXPECT_EQ(0, mmun_resume(at));
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

TEST_F(held_kill, handled_signal_does_not_end_the_hold)
{
	__u32 at = hold_child(unmap, variant->point);

	kill_child(SIGUSR1);
	expect_held(self->child.tid, at);
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(0, mmun_child_end(&self->child));
}

CHILD_FIXTURE(held_exit)

TEST_F(held_exit, reader_returns_when_the_held_task_is_killed)
{
	__u32 at = hold_child(unmap, MMUN_POINT_LEAVE);

	block_worker(&self->worker, job_begin, MMUN_READ_BEGIN);
	kill_child(SIGKILL);
	EXPECT_EQ(0, worker_join(&self->worker));
	expect_status(128 + SIGKILL);
	EXPECT_EQ(0, mmun_resume(at));
	EXPECT_EQ(0, mmun_commit(mmun_read_begin(self->id)));
}

TEST_F(held_exit, exit_is_held_before_the_callback_runs)
{
	struct mmun_token token = mmun_read_begin(self->id), during;
	__u32 at = hold_child(exit_with, MMUN_POINT_EXIT);
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
	__u32 at = mmun_hold(MMUN_POINT_EXIT, 0, self->child.tid);

	kill_child(SIGKILL);
	mmun_wait_held(at);
	expect_held(self->child.tid, at);
	EXPECT_EQ(1, mmun_resume(at));
	expect_status(128 + SIGKILL);
}

TEST_F(held_exit, release_does_not_pass_enter_or_leave)
{
	__u32 enter = mmun_hold(MMUN_POINT_ENTER, 0, self->child.tid);
	__u32 leave = mmun_hold(MMUN_POINT_LEAVE, 0, self->child.tid);
	__u32 at = hold_child(exit_with, MMUN_POINT_EXIT);

	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(enter));
	EXPECT_EQ(1, mmun_resume(at));
	/* The UNMAP that follows passes both points. */
	EXPECT_EQ(MMUN_EVENT_UNMAP, mmun_wait_held(enter).out_event);
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(leave));
	EXPECT_EQ(1, mmun_resume(enter));
	EXPECT_EQ(MMUN_EVENT_UNMAP, mmun_wait_held(leave).out_event);
	EXPECT_EQ(1, mmun_resume(leave));
	expect_status(0);
}

TEST_F(held_exit, exit_continues_at_the_timeout)
{
	struct timespec then = mmun_now();
	__u32 at =
		hold_for(200, .point = MMUN_POINT_EXIT, .tid = self->child.tid);

	order(exit_with);
	expect_status(0);
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
}

TEST_F(held_exit, exec_passes_the_exit_point)
{
	__u32 at = hold_child(execute, MMUN_POINT_EXIT);

	/* exec holds the lock that a read of /proc/PID/syscall needs. */
	EXPECT_EQ(1, mmun_resume(at));
	expect_status(EXECED_STATUS);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

TEST_F(held_exit, exit_of_the_mm_leaves_holds_armed)
{
	__u32 start = mmun_hold(MMUN_POINT_START, 0, mmun_gettid());
	__u32 enter = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	struct mmun_check_balance balance;

	EXPECT_EQ(0, mmun_child_end(&self->child));
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(start));
	EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(enter));
	mmun_err_hold(ESRCH, MMUN_POINT_START, 0, mmun_gettid());
	start = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	EXPECT_EQ(0, mmun_resume_end(start));
	EXPECT_ERRNO(ESRCH, _mmun_check_balance(self->fd, 0, &balance));
}

/* @worker->fd is a descriptor of a process. */
static int job_mrelease(struct worker *worker)
{
	return syscall(SYS_process_mrelease, worker->fd, 0);
}

TEST_F(held_exit, passage_that_must_not_block_is_missed)
{
	struct worker *reaper = &self->worker;
	struct mmun_record pinned = {};
	struct mmun_wait_held held;
	__u32 at[3], i;

	order(pin_mm);
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, &pinned));
	kill_child(SIGKILL);
	for (i = 0; i < 3; i++)
		at[i] = mmun_hold(i, self->id, reaper->tid);
	reaper->fd = self->child.pidfd;
	worker_do(reaper, job_mrelease);
	EXPECT_EQ(0, worker_join(reaper));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, _mmun_wait_held(self->fd, at[i], 0, &held));
		EXPECT_EQ(MMUN_HOLD_MISSED, held.out_state);
		EXPECT_EQ(reaper->tid, held.out_tid);
		EXPECT_EQ(i < 2 ? self->id : 0, held.out_id);
		EXPECT_EQ(mmun_u64(self->map), held.out_start);
		/* A missed passage does not count as a passage. */
		EXPECT_EQ(0, mmun_resume(at[i]));
		EXPECT_EQ(MMUN_HOLD_ARMED, mmun_hold_state(at[i]));
	}
	EXPECT_EQ(1, mmun_check_balance(0));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], EXECED))
		return EXECED_STATUS;
	return mmun_main(argc, argv);
}
