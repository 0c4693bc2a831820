// SPDX-License-Identifier: GPL-2.0
/*
 * The stage: a victim comes and goes, its memory and its ranges are as the model
 * has them at first, and actors are held.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "../lib/compat.h"
#include "stage.h"

static void task_name(struct mmun_task *task, pid_t tid)
{
	if (task->tid != tid)
		mmun_task_close(task);
	task->tid = tid;
}

/* Mutators are the victim's threads 1 and 2, exit is its main thread. */
static void stage_cast(struct stage *stage)
{
	int i, mutators = 1, others = VICTIM_THREADS;

	for (i = 0; i < stage->config->nr; i++) {
		const struct model_role *role = &stage->config->role[i];

		if (role->kind == MODEL_EXIT)
			stage->thread[i] = &crew->thread[0];
		else if (model_is_mutator(role))
			stage->thread[i] = &crew->thread[mutators++];
		else
			stage->thread[i] = &crew->thread[others++];
		task_name(&stage->task[i], stage->thread[i]->tid);
	}
}

static bool has_kind(const struct model_config *config, int kind)
{
	int i;

	for (i = 0; i < config->nr; i++)
		if (config->role[i].kind == kind)
			return true;
	return false;
}

/* Its actors die, so the victim is good for one schedule. */
static bool dies(const struct model_config *config)
{
	return has_kind(config, MODEL_EXIT) || has_kind(config, MODEL_REAPER);
}

/* Holds. */

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

__u32 hold_range(struct stage *stage, __u32 hold)
{
	struct mmun_wait_held cmd;

	if (_mmun_wait_held(stage->fd, hold, 0, &cmd) ||
	    cmd.out_state != MMUN_HOLD_HELD)
		return 0;
	return cmd.out_id;
}

static unsigned int points_of(const struct model_role *role)
{
	if (model_is_mutator(role))
		return 1 << MMUN_POINT_ENTER | 1 << MMUN_POINT_LEAVE |
		       1 << MMUN_POINT_START | 1 << MMUN_POINT_END;
	if (role->kind == MODEL_EXIT)
		return 1 << MMUN_POINT_EXIT | 1 << MMUN_POINT_ENTER |
		       1 << MMUN_POINT_LEAVE;
	return 0;
}

static bool holds_arm(struct stage *stage)
{
	int i, point;

	for (i = 0; i < stage->config->nr; i++)
		for (point = 0; point < NR_POINTS; point++)
			if (points_of(&stage->config->role[i]) & 1 << point &&
			    !hold_arm(stage, stage->thread[i]->tid, point,
				      &stage->hold[i][point]))
				return false;
	return true;
}

/* Whoever is held goes on, and is not stopped again. */
static void holds_end(struct stage *stage)
{
	int i, point;

	for (i = 0; i < MODEL_ACTORS; i++) {
		for (point = 0; point < NR_POINTS; point++) {
			if (stage->hold[i][point])
				hold_release(stage, stage->hold[i][point],
					     MMUN_RESUME_END);
			stage->hold[i][point] = 0;
		}
	}
}

/* What the actors do. */

static bool is_held(struct stage *stage, __u32 hold)
{
	struct mmun_wait_held cmd;

	return hold && !_mmun_wait_held(stage->fd, hold, 0, &cmd) &&
	       cmd.out_state == MMUN_HOLD_HELD;
}

__u32 held_by(struct stage *stage, int actor)
{
	int point;

	for (point = 0; point < NR_POINTS; point++)
		if (is_held(stage, stage->hold[actor][point]))
			return stage->hold[actor][point];
	return 0;
}

/*
 * Only this thread orders jobs and releases holds.  So an actor that is held or done
 * changes nothing any more, even if it is not off its CPU yet, and no file of /proc
 * is read for it.
 */
static int actor_rests(struct mmun_task *task, __u32 state, __u32 hold)
{
	const bool same = task->state == state && task->hold == hold;

	task->state = state;
	task->hold = hold;
	task->syscall = -1;
	return same;
}

/*
 * @hold is where it should be held, or 0.  Returns 1 if the actor has rested since
 * the last look; else 0, or -1 with errno.
 */
static int actor_look(struct stage *stage, int actor, __u32 hold)
{
	struct mmun_task *task = &stage->task[actor];

	if (is_held(stage, hold))
		return actor_rests(task, MMUN_TASK_HELD, hold);
	if (thread_is_done(stage->thread[actor]))
		return actor_rests(task, MMUN_TASK_WAITING, 0);
	return mmun_task_look(task);
}

/* Returns how many actors have not rested since the last look, or -1. */
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
			give_way(round);
	}
}

/* The victim comes and goes. */

static bool victim_adopt(struct stage *stage)
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

