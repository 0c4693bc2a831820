// SPDX-License-Identifier: GPL-2.0
/*
 * Starts and ends the victim, sets up its memory and its ranges, and stops the
 * actors with holds.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "../lib/compat.h"
#include "stage.h"

struct stage stage = { .settle_ms = SETTLE_MS };

static bool has_kind(int kind)
{
	for (int i = 0; i < stage.config->nr; i++)
		if (stage.config->role[i].kind == kind)
			return true;
	return false;
}

/* Returns whether the schedule kills the victim, and so needs a new victim. */
static bool victim_dies(void)
{
	return has_kind(MODEL_EXIT) || has_kind(MODEL_REAPER);
}

/*
 * Threads 1 and 2 of the victim make the calls of mutators.  The main thread of
 * the victim makes the call of exit.
 */
static void choose_threads(void)
{
	int mutators = 1, own = VICTIM_THREADS;

	for (int i = 0; i < stage.config->nr; i++) {
		const int kind = stage.config->role[i].kind;
		int thread = 0;

		if (kind != MODEL_EXIT)
			thread = model_is_mutator(kind) ? mutators++ : own++;
		stage.thread[i] = &crew->thread[thread];
	}
}

/* Holds */

/* Returns the ID of the hold, or 0 with errno. */
static __u32 hold_arm(const struct thread *t, int where)
{
	struct mmun_hold cmd = {
		.point = where - MODEL_ENTER,
		.tid = t->task.tid,
		.count = 64,
		.timeout_ms = stage.max_hold_ms,
	};

	return _mmun_hold(stage.fd, &cmd) ? 0 : cmd.out_hold;
}

static bool hold_end(__u32 hold)
{
	__u32 released;

	return !_mmun_resume(stage.fd, hold, MMUN_RESUME_END, &released);
}

bool hold_release(__u32 hold, int where)
{
	__u32 released;

	if (where == MODEL_CALLED)
		return listener_resume(hold);
	return !_mmun_resume(stage.fd, hold, 0, &released);
}

static bool is_held(int actor, int where)
{
	const __u32 hold = model_is_held(where) ? stage.hold[actor][where] : 0;
	struct mmun_wait_held cmd;

	if (where == MODEL_CALLED)
		return hold && listener_is_held(hold);
	if (!hold || _mmun_wait_held(stage.fd, hold, 0, &cmd) ||
	    cmd.out_state != MMUN_HOLD_HELD)
		return false;
	stage.held_in[actor] = cmd.out_id;
	return true;
}

static bool stops_at(int kind, int where)
{
	if (kind == MODEL_EXIT)
		return where != MODEL_START && where != MODEL_END;
	return model_is_mutator(kind) && where != MODEL_EXITING;
}

static bool holds_arm(void)
{
	for (int i = 0; i < stage.config->nr; i++) {
		for (int at = MODEL_ENTER; at <= MODEL_EXITING; at++) {
			if (!stops_at(stage.config->role[i].kind, at))
				continue;
			stage.hold[i][at] = hold_arm(stage.thread[i], at);
			if (!stage.hold[i][at])
				return false;
		}
	}
	return true;
}

/* End all holds: the held actors continue, and no hold stops them again. */
static void holds_end(void)
{
	for (int i = 0; i < MODEL_ACTORS; i++) {
		for (int at = MODEL_ENTER; at <= MODEL_EXITING; at++)
			if (stage.hold[i][at])
				hold_end(stage.hold[i][at]);
		if (stage.hold[i][MODEL_CALLED])
			listener_resume(stage.hold[i][MODEL_CALLED]);
	}
	memset(stage.hold, 0, sizeof(stage.hold));
}

/* What the actors do */

/*
 * Do not read /proc/TID/status, which takes a reference to the mm.  If the
 * victim exited during the read, the reading thread would drop the last
 * reference and execute the callbacks, and no hold would stop that thread.
 */
