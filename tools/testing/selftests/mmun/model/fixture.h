/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture that explore_test and explore_exit_test share.  Each program adds
 * its configurations as variants of the fixture.
 */
#ifndef _SELFTESTS_MMUN_MODEL_FIXTURE_H
#define _SELFTESTS_MMUN_MODEL_FIXTURE_H

#include "../lib/mmun.h"
#include "explore.h"

/*
 * Seconds for all configurations of a program.  The runner ends the program
 * after 45 seconds.  An emulator needs a third of BUDGET for all schedules.  On
 * a kernel with all debug options, BUDGET is too short for the longest
 * schedules.
 */
#define BUDGET 32

static struct timespec program_start;

static void __attribute__((constructor)) note_start(void)
{
	program_start = mmun_now();
}

FIXTURE_VARIANT(explore)
{
	const char *actors;
};

EXPLORER_FIXTURE(explore)

/*
 * Returns the time limit of this configuration in milliseconds: up to twice an
 * equal share of the remaining time, because most configurations need less.
 * @v: all configurations
 */
static int share(const struct __fixture_variant_metadata *v,
		 const void *variant)
{
	const int ms = 1000 * BUDGET - ms_since(&program_start);
	int left = 0; /* number of configurations that are not finished */

	for (; v; v = v->next)
		left += left || v->data == variant;
	return ms > 0 ? 2 * ms / (left + 1) : 100;
}

TEST_F_TIMEOUT(explore, kernel_agrees_with_the_model_in_every_schedule, SECONDS)
{
	const struct tour tour = {
		.ms = share(_metadata->fixture->variant, variant),
	};

	if (explore_problem(variant->actors))
		SKIP(return, "%s", explore_problem(variant->actors));
	EXPECT_EQ(1, explore(variant->actors, tour));
}

#endif /* _SELFTESTS_MMUN_MODEL_FIXTURE_H */
