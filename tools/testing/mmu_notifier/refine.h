/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The oracle by refinement: the model of selftests/mmun/model makes the same
 * calls as the kernel.  When the kernel releases the lock of the subscriptions,
 * the state of the kernel must equal the state of the model.
 */
#ifndef _MMU_NOTIFIER_REFINE_H
#define _MMU_NOTIFIER_REFINE_H

#include <stdbool.h>

#define RANGES 4
#define BASE 0x1000ul /* the address of page 0 */
#define ALL_PAGES 255

/* The call that an actor makes */
enum call {
	CALL_NONE,
	CALL_START, /* also the release at exit */
	CALL_END,
	CALL_INSERT,
	CALL_REMOVE,
	CALL_BEGIN,
};

/* The private state of the kernel, see subject.c */
struct peek {
	bool exists; /* The mm has subscriptions. */
	bool has_itree;
	const void *lock;
	unsigned long seq;
	unsigned long active;
	int nr_tree;
	int nr_deferred;
	const void
		*tree[2 * RANGES]; /* subscriptions in the order of addresses */
	const void *deferred[2 * RANGES];
	int nr_list;
	const void *list[2 * RANGES]; /* the list notifiers */
	unsigned int users[2 * RANGES]; /* the users of each */
};

void peek(struct peek *peek);
unsigned long peek_seq(const void *sub);
/* As a driver finds out: without a look into the tree */
bool peek_in_tree(const void *sub);
int peek_mm_count(void);
int peek_mm_users(void);

void refine_init(void);
/* Do not report that kernel and model differ.  hold.c compares them itself. */
void refine_ignore(bool ignore);
/*
 * A range of the model has this subscription, before or after its insert, and
 * covers so many pages after the first two pages.
 */
void refine_range(int range, const void *sub, int more);
/* Returns the subscription of a range, or NULL. */
void *refine_object(int range);
void refine_call(enum call call, int range, int first, int last);
/* The result of begin: check the sequence that the kernel returned. */
void refine_begin(unsigned long seq);
void refine_retry(int range, unsigned long seq, bool retry);
/* The callback of a range has set its sequence. */
void refine_callback(int range, unsigned long seq, bool refuses);
/* The range asks for the second pass, or gets the second pass. */
void refine_await(int range);
void refine_finish(int range);
/* Returns whether the invalidation of the actor has called all ranges. */
bool refine_ranges_called(void);
/* A list notifier refuses the invalidation of the running actor. */
void refine_refused_by_list(void);
void refine_start(int ret);
void refine_removed(int range);
void refine_lock(const void *lock);
void refine_unlock(const void *lock);
/* The call of the running actor sleeps in a wait queue. */
void refine_sleep(void);
/* All actors have ended: nothing may be left open. */
void refine_end(void);

#endif /* _MMU_NOTIFIER_REFINE_H */
