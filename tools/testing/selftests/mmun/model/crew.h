/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The threads that act.  An order is one call.
 *
 * The victim is a process that owns the mm.  Mutators, exit and the parked thread
 * are threads of the victim.  Readers, inserters, removers and the reaper are
 * threads of the test, and use the mm of the victim through its descriptor.  Their
 * page faults do not need the mmap_lock of the victim, which a mutator may hold.
 *
 * A thread of the victim must not fault while another thread holds that lock, and
 * fork() must not find memory to write-protect outside of the arena.  So the memory
 * of the victim is locked, and a child inherits only the arena.
 *
 * lib/process.h does not fit: it passes orders and answers through sockets, and the
 * test looks at each thread thousands of times a second.
 */
#ifndef _SELFTESTS_MMUN_MODEL_CREW_H
#define _SELFTESTS_MMUN_MODEL_CREW_H

#include <stdbool.h>

#include "../lib/ioctl.h"
#include "../lib/task.h"
#include "model.h"

#define VICTIM_THREADS 3 /* the main thread and two mutators */
#define OWN_THREADS MODEL_ACTORS
#define THREADS (VICTIM_THREADS + OWN_THREADS)
#define SETTLE_MS 2000 /* a healthy kernel needs far less */
#define READY_MS 10000 /* The victim has to lock all of its memory. */

/*
 * The memory of the victim has the same address in every schedule, away from a
 * border between page tables, between two pages without access.  mremap() moves
 * pages to an address range that is empty.
 */
#define ARENA 0x10000100000UL
#define MOVE_TO 0x10001002000UL

/* A thread that acts.  Both processes share this memory. */
struct thread {
	int pipe[2]; /* A byte in it is the order to make the call. */
	struct mmun_task task; /* The thread sets only the tid. */
	long (*call)(struct thread *t); /* returns -1 with errno if it fails */
	int kind; /* enum model_kind */
	int call_nr; /* number of earlier calls of the actor */
	__u32 id; /* of the range */
	unsigned long start;
	unsigned long length;
	struct mmun_token token; /* of the last begin */
	int errnum; /* error of the call, or 0 */
	__u32 result; /* of a call that succeeded, as in struct model_actor */
	__u32 published; /* number of pages that a commit published */
	unsigned int ordered; /* number of calls that the test has ordered */
	unsigned int done; /* number of calls that returned */
};

/* The victim and the test share this memory. */
struct crew {
	struct thread thread[THREADS];
	int victim_fd; /* number of the descriptor in the victim */
	int ready; /* number of threads that wait for their first order */
	int victim_pipe[2]; /* The victim writes a byte when it is set up. */
};

extern struct crew *crew;

bool crew_create(void);
/* The main function of the victim, which does not return. */
void victim_main(int nr_threads);
bool run_detached(void *(*main)(void *), void *arg);
/* Yield, so that the other threads of this CPU run.  @round counts the calls. */
void let_run(int round);

/*
 * Let the other threads run until the condition is true, or for @_rounds.  A
 * round takes about a millisecond, and the first ones less.  Evaluates to
 * whether the condition became true.
 */
#define run_until(_condition, _rounds)                       \
	({                                                   \
		int __round = 0;                             \
		while (__round < (_rounds) && !(_condition)) \
			let_run(__round++);                  \
		__round < (_rounds);                         \
	})

void thread_order(struct thread *t, long (*call)(struct thread *t));
/* Returns whether the calls of all orders have returned. */
bool thread_is_done(const struct thread *t);
/* Order a call that does not block.  Returns whether the call succeeded. */
bool thread_do_now(struct thread *t, long (*call)(struct thread *t));

#endif /* _SELFTESTS_MMUN_MODEL_CREW_H */
