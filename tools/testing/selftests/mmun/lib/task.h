/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gets the state of a thread from /proc: whether the thread runs or sleeps,
 * whether signals can end the sleep, and in which system call the thread
 * sleeps.
 *
 * A look at a thread first reads /proc/TID/syscall, which contains "running"
 * unless the thread is off its CPU and off the run queue.  The look then reads
 * the kind of the sleep and the number of context switches from
 * /proc/TID/status.  This number grows whenever the thread goes to sleep.  If
 * two looks see a sleep and the same number of context switches, the thread
 * slept between the two looks.  To find out whether several threads sleep at the
 * same time, look at all of them, and then at all of them again.
 *
 * A look must not read /proc/TID/status of a running thread.  To print this
 * file, the kernel takes a reference to the mm.  If the thread exits meanwhile,
 * the look drops the last reference, and executes the notifiers of the exit.
 *
 * The files stay open between the looks, because to open a file of /proc takes
 * longer than to read the file.  An open file refers to the same thread, even
 * if a later thread has the same thread ID.
 */
#ifndef _SELFTESTS_MMUN_TASK_H
#define _SELFTESTS_MMUN_TASK_H

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/types.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Time limit of a wait, shorter than the time-out of the harness, 30 seconds */
#define MMUN_PATIENCE_MS 25000

/**
 * enum mmun_task_state - the state of a thread
 * @MMUN_TASK_RUNNING: The thread runs or is ready to run
 * @MMUN_TASK_HELD: A hold stops the thread.  A caller of MMUN_WAIT_HELD sets
 *	this state; mmun_task_look() sets MMUN_TASK_BLOCKED
 * @MMUN_TASK_BLOCKED: The thread sleeps, and no signal except SIGKILL wakes it
 * @MMUN_TASK_WAITING: The thread sleeps until a signal wakes it, or is stopped
 * @MMUN_TASK_GONE: The thread has exited, or has never existed
 */
enum mmun_task_state {
	MMUN_TASK_RUNNING = 0,
	MMUN_TASK_HELD = 1,
	MMUN_TASK_BLOCKED = 2,
	MMUN_TASK_WAITING = 3,
	MMUN_TASK_GONE = 4,
};

/**
 * struct mmun_task - one thread, and its state at the last look
 * @tid: the thread, in the caller's PID namespace
 * @state: enum mmun_task_state
 * @hold: in state HELD, the ID of the hold, which the caller sets; otherwise 0
 * @syscall: in state BLOCKED or WAITING, the number of the system call, or -1
 * @arg: the second argument of @syscall (of ioctl(), the command), or 0
 * @switches: in state BLOCKED or WAITING, the number of context switches of the
 *	thread, which is larger in a new sleep; otherwise 0
 * @syscall_fd: /proc/TID/syscall; 0: not opened; -1: the thread was gone
 * @status_fd: /proc/TID/status; 0 and -1 as in @syscall_fd
 */
struct mmun_task {
	pid_t tid;
	__u32 state;
	__u32 hold;
	int syscall;
	unsigned long long arg;
	unsigned long long switches;
	int syscall_fd;
	int status_fd;
};

/* /proc/TID/status has about 1,500 bytes, or more if there are many CPUs. */
#define MMUN_PROC_TEXT 8192

/* Returns whether errno means that the thread has exited or is exiting. */
static inline bool mmun_task_is_gone(void)
{
	return errno == ENOENT || errno == ESRCH;
}

static inline void mmun_task_close(struct mmun_task *task)
{
	if (task->syscall_fd > 0)
		close(task->syscall_fd);
	if (task->status_fd > 0)
		close(task->status_fd);
	task->syscall_fd = 0;
	task->status_fd = 0;
}

/*
 * Read /proc/@tid/@file.  Opens the file first if *@fd is 0.  Returns 1 on
 * success, 0 if the thread is gone, or -1 with errno.
 */
static inline int mmun_task_read(pid_t tid, const char *file, int *fd,
				 char *text)
{
	ssize_t n;

	if (!*fd) {
		snprintf(text, MMUN_PROC_TEXT, "/proc/%d/%s", tid, file);
		*fd = open(text, O_RDONLY | O_CLOEXEC);
		if (*fd < 0 && !mmun_task_is_gone()) {
			*fd = 0;
			return -1;
		}
	}
	if (*fd < 0)
		return 0;
	n = pread(*fd, text, MMUN_PROC_TEXT - 1, 0);
	if (n <= 0)
		return !n || mmun_task_is_gone() ? 0 : -1;
	text[n] = '\0';
	return 1;
}

