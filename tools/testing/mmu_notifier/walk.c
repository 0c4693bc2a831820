// SPDX-License-Identifier: GPL-2.0
/*
 * Random walks.  The first walks play the next step of each actor in each of their
 * states, and so learn at which accesses actors race, see access.c.  The walks after
 * them play one step in each state.
 */
#include <string.h>

#include "access.h"
#include "actor.h"
#include "config.h"
#include "state.h"
#include "walk.h"

/* So many walks in a row learn nothing before the walks stop to learn. */
#define QUIET_WALKS 100

static struct result *now;
static uint64_t random_state;

/* xorshift64* */
static unsigned int random_below(unsigned int limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1dull >> 33) % limit;
}

static int random_actor(unsigned int mask)
{
	int skip = random_below(__builtin_popcount(mask));

	for (; skip; skip--)
		mask &= mask - 1;
	return __builtin_ctz(mask);
}

/* An actor goes on with a probability of 1 - 1 / @patience. */
static int choose(unsigned int enabled, int last, int patience)
{
	if (last >= 0 && enabled >> last & 1 && random_below(patience))
		return last;
	return random_actor(enabled);
}

static void step(int actor)
{
	now->schedule.actor[now->schedule.nr++] = actor;
	now->steps++;
	footprint_begin();
	actor_step(&world.actor[actor]);
}

/* Learn of the races between the next steps of all actors. */
static void look_around(unsigned int enabled)
{
	static struct footprint seen[MAX_ACTORS];
	static struct state state;

	state_save(&state);
	for (int i = 0; i < world.nr && !violation[0]; i++) {
		if (!(enabled >> i & 1))
			continue;
		step(i);
		seen[i] = footprint;
		for (int j = 0; j < i; j++)
			if (enabled >> j & 1)
				footprint_compare(&seen[j], &seen[i]);
		if (violation[0])
			return;
		now->schedule.nr--;
		state_restore(&state);
	}
}

/*
 * The walk ends if it learns something, because the steps that it has played would
 * be other steps then, and the schedule could not be replayed.
 */
static void walk_once(const struct config *config, bool learns)
{
	const int patience = 1 << random_below(4);
	const int known = nr_learned;
	unsigned int enabled;
	int last = -1;

	now->schedule.nr = 0;
	config_begin(config);
	while (!violation[0] && now->schedule.nr < MAX_STEPS - 1) {
		enabled = actors_enabled();
		if (!enabled) {
			check_end();
			return;
		}
		if (learns)
			look_around(enabled);
		if (violation[0] || nr_learned != known)
			return;
		last = choose(enabled, last, patience);
		step(last);
	}
}

static void learn(const struct config *config)
{
	int known;

	for (int quiet = 0; quiet < QUIET_WALKS && !violation[0]; quiet++) {
		known = nr_learned;
		walk_once(config, true);
		if (nr_learned != known) {
			quiet = 0;
			violation[0] = '\0';
		}
	}
	access_freeze();
}

/* Steps to leave out: those of one actor, or @nr steps from @first on */
struct gap {
	int actor;
	int first;
	int nr;
};

static bool in_gap(const struct gap *gap, int step, int actor)
{
	return actor == gap->actor ||
	       (step >= gap->first && step < gap->first + gap->nr);
}

/* Play the schedule without the gap, and without steps that cannot be taken. */
static bool fails_without(const struct config *config, struct gap gap)
{
	const struct schedule old = now->schedule;

	now->schedule.nr = 0;
	config_begin(config);
	for (int i = 0; i < old.nr && !violation[0]; i++)
		if (!in_gap(&gap, i, old.actor[i]) &&
		    actor_enabled(&world.actor[old.actor[i]]))
			step(old.actor[i]);
	if (!violation[0] && !actors_enabled())
		check_end();
	if (!violation[0])
		now->schedule = old;
	return violation[0];
}

static void shorten(const struct config *config)
{
	int first;

	for (int i = 0; i < world.nr; i++)
		fails_without(config, (struct gap){ .actor = i });
	for (int nr = now->schedule.nr / 2; nr; nr /= 2)
		for (first = 0; first < now->schedule.nr;)
			if (!fails_without(config,
					   (struct gap){ -1, first, nr }))
				first++;
	/* Play the shortest schedule, so that violation[] has its property. */
	fails_without(config, (struct gap){ .actor = -1 });
}

void walk(const struct config *config, uint64_t seed, struct result *result)
{
	memset(result, 0, sizeof(*result));
	now = result;
	violation[0] = '\0';
	random_state = seed * 2 + 1;
	access_forget();
	learn(config);
	for (int i = 0; i < config->walks && !violation[0]; i++)
		walk_once(config, false);
	result->failed = violation[0];
	if (result->failed)
		shorten(config);
}
