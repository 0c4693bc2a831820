// SPDX-License-Identifier: GPL-2.0
/* PID 1: find and show the tasks of a test program. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "ktap.h"
#include "tasks.h"

/*
 * PF_KTHREAD has the same value as in include/linux/sched.h of each kernel
 * since 2.6.
 */
#define PF_KTHREAD 0x00200000

static void visit_numbers(const char *path, void (*visit)(int, int), int arg)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	if (!dir)
		return;
	while ((d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			visit(atoi(d->d_name), arg);
	closedir(dir);
}

/*
 * Returns the letter of the state of a task, or 0 if the task is a kernel
 * thread or a zombie.  In /proc/PID/task/TID/stat, the third word is the state,
 * and the ninth word has the flags of the task.  The second word is the name of
 * the task in parentheses, and the name can contain spaces and parentheses,
 * too.
 */
static char task_state(int pid, int tid)
{
	char path[64], text[512], *at, state;
	unsigned int flags;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return 0;
	at = strrchr(text, ')');
	if (!at ||
	    sscanf(at + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return 0;
	return state == 'Z' || state == 'X' || flags & PF_KTHREAD ? 0 : state;
}

void show_task(int pid, int tid, char state)
{
	static const char *const files[] = { "comm", "wchan", "syscall",
					     "stack" };
	char title[64], path[64];

	ktap_note("%d/%d state: %c", pid, tid, state);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid,
			 files[i]);
		snprintf(title, sizeof(title), "%d/%d %s: ", pid, tid,
			 files[i]);
		ktap_note_file(title, path);
	}
}

static void (*visitor)(int pid, int tid, char state);

static void visit_thread(int tid, int pid)
{
	const char state = task_state(pid, tid);

	if (state)
		visitor(pid, tid, state);
}

/*
 * Visit each thread of the process, because the leader of the thread group can
 * be a zombie while another thread lives.
 */
static void visit_process(int pid, int unused __attribute__((unused)))
{
	char path[64];

	if (pid == 1)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	visit_numbers(path, visit_thread, pid);
}

void visit_tasks(void (*visit)(int pid, int tid, char state))
{
	visitor = visit;
	visit_numbers("/proc", visit_process, 0);
}

void show_tasks(void)
{
	visit_tasks(show_task);
}
