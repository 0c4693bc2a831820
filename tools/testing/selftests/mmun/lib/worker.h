/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A worker is a thread of the test, which does one job.  The thread exists
 * before its job starts, so that a hold can name its thread ID.
 */
#ifndef _SELFTESTS_MMUN_WORKER_H
#define _SELFTESTS_MMUN_WORKER_H

#include <stdatomic.h>

#include "mmun.h"

struct subject;

/**
 * struct worker - a thread, and the arguments of its job
 * @thread: the thread
 * @barrier: where the thread waits after it has set @tid, and before its job
 * @tid: the thread ID, which is valid after worker_create()
 * @is_busy: whether the job has started, and worker_join() was not called
 * @hold: the hold that stops the thread, or 0
 * @stop: whether a job that runs in a loop must return
 * @job: the function, which returns 0 or more, or -1 with errno
 * @subject: the process that owns the memory, or NULL
 * @fd: the device
 * @id: the ID of a range or of a hold
 * @at: first byte of the memory
 * @length: bytes of the memory
 * @flags: flags of job_collect()
 * @token: the result of job_begin(), and the argument of job_collect()
 * @snap: the argument and the result of job_snapshot()
 * @ret: what @job returned
 * @errnum: errno of @job
 */
struct worker {
	pthread_t thread;
	pthread_barrier_t barrier;
	pid_t tid;
	bool is_busy;
	__u32 hold;
	atomic_bool stop;
	int (*job)(struct worker *worker);
	struct subject *subject;
	int fd;
	__u32 id;
	char *at;
	size_t length;
	__u32 flags;
	struct mmun_token token;
	struct mmun_snapshot snap;
	int ret;
	int errnum;
};

static inline void *worker_main(void *arg)
{
	struct worker *worker = arg;

	worker->tid = mmun_gettid();
	pthread_barrier_wait(&worker->barrier);
	pthread_barrier_wait(&worker->barrier);
	worker->ret = worker->job(worker);
	worker->errnum = errno;
	return NULL;
}

/* Create the thread, and wait until the thread is ready for its job. */
static inline int worker_create(struct worker *worker)
{
	worker->stop = false;
	pthread_barrier_init(&worker->barrier, NULL, 2);
	if (pthread_create(&worker->thread, NULL, worker_main, worker))
		return -1;
	pthread_barrier_wait(&worker->barrier);
	return 0;
}

static inline void worker_go(struct worker *worker)
{
	worker->is_busy = true;
	pthread_barrier_wait(&worker->barrier);
}

static inline void worker_do(struct worker *worker, int (*job)(struct worker *))
{
	worker->job = job;
	worker_go(worker);
}

/* Wait for the end of the job, without a time limit.  Returns the result. */
static inline int worker_join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	worker->is_busy = false;
	worker->hold = 0;
	errno = worker->errnum;
	return worker->ret;
}

/* Jobs */

#define JOB(name, expression)                               \
	static inline int job_##name(struct worker *worker) \
	{                                                   \
		return expression;                          \
	}

/* clang-format off */
JOB(nothing, 0)
JOB(begin, _mmun_read_begin(worker->fd, worker->id, &worker->token))
JOB(remove, _mmun_remove(worker->fd, worker->id))
JOB(wait_held, _mmun_wait_held(worker->fd, worker->id, MMUN_HOLD_MS,
			       &(struct mmun_wait_held){}))
JOB(dontneed, madvise(worker->at, worker->length, MADV_DONTNEED))
/* clang-format on */

/* Returns the number of collected pages that are valid, or -1 with errno. */
static inline int job_collect(struct worker *worker)
{
	__u32 valid;

	if (_mmun_collect(worker->fd, worker->token, worker->at, worker->length,
			  MMUN_METHOD_GUP, worker->flags, &valid))
		return -1;
	return valid;
}

static inline int job_snapshot(struct worker *worker)
{
	worker->snap.id = worker->id;
	worker->snap.start = mmun_u64(worker->at);
	worker->snap.length = worker->length;
	worker->snap.method = MMUN_METHOD_GUP;
	return _mmun_snapshot(worker->fd, &worker->snap);
}

/* Returns whether all invalidations of the mm ended in time, or -1. */
static inline int job_check_balance(struct worker *worker)
{
	struct mmun_check_balance check;

	return _mmun_check_balance(worker->fd, MMUN_HOLD_MS, &check) ?:
		       (int)check.out_balanced;
}

#endif /* _SELFTESTS_MMUN_WORKER_H */
