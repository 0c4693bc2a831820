// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1: run one test program at a time, with a time-out.
 *
 * The guest runs only PID 1 and one test program, so all other processes belong
 * to the test program.  PID 1 shows and kills each process that the program
 * leaves behind, even if the process is in another process group or session.
 * After SIGKILL, only a task that is blocked for good remains.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "exec.h"
#include "file.h"
#include "kmsg.h"
#include "ktap.h"
#include "output.h"
#include "run.h"
#include "stuck.h"
#include "tasks.h"

#define KSFT_SKIP 4
#define GRACE_SECS 3
/*
 * The run ends when MAX_HANGS programs have hung, because more hangs would show
 * nothing new.
 */
#define MAX_HANGS 3

/* enum end is the reason why PID 1 no longer waits for the program */
enum end { EXITED, TIMED_OUT, STUCK, STOPPED };

struct program {
	const char *name;
	pid_t pid;
	bool exited;
	int status;
	unsigned long taint; /* taint of the kernel when the program started */
	struct output out;
};

static int hangs;

static bool start_program(struct program *prog,
			  const struct mmun_orders *orders)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return false;
	prog->pid = fork();
	if (prog->pid == 0)
		exec_program(prog->name, orders, ends[1]);
	close(ends[1]);
	prog->out.pipe = ends[0];
	fcntl(prog->out.pipe, F_SETFL, O_NONBLOCK);
	return prog->pid > 0;
}

/*
 * Reap all children of PID 1 that have ended.  The orphans of the test program
 * are children of PID 1, too.
 */
static void reap_children(struct program *prog)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == prog->pid) {
			prog->exited = true;
			prog->status = status;
		}
	}
}

/*
 * Returns whether a test of the program has failed, or the kernel has
 * complained since the start of the program.
 */
static bool has_failed(struct program *prog)
{
	return prog->out.failed || kernel_taint() != prog->taint;
}

/*
 * Forward the output of the program until the program ends by itself, or until
 * PID 1 must end the program.  Returns the reason why PID 1 no longer waits for
 * the program.
 */
static enum end watch_program(struct program *prog,
			      const struct mmun_orders *orders)
{
	const double end = now_secs() + orders->timeout;
	struct pollfd pfd = { .fd = prog->out.pipe, .events = POLLIN };
	int results = 0;

	while (!prog->exited && now_secs() < end) {
		/*
		 * After an end of file, poll() would return at once.  Therefore
		 * stop polling, and wait only for the exit of the program.
		 */
		if (poll(&pfd, pfd.fd < 0 ? 0 : 1, 20) > 0 &&
		    pfd.revents == POLLHUP)
			pfd.fd = -1;
		output_forward(&prog->out);
		reap_children(prog);
		if (stuck_tasks())
			return STUCK;
		if (orders->stop && prog->out.results != results &&
		    has_failed(prog))
			return STOPPED;
		results = prog->out.results;
	}
	return prog->exited ? EXITED : TIMED_OUT;
}

/*
 * Wait for the end of all tasks of the program.  Returns false if a task of the
 * program is still alive after @secs seconds.
 */
static bool wait_for_tasks(struct program *prog, int secs)
{
	const double end = now_secs() + secs;

	reap_children(prog);
	while (any_unreported_task()) {
		if (now_secs() >= end)
			return false;
		poll(NULL, 0, 10);
		reap_children(prog);
		if (stuck_tasks())
			stuck_report();
	}
	return true;
}

/*
 * Kill all tasks of the program.  Returns false if a task survives SIGKILL,
 * because then the next program cannot run.  kill_tasks() ignores tasks that
 * are blocked for good, because PID 1 has already shown these tasks.
 */
static bool kill_tasks(struct program *prog)
{
	kill(-1, SIGKILL);
	if (wait_for_tasks(prog, 10 * GRACE_SECS))
		return true;
	ktap_note("%s: these tasks survive SIGKILL", prog->name);
	show_tasks();
	return false;
}

static void show_timeout(struct program *prog, int secs)
{
	ktap_note("%s: has not ended after %d seconds", prog->name, secs);
	show_tasks();
	write_file("/proc/sysrq-trigger", "w");
	output_fail_test(&prog->out, "TIMEOUT");
}

/*
 * Show the tasks that are blocked for good.  Switch off the hung-task watchdog
 * of the kernel, because the watchdog would report the same tasks later, when
 * another test runs.
 */
static void show_stuck(struct program *prog)
{
	hangs++;
	write_file("/proc/sys/kernel/hung_task_timeout_secs", "0");
	stuck_report();
	output_fail_test(&prog->out, "HANG");
}

/*
 * Returns whether the program has left a task behind.  A task whose
 * /proc/PID/cmdline is empty is such a task, too, because a task that is blocked
 * in exit_mm() has lost its command line.
 */
static bool leaves_processes(struct program *prog)
{
	if (wait_for_tasks(prog, GRACE_SECS))
		return false;
	ktap_note("%s: leaves processes behind", prog->name);
	show_tasks();
	return true;
}

/*
 * End the program and all of its tasks.  Set *clean to true if the program
 * exited and left no task.  Returns false if a task survives, because then the
 * next program cannot run.
 */
static bool end_program(struct program *prog, const struct mmun_orders *orders,
			enum end why, bool *clean)
{
	switch (why) {
	case TIMED_OUT:
		show_timeout(prog, orders->timeout);
		break;
	case STUCK:
		show_stuck(prog);
		break;
	case STOPPED:
		ktap_note("%s: stopped, because of STOP=1", prog->name);
		break;
	case EXITED:
		*clean = !leaves_processes(prog);
		break;
	}
	return *clean || kill_tasks(prog);
}

/* Returns whether the program has changed the taint of the kernel. */
static bool has_tainted(struct program *prog)
{
	const unsigned long taint = kernel_taint();

	if (taint == prog->taint)
		return false;
	ktap_note("%s: the kernel complained; taint %#lx, was %#lx", prog->name,
		  taint, prog->taint);
	return true;
}

static void report_result(struct program *prog, enum end why, bool clean)
{
	static const char *const directives[] = {
		[EXITED] = NULL,
		[TIMED_OUT] = "TIMEOUT",
		[STUCK] = "HANG",
		[STOPPED] = NULL,
	};
	const bool exited = prog->exited && WIFEXITED(prog->status);
	const int code = exited ? WEXITSTATUS(prog->status) : -1;

	clean &= !has_tainted(prog);
	if (code == KSFT_SKIP && clean)
		ktap_result(true, prog->name, "SKIP");
	else
		ktap_result(code == 0 && clean, prog->name, directives[why]);
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
		.taint = kernel_taint(),
		.out = { .times = orders->times, .last_result = start_secs },
	};
	bool clean = false, can_go_on;
	enum end why;

	kmsg_mark("starts", name);
	if (!start_program(&prog, orders)) {
		ktap_note("%s: %s", name, strerror(errno));
		ktap_result(false, name, NULL);
		return true;
	}
	why = watch_program(&prog, orders);
	output_forward(&prog.out);
	can_go_on = end_program(&prog, orders, why, &clean);
	output_end(&prog.out);
	kmsg_mark("ends", name);
	report_result(&prog, why, clean);
	ktap_note("%s: %.1f s", name, now_secs() - start_secs);
	return can_go_on && hangs < MAX_HANGS;
}
