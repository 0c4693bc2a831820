/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subject: a process whose mm is watched.
 *
 * The subject maps PAGES pages, and its two threads, the mutators, do one thing at a
 * time when the test orders it.  The test and its workers work on the subject's mm
 * through a descriptor of the subject.  A held mutator may own the subject's mmap_lock;
 * page faults of the test need another one.
 */
#ifndef _SELFTESTS_MMUN_SUBJECT_H
#define _SELFTESTS_MMUN_SUBJECT_H

#include <linux/userfaultfd.h>
#include <stdbool.h>
#include "hold.h"
#include "process.h"

struct subject;

/* Returns 0 or more, or -1 with errno. */
typedef int (*mutate_fn)(struct subject *subject, int nr);

/**
 * struct mutator - one thread of the subject
 * @tid: names the thread to a hold
 * @thread: takes the orders
 * @mutate: the last order
 */
struct mutator {
	struct subject *subject;
	pid_t tid;
	struct mmun_child thread;
	mutate_fn mutate;
};

/**
 * struct subject - the watched process; in memory that it shares with the test
 * @fd: its descriptor of the device, as the test numbers it
 * @its_fd: the same, as the subject numbers it
 * @memfd: a file of one page, which the test opened before the subject started
 * @map: PAGES pages, at the same address in both processes
 * @huge: a huge page of the subject, or NULL
 * @dir: the directory of its core dump, or ""
 * @stop: set by the test to end an order that repeats a mutation
 */
struct subject {
	struct mutator mutator[2];
	pid_t pid;
	int fd;
	int its_fd;
	int memfd;
	char *map;
	char *huge;
	char dir[32];
	bool stop;
};

/* Orders */

static int subject_set_up(void *arg, int nr)
{
	struct mutator *mutator = arg;
	struct subject *subject = mutator->subject;

	subject->its_fd = mmun_open();
	if (subject->its_fd < 0 || !mmun_map_filled(subject->map, PAGES))
		return -1;
	return 0;
}

static int subject_mutate(void *arg, int nr)
{
	struct mutator *mutator = arg;

	return mutator->mutate(mutator->subject, nr);
}

/* The test */

static int subject_order(struct mutator *mutator, mutate_fn mutate, int nr)
{
	mutator->mutate = mutate;
	return mmun_child_order(&mutator->thread, subject_mutate, nr);
}

static int subject_answer(struct mutator *mutator)
{
	return mmun_child_answer(&mutator->thread);
}

static int subject_do(struct mutator *mutator, mutate_fn mutate, int nr)
{
	return subject_order(mutator, mutate, nr) ?: subject_answer(mutator);
}

/* Returns a descriptor of the test for a file of the subject, or -1. */
static int subject_getfd(struct subject *subject, int its_fd)
{
	return mmun_child_getfd(&subject->mutator[0].thread, its_fd);
}

static int subject_create(struct subject *subject)
{
	subject->map = mmun_arena(PAGES);
	subject->memfd = mmun_memfd(0);
	subject->mutator[0].subject = subject;
	subject->mutator[1].subject = subject;
	return !subject->map || subject->memfd < 0 ?
		       -1 :
		       ftruncate(subject->memfd, sysconf(_SC_PAGESIZE));
}

static int subject_start_threads(struct subject *subject)
{
	struct mutator *mutator = subject->mutator;

	if (mmun_child_start(&mutator[0].thread, &mutator[0]) ||
	    mmun_child_start_thread(&mutator[1].thread, &mutator[0].thread) ||
	    mmun_child_do(&mutator[0].thread, subject_set_up, 0))
		return -1;
	mutator[1].thread.arg = &mutator[1];
	mutator[0].tid = mutator[0].thread.tid;
	mutator[1].tid = mutator[1].thread.tid;
	subject->pid = mutator[0].thread.pid;
	subject->fd = subject_getfd(subject, subject->its_fd);
	return subject->fd < 0 ? -1 : 0;
}

/* Returns a subject with its pages and both mutators, or NULL. */
static struct subject *subject_start(void)
{
	struct subject *subject = mmap(NULL, sizeof(*subject),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (subject == MAP_FAILED || subject_create(subject) ||
	    subject_start_threads(subject))
		return NULL;
	return subject;
}

static inline int subject_kill(struct subject *subject, int sig)
{
	return mmun_child_signal(&subject->mutator[0].thread, sig);
}

/* The subject may have exited. */
static void subject_end(struct subject *subject)
{
	mmun_child_kill(&subject->mutator[0].thread);
}

static char *subject_page(struct subject *subject, int nr)
{
	return subject->map + nr * sysconf(_SC_PAGESIZE);
}

/* Mutations */

static inline int mutate_dontneed(struct subject *subject, int nr)
{
	return madvise(subject_page(subject, nr), sysconf(_SC_PAGESIZE),
		       MADV_DONTNEED);
}

static inline int mutate_munmap(struct subject *subject, int nr)
{
	return munmap(subject_page(subject, nr), sysconf(_SC_PAGESIZE));
}

/*
 * From now on a task that touches one of the first @nr pages waits until the test fills
 * the page, if the page is missing.  Returns the descriptor, as the subject numbers it.
 */
static inline int mutate_userfault(struct subject *subject, int nr)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range.start = mmun_u64(subject->map),
		.range.len = nr * sysconf(_SC_PAGESIZE),
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg))
		return -1;
	return uffd;
}

/* Returns a descriptor of the test, or -1. */
static inline int subject_userfault(struct subject *subject, int nr)
{
	int its_uffd = subject_do(&subject->mutator[0], mutate_userfault, nr);

	return its_uffd < 0 ? -1 : subject_getfd(subject, its_uffd);
}

/* Fill a page that is missing, and wake the tasks that wait for it. */
static inline int userfault_fill(int uffd, struct subject *subject, int nr)
{
	struct uffdio_zeropage zero = {
		.range.start = mmun_u64(subject_page(subject, nr)),
		.range.len = sysconf(_SC_PAGESIZE),
	};

	return ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
}

#define NO_USERFAULT "no userfaultfd: set CONFIG_USERFAULTFD"

static inline int worker_start(struct worker *worker, struct subject *subject,
			       __u32 id)
{
	worker->subject = subject;
	worker->fd = subject->fd;
	worker->id = id;
	worker->at = subject->map;
	worker->length = RANGE_PAGES * sysconf(_SC_PAGESIZE);
	return worker_create(worker);
}

/* Statements of a test, which has self->subject and self->fd */

#define mutator(nr) (&self->subject->mutator[nr])

/* The mutator does it and succeeds. */
#define mutate(_nr, _mutation, _page) \
	ASSERT_EQ(0, subject_do(mutator(_nr), _mutation, _page))

/* Start the mutation; the mutator is held at @_point of range @_id. */
#define hold_mutator(_nr, _mutation, _page, _point, _id)                     \
	({                                                                   \
		__u32 __at = mmun_hold(_point, _id, mutator(_nr)->tid);      \
		ASSERT_EQ(0, subject_order(mutator(_nr), _mutation, _page)); \
		mmun_wait_held(__at);                                        \
		__at;                                                        \
	})

/* End the last passage of a hold.  The mutation succeeds. */
#define let_go(_nr, _hold)                                  \
	do {                                                \
		EXPECT_EQ(1, mmun_resume(_hold));           \
		EXPECT_EQ(0, subject_answer(mutator(_nr))); \
	} while (0)

#endif /* _SELFTESTS_MMUN_SUBJECT_H */
