// SPDX-License-Identifier: GPL-2.0
/*
 * The stage starts and ends the victim, sets up its memory and its ranges, and
 * holds the actors.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "../lib/compat.h"
#include "stage.h"

static bool has_kind(const struct stage *stage, int kind)
{
	int i;

	for (i = 0; i < stage->config->nr; i++)
		if (stage->config->role[i].kind == kind)
			return true;
	return false;
}

/* The victim dies in the schedule, so each schedule needs a victim. */
static bool victim_dies(const struct stage *stage)
{
	return has_kind(stage, MODEL_EXIT) || has_kind(stage, MODEL_REAPER);
}

/*
 * The mutators are the threads 1 and 2 of the victim.  The main thread of the
 * victim takes the steps of exit.
 */
static void choose_threads(struct stage *stage)
{
	int i, mutators = 1, own = VICTIM_THREADS;

	for (i = 0; i < stage->config->nr; i++) {
		const struct model_role *role = &stage->config->role[i];
		struct mmun_task *task = &stage->task[i];
		int thread;

		if (role->kind == MODEL_EXIT)
			thread = 0;
		else
			thread = model_is_mutator(role->kind) ? mutators++ :
								own++;
		stage->thread[i] = &crew->thread[thread];
		if (task->tid != stage->thread[i]->tid)
			mmun_task_close(task);
		task->tid = stage->thread[i]->tid;
	}
}

/* Holds */

static bool hold_arm(struct stage *stage, pid_t tid, int point, __u32 *hold)
{
	struct mmun_hold cmd = {
		.point = point,
		.tid = tid,
		.count = 64,
		.timeout_ms = stage->max_hold_ms,
	};

	if (_mmun_hold(stage->fd, &cmd))
		return false;
	*hold = cmd.out_hold;
	return true;
}

bool hold_release(struct stage *stage, __u32 hold, __u32 flags)
{
	__u32 released;

	return !_mmun_resume(stage->fd, hold, flags, &released);
}

static bool is_held(struct stage *stage, __u32 hold, __u32 *range)
{
	struct mmun_wait_held cmd;

	if (!hold || _mmun_wait_held(stage->fd, hold, 0, &cmd) ||
	    cmd.out_state != MMUN_HOLD_HELD)
		return false;
	*range = cmd.out_id;
	return true;
}

__u32 hold_range(struct stage *stage, __u32 hold)
{
	__u32 range;

	return is_held(stage, hold, &range) ? range : 0;
}

__u32 held_by(struct stage *stage, int actor)
{
	__u32 range;
	int point;

	for (point = 0; point < NR_POINTS; point++)
		if (is_held(stage, stage->hold[actor][point], &range))
			return stage->hold[actor][point];
	return 0;
}

static bool stops_at(const struct model_role *role, int point)
{
	if (role->kind == MODEL_EXIT)
		return point != MMUN_POINT_START && point != MMUN_POINT_END;
	return model_is_mutator(role->kind) && point != MMUN_POINT_EXIT;
}

static bool holds_arm(struct stage *stage)
{
	int i, point;

	for (i = 0; i < stage->config->nr; i++)
		for (point = 0; point < NR_POINTS; point++)
			if (stops_at(&stage->config->role[i], point) &&
			    !hold_arm(stage, stage->thread[i]->tid, point,
				      &stage->hold[i][point]))
				return false;
	return true;
}

/* The held actors continue, and no hold stops them again. */
static void holds_end(struct stage *stage)
{
	__u32 *hold = stage->hold[0];
	int i;

	for (i = 0; i < MODEL_ACTORS * NR_POINTS; i++)
		if (hold[i])
			hold_release(stage, hold[i], MMUN_RESUME_END);
	memset(stage->hold, 0, sizeof(stage->hold));
}

/* What the actors do */

static int actor_rests(struct mmun_task *task, __u32 state, __u32 hold)
{
	const bool same = task->state == state && task->hold == hold;

	task->state = state;
	task->hold = hold;
	task->syscall = -1;
	return same;
}

