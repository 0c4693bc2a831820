/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The search for all schedules of a configuration.  An edge is a step from one
 * state of the model to another.
 *
 * The search visits the states of the model breadth first, so the path to each
 * state is as short as possible.  The search then plans schedules until each
 * edge is in a schedule.  Each schedule leads to the first state with an
 * unplanned edge, and continues along unplanned edges as long as possible.
 */
#ifndef _SELFTESTS_MMUN_MODEL_SEARCH_H
#define _SELFTESTS_MMUN_MODEL_SEARCH_H

#include "model.h"
#include "schedule.h"

/*
 * A node: a state, and the step by which the search first reached the state.
 * The masks @planned and @taken contain actors.
 */
struct node {
	struct model state; /* the key of the tree, so @state must be first */
	struct node *next; /* the node that the search found next */
	struct node *after[MODEL_ACTORS]; /* node after a step of each actor */
	const struct node *parent;
	__u8 actor;
	__u8 depth;
	__u8 planned; /* actors whose step from @state is in a schedule */
	__u8 taken; /* actors whose step from @state the kernel took */
};

/*
 * A goal stands for a schedule: the path to @node, and then the actors in
 * search.steps from the index @first up to the @first of the next goal.
 */
struct goal {
	const struct node *node;
	__u32 first;
};

struct search {
	const struct model_config *config;
	int depth; /* number of first steps that the search varies; 0: all */
	void *tree; /* the nodes, sorted by their states */
	struct node *root;
	struct node *last;
	__u32 nr_nodes;
	struct goal *goals; /* goals[nr_goals] marks the end of @steps. */
	__u32 nr_goals;
	__u8 *steps; /* the actor of each planned edge; each edge once */
	__u32 nr_steps;
	__u32 nr_edges; /* number of edges between the nodes */
	__u32 nr_taken; /* number of edges that the kernel has taken */
};

void search_all(struct search *search, const struct model_config *config,
		int depth);
void search_free(struct search *search);
/* Set @schedule to the schedule that a goal stands for. */
void search_schedule(const struct search *search, __u32 goal,
		     struct schedule *schedule);
/*
 * Record that the kernel has executed the first @nr steps of a schedule, and
 * count the edges that the kernel has taken for the first time.
 */
void search_take(struct search *search, const __u8 *step, int nr);

#endif /* _SELFTESTS_MMUN_MODEL_SEARCH_H */
