/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The accesses of a step to the heap.  The code of the kernel is compiled with
 * -fsanitize=thread, and calls the functions of access.c before each access.
 */
#ifndef _MMU_NOTIFIER_ACCESS_H
#define _MMU_NOTIFIER_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ACCESSES 200
/* A step that accesses memory more often does not end. */
#define MAX_CALLS 100000

#define MAX_LOCKS 32 /* the bits of a mask */

/* Masks of the locks that were held at all accesses of one kind to a word */
struct locks {
	uint32_t held; /* in any way */
	uint32_t owned; /* for writing */
};

struct access {
	uint16_t word;
	bool reads;
	bool writes;
	struct locks read;
	struct locks write;
};

/* The words that one step accesses, and that more than one actor accesses */
struct footprint {
	int nr;
	int calls; /* of the hooks, also for words of one actor */
	struct access access[MAX_ACCESSES];
};

/* The footprint of the step that runs */
extern struct footprint footprint;

/*
 * What the search has learned about the words: which are shared, and which race.
 * The search begins again if the number grows.
 */
extern int nr_learned;
/* Where actors stop, beside waits and the locks */
enum points {
	POINTS_NONE, /* nowhere: a control, which must miss some defects */
	POINTS_RACES, /* before accesses that race, as access.c says */
	POINTS_ALL, /* before all shared accesses: a control, without reduction */
};

extern enum points points;

/* Forget what is known of the words, before the search of another configuration. */
void access_forget(void);
/* From now on, what a child learns is known to its parent. */
void access_share(void);
/* Learn no more: the points of a schedule stay as they are. */
void access_freeze(void);
void footprint_begin(void);
/*
 * An access to a lock or a wait queue.  The access only races with a free, because
 * the points of primitive.c order it with others.
 */
void access_lock(const void *lock, const void *pc);
/*
 * Stop at an operation on @object that others can see at once, if the step has
 * already made such an operation, or has released a lock.
 */
void footprint_point(void *object, const void *pc);
/* Learn of the races between two steps that can run in the same state. */
void footprint_compare(const struct footprint *a, const struct footprint *b);

/* list.h stores these addresses in an entry that is removed from a list. */
#define POISON 0xdead000000000000ul

/* The heap; each actor has its own words, so that addresses do not depend on
 * the schedule.
 */
void *heap_alloc(size_t bytes);
/* Returns whether @object is in the heap, and is not freed. */
bool heap_has(const void *object);
/* Returns whether an object of the running actor exists. */
bool heap_in_use(void);
void heap_free(void *object, size_t bytes, const void *pc);

#endif /* _MMU_NOTIFIER_ACCESS_H */
