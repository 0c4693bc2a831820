/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Child processes that take orders from the test.
 *
 *   struct mmun_child child;
 *
 *   mmun_child_start(&child, arg)	fork a child, which waits for orders
 *   mmun_child_do(&child, fn, nr)	the result of fn(arg, nr) in the child
 *   mmun_child_order(&child, fn, nr)	likewise in two steps: start the call,
 *   mmun_child_answer(&child)		and wait for the result
 *   mmun_child_end(&child)		the child exits; returns its status
 *
 * An order is a function of the test program, which the child calls.  The child
 * has a copy of the private memory of the test.  After fork(), the child does
 * not see writes of the test to private memory.
 *
 * Each thread that takes orders has one socket of a pair, and the test has the
 * other socket.  Each process closes the socket that it does not use, so that
 * the exit of one process ends the connection of the other process.  No call
 * waits longer than MMUN_PATIENCE_MS.  The child is killed when the thread that
 * forked the child exits.
 */
#ifndef _SELFTESTS_MMUN_PROCESS_H
#define _SELFTESTS_MMUN_PROCESS_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compat.h"
#include "task.h"

/* An order returns a value that is not negative, or -1 with errno. */
typedef int (*mmun_order_fn)(void *arg, int nr);

struct mmun_order {
	mmun_order_fn fn;
	void *arg;
	int nr;
};

struct mmun_answer {
	int ret;
	int errnum;
};

/**
 * struct mmun_child - a thread of a child process, which takes orders
 * @pid: the process
 * @tid: the ID of the thread
 * @pidfd: a pidfd of the process
 * @sock: the socket by which the test sends orders to the thread
 * @arg: the first argument of each order
 */
struct mmun_child {
	pid_t pid;
	pid_t tid;
	int pidfd;
	int sock;
	void *arg;
};

/* In the child */

/* The main function of a thread, which first sends its own thread ID. */
static inline void *mmun_child_obey(void *arg)
{
	const int sock = (intptr_t)arg;
	struct mmun_answer answer = { .ret = mmun_gettid() };
	struct mmun_order order;

	while (send(sock, &answer, sizeof(answer), MSG_NOSIGNAL) > 0 &&
	       recv(sock, &order, sizeof(order), 0) > 0) {
		answer.ret = order.fn(order.arg, order.nr);
		answer.errnum = errno;
	}
	_exit(0);
}

/*
 * Create a thread in the child, and a pair of sockets.  Returns the socket for
 * the test, as a descriptor of the child.
 */
static inline int mmun_child_create_thread(void *arg, int nr)
{
	pthread_t thread;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	errno = pthread_create(&thread, NULL, mmun_child_obey,
			       (void *)(intptr_t)pair[1]);
	return errno ? -1 : pair[0];
}

/* Close the socket for the test in the child, after the test has got a copy. */
static inline int mmun_child_close(void *arg, int nr)
{
	return close(nr);
}

/* In the test */

/* Send an order.  Returns 0, or -1 with errno if the child is gone. */
static inline int mmun_child_order(const struct mmun_child *child,
				   mmun_order_fn fn, int nr)
{
	struct mmun_order order = { .fn = fn, .arg = child->arg, .nr = nr };
	ssize_t n = send(child->sock, &order, sizeof(order), MSG_NOSIGNAL);

	return n < 0 ? -1 : 0;
}

/*
 * Wait for the result of the last order.  Returns the result, with the errno of
 * the order.  Returns -1 with ESRCH if the child is gone, and with ETIMEDOUT if
 * the child did not answer in time.
 */
static inline int mmun_child_answer(const struct mmun_child *child)
{
	struct pollfd pfd = { .fd = child->sock, .events = POLLIN };
	struct mmun_answer answer = { .ret = -1, .errnum = ETIMEDOUT };

	/* After a time-out, no later order may receive the late answer. */
	if (poll(&pfd, 1, MMUN_PATIENCE_MS) != 1)
		shutdown(child->sock, SHUT_RDWR);
	else if (recv(child->sock, &answer, sizeof(answer), 0) <= 0)
		answer.errnum = ESRCH;
	errno = answer.errnum;
	return answer.ret;
}

static inline int mmun_child_do(const struct mmun_child *child,
				mmun_order_fn fn, int nr)
{
	return mmun_child_order(child, fn, nr) ?: mmun_child_answer(child);
}

