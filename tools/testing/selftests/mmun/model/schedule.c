// SPDX-License-Identifier: GPL-2.0
/*
 * Configurations and schedules as text, and the search for all schedules.
 *
 *	madvise02,rA,rC,iB,dC-M0.R0.M0.I0
 *
 * is MADV_DONTNEED of the pages 0 to 2, readers of A and C, an inserter of B, a
 * remover of C; and the actors that take the first steps.  After those it is
 * always the first that can.
 */
#include "model.h"

#define SCHEDULE_STEPS	200
#define SCHEDULE_TEXT	1024
#define NO_NODE		(~0U)

static const struct {
	const char *name;
	char letter;
	__u8 args;	/* 1: a range, 2: two pages, 0: none */
} kinds[MODEL_KINDS] = {
	[MODEL_READER] = { "r", 'R', 1 },
	[MODEL_INSERTER] = { "i", 'I', 1 },
	[MODEL_REMOVER] = { "d", 'D', 1 },
	[MODEL_MADVISE] = { "madvise", 'M', 2 },
	[MODEL_MUNMAP] = { "munmap", 'M', 2 },
	[MODEL_MPROTECT] = { "mprotect", 'M', 2 },
	[MODEL_MREMAP] = { "mremap", 'M', 2 },
	[MODEL_FORK] = { "fork", 'M', 0 },
	[MODEL_REAPER] = { "reaper", 'P', 0 },
	[MODEL_EXIT] = { "exit", 'X', 0 },
};

/* A configuration, and who takes the first steps */
struct schedule {
	struct model_config config;
	int nr;
	__u8 step[SCHEDULE_STEPS];
};

/* Text. */

static bool parse_args(struct model_role *role, const char *args, size_t length)
{
	const int wanted = kinds[role->kind].args;

	if (length != wanted)
		return false;
	if (wanted == 1) {
		role->range = args[0] - 'A';
		return role->range < MODEL_RANGES;
	}
	role->first = wanted ? args[0] - '0' : 0;
	role->last = wanted ? args[1] - '0' : MODEL_PAGES - 1;
	if (role->kind == MODEL_EXIT)
		role->last = MODEL_NOBODY;
	return role->first <= role->last &&
	       (role->last < MODEL_PAGES || role->kind == MODEL_EXIT);
}

static bool parse_role(struct model_role *role, const char *text, size_t length)
{
	int kind;

	for (kind = MODEL_KINDS - 1; kind >= 0; kind--) {
		const size_t n = strlen(kinds[kind].name);

		if (length < n || strncmp(text, kinds[kind].name, n))
			continue;
		*role = (struct model_role){ .kind = kind };
		if (parse_args(role, text + n, length - n))
			return true;
	}
	return false;
}

/* A and C are there, and what is used; but not what is to be inserted. */
static __u8 live_ranges(const struct model_config *config)
{
	__u8 live = 1 << 0 | 1 << 2, inserted = 0;
	int i;

	for (i = 0; i < config->nr; i++) {
		if (config->role[i].kind == MODEL_INSERTER)
			inserted |= 1 << config->role[i].range;
		else if (kinds[config->role[i].kind].args == 1)
			live |= 1 << config->role[i].range;
	}
	return live & ~inserted;
}

static bool is_alone(const struct model_role *role)
{
	return role->kind == MODEL_EXIT || role->kind == MODEL_REAPER;
}

/*
 * The model knows one VMA and what one call does to a page: two mutators must
 * not meet on a page, unless both only empty it.  Nobody who dies or is dead
 * mutates, and a fork tells each VMA, so nothing may split it.  A range is
 * inserted once.
 */
static bool get_along(const struct model_role *a, const struct model_role *b)
{
	const bool apart = a->last < b->first || b->last < a->first;

	if (a->kind == MODEL_INSERTER && b->kind == MODEL_INSERTER)
		return a->range != b->range;
	if (a->kind < MODEL_MADVISE || b->kind < MODEL_MADVISE)
		return true;
	if (is_alone(a) || is_alone(b))
		return false;
	if (a->kind == MODEL_FORK || b->kind == MODEL_FORK)
		return a->kind == MODEL_MADVISE || b->kind == MODEL_MADVISE;
	return apart || (a->kind == MODEL_MADVISE && b->kind == MODEL_MADVISE);
}

static bool config_is_modelled(const struct model_config *config)
{
	int i, j, mutators = 0;

	for (i = 0; i < config->nr; i++) {
		mutators += model_is_mutator(&config->role[i]);
		for (j = 0; j < i; j++)
			if (!get_along(&config->role[i], &config->role[j]))
				return false;
	}
	return mutators <= 2 && config->live;
}

/* Parse "madvise02,rA", up to the end or a '-'; returns where, or NULL. */
static const char *config_parse(struct model_config *config, const char *text)
{
	size_t n;

	*config = (struct model_config){ .refusals = 1 };
	for (;; text += n + 1) {
		n = strcspn(text, ",-");
		if (config->nr == MODEL_ACTORS ||
		    !parse_role(&config->role[config->nr++], text, n))
			return NULL;
		if (text[n] != ',')
			break;
	}
	config->live = live_ranges(config);
	return config_is_modelled(config) ? text + n : NULL;
}

/* Which of its letter the actor is, counted from 0 */
static int ordinal(const struct model_config *config, int actor)
{
	int i, nr = 0;

	for (i = 0; i < actor; i++)
		nr += kinds[config->role[i].kind].letter ==
		      kinds[config->role[actor].kind].letter;
	return nr;
}

