// SPDX-License-Identifier: GPL-2.0
/*
 * The search for all schedules of a configuration, as search.h explains it.
 */
#include <stdlib.h>
#include <string.h>

#include "search.h"

#define NO_NODE (~0U)
#define NO_ACTOR (-1)

static __u32 hash_state(const struct model *state)
{
	const unsigned char *p = (const unsigned char *)state;
	__u64 hash = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < sizeof(*state); i++)
		hash = (hash ^ p[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 32;
}

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

static __u32 *find_slot(struct search *search, const struct model *state)
{
	__u32 i = hash_state(state);

	for (;; i++) {
		__u32 *slot = &search->table[i & (search->table_size - 1)];

		if (*slot == NO_NODE ||
		    !memcmp(&search->nodes[*slot].state, state, sizeof(*state)))
			return slot;
	}
}

static void grow_table(struct search *search)
{
	__u32 i;

	if (2 * search->nr_nodes < search->table_size)
		return;
	search->table_size = search->table_size ? 2 * search->table_size : 1024;
	search->table = realloc(search->table,
				search->table_size * sizeof(*search->table));
	if (!search->table)
		abort();
	memset(search->table, 0xff,
	       search->table_size * sizeof(*search->table));
	for (i = 0; i < search->nr_nodes; i++)
		*find_slot(search, &search->nodes[i].state) = i;
}

/* Add the state unless a node has it. */
static void add_node(struct search *search, const struct node *node)
{
	__u32 *slot;

	grow_table(search);
	slot = find_slot(search, &node->state);
	if (*slot != NO_NODE)
		return;
	search->nodes =
		grow(search->nodes, search->nr_nodes, sizeof(*search->nodes));
	search->nodes[search->nr_nodes] = *node;
	*slot = search->nr_nodes++;
}

/* The state after a step */
static struct model state_after(const struct search *search, __u32 from,
				int actor)
{
	struct model state = search->nodes[from].state;
	struct model_trace trace;

	model_step(&state, search->config, actor, &trace);
	model_forget(&state);
	return state;
}

static bool has_edge(const struct search *search, __u32 from, int actor)
{
	const struct node *node = &search->nodes[from];

	return (!search->depth || node->depth < search->depth) &&
	       model_enabled(&node->state, search->config, actor);
}

static void expand(struct search *search, __u32 from)
{
	int i;

	for (i = 0; i < search->config->nr; i++) {
		if (!has_edge(search, from, i))
			continue;
		search->nr_edges++;
		add_node(search, &(struct node){
					 .state = state_after(search, from, i),
					 .parent = from,
					 .actor = i,
					 .depth = search->nodes[from].depth + 1,
				 });
	}
}

/* The node that an edge leads to */
static __u32 node_after(struct search *search, __u32 from, int actor)
{
	const struct model state = state_after(search, from, actor);

	return *find_slot(search, &state);
}

/* The first actor whose step from the node is in no schedule, or NO_ACTOR */
static int unplanned(const struct search *search, __u32 from)
{
	int i;

	for (i = 0; i < search->config->nr; i++)
		if (has_edge(search, from, i) &&
		    !(search->nodes[from].planned & 1 << i))
			return i;
	return NO_ACTOR;
}

static void plan_step(struct search *search, __u32 from, int actor)
{
	search->nodes[from].planned |= 1 << actor;
	search->steps =
		grow(search->steps, search->nr_steps, sizeof(*search->steps));
	search->steps[search->nr_steps++] = actor;
}

static void plan_goal(struct search *search, __u32 node)
{
	int actor;

	search->goals =
		grow(search->goals, search->nr_goals, sizeof(*search->goals));
	search->goals[search->nr_goals++] =
		(struct goal){ node, search->nr_steps };
	while ((actor = unplanned(search, node)) != NO_ACTOR) {
		plan_step(search, node, actor);
		node = node_after(search, node, actor);
	}
}

void search_all(struct search *search, const struct model_config *config,
		int depth)
{
	struct node root = { .parent = NO_NODE };
	__u32 i;

	*search = (struct search){ .config = config, .depth = depth };
	model_init(&root.state, config);
	add_node(search, &root);
	for (i = 0; i < search->nr_nodes; i++)
		expand(search, i);
	for (i = 0; i < search->nr_nodes; i++)
		while (unplanned(search, i) != NO_ACTOR)
			plan_goal(search, i);
}

void search_free(struct search *search)
{
	free(search->nodes);
	free(search->goals);
	free(search->steps);
	free(search->table);
}

void search_schedule(const struct search *search, __u32 goal,
		     struct schedule *schedule)
{
	const struct goal *g = &search->goals[goal];
	const __u32 end = goal + 1 < search->nr_goals ? g[1].first :
							search->nr_steps;
	const struct node *node = &search->nodes[g->node];
	int i = node->depth;

	schedule->config = *search->config;
	schedule->nr = i + end - g->first;
	memcpy(schedule->step + i, search->steps + g->first, end - g->first);
	for (; i > 0; node = &search->nodes[node->parent])
		schedule->step[--i] = node->actor;
}

void search_take(struct search *search, const __u8 *step, int nr)
{
	__u32 node = 0;
	int i;

	for (i = 0; i < nr && has_edge(search, node, step[i]); i++) {
		const __u8 bit = 1 << step[i];

		search->nr_taken += !(search->nodes[node].taken & bit);
		search->nodes[node].taken |= bit;
		node = node_after(search, node, step[i]);
	}
}
