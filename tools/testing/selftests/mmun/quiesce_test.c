// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the states of threads that lib/task.h reports, and MMUN_WAKE_THREAD.
 */
#include "lib/hold.h"
#include "lib/process.h"

#define NO_THREAD 0x7ffffff0

static int job_spin(struct worker *worker)
{
	while (!worker->stop)
		;
	return 0;
}

/* A child executes this order. */
static int stop_and_exit(void *arg, int status)
{
	raise(SIGSTOP);
	_exit(status);
}

HOLD_FIXTURE(quiesce)

TEST_F(quiesce, reports_held_blocked_waiting_and_exited_threads)
{
	struct mmun_task task;

	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	expect_held(self->mutator.tid, self->mutator.hold);
	task = mmun_quiesce_one(self->mutator.tid);
	EXPECT_EQ(SYS_madvise, task.syscall);
	EXPECT_EQ(self->page, task.arg);
	block_reader();
	task = mmun_quiesce_one(self->other.tid);
	EXPECT_EQ(MMUN_TASK_WAITING, task.state);
	EXPECT_EQ(SYS_futex, task.syscall);
	task = mmun_quiesce_one(NO_THREAD);
	EXPECT_EQ(MMUN_TASK_GONE, task.state);
	EXPECT_EQ(-1, task.syscall);
	end_workers();
	worker_do(&self->other, job_nothing);
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_EQ(MMUN_TASK_GONE, mmun_quiesce_one(self->other.tid).state);
}

TEST_F(quiesce, running_thread_is_not_quiet)
{
	struct mmun_task task = { .tid = self->other.tid };

	worker_do(&self->other, job_spin);
	EXPECT_EQ(0, mmun_task_quiesce(&task, 20));
	EXPECT_EQ(MMUN_TASK_RUNNING, task.state);
	end_worker(&self->other);
	mmun_task_close(&task);
}

TEST_F(quiesce, calling_thread_is_not_quiet)
{
	struct mmun_task task = { .tid = mmun_gettid() };

	EXPECT_EQ(0, mmun_task_quiesce(&task, 0));
	EXPECT_EQ(MMUN_TASK_RUNNING, task.state);
	mmun_task_close(&task);
}

/* A thread that wakes and sleeps again has started a new sleep. */
TEST_F(quiesce, second_sleep_in_one_place_is_a_new_sleep)
{
	struct mmun_task task = { .tid = self->reader.tid };

	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	block_reader();
	EXPECT_EQ(1, mmun_task_quiesce(&task, MMUN_HOLD_MS));
	EXPECT_EQ(1, mmun_task_look(&task));
	EXPECT_EQ(1, mmun_wake_thread(self->reader.tid, 1));
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	EXPECT_EQ(0, mmun_task_look(&task));
	EXPECT_EQ(MMUN_TASK_BLOCKED, task.state);
	EXPECT_EQ(1, mmun_task_look(&task));
	end_workers();
	mmun_task_close(&task);
}

TEST_F(quiesce, zombie_is_gone_and_stopped_process_is_waiting)
{
	struct mmun_child child;
	int status;

	ASSERT_EQ(0, mmun_child_start(&child, NULL));
	ASSERT_EQ(0, mmun_child_order(&child, stop_and_exit, 7));
	ASSERT_EQ(child.pid, waitpid(child.pid, &status, WUNTRACED));
	EXPECT_EQ(MMUN_TASK_WAITING, mmun_quiesce_one(child.pid).state);
	ASSERT_EQ(0, mmun_child_signal(&child, SIGCONT));
	EXPECT_EQ(MMUN_TASK_GONE, mmun_quiesce_one(child.pid).state);
	EXPECT_EQ(7, mmun_child_wait(&child));
}

HOLD_FIXTURE(wake_thread)

TEST_F(wake_thread, woken_reader_keeps_waiting)
{
	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	block_reader();
	EXPECT_LE(1, mmun_wake_thread(self->reader.tid, 10000));
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	end_workers();
	EXPECT_EQ(0, mmun_commit(self->reader.token));
}

TEST_F(wake_thread, woken_remover_keeps_waiting)
{
	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	self->other.id = self->near;
	block_worker(&self->other, job_remove, MMUN_REMOVE);
	EXPECT_LE(1, mmun_wake_thread(self->other.tid, 10000));
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
}

TEST_F(wake_thread, held_task_stays_held)
{
	hold_dontneed(1, MMUN_POINT_ENTER, self->id);
	mmun_quiesce_one(self->mutator.tid);
	EXPECT_LE(1, mmun_wake_thread(self->mutator.tid, 10000));
	expect_held(self->mutator.tid, self->mutator.hold);
}

TEST_F(wake_thread, running_thread_is_not_woken)
{
	worker_do(&self->other, job_spin);
	mmun_hold(MMUN_POINT_ENTER, 0, self->other.tid);
	EXPECT_EQ(0, mmun_wake_thread(mmun_gettid(), 10));
}

MMUN_HARNESS_MAIN
