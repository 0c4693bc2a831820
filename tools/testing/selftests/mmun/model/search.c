// SPDX-License-Identifier: GPL-2.0
/* Searches all schedules of a configuration; search.h describes the method */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

static int compare_states(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct model));
}

/* Returns @memory, or aborts the test if there is no memory. */
static void *checked(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* Returns the node that has the state of @node, or adds a copy of @node. */
static struct node *find_or_add(struct search *search, const struct node *node)
{
	struct node **found =
		checked(tsearch(node, &search->tree, compare_states));

	if (*found != node)
		return *found;
	*found = checked(malloc(sizeof(*node)));
	**found = *node;
	if (search->last)
		search->last->next = *found;
	search->last = *found;
	search->nr_nodes++;
	return *found;
}

static void expand(struct search *search, struct node *from)
{
	struct model_trace trace;

	if (search->depth && from->depth == search->depth)
		return;
	for (int i = 0; i < search->config->nr; i++) {
		struct node to = {
			.state = from->state,
			.parent = from,
			.actor = i,
			.depth = from->depth + 1,
		};

		if (!model_enabled(&from->state, search->config, i))
			continue;
		model_step(&to.state, search->config, i, &trace);
		model_forget(&to.state);
		from->after[i] = find_or_add(search, &to);
		search->nr_edges++;
	}
}

/* Plan a step from @node that is in no schedule, and return the next node. */
static struct node *plan_step(struct search *search, struct node *node)
{
	for (int i = 0; i < MODEL_ACTORS; i++) {
		if (!node->after[i] || node->planned & 1 << i)
			continue;
		node->planned |= 1 << i;
		search->steps[search->nr_steps++] = i;
		return node->after[i];
	}
	return NULL;
}

/* Plan a schedule to @node, unless all steps from @node are planned. */
static bool plan_goal(struct search *search, struct node *node)
{
	const struct goal goal = { node, search->nr_steps };

	while (node)
		node = plan_step(search, node);
	if (search->nr_steps == goal.first)
		return false;
	search->goals[search->nr_goals++] = goal;
	return true;
}

void search_all(struct search *search, const struct model_config *config,
		int depth)
{
	struct node root = {};

	*search = (struct search){ .config = config, .depth = depth };
	model_init(&root.state, config);
	search->root = find_or_add(search, &root);
	for (struct node *n = search->root; n; n = n->next)
		expand(search, n);
	search->steps = checked(calloc(search->nr_edges + 1, 1));
	search->goals =
		checked(calloc(search->nr_edges + 1, sizeof(*search->goals)));
	for (struct node *n = search->root; n; n = n->next)
		while (plan_goal(search, n))
			;
	search->goals[search->nr_goals].first = search->nr_steps;
}

void search_free(struct search *search)
{
	tdestroy(search->tree, free);
	free(search->goals);
	free(search->steps);
}

void search_schedule(const struct search *search, __u32 goal,
		     struct schedule *schedule)
{
	const struct goal *g = &search->goals[goal];
	const struct node *node = g->node;
	const __u32 length = g[1].first - g->first;

	schedule->config = *search->config;
	schedule->nr = node->depth + length;
	memcpy(schedule->step + node->depth, search->steps + g->first, length);
	for (; node->parent; node = node->parent)
		schedule->step[node->depth - 1] = node->actor;
}

void search_take(struct search *search, const __u8 *step, int nr)
{
	struct node *node = search->root;

	for (int i = 0; i < nr && node->after[step[i]]; i++) {
		search->nr_taken += !(node->taken & 1 << step[i]);
		node->taken |= 1 << step[i];
		node = node->after[step[i]];
	}
}
