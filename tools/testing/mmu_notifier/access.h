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

struct access {
	uint16_t word;
	uint8_t write;
	/* An access that only orders steps: two such accesses do not race. */
	uint8_t sync;
	/* masks of the locks that were held at all accesses to the word */
	uint32_t held; /* held in any way */
	uint32_t owned; /* held for writing */
};

/* The words that one step accesses */
struct footprint {
	int nr;
	struct access access[MAX_ACCESSES];
};

/* The footprint of the step that runs */
extern struct footprint footprint;

/* Words on which actors race: each access is a step of its own. */
extern bool racy[];
extern int nr_racy;
/* With false, races do not become points; for a control of the program. */
extern bool racy_points;

/* Forget the racy words, before the search of another configuration. */
void access_forget(void);
void footprint_begin(void);
/* Note an access that orders steps, such as the access to a lock. */
void footprint_sync(const void *address, bool write);
/* Returns whether the steps depend on each other; marks words as racy. */
bool footprint_conflict(const struct footprint *a, const struct footprint *b);

/* The heap; each actor has its own words, so that addresses do not depend on
 * the schedule.
 */
void *heap_alloc(size_t bytes);
/* Returns whether @object is in the heap, and is not freed. */
bool heap_has(const void *object);
void heap_free(void *object, size_t bytes, const void *pc);

#endif /* _MMU_NOTIFIER_ACCESS_H */
