// SPDX-License-Identifier: GPL-2.0
/*
 * A depth-first search over the states of a configuration.  The search visits each
 * state once, and takes two states for equal if their hashes of 64 bits are equal.
 * It plays each step of each state.  It looks for a livelock in each cycle that it
 * closes, and not in cycles that are put together from others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "actor.h"
#include "config.h"
#include "driver.h"
#include "refine.h"
#include "search.h"
#include "state.h"

/* What the search keeps for each step of the schedule that it plays */
struct level {
	struct state state;
	uint64_t key;
	unsigned int enabled;
	struct footprint footprint[MAX_ACTORS];
};

static struct level level[MAX_STEPS + 1];
static struct result *now;

/* The visited states: a hash table with open addressing */
static struct visited {
	uint64_t key;
	uint16_t depth; /* the least depth, if the search has a limit */
	uint8_t on_path;
} * table;
static uint64_t table_size;
static uint64_t table_used;

/* What was known of the words when the search began, see access.h */
static int known;

/* With a limit, the search looks for a schedule with at most so many steps. */
static int limit;

static struct visited *find(uint64_t key)
{
	uint64_t i = key >> 1;

	while (table[i & (table_size - 1)].key &&
	       table[i & (table_size - 1)].key != key)
		i++;
	return &table[i & (table_size - 1)];
}

static void grow(void)
{
	struct visited *old = table;
	const uint64_t size = table_size;

	table_size = size ? 2 * size : 1 << 12;
	table = calloc(table_size, sizeof(*table));
	for (uint64_t i = 0; i < size; i++)
		if (old[i].key)
			*find(old[i].key) = old[i];
	free(old);
}

#define MAX_ENDS 256

/* The hashes of the states in which all actors have ended */
static uint64_t end[MAX_ENDS];

static void note_end(void)
{
	const uint64_t hash = state_hash_heap();

	for (int i = 0; i < now->ends; i++)
		if (end[i] == hash)
			return;
	if (now->ends == MAX_ENDS) {
		violate("there are more than %d ends", now->ends);
		return;
	}
	end[now->ends++] = hash;
	now->ends_sum += hash;
}

bool check_end(void)
{
	for (int i = 0; i < world.nr; i++)
		if (world.actor[i].wait != WAIT_EVER &&
		    world.actor[i].wait != WAIT_CALLBACK)
			violate("deadlock: actor %d waits for ever", i);
	if (!violation[0]) {
		refine_end();
		interval_check_end();
		driver_check_end();
	}
	return violation[0];
}

/*
 * The path has come back to a state of the path.  The cycle is a livelock if it
 * is fair: each actor takes a step in the cycle, or can take one nowhere.  An actor
 * that waits for a lock gets the lock if it is free again and again, because the
 * locks of the kernel are fair.
 */
static bool check_cycle(int depth, uint64_t key)
{
	unsigned int able = 0;
	int i;

	for (i = depth - 1; i >= 0 && level[i].key != key; i--)
		able |= level[i].enabled;
	if (i < 0)
		return false;
	able |= level[i].enabled;
	for (; i < depth; i++)
		able &= ~(1u << now->schedule.actor[i]);
	if (!able)
		violate("livelock: the actors repeat their steps for ever");
	return violation[0];
}

/* Returns whether the search must play the steps of this state. */
static bool is_new(int depth, uint64_t key)
{
	struct visited *v;

	if (2 * ++table_used > table_size)
		grow();
	v = find(key);
	if (!v->key) {
		now->states++;
		v->key = key;
		v->depth = depth;
		return true;
	}
	table_used--;
	if (!limit || depth >= v->depth)
		return false;
	v->depth = depth;
	return true;
}

/* Learn of the races between the step of actor @i and the steps of actors before. */
static void compare_steps(const struct level *l, int i)
{
	for (int j = 0; j < i; j++)
		if (l->enabled >> j & 1)
			footprint_compare(&l->footprint[j], &l->footprint[i]);
}

static void play(int depth, int i)
{
	struct footprint *f = &level[depth].footprint[i];

	now->schedule.actor[depth] = i;
	now->schedule.nr = depth + 1;
	now->steps++;
	footprint_begin();
	actor_step(&world.actor[i]);
	f->nr = footprint.nr;
	memcpy(f->access, footprint.access,
	       footprint.nr * sizeof(footprint.access[0]));
}

static bool visit(int depth);

/* Returns true if a property is violated, or the search must begin again. */
static bool visit_next(int depth)
{
	struct level *l = &level[depth];
	bool moved = false;

	for (int i = 0; i < world.nr; i++) {
		if (!(l->enabled >> i & 1))
			continue;
		if (moved)
			state_restore(&l->state);
		moved = true;
		play(depth, i);
		compare_steps(l, i);
		if (violation[0] || nr_learned != known || visit(depth + 1))
			return true;
	}
	return false;
}

/* Returns as visit_next() does. */
static bool visit(int depth)
{
	struct level *l = &level[depth];
	bool stop;

	l->enabled = actors_enabled();
	if (!l->enabled) {
		if (!check_end())
			note_end();
		return violation[0];
	}
	state_save(&l->state);
	l->key = state_hash(&l->state);
	if (find(l->key)->on_path)
		return check_cycle(depth, l->key);
	if (!is_new(depth, l->key) || (limit && depth >= limit))
		return false;
	if (depth == MAX_STEPS) {
		violate("a schedule has more than %d steps", MAX_STEPS);
		return true;
	}
	find(l->key)->on_path = 1;
	stop = visit_next(depth);
	find(l->key)->on_path = 0;
	return stop;
}

static void search_once(const struct config *config)
{
	free(table);
	table = NULL;
	table_size = 0;
	table_used = 0;
	grow();
	now->states = 0;
	now->steps = 0;
	now->ends = 0;
	now->ends_sum = 0;
	known = nr_learned;
	config_begin(config);
	visit(0);
}

/*
 * Look for a shorter schedule until there is none.  The steps stay as they are:
 * with new races, the schedule would have other steps.
 */
static void search_shorter(const struct config *config)
{
	struct schedule best;
	char text[sizeof(violation)];

	access_freeze();
	do {
		best = now->schedule;
		strcpy(text, violation);
		limit = best.nr - 1;
		if (limit)
			search_once(config);
	} while (limit && violation[0]);
	limit = 0;
	now->ends = 0;
	now->ends_sum = 0;
	now->schedule = best;
	strcpy(violation, text);
}

void search(const struct config *config, struct result *result)
{
	memset(result, 0, sizeof(*result));
	now = result;
	access_forget();
	do {
		search_once(config);
	} while (nr_learned != known);
	if (violation[0]) {
		search_shorter(config);
	} else if (!result->ends) {
		violate("livelock: no schedule ends");
		result->schedule.nr = 0;
	}
	result->failed = violation[0];
}

int replay(const struct config *config, const struct schedule *schedule,
	   void (*before)(int step, int actor))
{
	int step;

	config_begin(config);
	for (step = 0; step < schedule->nr && !violation[0]; step++) {
		const int actor = schedule->actor[step];

		if (actor >= world.nr || !actor_enabled(&world.actor[actor])) {
			violate("step %d: actor %d cannot take a step", step,
				actor);
			break;
		}
		before(step, actor);
		footprint_begin();
		actor_step(&world.actor[actor]);
	}
	if (!violation[0] && !actors_enabled())
		check_end();
	return step;
}
