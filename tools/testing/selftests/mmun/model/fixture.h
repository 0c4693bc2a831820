/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test of the programs that explore some configurations.  A program adds its
 * configurations as variants of the fixture.
 */
#ifndef _SELFTESTS_MMUN_MODEL_FIXTURE_H
#define _SELFTESTS_MMUN_MODEL_FIXTURE_H

#include "../lib/mmun.h"
#include "explore.h"

/*
 * Seconds for all configurations of a program, which may run for 45 seconds.
 * On an emulator, all schedules need a third of this time.  On a kernel with
 * all debugging, the longest schedules do not run.
 */
#define BUDGET 24

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
 * Returns the milliseconds for this configuration: twice its share of the time
 * that is left, because most configurations need less than their share.
 * @v: all configurations
 */
static int share(const struct __fixture_variant_metadata *v,
		 const void *variant)
{
	const int ms = 1000 * BUDGET - ms_since(&program_start);
	int left = 0; /* configurations, including this configuration */

	for (; v; v = v->next)
		left += left || v->data == variant;
	return ms > 0 ? 2 * ms / (left + 1) : 100;
}

TEST_F_TIMEOUT(explore, kernel_agrees_with_the_model_in_every_schedule, SECONDS)
{
	const struct tour tour = {
		.ms = share(_metadata->fixture->variant, variant),
	};

	EXPECT_EQ(1, explore(variant->actors, tour));
}

#endif /* _SELFTESTS_MMUN_MODEL_FIXTURE_H */
