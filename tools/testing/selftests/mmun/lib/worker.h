/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workers: threads of a test that do one thing when they are told, so that a
 * hold can name them before.
 */
#ifndef _SELFTESTS_MMUN_WORKER_H
#define _SELFTESTS_MMUN_WORKER_H

#include <semaphore.h>
#include <time.h>
#include "mmun.h"
#include "task.h"

struct subject;

/**
 * struct worker - a thread, and what it is to work on
 * @tid: names it to a hold; known when worker_create() has returned
 * @job: what to do when @go comes; its result goes to @ret and @errnum
 * @subject: whose memory it is, if it is a process's of its own
 * @fd: the device
 * @id: a range
 * @map: the memory, of which page @nr is meant
 * @at: or a part of the memory, @length bytes
 * @token: what job_begin() got
 * @snap: what job_snapshot() got
 */
struct worker {
	pthread_t thread;
	sem_t ready;
	sem_t go;
	pid_t tid;
	int (*job)(struct worker *worker);
	struct subject *subject;
	int fd;
	__u32 id;
	char *map;
	int nr;
	char *at;
	size_t length;
	struct mmun_token token;
	struct mmun_snapshot snap;
	int ret;
	int errnum;
};

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	worker->tid = mmun_gettid();
	sem_post(&worker->ready);
	while (sem_wait(&worker->go))
		;
	worker->ret = worker->job(worker);
	worker->errnum = errno;
	return NULL;
}

/* Returns when the thread is there, and waits to be told. */
static inline int worker_create(struct worker *worker)
{
	sem_init(&worker->ready, 0, 0);
	sem_init(&worker->go, 0, 0);
	if (pthread_create(&worker->thread, NULL, worker_main, worker))
		return -1;
	while (sem_wait(&worker->ready))
		;
	return 0;
}

/* Returns what the job returned.  The harness' time-out bounds it. */
static inline int worker_join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	errno = worker->errnum;
	return worker->ret;
}

static inline int job_begin(struct worker *worker)
{
	return _mmun_read_begin(worker->fd, worker->id, &worker->token);
}

static inline int job_remove(struct worker *worker)
{
	return _mmun_remove(worker->fd, worker->id);
}

static inline long ms_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - then->tv_sec) * 1000 +
	       (now.tv_nsec - then->tv_nsec) / 1000000;
}

#endif /* _SELFTESTS_MMUN_WORKER_H */
