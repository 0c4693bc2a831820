/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The search for all schedules of a configuration: breadth first over the states
 * of the model, so that each is reached in as few steps as can be.  Then the plan:
 * a schedule leads to the first state with a step that is in no schedule, and goes
 * on with such steps as long as there are any.  Thus all edges are walked, and few
 * of them twice.
 */
#ifndef _SELFTESTS_MMUN_MODEL_SEARCH_H
#define _SELFTESTS_MMUN_MODEL_SEARCH_H

#include "model.h"
#include "schedule.h"

/*
 * A state, and the step that it was first reached by.  The masks are of actors:
 * their steps from here that are planned, and those that were taken on the kernel.
 */
struct node {
	struct model state;
	__u32 parent;
	__u8 actor;
	__u8 depth;
	__u8 planned;
	__u8 taken;
};

/* A schedule: the way to @node, then the steps from @first on to the next goal's */
struct goal {
	__u32 node;
	__u32 first;
};

struct search {
	const struct model_config *config;
	int depth; /* how many steps are varied; 0: all */
	struct node *nodes;
	__u32 nr_nodes;
	struct goal *goals;
	__u32 nr_goals;
	__u8 *steps; /* actors: each edge once */
	__u32 nr_steps;
	__u32 nr_edges;
	__u32 nr_taken; /* edges that were taken on the kernel */
	__u32 *table; /* nodes by the hash of their state */
	__u32 table_size; /* a power of two */
};

void search_all(struct search *search, const struct model_config *config,
		int depth);
void search_free(struct search *search);
/* The schedule that leads to a goal */
void search_schedule(const struct search *search, __u32 goal,
		     struct schedule *schedule);
/* Count the edges that these first steps of a schedule are the first to take. */
void search_take(struct search *search, const __u8 *step, int nr);

#endif /* _SELFTESTS_MMUN_MODEL_SEARCH_H */
