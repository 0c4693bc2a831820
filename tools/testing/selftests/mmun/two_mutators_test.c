// SPDX-License-Identifier: GPL-2.0
/*
 * Tests for which invalidation READ_BEGIN waits if a second mutator invalidates
 * the range as soon as the first mutator has ended, and which sequence
 * READ_BEGIN returns.
 *
 *	mutator 0		mutator 1		reader
 *	held, odd					begin: waits
 *	resumed: ends,
 *	wakes the reader
 *				held, odd again
 *							begin returns the
 *							sequence of mutator 0
 *				resumed: ends
 *							commit: collides
 *
 * The reader must not run before mutator 1 has begun its invalidation.  All
 * three run on one CPU, and the mutators have a real-time priority.  Mutator 0
 * passes a baton to mutator 1 before mutator 0 sleeps, and mutator 1 sleeps when
 * it is held.  So the CPU does not run the reader before.
 */
#include <semaphore.h>
#include <sys/resource.h>
#include "lib/subject.h"

#define TRIES 20 /* The kernel may throttle a real-time task of a slow guest. */

#define NO_REALTIME "no real-time priority: CAP_SYS_NICE and RLIMIT_RTPRIO"

/**
 * struct return_of_begin - what the reader did between begin and @time_ns
 * @time_ns: when begin had returned, from CLOCK_MONOTONIC
 * @preempted: how often the reader lost its CPU and did not sleep
 */
static struct {
	__u64 time_ns;
	long preempted;
} return_of_begin;

FIXTURE(two_mutators)
{
	SUBJECT_FIXTURE;
};

static sem_t baton; /* of the two threads of the subject */

static int mutate_init_baton(struct subject *subject, int nr)
{
	return sem_init(&baton, 0, 0);
}

static int mutate_and_pass(struct subject *subject, int nr)
{
	return mutate_dontneed(subject, nr) ?: sem_post(&baton);
}

static int mutate_when_passed(struct subject *subject, int nr)
{
	return sem_wait(&baton) ?: mutate_dontneed(subject, nr);
}

static bool get_realtime(pid_t tid)
{
	const struct sched_param first = { .sched_priority = 1 };

	return mmun_bind_to_cpu(tid, 0) &&
	       !sched_setscheduler(tid, SCHED_FIFO, &first);
}

FIXTURE_SETUP(two_mutators)
{
	setup_subject();
	self->id = insert_range();
	subject_must(0, mutate_init_baton, 0);
	for (int i = 0; i < 2; i++)
		mmun_skip_if(!get_realtime(subject_tid(i)), NO_REALTIME);
}

SUBJECT_FIXTURE_TEARDOWN(two_mutators)

static long preemptions(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? -1 : usage.ru_nivcsw;
}

static int job_begin_at_once(struct worker *worker)
{
	const long before = preemptions();
	const int ret = job_begin(worker);
	const struct timespec now = mmun_now();

	return_of_begin.time_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	return_of_begin.preempted = preemptions() - before;
	return ret;
}

/* Start a reader that waits for mutator 0, which is held. */
#define start_reader()                                                  \
	do {                                                            \
		setup_worker(&self->reader, self->id);                  \
		ASSERT_EQ(true, mmun_bind_to_cpu(self->reader.tid, 0)); \
		block_worker(&self->reader, job_begin_at_once,          \
			     MMUN_READ_BEGIN);                          \
	} while (0)

/* Start mutator 1, which waits for the baton.  Returns the ID of its hold. */
#define start_second(_page)                                                    \
	({                                                                     \
		__u32 __at =                                                   \
			mmun_hold(MMUN_POINT_LEAVE, self->id, subject_tid(1)); \
		order_mutator(1, mutate_when_passed, _page);                   \
		EXPECT_EQ(MMUN_TASK_WAITING,                                   \
			  mmun_quiesce_one(subject_tid(1)).state);             \
		__at;                                                          \
	})

/*
 * The record of mutator 1 shows when its callback began.  The reader slept
 * before, ran on the same CPU without a break, and had returned later.  So the
 * reader first ran after mutator 1 was held.
 */
static bool reader_came_last(const struct mmun_record *second)
{
	return !return_of_begin.preempted &&
	       return_of_begin.time_ns > second->time_ns;
}

/* Returns whether the reader did not run before mutator 1 was held. */
#define begin_between_two_invalidations()                                    \
	({                                                                   \
		struct mmun_record __first, __second;                        \
		__u32 __at, __next;                                          \
		__at = hold_mutator(0, mutate_and_pass, 1, MMUN_POINT_LEAVE, \
				    self->id);                               \
		__next = start_second(2);                                    \
		start_reader();                                              \
		resume_mutator(0, __at);                                     \
		mmun_wait_held(__next);                                      \
		EXPECT_EQ(MMUN_TASK_GONE,                                    \
			  mmun_quiesce_one(self->reader.tid).state);         \
		EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(__next));          \
		__first = expect_clear(self->id, 1);                         \
		__second = expect_clear(self->id, 2);                        \
		EXPECT_EQ(__first.cur_seq + 2, __second.cur_seq);            \
		resume_mutator(1, __next);                                   \
		EXPECT_EQ(0, worker_join(&self->reader));                    \
		EXPECT_EQ(__first.cur_seq, self->reader.token.seq);          \
		EXPECT_EQ(1, mmun_commit(self->reader.token));               \
		reader_came_last(&__second);                                 \
	})

TEST_F(two_mutators, begin_waits_for_the_first_and_collides_with_the_second)
{
	int tries = 1;

	while (!begin_between_two_invalidations())
		ASSERT_GT(TRIES, tries++);
}

MMUN_HARNESS_MAIN
