/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The crew: threads that make the calls of actors.  An order requests one call.
 *
 * The victim is the process whose mm the schedules invalidate.  Threads of the
 * victim make the calls of mutators and exit, and wait in PIN_MM.  Threads of
 * the test make the calls of the other actors, on the open /dev/mmun and
 * /dev/mmun_list of the victim.  A page fault of a thread of the test does
 * not need the mmap_lock of the victim, which a mutator may hold.
 *
 * A thread of the victim must not fault while a mutator holds the mmap_lock, so
 * the victim locks its memory.  The mutator fork() must write-protect no memory
 * except the arena, so a child of the victim inherits only the arena and code.
 *
 * The threads do not get orders through sockets, as in lib/process.h, because
 * the test checks each thread thousands of times a second.
 */
#ifndef _SELFTESTS_MMUN_MODEL_CREW_H
#define _SELFTESTS_MMUN_MODEL_CREW_H

#include <stdbool.h>

#include "../lib/ioctl.h"
#include "../lib/list_device.h"
#include "../lib/task.h"
#include "model.h"

#define VICTIM_THREADS 3 /* the main thread and two mutators */
#define OWN_THREADS MODEL_ACTORS
#define THREADS (VICTIM_THREADS + OWN_THREADS)
#define SETTLE_MS 2000 /* time limit of a call; most calls need far less */
#define READY_MS 10000 /* The victim needs time to lock its memory. */

/*
 * The arena is the memory of the victim that the schedules invalidate.  ARENA
 * is not near a border between page tables, and a page without access is before
 * and after the arena.  MOVE_TO is the address of an empty range, to which
 * mremap() moves pages.
 */
#define ARENA 0x10000100000UL
#define MOVE_TO 0x10001002000UL

/* A thread that makes calls, in memory that the victim and the test share */
struct thread {
	int pipe[2]; /* A byte in the pipe is the order to make the call. */
	struct mmun_task task; /* The thread sets only the tid of the task. */
	long (*call)(struct thread *t); /* returns -1 with errno on failure */
	int kind; /* enum model_kind */
	int call_nr; /* number of earlier calls of the same actor */
	__u32 id; /* ID of the range or of the listener, or the key */
	unsigned long start;
	unsigned long length;
	struct mmun_token token; /* result of the last begin */
	int errnum; /* error of the call, or 0 */
	__u32 result; /* result of the call, as in struct model_actor */
	__u32 published; /* number of pages that a commit published */
	unsigned int ordered; /* number of calls that the test has ordered */
	unsigned int done; /* number of ordered calls that have returned */
};

/* The victim and the test share the memory of struct crew. */
struct crew {
	struct thread thread[THREADS];
	int victim_fd; /* file descriptor of /dev/mmun in the victim */
	int victim_list_fd; /* of /dev/mmun_list, or -1: no such device */
	int ready; /* number of threads that wait for their first order */
	int victim_pipe[2]; /* A byte reports that the victim is ready. */
};

extern struct crew *crew;

bool crew_create(void);
/* Run the victim: make the calls that the test orders.  Does not return. */
void victim_main(int nr_threads);
bool run_detached(void *(*main)(void *), void *arg);
/* Let other threads of this CPU run.  @round counts the calls of let_run(). */
void let_run(int round);

/*
 * Let the other threads run until @_condition is true, or for at most @_rounds
 * calls of let_run().  Each of the first 100 calls of let_run() takes less than
 * a millisecond, and a later call takes about a millisecond.  Evaluates to
 * whether @_condition became true.
 */
#define run_until(_condition, _rounds)                       \
	({                                                   \
		int __round = 0;                             \
		while (__round < (_rounds) && !(_condition)) \
			let_run(__round++);                  \
		__round < (_rounds);                         \
	})

void thread_order(struct thread *t, long (*call)(struct thread *t));
/* Returns whether the thread has made all calls that the test ordered. */
bool thread_is_done(const struct thread *t);
/* Order a call that does not block.  Returns whether the call succeeded. */
bool thread_do_now(struct thread *t, long (*call)(struct thread *t));

#endif /* _SELFTESTS_MMUN_MODEL_CREW_H */
