// SPDX-License-Identifier: GPL-2.0
/*
 * The search for all schedules of a configuration.  search.h explains the
 * search.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

#define NO_ACTOR (-1)

/* Make room for one more element.  The size doubles at each power of two. */
static void *grow(void *array, __u32 nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	array = realloc(array, (nr ? 2 * (size_t)nr : 1) * size);
	if (!array)
		abort();
	return array;
}

static int compare_states(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct model));
}

static struct node *find_node(const struct search *search,
			      const struct model *state)
{
	struct node **found = tfind(state, &search->tree, compare_states);

	return found ? *found : NULL;
}

/* Add the node, unless a node with the same state exists. */
static void add_node(struct search *search, const struct node *node)
{
	struct node *copy;

	if (find_node(search, &node->state))
		return;
	copy = malloc(sizeof(*copy));
	if (!copy)
		abort();
	*copy = *node;
	if (!tsearch(copy, &search->tree, compare_states))
		abort();
	search->nodes =
		grow(search->nodes, search->nr_nodes, sizeof(*search->nodes));
	search->nodes[search->nr_nodes++] = copy;
}

static bool has_edge(const struct search *search, const struct node *from,
		     int actor)
{
	return (!search->depth || from->depth < search->depth) &&
	       model_enabled(&from->state, search->config, actor);
}

/* Returns the state after a step. */
static struct model state_after(const struct search *search,
				const struct node *from, int actor)
{
	struct model state = from->state;
	struct model_trace trace;

	model_step(&state, search->config, actor, &trace);
	model_forget(&state);
	return state;
}

static struct node *node_after(const struct search *search,
			       const struct node *from, int actor)
{
	const struct model state = state_after(search, from, actor);

	return find_node(search, &state);
}

static void expand(struct search *search, const struct node *from)
{
	int i;

	for (i = 0; i < search->config->nr; i++) {
		struct node to = { .parent = from, .actor = i };

		if (!has_edge(search, from, i))
			continue;
		to.state = state_after(search, from, i);
		to.depth = from->depth + 1;
		add_node(search, &to);
		search->nr_edges++;
	}
}

/*
 * Returns the first actor whose step from the node is in no schedule, or
 * NO_ACTOR.
 */
static int unplanned(const struct search *search, const struct node *from)
{
	int i;

	for (i = 0; i < search->config->nr; i++)
		if (has_edge(search, from, i) && !(from->planned & 1 << i))
			return i;
	return NO_ACTOR;
}

static void plan_goal(struct search *search, struct node *node)
{
	int actor;

	search->goals =
		grow(search->goals, search->nr_goals, sizeof(*search->goals));
	search->goals[search->nr_goals++] =
		(struct goal){ node, search->nr_steps };
	while ((actor = unplanned(search, node)) != NO_ACTOR) {
		node->planned |= 1 << actor;
		search->steps = grow(search->steps, search->nr_steps, 1);
		search->steps[search->nr_steps++] = actor;
		node = node_after(search, node, actor);
	}
}

void search_all(struct search *search, const struct model_config *config,
		int depth)
{
	struct node root = {};
	__u32 i;

	*search = (struct search){ .config = config, .depth = depth };
	model_init(&root.state, config);
	add_node(search, &root);
	for (i = 0; i < search->nr_nodes; i++)
		expand(search, search->nodes[i]);
	for (i = 0; i < search->nr_nodes; i++)
		while (unplanned(search, search->nodes[i]) != NO_ACTOR)
			plan_goal(search, search->nodes[i]);
}

void search_free(struct search *search)
{
	tdestroy(search->tree, free);
	free(search->nodes);
	free(search->goals);
	free(search->steps);
}

void search_schedule(const struct search *search, __u32 goal,
		     struct schedule *schedule)
{
	const struct goal *g = &search->goals[goal];
	const __u32 end = goal + 1 < search->nr_goals ? g[1].first :
							search->nr_steps;
	const struct node *node;
	int i = g->node->depth;

	schedule->config = *search->config;
	schedule->nr = i + end - g->first;
	memcpy(schedule->step + i, search->steps + g->first, end - g->first);
	for (node = g->node; i > 0; node = node->parent)
		schedule->step[--i] = node->actor;
}

void search_take(struct search *search, const __u8 *step, int nr)
{
	struct node *node = search->nodes[0];
	int i;

	for (i = 0; i < nr && has_edge(search, node, step[i]); i++) {
		search->nr_taken += !(node->taken & 1 << step[i]);
		node->taken |= 1 << step[i];
		node = node_after(search, node, step[i]);
	}
}
