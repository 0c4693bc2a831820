/* SPDX-License-Identifier: GPL-2.0 */
/* Copies of struct world */
#ifndef _MMU_NOTIFIER_STATE_H
#define _MMU_NOTIFIER_STATE_H

#include <stddef.h>
#include <stdint.h>

/* A state without the unused parts of the heap and of the stacks */
struct state {
	char *bytes;
	size_t size;
	size_t space;
};

void state_save(struct state *state);
void state_restore(const struct state *state);
/* Two states are taken for equal if their hashes are equal.  A hash is not 0. */
uint64_t state_hash(const struct state *state);
/* The hash of the heap of the world, without the stacks */
uint64_t state_hash_heap(void);

#endif /* _MMU_NOTIFIER_STATE_H */
