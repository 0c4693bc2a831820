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
#define BASE 0x1000ul /* the address of page 0; a page has one byte */
#define ALL_PAGES 255
#define LISTENERS 2

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
};

void peek(struct peek *peek);
unsigned long peek_seq(const void *sub);
int peek_mm_count(void);
int peek_mm_users(void);

void refine_init(void);
/* A range of the model has this subscription, before or after its insert. */
void refine_range(int range, const void *sub);
/* Returns the subscription of a range, or NULL. */
void *refine_object(int range);
/* The list notifiers of the configuration, as refine_range() for ranges */
void refine_listener(int listener, void *object);
void *refine_listener_object(int listener);
void refine_call(enum call call, int range, int first, int last);
/* The result of begin: check the sequence that the kernel returned. */
void refine_begin(unsigned long seq);
void refine_retry(int range, unsigned long seq, bool retry);
/* The callback of a range has set its sequence. */
void refine_callback(int range, unsigned long seq, bool refuses);
/* A list notifier refuses the invalidation of the running actor. */
void refine_list_refuses(void);
void refine_start(int ret);
void refine_removed(int range);
void refine_lock(const void *lock);
void refine_unlock(const void *lock);
/* The call of the running actor sleeps in a wait queue. */
void refine_sleep(void);
/* All actors have ended: nothing may be left open. */
void refine_end(void);

#endif /* _MMU_NOTIFIER_REFINE_H */
