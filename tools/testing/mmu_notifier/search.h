/* SPDX-License-Identifier: GPL-2.0 */
/* Search all interleavings of a configuration. */
#ifndef _MMU_NOTIFIER_SEARCH_H
#define _MMU_NOTIFIER_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_STEPS 400

struct config;

struct schedule {
	int nr;
	uint8_t actor[MAX_STEPS];
};

struct result {
	bool failed; /* violation[] has the property, @schedule leads to it */
	uint64_t states;
	uint64_t steps;
	int ends; /* the number of different states in which all actors have ended */
	uint64_t ends_sum; /* a checksum of these states, without the stacks */
	struct schedule schedule;
};

/* Search the configuration.  A failing schedule is the shortest that exists. */
void search(const struct config *config, struct result *result);
/*
 * No actor can take a step.  Returns true if that violates a property: a deadlock, or
 * something is left open.
 */
bool check_end(void);
/*
 * Play a schedule from the beginning; calls @before before each step.  Returns the
 * number of steps that were played, until a property was violated.
 */
int replay(const struct config *config, const struct schedule *schedule,
	   void (*before)(int step, int actor));

#endif /* _MMU_NOTIFIER_SEARCH_H */
