/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The search for all schedules of a configuration.
 *
 * The search visits the states of the model breadth first, so it reaches each
 * state with as few steps as possible.  Then it plans schedules.  A schedule
 * leads to the first state that has a step without a schedule, and continues
 * with steps without a schedule as long as possible.  Together the schedules
 * take each step from each state.  They take few steps more than once.
 */
#ifndef _SELFTESTS_MMUN_MODEL_SEARCH_H
#define _SELFTESTS_MMUN_MODEL_SEARCH_H

#include "model.h"
#include "schedule.h"

/*
 * A state, and the step by which the search first reached the state.  The masks
 * contain actors.
 */
struct node {
	struct model state; /* the key of the tree, so it must be first */
	struct node *next; /* in the order of the search */
	struct node *after[MODEL_ACTORS]; /* a step of that actor, or NULL */
	const struct node *parent;
	__u8 actor;
	__u8 depth;
	__u8 planned; /* Their steps from this state are in a schedule. */
	__u8 taken; /* The kernel has taken their steps. */
};

/*
 * A schedule: the path to @node, then steps[@first] up to the @first of the
 * next goal
 */
struct goal {
	const struct node *node;
	__u32 first;
};

struct search {
	const struct model_config *config;
	int depth; /* number of steps whose actor is varied; 0: all */
	void *tree; /* the nodes, by their state */
	struct node *root;
	struct node *last;
	__u32 nr_nodes;
	struct goal *goals; /* followed by the end of the steps */
	__u32 nr_goals;
	__u8 *steps; /* the actors of all steps; each edge once */
	__u32 nr_steps;
	__u32 nr_edges; /* steps from one state to another */
	__u32 nr_taken; /* edges that the kernel has taken */
};

void search_all(struct search *search, const struct model_config *config,
		int depth);
void search_free(struct search *search);
/* Set @schedule to the schedule that leads to a goal. */
void search_schedule(const struct search *search, __u32 goal,
		     struct schedule *schedule);
/*
 * Record that the kernel has executed the first @nr steps of a schedule, and
 * count the edges that are new.
 */
void search_take(struct search *search, const __u8 *step, int nr);

#endif /* _SELFTESTS_MMUN_MODEL_SEARCH_H */
