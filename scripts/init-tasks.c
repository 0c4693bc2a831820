// SPDX-License-Identifier: GPL-2.0
/* PID 1: what the processes of a test program are doing. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "init.h"

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

static void show_thread(int tid, int pid)
{
	static const char *const files[] = { "comm", "wchan", "syscall",
					     "stack" };
	char title[64], path[64];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid,
			 files[i]);
		snprintf(title, sizeof(title), "%d/%d %s: ", pid, tid,
			 files[i]);
		ktap_note_file(title, path);
	}
}

/* A kernel thread has no command line, and neither has a zombie. */
static bool is_user_process(int pid)
{
	char path[64], text[2];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	return pid != 1 && read_file(path, text, sizeof(text)) > 0;
}

static int processes;

static void visit_process(int pid, int show)
{
	char path[64];

	if (!is_user_process(pid))
		return;
	processes++;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if (show)
		visit_numbers(path, show_thread, pid);
}

int count_processes(void)
{
	processes = 0;
	visit_numbers("/proc", visit_process, false);
	return processes;
}

void show_processes(void)
{
	visit_numbers("/proc", visit_process, true);
}