static enum model_where exit_look(void)
{
	struct pollfd pfd = { .fd = stage.pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 ? MODEL_GONE : MODEL_RUNS;
}

/*
 * Returns the stop of the actor, or -1 with errno.  MODEL_RUNS means that the
 * actor has run since the last check.
 *
 * Only the calling thread gives orders and releases holds, so an actor that is
 * held or idle cannot move, and the check of /proc is not needed.
 */
static int find_place(int actor, int expected)
{
	struct thread *t = stage.thread[actor];
	int at;

	if (thread_is_done(t))
		return MODEL_IDLE;
	if (is_held(actor, expected))
		return expected;
	if (t->kind == MODEL_EXIT)
		return exit_look();
	at = mmun_task_look(&t->task);
	if (at <= 0)
		return at ? at : MODEL_RUNS;
	if (t->task.state == MMUN_TASK_GONE)
		return MODEL_GONE;
	return t->task.state == MMUN_TASK_BLOCKED ? MODEL_WAITS_SEQ :
						    MODEL_RUNS;
}

/*
 * Returns 1 if no actor can move, 0 if an actor may still move, or -1 with
 * errno.  Another actor may just have woken an actor that looks blocked, so two
 * calls of stage_look() must see the same stops.
 */
static int stage_look(const struct model_actor *expected)
{
	bool runs = false, changed = false, blocked = false;

	for (int i = 0; i < stage.config->nr; i++) {
		const int at = find_place(i, expected[i].where);

		if (at < 0)
			return at;
		runs |= at == MODEL_RUNS;
		changed |= at != stage.where[i];
		blocked |= model_is_blocked(at);
		stage.where[i] = at;
	}
	return !runs && !(blocked && changed);
}

/*
 * Check whether any hold has stopped the actor.  A check of all holds is slow,
 * so stage_quiesce() calls find_hold() only after its wait.
 */
static void find_hold(int actor)
{
	for (int at = MODEL_ENTER; at <= MODEL_CALLED; at++)
		if (is_held(actor, at))
			stage.where[actor] = at;
}

bool stage_quiesce(const struct model_actor *expected)
{
	int ret;

	for (int i = 0; i < stage.config->nr; i++)
		stage.where[i] = MODEL_RUNS;
	ret = stage_look(expected);
	if (!ret)
		run_until((ret = stage_look(expected)), 100);
	for (int i = 0; i < stage.config->nr; i++)
		if (stage.where[i] == MODEL_RUNS ||
		    (model_is_blocked(stage.where[i]) &&
		     !model_is_blocked(expected[i].where)))
			find_hold(i);
	return ret >= 0;
}

/* The victim */

/* Returns the open file of the victim, or -1. */
static int get_file(int fd)
{
	return fd < 0 ? -1 : syscall(SYS_pidfd_getfd, stage.pidfd, fd, 0);
}

static bool victim_open(void)
{
	struct pollfd pfd = { .fd = crew->victim_pipe[0], .events = POLLIN };
	struct mmun_info info;
	char byte;

	stage.pidfd = syscall(SYS_pidfd_open, stage.pid, 0);
	if (poll(&pfd, 1, READY_MS) != 1 || read(pfd.fd, &byte, 1) != 1)
		return false;
	stage.fd = get_file(crew->victim_fd);
	stage.list_fd = get_file(crew->victim_list_fd);
	if (stage.fd < 0 || _mmun_info(stage.fd, &info))
		return false;
	stage.max_hold_ms = info.out_max_hold_ms;
	return true;
}

/* Set up the log.  The first hold at START registers the list notifier. */
static bool records_set_up(void)
{
	const __u32 types = 1 << MMUN_RECORD_INVALIDATE |
			    1 << MMUN_RECORD_START | 1 << MMUN_RECORD_END;
	__u64 lost;
	__u32 hold;

	if (_mmun_log_setup(stage.fd, LOG_RECORDS, types, &lost))
		return false;
	hold = hold_arm(&crew->thread[0], MODEL_START);
	return hold && hold_end(hold);
}

static bool victim_start(void)
{
	for (int i = 0; i < VICTIM_THREADS; i++)
		crew->thread[i].ordered = crew->thread[i].done;
	crew->ready = 0;
	stage.pid = fork();
	if (!stage.pid)
		victim_main(victim_dies() ? 1 : VICTIM_THREADS);
	return victim_open() && records_set_up();
}

static void *close_main(void *arg)
{
	close((long)arg);
	return NULL;
}

/* A close() of a context with holds or listeners waits for a grace period. */
static void close_detached(int fd)
{
	if (fd >= 0 && !run_detached(close_main, (void *)(long)fd))
		close(fd);
}

static void victim_end(void)
{
	__u32 count;

	for (int i = 0; i < VICTIM_THREADS; i++)
		mmun_task_close(&crew->thread[i].task);
	holds_end();
	kill(stage.pid, SIGKILL);
	_mmun_unpin_mm(stage.fd, 0, &count);
	waitpid(stage.pid, NULL, 0);
	close_detached(stage.fd);
	close_detached(stage.list_fd);
	close(stage.pidfd);
	stage.pid = 0;
}

static long map_arena(struct thread *t)
{
	const size_t length = MODEL_PAGES * page_size();

	/* An earlier mremap() may have moved pages to MOVE_TO. */
	munmap((void *)MOVE_TO, length);
	return syscall(SYS_mmap, ARENA, length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE,
		       -1, 0);
}

static long pin_mm(struct thread *t)
{
	__u32 unpinned;

	return _mmun_pin_mm(crew->victim_fd, 5000, &unpinned);
}

/* Returns whether the thread sleeps in PIN_MM, not in an earlier call. */
static bool is_parked(struct mmun_task *task)
{
	return mmun_task_look(task) >= 0 && task->state == MMUN_TASK_BLOCKED &&
	       task->arg == MMUN_PIN_MM;
}

/*
 * The reaper needs a process that was killed and still has its mm.  A thread
 * that waits in PIN_MM keeps the mm, because no signal wakes the thread.
 */
static bool victim_park(void)
{
	struct thread *t = &crew->thread[0];

	thread_order(t, pin_mm);
	return run_until(is_parked(&t->task), SETTLE_MS) &&
	       !kill(stage.pid, SIGKILL);
}

static bool ranges_insert(void)
{
	__u32 refuser, left;

	memset(stage.id, 0, sizeof(stage.id));
	for (int i = 0; i < MODEL_RANGES; i++)
		if (stage.config->live & 1 << i &&
		    _mmun_insert_kind(stage.fd, stage_kind(),
				      (void *)page_at(i), 2 * page_size(),
				      &stage.id[i]))
			return false;
	refuser = stage.id[model_refuser(stage.config)];
	return !has_kind(MODEL_REAPER) || !refuser ||
	       !_mmun_fail_nonblock(stage.fd, refuser, MODEL_REFUSALS, &left);
}

bool stage_set_up(const struct model_config *config, const struct model *m)
{
	struct mmun_record records[16];

	stage.config = config;
	choose_threads();
	if (stage.pid && victim_dies())
		victim_end();
	if (!stage.pid && !victim_start())
		return false;
	if (!thread_do_now(&crew->thread[0], map_arena) || !ranges_insert() ||
	    !listeners_set_up(m) || !holds_arm() ||
	    (has_kind(MODEL_REAPER) && !victim_park()))
		return false;
	/* Discard the records that the setup has added to the log. */
	while (read(stage.fd, records, sizeof(records)) > 0)
		;
	return true;
}

void stage_clear(void)
{
	holds_end();
	for (int i = 0; i < MODEL_RANGES; i++)
		if (stage.id[i])
			_mmun_remove(stage.fd, stage.id[i]);
	listeners_clear();
	if (victim_dies())
		victim_end();
}

/* Returns whether no actor is in a call. */
static bool all_are_idle(void)
{
	static const struct model_actor idle[MODEL_ACTORS];

	if (!stage_quiesce(idle))
		return false;
	for (int i = 0; i < stage.config->nr; i++)
		if (stage.where[i] != MODEL_IDLE &&
		    stage.where[i] != MODEL_GONE)
			return false;
	return true;
}

bool stage_abandon(void)
{
	if (!stage.pid)
		return true;
	holds_end();
	if (!run_until(all_are_idle(), SETTLE_MS))
		return false;
	victim_end();
	return true;
}