/*
 * Parse /proc/TID/status, and /proc/TID/syscall: "number first_argument ...".
 * The number is -1 if the thread sleeps outside of a system call.
 */
static inline void mmun_task_parse(struct mmun_task *task, const char *status,
				   const char *call)
{
	const char *state = strstr(status, "\nState:\t");
	const char *switches = strstr(status, "\nvoluntary_ctxt_switches:");
	unsigned long long forced;

	switch (state ? state[strlen("\nState:\t")] : 'R') {
	case 'R':
		task->state = MMUN_TASK_RUNNING;
		return;
	case 'Z':
	case 'X':
		return;
	case 'D':
		task->state = MMUN_TASK_BLOCKED;
		break;
	default:
		task->state = MMUN_TASK_WAITING;
	}
	if (switches && sscanf(switches, " %*s %llu %*s %llu", &task->switches,
			       &forced) == 2)
		task->switches += forced;
	if (sscanf(call, "%d %*x %llx", &task->syscall, &task->arg) == 2 &&
	    task->syscall < 0)
		task->arg = 0;
}

/* Get the state.  Returns 0, or -1 with errno if a file is unreadable. */
static inline int mmun_task_see(struct mmun_task *task)
{
	char call[MMUN_PROC_TEXT], status[MMUN_PROC_TEXT];
	int ret;

	task->state = MMUN_TASK_GONE;
	task->hold = 0;
	task->syscall = -1;
	task->arg = 0;
	task->switches = 0;
	ret = mmun_task_read(task->tid, "syscall", &task->syscall_fd, call);
	if (ret <= 0)
		return ret;
	if (!strncmp(call, "running", strlen("running"))) {
		task->state = MMUN_TASK_RUNNING;
		return 0;
	}
	ret = mmun_task_read(task->tid, "status", &task->status_fd, status);
	if (ret > 0)
		mmun_task_parse(task, status, call);
	return ret < 0 ? -1 : 0;
}

/*
 * Look at a thread.  Returns 1 if the thread has slept since the last look, or
 * was gone at the last look.  Returns 0 if the thread ran, or -1 with errno.
 */
static inline int mmun_task_look(struct mmun_task *task)
{
	const __u32 state = task->state;
	const unsigned long long switches = task->switches;

	if (mmun_task_see(task))
		return -1;
	return task->state != MMUN_TASK_RUNNING && task->state == state &&
	       task->switches == switches;
}

static inline struct timespec mmun_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now;
}

static inline long ms_since(const struct timespec *then)
{
	struct timespec now = mmun_now();

	return (now.tv_sec - then->tv_sec) * 1000 +
	       (now.tv_nsec - then->tv_nsec) / 1000000;
}

/* Sleep between two looks, first for 20 microseconds, later for 1 ms. */
static inline void mmun_task_pause(int round)
{
	usleep(round < 100 ? 20 : 1000);
}

/*
 * Wait until two successive looks see the thread in the same sleep, or see no
 * thread.  Returns 1 on success, 0 after @timeout_ms, or -1 with errno.
 */
static inline int mmun_task_quiesce(struct mmun_task *task, int timeout_ms)
{
	struct timespec start = mmun_now();
	int ret, round = 0;

	task->state = MMUN_TASK_RUNNING;
	while (!(ret = mmun_task_look(task))) {
		if (round && ms_since(&start) >= timeout_ms)
			return 0;
		if (round++)
			mmun_task_pause(round);
	}
	return ret;
}

/* Drop CAP_SYS_ADMIN and no other capability.  Returns 0, or -1 with errno. */
static inline int mmun_drop_sys_admin(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -1;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &head, data);
}

/*
 * Wait for a child.  Returns the exit status of the child, or 128 + the signal
 * that killed the child, or -1.  The time-out of the harness limits the wait.
 */
static inline int mmun_wait_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Bind the thread to the @nr-th CPU that the caller may use. */
static inline bool mmun_bind_to_cpu(pid_t tid, int nr)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all))
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || nr--)
			continue;
		CPU_SET(cpu, &one);
		return !sched_setaffinity(tid, sizeof(one), &one);
	}
	return false;
}

static inline pid_t mmun_gettid(void)
{
	return syscall(SYS_gettid);
}

#endif /* _SELFTESTS_MMUN_TASK_H */
