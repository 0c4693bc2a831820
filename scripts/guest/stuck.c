// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1: find tasks that are blocked for good.
 *
 * A task is blocked for good if the task stays in an uninterruptible sleep,
 * without a context switch, while the guest makes a progress of STUCK_SECS.
 * The progress is the time in which the guest really runs.  The clock of the
 * guest does not measure the progress, because the clock also runs while the
 * host runs other processes.  Each call of stuck_tasks() increases the
 * progress by the time since the call before, but by at most TICK_SECS.  If the
 * host stops the guest for a minute, the progress grows only by TICK_SECS.
 *
 * A test may hold a callback of the driver, but never as long as STUCK_SECS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "file.h"
#include "ktap.h"
#include "stuck.h"
#include "tasks.h"

#define STUCK_SECS 15
#define TICK_SECS 0.1
#define LOOK_SECS 1
#define MAX_BLOCKED 256

struct blocked {
	int pid, tid;
	unsigned long switches;
	double since; /* the progress when the task was first seen blocked */
	bool reported;
};

static struct blocked before[MAX_BLOCKED], now[MAX_BLOCKED];
static int nr_before, nr_now;
static double progress;

/* Returns the number of context switches of the task @tid. */
static unsigned long switches_of(int pid, int tid)
{
	char path[64], text[8192], *at = text;
	unsigned long sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	read_file(path, text, sizeof(text));
	while ((at = strstr(at, "voluntary_ctxt_switches:"))) {
		at += strlen("voluntary_ctxt_switches:");
		sum += strtoul(at, NULL, 10);
	}
	return sum;
}

/*
 * Add the task @tid to the array now[] if the task is blocked.  If before[]
 * already has the task, keep the time since which the task has been blocked.
 */
static void add_blocked(int pid, int tid, char state)
{
	struct blocked task = { pid, tid, 0, progress, false };

	if (state != 'D' || nr_now == MAX_BLOCKED)
		return;
	task.switches = switches_of(pid, tid);
	for (int i = 0; i < nr_before; i++)
		if (before[i].tid == tid && before[i].switches == task.switches)
			task = before[i];
	now[nr_now++] = task;
}

/* Move the array now[] to before[], and fill now[] with the blocked tasks. */
static void find_blocked(void)
{
	memcpy(before, now, sizeof(before));
	nr_before = nr_now;
	nr_now = 0;
	visit_tasks(add_blocked);
}

/*
 * Returns whether @task is blocked for good and stuck_report() has not shown
 * @task.
 */
static bool is_unreported(const struct blocked *task)
{
	return !task->reported && progress - task->since >= STUCK_SECS;
}

bool stuck_tasks(void)
{
	static double last_call, next_look;
	const double passed = now_secs() - last_call;

	last_call += passed;
	progress += passed < TICK_SECS ? passed : TICK_SECS;
	if (progress < next_look)
		return false;
	next_look = progress + LOOK_SECS;
	find_blocked();
	for (int i = 0; i < nr_now; i++)
		if (is_unreported(&now[i]))
			return true;
	return false;
}

void stuck_report(void)
{
	for (int i = 0; i < nr_now; i++) {
		if (!is_unreported(&now[i]))
			continue;
		ktap_note("this task is blocked for good:");
		show_task(now[i].pid, now[i].tid, 'D');
		now[i].reported = true;
	}
}

bool stuck_any_reported(void)
{
	for (int i = 0; i < nr_now; i++)
		if (now[i].reported)
			return true;
	return false;
}

static bool is_reported(int tid)
{
	for (int i = 0; i < nr_now; i++)
		if (now[i].tid == tid && now[i].reported)
			return true;
	return false;
}

static bool found;

static void find_task(int pid __attribute__((unused)), int tid,
		      char state __attribute__((unused)))
{
	found |= !is_reported(tid);
}

bool any_unreported_task(void)
{
	found = false;
	visit_tasks(find_task);
	return found;
}