static int find_actor(const struct model_config *config, char letter, int nr)
{
	int i;

	for (i = 0; i < config->nr; i++)
		if (kinds[config->role[i].kind].letter == letter && !nr--)
			return i;
	return -1;
}

static inline bool schedule_parse(struct schedule *schedule, const char *text)
{
	text = config_parse(&schedule->config, text);
	schedule->nr = 0;
	while (text && *text) {
		int actor = -1;

		if (text[1] && text[2])
			actor = find_actor(&schedule->config, text[1],
					   text[2] - '0');
		if (actor < 0 || schedule->nr == SCHEDULE_STEPS)
			return false;
		schedule->step[schedule->nr++] = actor;
		text += 3;
	}
	return text;
}

static int role_print(char *to, size_t size, const struct model_role *role)
{
	switch (kinds[role->kind].args) {
	case 1:
		return snprintf(to, size, "%s%c", kinds[role->kind].name,
				'A' + role->range);
	case 2:
		return snprintf(to, size, "%s%d%d", kinds[role->kind].name,
				role->first, role->last);
	default:
		return snprintf(to, size, "%s", kinds[role->kind].name);
	}
}

static void schedule_print(char *to, size_t size,
			   const struct schedule *schedule)
{
	const struct model_config *config = &schedule->config;
	char *const end = to + size;
	int i;

	for (i = 0; i < config->nr && end - to > 16; i++) {
		if (i)
			*to++ = ',';
		to += role_print(to, end - to, &config->role[i]);
	}
	for (i = 0; i < schedule->nr && end - to > 16; i++) {
		const int actor = schedule->step[i];

		to += sprintf(to, "%c%c%d", i ? '.' : '-',
			      kinds[config->role[actor].kind].letter,
			      ordinal(config, actor));
	}
}

/*
 * The search: breadth first over the states of the model, so that each is
 * reached in as few steps as can be.  Then the plan: a schedule leads to the first
 * state with a step that is in no schedule, and goes on with such steps as long as
 * there are any.  Thus all edges are walked, and few of them twice.
 */

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
	int depth;	/* how many steps are varied; 0: all */
	struct node *nodes;
	__u32 nr_nodes;
	struct goal *goals;
	__u32 nr_goals;
	__u8 *steps;	/* actors: each edge once */
	__u32 nr_steps;
	__u32 nr_edges;
	__u32 nr_taken;	/* edges that were taken on the kernel */
	__u32 *table;	/* nodes by the hash of their state */
	__u32 table_size;	/* a power of two */
};

static __u32 hash_state(const struct model *state)
{
	const unsigned char *p = (const unsigned char *)state;
	__u64 hash = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < sizeof(*state); i++)
		hash = (hash ^ p[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 32;
}

/* Make room for one more; arrays double at the powers of two. */
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
	search->table = realloc(search->table, search->table_size *
				sizeof(*search->table));
	if (!search->table)
		abort();
	memset(search->table, 0xff, search->table_size *
	       sizeof(*search->table));
	for (i = 0; i < search->nr_nodes; i++)
		*find_slot(search, &search->nodes[i].state) = i;
}

/* Add the state unless it is there. */
static void add_node(struct search *search, const struct node *node)
{
	__u32 *slot;

	grow_table(search);
	slot = find_slot(search, &node->state);
	if (*slot != NO_NODE)
		return;
	search->nodes = grow(search->nodes, search->nr_nodes,
			     sizeof(*search->nodes));
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

static void add_edge(struct search *search, __u32 from, int actor)
{
	const struct node node = {
		.state = state_after(search, from, actor),
		.parent = from,
		.actor = actor,
		.depth = search->nodes[from].depth + 1,
	};

	search->nr_edges++;
	add_node(search, &node);
}

static void expand(struct search *search, __u32 from)
{
	int i;

	for (i = 0; i < search->config->nr; i++)
		if (has_edge(search, from, i))
			add_edge(search, from, i);
}

/* The node that an edge leads to */
static __u32 node_after(struct search *search, __u32 from, int actor)
{
	const struct model state = state_after(search, from, actor);

	return *find_slot(search, &state);
}

/* The first actor whose step from there is in no schedule, or MODEL_NOBODY */
static int unplanned(const struct search *search, __u32 from)
{
	int i;

	for (i = 0; i < search->config->nr; i++)
		if (has_edge(search, from, i) &&
		    !(search->nodes[from].planned & 1 << i))
			return i;
	return MODEL_NOBODY;
}

static void plan_step(struct search *search, __u32 from, int actor)
{
	search->nodes[from].planned |= 1 << actor;
	search->steps = grow(search->steps, search->nr_steps,
			     sizeof(*search->steps));
	search->steps[search->nr_steps++] = actor;
}

static void plan_goal(struct search *search, __u32 node)
{
	int actor;

	search->goals = grow(search->goals, search->nr_goals,
			     sizeof(*search->goals));
	search->goals[search->nr_goals++] =
		(struct goal){ node, search->nr_steps };
	while ((actor = unplanned(search, node)) != MODEL_NOBODY) {
		plan_step(search, node, actor);
		node = node_after(search, node, actor);
	}
}

static void search_all(struct search *search, const struct model_config *config,
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
		while (unplanned(search, i) != MODEL_NOBODY)
			plan_goal(search, i);
}

static void search_free(struct search *search)
{
	free(search->nodes);
	free(search->goals);
	free(search->steps);
	free(search->table);
}

/* The schedule that leads to a goal */
static void search_schedule(const struct search *search, __u32 goal,
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

/* Count the edges that these first steps of a schedule are the first to take. */
static void search_take(struct search *search, const __u8 *step, int nr)
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
