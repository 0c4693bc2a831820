/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test of the programs that explore some configurations: an includer adds
 * them as variants of the fixture.
 */
#ifndef _SELFTESTS_MMUN_MODEL_FIXTURE_H
#define _SELFTESTS_MMUN_MODEL_FIXTURE_H

#include "../lib/mmun.h"
#include "explore.h"

/*
 * Seconds for all configurations of a program; the settings allow a program 45.
 * An emulator needs a third of that.  A kernel that checks everything leaves out
 * the longest schedules.
 */
#define BUDGET 24

static double program_start;

static void __attribute__((constructor)) note_start(void)
{
	program_start = now();
}

/*
 * Explore, and say how much that was.  False: a disagreement, or all schedules
 * together have left out an edge.
 */
static bool explore(const char *text, int depth)
{
	const double start = now();
	bool agreed;

	tour.text = text;
	tour.depth = depth;
	tour.stage = &stage;
	tour.played = 0;
	tour.steps = 0;
	agreed = tour_go(&tour, !has_hmm());
	fprintf(stderr,
		"# explored %s: %u played of %u schedules, %u states, %u taken of %u edges, %llu steps, %.0f a second\n",
		text, tour.played, tour.schedules, tour.states, tour.taken,
		tour.edges, (unsigned long long)tour.steps,
		tour.played / (now() - start));
	if (!agreed)
		play_report(&tour.play);
	return agreed &&
	       (tour.played < tour.schedules || tour.taken == tour.edges);
}

FIXTURE(explore){};

FIXTURE_VARIANT(explore)
{
	const char *actors;
};

FIXTURE_SETUP(explore)
{
	ASSERT_EQ(1, crew_create());
}

FIXTURE_TEARDOWN(explore)
{
	stage_abandon(&stage);
}

/* The number of configurations from this one on */
static int count_left(const void *variant)
{
	const struct __fixture_variant_metadata *v;
	const struct __fixture_metadata *f;
	int left = 0;

	for (f = __fixture_list; f; f = f->next) {
		if (strcmp(f->name, "explore"))
			continue;
		for (v = f->variant; v; v = v->next)
			left += left || v->data == variant;
	}
	return left;
}

/*
 * Seconds for this configuration: up to twice its share of what is left, because
 * most configurations do not need theirs.
 */
static double share(const void *variant)
{
	const double left = program_start + BUDGET - now();

	return left > 0 ? 2 * left / (count_left(variant) + 1) : 0.1;
}

TEST_F_TIMEOUT(explore, kernel_agrees_with_the_model_in_every_schedule, SECONDS)
{
	tour.seconds = share(variant);
	EXPECT_EQ(1, explore(variant->actors, 0));
}

#endif /* _SELFTESTS_MMUN_MODEL_FIXTURE_H */
