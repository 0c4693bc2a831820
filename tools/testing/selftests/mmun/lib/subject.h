/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subject is a child process of the test, whose mm the test watches.
 *
 * The subject maps and writes ALL_PAGES pages.  The subject has two threads,
 * the mutators, which take orders from the test.  The test and its workers use
 * a copy of the device descriptor that the subject opened.  A held mutator may
 * own mmap_lock of the subject.  Page faults of the test do not need this lock,
 * because the test has its own mm.
 */
#ifndef _SELFTESTS_MMUN_SUBJECT_H
#define _SELFTESTS_MMUN_SUBJECT_H

#include <stdbool.h>
#include "hold.h"
#include "process.h"
#include "uffd.h"

struct subject;

/* A mutation returns a value that is not negative, or -1 with errno. */
typedef int (*mutate_fn)(struct subject *subject, int nr);

/**
 * struct mutator - one thread of the subject
 * @subject: the process of the thread
 * @thread: the thread, which takes orders
 * @order: the last order
 */
struct mutator {
	struct subject *subject;
	struct mmun_child thread;
	mutate_fn order;
};

/**
 * struct subject - the watched process, in memory that it shares with the test
 * @mutator: the two threads of the subject
 * @pid: the process ID of the subject
 * @fd: the device, as a descriptor of the test
 * @memfd: a file of one page, which the test opened before the subject started
 * @uffd: the subject's userfaultfd, as a descriptor of the test
 * @map: ALL_PAGES pages, at the same address in the test and in the subject
 * @page: bytes of a page
 * @dir: the directory for the core dump of the subject, or ""
 * @stop: whether an order that repeats a mutation must return
 */
struct subject {
	struct mutator mutator[2];
	pid_t pid;
	int fd;
	int memfd;
	int uffd;
	char *map;
	size_t page;
	char dir[32];
	bool stop;
};

/* Orders */

/* Map the pages, and open the device.  Returns a descriptor of the subject. */
static inline int subject_set_up(void *arg, int nr)
{
	struct mutator *mutator = arg;

	return mmun_map_filled(mutator->subject->map, ALL_PAGES) ? mmun_open() :
								   -1;
}

static inline int subject_obey(void *arg, int nr)
{
	struct mutator *mutator = arg;

	return mutator->order(mutator->subject, nr);
}

/* The test */

static inline int subject_order(struct mutator *mutator, mutate_fn order,
				int nr)
{
	mutator->order = order;
	return mmun_child_order(&mutator->thread, subject_obey, nr);
}

static inline int subject_answer(struct mutator *mutator)
{
	return mmun_child_answer(&mutator->thread);
}

static inline int subject_do(struct mutator *mutator, mutate_fn order, int nr)
{
	return subject_order(mutator, order, nr) ?: subject_answer(mutator);
}

/* Copy a descriptor of the subject to the test.  Returns the copy, or -1. */
static inline int subject_getfd(struct subject *subject, int its_fd)
{
	return mmun_child_getfd(&subject->mutator[0].thread, its_fd);
}

static inline int subject_start_threads(struct subject *subject)
{
	struct mutator *owner = &subject->mutator[0], *other = owner + 1;

	owner->subject = subject;
	other->subject = subject;
	if (mmun_child_start(&owner->thread, owner) ||
	    mmun_child_start_thread(&other->thread, &owner->thread))
		return -1;
	other->thread.arg = other;
	subject->pid = owner->thread.pid;
	subject->fd = subject_getfd(subject, mmun_child_do(&owner->thread,
							   subject_set_up, 0));
	return subject->fd < 0 ? -1 : 0;
}