/*
 * /proc/TID/status takes a reference to the mm.  If the victim exited meanwhile, the
 * reader would drop the last reference and run the callbacks, which no hold stops.
 */
static int exit_look(struct stage *stage, struct mmun_task *task)
{
	struct pollfd pfd = { .fd = stage->pidfd, .events = POLLIN };

	if (poll(&pfd, 1, 0) == 1)
		return actor_rests(task, MMUN_TASK_GONE, 0);
	actor_rests(task, MMUN_TASK_RUNNING, 0);
	return 0;
}

/*
 * Returns 1 if the actor has not changed its state since the last look, 0 if it
 * has, or -1 with errno.  @hold is the hold that should stop the actor, or 0.
 *
 * Only this thread gives orders and releases holds.  So an actor that is held or
 * idle cannot change its state, even if it still runs, and /proc is not needed.
 */
static int actor_look(struct stage *stage, int actor, __u32 hold)
{
	struct mmun_task *task = &stage->task[actor];
	__u32 range;

	if (is_held(stage, hold, &range))
		return actor_rests(task, MMUN_TASK_HELD, hold);
	if (thread_is_done(stage->thread[actor]))
		return actor_rests(task, MMUN_TASK_WAITING, 0);
	if (stage->config->role[actor].kind == MODEL_EXIT)
		return exit_look(stage, task);
	return mmun_task_look(task);
}

/* Returns the number of actors that have changed since the last look, or -1. */
static int stage_look(struct stage *stage, const __u32 *holds)
{
	int i, ret, changed = 0;

	for (i = 0; i < stage->config->nr; i++) {
		ret = actor_look(stage, i, holds ? holds[i] : 0);
		if (ret < 0)
			return ret;
		changed += !ret;
	}
	return changed;
}

int stage_quiesce(struct stage *stage, const __u32 *holds, int timeout_ms)
{
	struct timespec start;
	int round, changed, i;

	for (i = 0; i < stage->config->nr; i++)
		stage->task[i].state = MMUN_TASK_RUNNING;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (round = 0;; round++) {
		changed = stage_look(stage, holds);
		if (changed <= 0)
			return changed ? -1 : 1;
		if (round && ms_since(&start) >= timeout_ms)
			return 0;
		if (round)
			let_run(round);
	}
}

/* The victim */

static bool victim_open(struct stage *stage)
{
	struct mmun_info info;

	stage->pidfd = syscall(SYS_pidfd_open, stage->pid, 0);
	if (!wait_count(&crew->victim_ready, 1))
		return false;
	stage->fd = syscall(SYS_pidfd_getfd, stage->pidfd, crew->victim_fd, 0);
	if (stage->fd < 0 || _mmun_info(stage->fd, &info))
		return false;
	stage->max_hold_ms = info.out_max_hold_ms;
	return true;
}

/* The first hold at START registers the list notifier. */
static bool records_set_up(struct stage *stage)
{
	const __u32 types = 1 << MMUN_RECORD_INVALIDATE |
			    1 << MMUN_RECORD_START | 1 << MMUN_RECORD_END;
	__u32 hold;
	__u64 lost;

	return !_mmun_log_setup(stage->fd, 256, types, &lost) &&
	       hold_arm(stage, crew->thread[0].tid, MMUN_POINT_START, &hold) &&
	       hold_release(stage, hold, MMUN_RESUME_END);
}

static bool victim_start(struct stage *stage)
{
	int i;

	stage->lone = victim_dies(stage);
	for (i = 0; i < VICTIM_THREADS; i++)
		crew->thread[i].ordered = crew->thread[i].done;
	crew->ready = 0;
	crew->victim_ready = 0;
	stage->pid = fork();
	if (!stage->pid)
		victim_main(stage->lone ? 1 : VICTIM_THREADS);
	return victim_open(stage) && records_set_up(stage);
}

static void *close_main(void *arg)
{
	close((long)arg);
	return NULL;
}

