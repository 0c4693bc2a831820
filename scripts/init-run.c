// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1: one test program at a time, with a time-out.
 *
 * Nothing else runs in the guest, so every process but this one belongs to
 * the program: what is left of it is found, shown and killed without asking
 * about groups and sessions.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define KSFT_SKIP 4
#define GRACE_SECS 3

struct program {
	const char *name;
	pid_t pid;
	int pipe;
	bool exited, timed_out;
	int status;
	int results;
	bool times;
	double last_result;
	size_t used;
	char line[4096];
};

static double now_secs(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static bool start(struct program *prog, const struct mmun_orders *orders)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return false;
	prog->pid = fork();
	if (prog->pid == 0)
		exec_program(prog->name, orders, ends[1]);
	close(ends[1]);
	prog->pipe = ends[0];
	fcntl(prog->pipe, F_SETFL, O_NONBLOCK);
	return prog->pid > 0;
}

static bool is_result(const char *line)
{
	return !strncmp(line, "ok ", 3) || !strncmp(line, "not ok ", 7);
}

/* The seconds since the result before, for what @line is the result of. */
static void note_time(struct program *prog, const char *line)
{
	const double now = now_secs();
	const char *name = line + strcspn(line, "0123456789");
	char text[512];

	name += strspn(name, "0123456789 ");
	snprintf(text, sizeof(text), "# time: %.*s %.3f",
		 (int)strcspn(name, " #"), name, now - prog->last_result);
	ktap_line("  ", text);
	prog->last_result = now;
}

static void end_line(struct program *prog)
{
	prog->line[prog->used] = '\0';
	prog->used = 0;
	ktap_line("  ", prog->line);
	if (!is_result(prog->line))
		return;
	prog->results++;
	if (prog->times)
		note_time(prog, prog->line);
}

static void forward(struct program *prog)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(prog->pipe, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n')
				end_line(prog);
			else if (prog->used < sizeof(prog->line) - 1)
				prog->line[prog->used++] = buf[i];
		}
	}
}

/* Orphans of the program end up here too; false when no child is left. */
static bool reap(struct program *prog)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == prog->pid) {
			prog->exited = true;
			prog->status = status;
		}
	}
	return pid == 0;
}

static void watch(struct program *prog, int secs)
{
	const double end = now_secs() + secs;
	struct pollfd pfd = { .fd = prog->pipe, .events = POLLIN };

	while (!prog->exited && now_secs() < end) {
		/* An end of file is always ready: then only the exit counts. */
		if (poll(&pfd, pfd.fd < 0 ? 0 : 1, 20) > 0 &&
		    pfd.revents == POLLHUP)
			pfd.fd = -1;
		forward(prog);
		reap(prog);
	}
	prog->timed_out = !prog->exited;
}

/* False: something of the program still lives. */
static bool wait_for_all(struct program *prog, int secs)
{
	const double end = now_secs() + secs;

	while (reap(prog)) {
		if (now_secs() >= end)
			return false;
		poll(NULL, 0, 10);
	}
	return true;
}

/* False: a task of the program survives SIGKILL, and nothing can go on. */
static bool kill_all(struct program *prog)
{
	kill(-1, SIGKILL);
	if (wait_for_all(prog, 10 * GRACE_SECS))
		return true;
	ktap_note("%s: not even SIGKILL ends these", prog->name);
	show_tasks();
	return false;
}

static void show_hang(struct program *prog, int secs)
{
	ktap_note("%s: not done after %d seconds", prog->name, secs);
	show_tasks();
	write_file("/proc/sysrq-trigger", "w");
}

/*
 * A task that is not reaped is left behind, with or without a command line: a task
 * that is stuck in exit_mm() has none.
 */
static bool leaves_processes(struct program *prog)
{
	if (wait_for_all(prog, GRACE_SECS))
		return false;
	ktap_note("%s: left processes behind", prog->name);
	show_tasks();
	return true;
}

static void report(struct program *prog, bool clean)
{
	const bool exited = prog->exited && WIFEXITED(prog->status);
	const int code = exited ? WEXITSTATUS(prog->status) : -1;

	if (prog->timed_out)
		ktap_result(false, prog->name, "TIMEOUT");
	else if (code == KSFT_SKIP && clean)
		ktap_result(true, prog->name, "SKIP");
	else
		ktap_result(code == 0 && clean, prog->name, NULL);
	if (prog->exited && !exited)
		ktap_note("%s: killed by signal %d", prog->name,
			  WTERMSIG(prog->status));
	else if (code > 0 && code != KSFT_SKIP)
		ktap_note("%s: exit status %d", prog->name, code);
}

bool run_program(const char *name, const struct mmun_orders *orders)
{
	const double start_secs = now_secs();
	struct program prog = {
		.name = name,
		.times = orders->times,
		.last_result = start_secs,
	};
	bool clean, dead;

	if (!start(&prog, orders)) {
		ktap_note("%s: %s", name, strerror(errno));
		ktap_result(false, name, NULL);
		return true;
	}
	watch(&prog, orders->timeout);
	forward(&prog);
	if (prog.timed_out)
		show_hang(&prog, orders->timeout);
	clean = !prog.timed_out && !leaves_processes(&prog);
	dead = clean || kill_all(&prog);
	forward(&prog);
	if (prog.used)
		end_line(&prog);
	close(prog.pipe);
	report(&prog, clean);
	ktap_note("%s: %.1f s", name, now_secs() - start_secs);
	return dead;
}
