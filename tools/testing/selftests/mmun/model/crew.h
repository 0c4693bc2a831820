/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Those who act: threads that do one system call at a time when they are told.
 *
 * A victim process owns the mm: mutators, exit and the parked thread are its
 * threads.  Readers, inserters, removers and the reaper are threads of this
 * process, which work on the victim's mm through its descriptor; so their own
 * page faults never need the victim's mmap_lock, which a mutator may hold.
 *
 * Threads of the victim must not fault either while another one holds that lock,
 * and a fork must find no memory but the arena to write-protect: all they touch
 * is locked, and all but the arena is not inherited.
 */
#ifndef _SELFTESTS_MMUN_MODEL_CREW_H
#define _SELFTESTS_MMUN_MODEL_CREW_H

#include <stdbool.h>
#include <sys/types.h>

#include <test_mmun_uapi.h>

#include "model.h"

#define VICTIM_THREADS 3 /* the main thread and two mutators */
#define OWN_THREADS MODEL_ACTORS
#define THREADS (VICTIM_THREADS + OWN_THREADS)
#define SETTLE_MS 2000 /* a healthy kernel needs far less */

/*
 * The victim's memory: MODEL_PAGES between two pages that nobody may touch, at
 * the same place in every schedule, away from a border between page tables; and
 * where mremap() moves pages to, which is empty.
 */
#define ARENA 0x10000100000UL
#define MOVE_TO 0x10001002000UL

/* Not a system call: fork a child that is gone at once */
#define JOB_FORK (-1L)

union job_arg {
	struct mmun_insert insert;
	struct mmun_remove remove;
	struct mmun_read_begin begin;
	struct mmun_collect collect;
	struct mmun_query_range query;
	struct mmun_commit commit;
	struct mmun_pin_mm park;
};

/**
 * struct thread - one that acts
 * @pipe: a byte written to it is the order to do the job
 * @tid: in the one PID namespace
 * @nr: the system call
 * @args: its arguments
 * @arg: the argument of an ioctl, where both processes see it
 * @span: the element of MMUN_INSERT and MMUN_REMOVE, likewise
 * @errnum: what it failed with, or 0
 * @ordered: jobs that it was told to do; of the tester alone
 * @done: jobs done
 */
struct thread {
	int pipe[2];
	pid_t tid;
	long nr;
	long args[6];
	union job_arg arg;
	struct mmun_span span;
	int errnum;
	unsigned int ordered;
	unsigned int done;
};

/* In memory that is shared with the victim */
struct crew {
	struct thread thread[THREADS];
	int victim_fd; /* its descriptor, as the victim numbers it */
	int ready; /* threads that wait for their first order */
	int victim_ready; /* 1: all of the victim is set up */
};

/* The same in both processes */
extern struct crew *crew;

bool crew_create(void);
/* The victim: its main thread does not return. */
void victim_main(int nr_threads);
bool run_detached(void *(*main)(void *), void *arg);
/* Bounded: false if the counter does not change for 10 seconds. */
bool wait_count(int *counter, int least);
/*
 * Let the other threads run.  They are on this CPU: most of them come to where they
 * stop before this thread gets the CPU back.
 */
void give_way(int round);

void thread_order_args(struct thread *t, long nr, const long args[6]);
/* Order a system call; arguments that are left out are 0. */
#define thread_order(t, nr, ...) \
	thread_order_args(t, nr, (const long[6]){ __VA_ARGS__ })

void thread_order_ioctl(struct thread *t, int fd, unsigned int cmd);
/* Has the thread done what it was told to do? */
bool thread_is_done(const struct thread *t);
/* Have a thread do one job that waits for nothing. */
bool thread_do_now(struct thread *t, long nr, long a, long b, long c, long d);

#endif /* _SELFTESTS_MMUN_MODEL_CREW_H */