static void victim_end(struct stage *stage)
{
	__u32 count;
	int i;

	for (i = 0; i < MODEL_ACTORS; i++)
		mmun_task_close(&stage->task[i]);
	holds_end(stage);
	kill(stage->pid, SIGKILL);
	_mmun_unpin_mm(stage->fd, 0, &count);
	waitpid(stage->pid, NULL, 0);
	/* Closing a context with holds waits for a grace period. */
	if (!run_detached(close_main, (void *)(long)stage->fd))
		close(stage->fd);
	close(stage->pidfd);
	stage->pid = 0;
}

static bool memory_set_up(struct stage *stage)
{
	const size_t length = MODEL_PAGES * page_size();
	struct thread *t = &crew->thread[0];

	if (has_kind(stage, MODEL_MREMAP) &&
	    !thread_do_now(t, SYS_munmap, MOVE_TO, length, 0, 0))
		return false;
	return thread_do_now(t, SYS_mmap, ARENA, length, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
				     MAP_POPULATE);
}

/*
 * The reaper needs a process that is dead and still has its mm.  A thread that
 * no signal wakes keeps the mm.
 */
static bool victim_park(struct stage *stage)
{
	struct thread *t = &crew->thread[0];
	struct mmun_task task = { .tid = t->tid };
	bool parked = false;
	int i;

	thread_ioctl(t, crew->victim_fd, MMUN_PIN_MM, park, .timeout_ms = 5000);
	/* The thread may also sleep before it reaches PIN_MM. */
	for (i = 0; i < SETTLE_MS && !parked; i++) {
		let_run(i);
		if (mmun_task_look(&task) < 0)
			break;
		parked = task.state == MMUN_TASK_BLOCKED &&
			 task.arg == MMUN_PIN_MM;
	}
	mmun_task_close(&task);
	return parked && !kill(stage->pid, SIGKILL);
}

static bool ranges_insert(struct stage *stage)
{
	__u32 left;
	int i;

	memset(stage->id, 0, sizeof(stage->id));
	for (i = 0; i < MODEL_RANGES; i++)
		if (stage->config->live & 1 << i &&
		    _mmun_insert_kind(stage->fd, stage->kind,
				      (void *)page_at(i), 2 * page_size(),
				      &stage->id[i]))
			return false;
	if (!has_kind(stage, MODEL_REAPER) || !stage->id[0])
		return true;
	return !_mmun_fail_nonblock(stage->fd, stage->id[0], MODEL_REFUSALS,
				    &left);
}

bool stage_set_up(struct stage *stage)
{
	struct mmun_record records[16];

	if (stage->pid && stage->lone != victim_dies(stage))
		victim_end(stage);
	if (!stage->pid && !victim_start(stage))
		return false;
	choose_threads(stage);
	if (!memory_set_up(stage) || !ranges_insert(stage) ||
	    !holds_arm(stage) ||
	    (has_kind(stage, MODEL_REAPER) && !victim_park(stage)))
		return false;
	/* Drop the records of the list notifier that the setup caused. */
	while (read(stage->fd, records, sizeof(records)) > 0)
		;
	return true;
}

void stage_clear(struct stage *stage)
{
	int i;

	holds_end(stage);
	for (i = 0; i < MODEL_RANGES; i++)
		if (stage->id[i])
			_mmun_remove(stage->fd, stage->id[i]);
	if (victim_dies(stage))
		victim_end(stage);
}

/* Returns whether no actor is in a call. */
static bool all_are_idle(struct stage *stage)
{
	int i;

	if (stage_quiesce(stage, NULL, 10) < 0)
		return false;
	for (i = 0; i < stage->config->nr; i++)
		if (stage->task[i].state != MMUN_TASK_WAITING &&
		    stage->task[i].state != MMUN_TASK_GONE)
			return false;
	return true;
}

bool stage_abandon(struct stage *stage)
{
	int i;

	if (!stage->pid)
		return true;
	holds_end(stage);
	for (i = 0; i < LOOKS(SETTLE_MS) && !all_are_idle(stage); i++) {
		/* Poll: no call of the kernel waits until a task is idle. */
		usleep(LOOK_US);
	}
	if (!all_are_idle(stage))
		return false;
	victim_end(stage);
	return true;
}
