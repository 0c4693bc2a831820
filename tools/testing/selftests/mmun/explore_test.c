// SPDX-License-Identifier: GPL-2.0
/*
 * Executes every interleaving of the actors of some configurations, and
 * compares the kernel with the model after each step.  If two schedules reach
 * the same state, the test executes the steps after the state only once.
 *
 * The environment variables MMUN_ACTORS, MMUN_DEPTH, MMUN_FROM and MMUN_LIMIT
 * choose another exploration.  MMUN_SCHEDULE chooses one schedule.
 */
#include "lib/mmun.h"
#include "model/fixture.h"

/* clang-format off */
FIXTURE_VARIANT_ADD(explore, reader) { "madvise02,rA,iB" };
FIXTURE_VARIANT_ADD(explore, two_readers) { "madvise00,rA,rC" };
FIXTURE_VARIANT_ADD(explore, deferred) { "madvise01,iB,dB,iD,dC" };
FIXTURE_VARIANT_ADD(explore, even) { "madvise55,rB,iB,dA" };
FIXTURE_VARIANT_ADD(explore, munmap) { "munmap00,rA,iB,dA" };
FIXTURE_VARIANT_ADD(explore, mprotect) { "mprotect01,rA,dC" };
FIXTURE_VARIANT_ADD(explore, mremap) { "mremap00,rA,dC" };
FIXTURE_VARIANT_ADD(explore, fork) { "fork,rA,dC" };
FIXTURE_VARIANT_ADD(explore, two_open) { "madvise00,madvise11,iB" };
FIXTURE_VARIANT_ADD(explore, one_misses) { "madvise01,madvise55,iB,dB" };
FIXTURE_VARIANT_ADD(explore, writer_waits) { "madvise00,mprotect33,rA" };
FIXTURE_VARIANT_ADD(explore, unregister) { "madvise00,register1,unregister0" };
FIXTURE_VARIANT_ADD(explore, two_leave) { "madvise55,unregister0,put0" };
FIXTURE_VARIANT_ADD(explore, put) { "munmap55,get0,put0" };
FIXTURE_VARIANT_ADD(explore, last_put) { "get0,get0,put0,put0" };
FIXTURE_VARIANT_ADD(explore, two_walks) { "madvise55,madvise55,put0" };
FIXTURE_VARIANT_ADD(explore, two_pass) { "two_pass:madvise02,rA,iB" };
FIXTURE_VARIANT_ADD(explore, invlock) { "invlock:madvise02,rA,iB,dC" };
/* clang-format on */

static int env_number(const char *name)
{
	return atoi(getenv(name) ?: "");
}

EXPLORER_FIXTURE(explore_more)

/* "make explore" sets the environment variables of this test. */
TEST_F_TIMEOUT(explore_more, kernel_agrees_with_the_model_in_chosen_schedules,
	       100 * SECONDS)
{
	const char *text = getenv("MMUN_ACTORS");
	const char *actors = text && *text ? text : "madvise00,rA";
	const struct tour tour = {
		.from = env_number("MMUN_FROM"),
		.limit = env_number("MMUN_LIMIT"),
		.depth = env_number("MMUN_DEPTH"),
	};

	if (explore_problem(actors))
		SKIP(return, "%s", explore_problem(actors));
	EXPECT_EQ(1, explore(actors, tour));
}

TEST_F_TIMEOUT(explore_more, schedule_from_text_agrees_with_the_model, SECONDS)
{
	const char *text = getenv("MMUN_SCHEDULE");
	char again[SCHEDULE_TEXT];
	bool agreed;

	if (!text || !*text)
		text = "madvise02,rA,rC,iB,dC-M0.R0.M0.I0.D0.R0.M0.R1";
	ASSERT_EQ(1, schedule_parse(&play.schedule, text));
	if (explore_problem(text))
		SKIP(return, "%s", explore_problem(text));
	schedule_print(again, &play.schedule);
	EXPECT_STREQ(text, again);
	play.schedule.config.no_collect = !has_hmm();
	play.narrate = true;
	agreed = play_schedule();
	EXPECT_EQ(1, agreed);
	if (!agreed)
		play_report();
}

MMUN_HARNESS_MAIN