/* The list notifier is there from the first hold at START on. */
static bool list_notifier_register(struct stage *stage)
{
	__u32 hold;

	return hold_arm(stage, crew->thread[0].tid, MMUN_POINT_START, &hold) &&
	       hold_release(stage, hold, MMUN_RESUME_END);
}

static bool log_setup(struct stage *stage)
{
	__u64 lost;

	return !_mmun_log_setup(stage->fd, 256,
				1 << MMUN_RECORD_INVALIDATE |
					1 << MMUN_RECORD_START |
					1 << MMUN_RECORD_END,
				&lost);
}

static bool victim_start(struct stage *stage)
{
	const int threads = dies(stage->config) ? 1 : VICTIM_THREADS;
	int i;

	stage->lone = dies(stage->config);
	for (i = 0; i < VICTIM_THREADS; i++)
		crew->thread[i].ordered = crew->thread[i].done;
	crew->ready = 0;
	crew->victim_ready = 0;
	stage->pid = fork();
	if (!stage->pid)
		victim_main(threads);
	return victim_adopt(stage) && log_setup(stage) &&
	       list_notifier_register(stage);
}

static void *close_main(void *arg)
{
	close((long)arg);
	return NULL;
}

/* The close of a context with holds waits for a grace period: not for us. */
static void close_beside(long fd)
{
	if (!run_detached(close_main, (void *)fd))
		close(fd);
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
	close_beside(stage->fd);
	close(stage->pidfd);
	stage->pid = 0;
}

/* The victim's memory as it is at the start of each schedule */
static bool memory_set_up(struct stage *stage)
{
	struct thread *t = &crew->thread[0];
	const long prot = PROT_READ | PROT_WRITE;
	const long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
			   MAP_POPULATE;

	if (has_kind(stage->config, MODEL_MREMAP) &&
	    !thread_do_now(t, SYS_munmap, MOVE_TO, MODEL_PAGES * page_size(), 0,
			   0))
		return false;
	return thread_do_now(t, SYS_mmap, ARENA, MODEL_PAGES * page_size(),
			     prot, flags);
}

/* Dead, but for one thread that no signal wakes: that is what is reaped. */
static bool victim_park(struct stage *stage)
{
	struct thread *t = &crew->thread[0];
	struct mmun_task task = { .tid = t->tid };
	bool parked = false;
	int i;

	t->arg.park = (struct mmun_pin_mm){
		.size = sizeof(t->arg.park),
		.timeout_ms = 5000,
	};
	thread_order_ioctl(t, crew->victim_fd, MMUN_PIN_MM);
	/* It may sleep on its way to PIN_MM, too. */
	for (i = 0; i < SETTLE_MS && !parked; i++) {
		give_way(i);
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
	int i;

	memset(stage->id, 0, sizeof(stage->id));
	for (i = 0; i < MODEL_RANGES; i++)
		if (stage->config->live & 1 << i &&
		    _mmun_insert_kind(stage->fd, stage->kind, page_at(i),
				      2 * page_size(), &stage->id[i]))
			return false;
	return true;
}

static bool refusals_set(struct stage *stage)
{
	__u32 left;

	if (!has_kind(stage->config, MODEL_REAPER) || !stage->id[0])
		return true;
	return !_mmun_fail_nonblock(stage->fd, stage->id[0],
				    stage->config->refusals, &left);
}

static void log_drain(struct stage *stage)
{
	struct mmun_record records[16];

	while (read(stage->fd, records, sizeof(records)) > 0)
		;
}

bool stage_set_up(struct stage *stage)
{
	if (stage->pid && stage->lone != dies(stage->config))
		victim_end(stage);
	if (!stage->pid && !victim_start(stage))
		return false;
	stage_cast(stage);
	if (!memory_set_up(stage) || !ranges_insert(stage) ||
	    !refusals_set(stage) || !holds_arm(stage))
		return false;
	if (has_kind(stage->config, MODEL_REAPER) && !victim_park(stage))
		return false;
	/* What the list notifier was told of all that */
	log_drain(stage);
	return true;
}

static void ranges_remove(struct stage *stage)
{
	int i;

	for (i = 0; i < MODEL_RANGES; i++)
		if (stage->id[i])
			_mmun_remove(stage->fd, stage->id[i]);
}

void stage_clear(struct stage *stage)
{
	holds_end(stage);
	ranges_remove(stage);
	if (dies(stage->config))
		victim_end(stage);
}

/* Whether no actor is in a call any more */
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
	for (i = 0; i < LOOKS(SETTLE_MS) && !all_are_idle(stage); i++)
		usleep(LOOK_US); /* no call waits until all tasks are idle */
	if (!all_are_idle(stage))
		return false;
	victim_end(stage);
	return true;
}