/* Start a subject, with its pages and its mutators.  Can return NULL. */
static inline struct subject *subject_start(void)
{
	struct subject *subject = mmap(NULL, sizeof(*subject),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (subject == MAP_FAILED)
		return NULL;
	subject->page = sysconf(_SC_PAGESIZE);
	subject->map = mmun_arena(ALL_PAGES);
	subject->memfd = mmun_memfd_sized(subject->page, 0);
	if (!subject->map || subject->memfd < 0 ||
	    subject_start_threads(subject))
		return NULL;
	return subject;
}

static inline int subject_kill(struct subject *subject, int sig)
{
	return mmun_child_signal(&subject->mutator[0].thread, sig);
}

/* Kill the subject, unless it has exited. */
static inline void subject_end(struct subject *subject)
{
	mmun_child_kill(&subject->mutator[0].thread);
}

static inline char *subject_page(struct subject *subject, int nr)
{
	return subject->map + nr * subject->page;
}

/* Mutations */

static inline int mutate_dontneed(struct subject *subject, int nr)
{
	return madvise(subject_page(subject, nr), subject->page, MADV_DONTNEED);
}

static inline int mutate_munmap(struct subject *subject, int nr)
{
	return munmap(subject_page(subject, nr), subject->page);
}

static inline int mutate_mprotect(struct subject *subject, int nr)
{
	return mprotect(subject_page(subject, nr), subject->page, PROT_READ);
}

/* fork() invalidates all pages, and holds mmap_lock for writing. */
static inline int mutate_fork(struct subject *subject, int nr)
{
	struct mmun_child child;

	return mmun_child_start(&child, NULL) ?: mmun_child_end(&child);
}

/*
 * Register the first @nr pages with userfaultfd.  A thread that accesses a
 * missing page then waits until the test fills the page.  Returns the
 * userfaultfd, as a descriptor of the subject.
 */
static inline int mutate_userfault(struct subject *subject, int nr)
{
	return uffd_create(subject->map, nr * subject->page, 0,
			   UFFDIO_REGISTER_MODE_MISSING);
}

/* Members of a fixture.  @fd, @page and @map are those of struct subject. */

#define SUBJECT_FIXTURE          \
	MMUN_FIXTURE;            \
	struct subject *subject; \
	__u32 id;                \
	struct worker reader;    \
	struct worker other

#define setup_subject()                                            \
	do {                                                       \
		self->subject = subject_start();                   \
		ASSERT_NE(NULL, self->subject)                     \
		{                                                  \
			TH_LOG("no subject: %s", strerror(errno)); \
		}                                                  \
		self->fd = self->subject->fd;                      \
		self->page = self->subject->page;                  \
		self->map = self->subject->map;                    \
	} while (0)

#define insert_range() mmun_insert(self->map, mmun_pages(RANGE_PAGES))

#define setup_worker(_worker, _id)                           \
	do {                                                 \
		(_worker)->subject = self->subject;          \
		(_worker)->length = mmun_pages(RANGE_PAGES); \
		start_worker(_worker);                       \
		(_worker)->id = _id;                         \
	} while (0)

/* Start the workers: @reader uses range self->id, and @other uses @_id. */
#define setup_workers(_id)                             \
	do {                                           \
		setup_worker(&self->reader, self->id); \
		setup_worker(&self->other, _id);       \
	} while (0)

#define teardown_subject()                     \
	do {                                   \
		expect_balanced();             \
		EXPECT_EQ(0, close(self->fd)); \
		subject_end(self->subject);    \
	} while (0)

#define SUBJECT_FIXTURE_TEARDOWN(_fixture) \
	FIXTURE_TEARDOWN(_fixture)         \
	{                                  \
		teardown_subject();        \
	}

/* Statements of a test */

#define subject_thread(nr) (&self->subject->mutator[nr])
#define subject_tid(nr) (subject_thread(nr)->thread.tid)

/* Order mutator @_nr to call @_mutation for page @_page. */
#define order_mutator(_nr, _mutation, _page) \
	ASSERT_EQ(0, subject_order(subject_thread(_nr), _mutation, _page))

/* Order a mutation, and expect that the mutation succeeds. */
#define subject_must(_nr, _mutation, _page) \
	ASSERT_EQ(0, subject_do(subject_thread(_nr), _mutation, _page))

/*
 * Order a mutation, and wait until mutator @_nr is held at the point @_point of
 * range @_id.  Returns the ID of the hold.
 */
#define hold_mutator(_nr, _mutation, _page, _point, _id)               \
	({                                                             \
		__u32 __at = mmun_hold(_point, _id, subject_tid(_nr)); \
		order_mutator(_nr, _mutation, _page);                  \
		mmun_wait_held(__at);                                  \
		__at;                                                  \
	})

/* Resume mutator @_nr from its only hold, and wait for its answer. */
#define resume_mutator(_nr, _hold)                                 \
	do {                                                       \
		EXPECT_EQ(1, mmun_resume(_hold));                  \
		EXPECT_EQ(0, subject_answer(subject_thread(_nr))); \
	} while (0)

/* Expect that the next record reports CLEAR of page @_nr to range @_id. */
#define expect_clear(_id, _nr) \
	mmun_expect_event(_id, MMUN_EVENT_CLEAR, mmun_page(_nr), self->page)

#define NO_USERFAULT "no userfaultfd: set CONFIG_USERFAULTFD"

/*
 * Register @_pages pages by mutate_userfault().  Skip the test if the kernel
 * has no userfaultfd.
 */
#define need_userfault(_pages)                                             \
	do {                                                               \
		int __fd = subject_do(subject_thread(0), mutate_userfault, \
				      _pages);                             \
		if (__fd < 0)                                              \
			SKIP(return, NO_USERFAULT);                        \
		self->subject->uffd = subject_getfd(self->subject, __fd);  \
		ASSERT_LE(0, self->subject->uffd);                         \
	} while (0)

/* Fill a missing page, and wake the threads that wait for the page. */
#define subject_fill_page(_nr)                                             \
	do {                                                               \
		struct uffdio_zeropage __zero = {                          \
			.range = { mmun_u64(mmun_page(_nr)), self->page }, \
		};                                                         \
		ASSERT_EQ(0, ioctl(self->subject->uffd, UFFDIO_ZEROPAGE,   \
				   &__zero));                              \
	} while (0)

#endif /* _SELFTESTS_MMUN_SUBJECT_H */
