/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A worker of the test, self->locker, holds mmap_lock of the subject for
 * writing.  The worker is a thread of the test, so that the lock belongs to a
 * process that does not use the mm.
 */
#ifndef _SELFTESTS_MMUN_WRITE_LOCK_H
#define _SELFTESTS_MMUN_WRITE_LOCK_H

#include "subject.h"

/* The time limit of the lock, shorter than the time-out of a test */
#define LOCK_MS 15000

/* The worker holds the lock until end_lock(). */
static inline int job_lock(struct worker *worker)
{
	__u32 unpinned = 0;

	return _mmun_lock_mm(worker->fd, LOCK_MS, &unpinned) ?: !unpinned;
}

/* Make a hole in place of the page of the memfd. */
static inline int job_punch(struct worker *worker)
{
	return fallocate(worker->subject->memfd,
			 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 worker->subject->page);
}

/*
 * Map all pages of the subject, and copy the pages that fork() has shared.  The
 * code of an order then needs no page fault, which could wait for mmap_lock.
 */
static inline int fault_in_all(struct subject *subject, int nr)
{
	return mlockall(MCL_CURRENT) ?: munlockall();
}

/* Map and write the page of the memfd. */
static inline int map_memfd(struct subject *subject, int nr)
{
	char *p = mmun_map_file(subject_page(subject, nr), subject->page,
				MAP_SHARED, subject->memfd);

	return p ? (mmun_store(p, 's'), 0) : -1;
}

/* Share all pages with a child, which lives as long as the subject. */
static inline int share_pages(struct subject *subject, int nr)
{
	static struct mmun_child child;

	return mmun_child_start(&child, NULL);
}

/* Members, setup and teardown of a fixture, beside those of the subject */

#define LOCKER_FIXTURE   \
	SUBJECT_FIXTURE; \
	struct worker locker

/* The subject maps @huge, an arena of HUGE_SIZE bytes, at the same address. */
#define setup_locker(_huge)                                       \
	do {                                                      \
		_huge = mmun_arena_aligned(HUGE_SIZE, HUGE_SIZE); \
		ASSERT_NE(NULL, _huge);                           \
		setup_subject();                                  \
		self->id = insert_range();                        \
		setup_worker(&self->locker, self->id);            \
		setup_workers(self->id);                          \
	} while (0)

#define teardown_locker()                  \
	do {                               \
		end_lock();                \
		end_worker(&self->reader); \
		end_worker(&self->other);  \
		teardown_subject();        \
	} while (0)

/* Statements of a test */

/* Take the lock. */
#define begin_lock()                                                          \
	do {                                                                  \
		struct mmun_record __r = {};                                  \
		mmun_drain_log(self->fd);                                     \
		worker_do(&self->locker, job_lock);                           \
		ASSERT_EQ(1,                                                  \
			  mmun_wait_record(self->fd, MMUN_RECORD_PIN, &__r)); \
		EXPECT_EQ(self->locker.tid, __r.tid);                         \
	} while (0)

/* Unlock, if the locker holds the lock. */
#define end_lock()                                                      \
	do {                                                            \
		__u32 __count;                                          \
		if (!self->locker.is_busy)                              \
			break;                                          \
		EXPECT_EQ(0, _mmun_unpin_mm(self->fd, self->locker.tid, \
					    &__count));                 \
		EXPECT_EQ(0, worker_join(&self->locker));               \
	} while (0)

#endif /* _SELFTESTS_MMUN_WRITE_LOCK_H */