/* Copy descriptor @fd of the child to the test.  Returns the new descriptor. */
static inline int mmun_child_getfd(const struct mmun_child *child, int fd)
{
	return syscall(SYS_pidfd_getfd, child->pidfd, fd, 0);
}

/*
 * Returns twice, like fork(): the socket of the child in the child, and -1 in
 * the test.  Only the test writes to *@child, which may be in shared memory.
 */
static inline int mmun_child_fork(struct mmun_child *child, void *arg)
{
	int pair[2];
	pid_t pid;

	*child = (struct mmun_child){ .pid = -1, .pidfd = -1, .sock = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	pid = fork();
	if (!pid) {
		close(pair[0]);
		return pair[1];
	}
	*child = (struct mmun_child){ pid, .arg = arg, .sock = pair[0] };
	child->pidfd = pid < 0 ? -1 : syscall(SYS_pidfd_open, pid, 0);
	close(pair[1]);
	return -1;
}

/* Fork a child, which waits for orders.  Returns 0, or -1 with errno. */
static inline int mmun_child_start(struct mmun_child *child, void *arg)
{
	int sock = mmun_child_fork(child, arg);

	if (sock >= 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		mmun_child_obey((void *)(intptr_t)sock);
	}
	if (child->pidfd < 0)
		return -1;
	child->tid = mmun_child_answer(child);
	return child->tid < 0 ? -1 : 0;
}

/* Create another thread in the process @child, with its own orders. */
static inline int mmun_child_start_thread(struct mmun_child *thread,
					  const struct mmun_child *child)
{
	int sock = mmun_child_do(child, mmun_child_create_thread, 0);

	*thread = *child;
	thread->sock = sock < 0 ? -1 : mmun_child_getfd(child, sock);
	if (thread->sock < 0 || mmun_child_do(child, mmun_child_close, sock))
		return -1;
	thread->tid = mmun_child_answer(thread);
	return thread->tid < 0 ? -1 : 0;
}

static inline int mmun_child_signal(const struct mmun_child *child, int sig)
{
	return syscall(SYS_pidfd_send_signal, child->pidfd, sig, NULL, 0);
}

/*
 * Wait until the child exits.  Returns the exit status of the child, or 128 +
 * the signal that killed the child, or -1 if the child did not exit in time.
 */
static inline int mmun_child_wait(const struct mmun_child *child)
{
	struct pollfd pfd = { .fd = child->pidfd, .events = POLLIN };

	if (poll(&pfd, 1, MMUN_PATIENCE_MS) != 1)
		return -1;
	return mmun_wait_child(child->pid);
}

static inline int mmun_child_reap(struct mmun_child *child)
{
	int status = mmun_child_wait(child);

	if (status < 0)
		mmun_child_signal(child, SIGKILL);
	close(child->sock);
	close(child->pidfd);
	child->pidfd = -1;
	return status;
}

/*
 * Shut down the socket, even if another child has a copy of the socket.  The
 * child exits with 0 after its last order.  Returns like mmun_child_wait().
 */
static inline int mmun_child_end(struct mmun_child *child)
{
	shutdown(child->sock, SHUT_WR);
	return mmun_child_reap(child);
}

/*
 * Kill the child at the end of a test.  Does nothing if the child was reaped or
 * has never started.
 */
static inline void mmun_child_kill(struct mmun_child *child)
{
	if (child->pid <= 0 || child->pidfd < 0)
		return;
	mmun_child_signal(child, SIGKILL);
	mmun_child_reap(child);
}

/*
 * Start a child that calls fn(arg, 0) when the test ends, to restore a setting.
 * The harness kills the process group of a test that takes too long, so the
 * child has its own process group.
 */
static inline int mmun_cleanup_start(struct mmun_child *child, mmun_order_fn fn,
				     void *arg)
{
	int sock = mmun_child_fork(child, arg);
	char byte;

	if (sock >= 0) {
		setpgid(0, 0);
		recv(sock, &byte, 1, 0);
		_exit(fn(arg, 0) ? 1 : 0);
	}
	return child->pidfd < 0 ? -1 : 0;
}

#endif /* _SELFTESTS_MMUN_PROCESS_H */
