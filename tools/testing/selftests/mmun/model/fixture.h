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

static double program_start;

static void __attribute__((constructor)) note_start(void)
{
	program_start = now();
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

/*
 * Returns the number of configurations that are left, including this
 * configuration.
 */
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
 * Returns the seconds for this configuration: twice its share of the seconds
 * that are left, because most configurations need less than their share.
 */
static double share(const void *variant)
{
	const double left = program_start + BUDGET - now();

	return left > 0 ? 2 * left / (count_left(variant) + 1) : 0.1;
}

TEST_F_TIMEOUT(explore, kernel_agrees_with_the_model_in_every_schedule, SECONDS)
{
	tour.seconds = share(variant);
	EXPECT_EQ(1, explore(variant->actors));
}

#endif /* _SELFTESTS_MMUN_MODEL_FIXTURE_H */
