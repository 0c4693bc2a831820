/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The search for all schedules of a configuration.
 *
 * The search visits the states of the model breadth first, so it reaches each state
 * with as few steps as possible.  Then it plans schedules.  A schedule leads to the
 * first state that has a step without a schedule, and continues with such steps as
 * long as there are any.  Together the schedules take each step from each state, and
 * few steps more than once.
 */
#ifndef _SELFTESTS_MMUN_MODEL_SEARCH_H
#define _SELFTESTS_MMUN_MODEL_SEARCH_H

#include "model.h"
#include "schedule.h"

/**
 * struct node - a state
 * @state: the state
 * @parent: the node that the search reached this state from
 * @actor: the actor of that step
 * @depth: number of steps from the initial state
 * @planned: mask of the actors whose step from here is in a schedule
 * @taken: mask of the actors whose step from here the kernel has taken
 */
struct node {
	struct model state;
	__u32 parent;
	__u8 actor;
	__u8 depth;
	__u8 planned;
	__u8 taken;
};

/**
 * struct goal - a schedule: the way to a node, and steps from there on
 * @node: the node
 * @first: index of the first of these steps.  The last is before the first step of
 *	the next goal
 */
struct goal {
	__u32 node;
	__u32 first;
};

/**
 * struct search - the states and the schedules of a configuration
 * @config: the configuration
 * @depth: number of steps whose actor is varied; 0: all
 * @nodes: the states
 * @nr_nodes: their number
 * @goals: the schedules
 * @nr_goals: their number
 * @steps: the actors of the steps of all goals, each edge once
 * @nr_steps: their number
 * @nr_edges: number of edges, that is steps from one state to another
 * @nr_taken: number of edges that the kernel has taken
 * @table: the nodes, by the hash of their state
 * @table_size: a power of two
 */
struct search {
	const struct model_config *config;
	int depth;
	struct node *nodes;
	__u32 nr_nodes;
	struct goal *goals;
	__u32 nr_goals;
	__u8 *steps;
	__u32 nr_steps;
	__u32 nr_edges;
	__u32 nr_taken;
	__u32 *table;
	__u32 table_size;
};

void search_all(struct search *search, const struct model_config *config,
		int depth);
void search_free(struct search *search);
/* The schedule that leads to a goal */
void search_schedule(const struct search *search, __u32 goal,
		     struct schedule *schedule);
/* The kernel has taken these first steps of a schedule: count the new edges. */
void search_take(struct search *search, const __u8 *step, int nr);

#endif /* _SELFTESTS_MMUN_MODEL_SEARCH_H */
