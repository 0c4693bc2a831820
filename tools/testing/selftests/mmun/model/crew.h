/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The threads that act.  An order is one system call.
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
#include <sys/syscall.h>
#include <sys/types.h>

#include <test_mmun_uapi.h>

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

/* An order that is no system call: fork a child that exits at once. */
#define ORDER_FORK (-1L)

/**
 * struct thread - a thread that acts
 * @pipe: A byte in it is the order to make the call
 * @tid: in the only PID namespace
 * @nr: number of the system call, or ORDER_FORK
 * @args: its arguments
 * @arg: the argument of an ioctl, in memory of both processes
 * @span: the element of MMUN_INSERT and MMUN_REMOVE, in memory of both processes
 * @errnum: error of the call, or 0
 * @ordered: number of calls that the test has ordered; the thread does not use
 *	it
 * @done: number of calls that returned
 */
struct thread {
	int pipe[2];
	pid_t tid;
	long nr;
	long args[6];
	union {
		struct mmun_insert insert;
		struct mmun_remove remove;
		struct mmun_read_begin begin;
		struct mmun_collect collect;
		struct mmun_query_range query;
		struct mmun_commit commit;
		struct mmun_pin_mm park;
	} arg;
	struct mmun_span span;
	int errnum;
	unsigned int ordered;
	unsigned int done;
};

/* The victim and the test share this memory. */
struct crew {
	struct thread thread[THREADS];
	int victim_fd; /* number of the descriptor in the victim */
	int ready; /* number of threads that wait for their first order */
	bool victim_ready; /* The victim is set up. */
};

extern struct crew *crew;

bool crew_create(void);
/* The main function of the victim, which does not return. */
void victim_main(int nr_threads);
bool run_detached(void *(*main)(void *), void *arg);
/* Yield, so that the other threads of this CPU run.  @round counts the calls. */
void let_run(int round);

/*
 * Let the other threads run until the condition is true, or at least for this
 * time.  Evaluates to whether the condition became true.
 */
#define run_until(_condition, _ms)                        \
	({                                                \
		int __round = 0;                          \
		while (__round <= (_ms) && !(_condition)) \
			let_run(__round++);               \
		__round <= (_ms);                         \
	})

void thread_order_args(struct thread *t, long nr, const long args[6]);
/* Order a system call.  Missing arguments are 0. */
#define thread_order(t, nr, ...) \
	thread_order_args(t, nr, (const long[6]){ __VA_ARGS__ })

/* Order an ioctl.  Member @_member of the union contains the argument. */
#define thread_ioctl(_t, _fd, _cmd, _member, ...)                         \
	do {                                                              \
		(_t)->arg._member = (typeof((_t)->arg._member)){          \
			.size = sizeof((_t)->arg._member), __VA_ARGS__    \
		};                                                        \
		thread_order(_t, SYS_ioctl, _fd, _cmd, (long)&(_t)->arg); \
	} while (0)

/* Returns whether the calls of all orders have returned. */
bool thread_is_done(const struct thread *t);
/* Order a call that does not block.  Evaluates to whether the call succeeded. */
#define thread_do_now(t, ...)                                            \
	({                                                               \
		thread_order(t, __VA_ARGS__);                            \
		run_until(thread_is_done(t), SETTLE_MS) && !(t)->errnum; \
	})

#endif /* _SELFTESTS_MMUN_MODEL_CREW_H */
