// SPDX-License-Identifier: GPL-2.0
/*
 * Every interleaving of the actors of some configurations, up to states that are
 * the same: the kernel does what the model says after each step.
 *
 * The environment: MMUN_SCHEDULE plays that one and tells each step;
 * MMUN_ACTORS, MMUN_DEPTH, MMUN_FROM, MMUN_LIMIT explore something else.
 */
#include "mmun.h"
#include "model.h"
#include "schedule.c"
#include "actor.c"
#include "explore.c"

#define SECONDS		150	/* for one test; emulation is slow */

/*
 * For one configuration of the default set.  It takes half of that in an
 * emulator; a kernel that checks everything leaves out the longest schedules.
 */
#define BUDGET		8

static struct stage stage;
static struct tour tour;

static bool has_hmm(void)
{
	struct mmun_info info = {};
	int fd = mmun_open();

	_mmun_info(fd, &info);
	close(fd);
	return info.out_features & MMUN_FEATURE_HMM;
}

static int env_number(const char *name, int otherwise)
{
	const char *value = getenv(name);

	return value && *value ? atoi(value) : otherwise;
}

/* Explore, and say how much that was. */
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
		"# explored %s: %u played of %u schedules, %u states, %llu edges, %llu steps, %.0f a second\n",
		text, tour.played, tour.schedules, tour.states,
		(unsigned long long)tour.edges, (unsigned long long)tour.steps,
		tour.played / (now() - start));
	if (!agreed)
		play_report(&tour.play);
	return agreed;
}

FIXTURE(explore) {
};

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
FIXTURE_VARIANT_ADD(explore, reaper) { "reaper,rA,iB,dC" };
FIXTURE_VARIANT_ADD(explore, exit) { "exit,rA,dC" };
/* clang-format on */

TEST_F_TIMEOUT(explore, kernel_agrees_with_the_model_in_every_schedule, SECONDS)
{
	tour.seconds = BUDGET;
	EXPECT_EQ(1, explore(variant->actors, 0));
}

FIXTURE(explore_more) {
};

FIXTURE_SETUP(explore_more)
{
	ASSERT_EQ(1, crew_create());
}

FIXTURE_TEARDOWN(explore_more)
{
	stage_abandon(&stage);
}

/* As deep as asked for: "make explore". */
TEST_F_TIMEOUT(explore_more, kernel_agrees_with_the_model_as_far_as_asked,
	       100 * SECONDS)
{
	const char *actors = getenv("MMUN_ACTORS");

	tour.from = env_number("MMUN_FROM", 0);
	tour.limit = env_number("MMUN_LIMIT", 0);
	EXPECT_EQ(1, explore(actors && *actors ? actors : "madvise00,rA",
			     env_number("MMUN_DEPTH", 0)));
}

/* One line is all that is needed to see it again. */
TEST_F_TIMEOUT(explore_more, schedule_is_played_from_its_line, SECONDS)
{
	const char *text = getenv("MMUN_SCHEDULE");
	char again[SCHEDULE_TEXT];
	bool agreed;

	if (!text || !*text)
		text = "madvise02,rA,rC,iB,dC-M0.R0.M0.I0.D0.R0.M0.R1";
	ASSERT_EQ(1, schedule_parse(&tour.schedule, text));
	schedule_print(again, sizeof(again), &tour.schedule);
	EXPECT_STREQ(text, again);
	tour.schedule.config.no_collect = !has_hmm();
	tour.play.narrate = true;
	agreed = play(&tour.play, &stage, &tour.schedule);
	EXPECT_EQ(1, agreed);
	if (!agreed)
		play_report(&tour.play);
}

/* Negative controls. */

FIXTURE(explore_control) {
};

FIXTURE_SETUP(explore_control)
{
	ASSERT_EQ(1, crew_create());
}

FIXTURE_TEARDOWN(explore_control)
{
	model_error = 0;
	stage_abandon(&stage);
}

/* Small, and together they have everything. */
static const char *const controls[] = {
	"madvise55,rB,iB,dB", "mremap00,dA", "madvise02,rA,rC,iB,dC",
	"mremap02,iB,dB,iD", "madvise00,madvise11,rA", "munmap00,rA",
	"reaper,rA", "exit,rA",
};

/* Take a step in the model that is right. */
static bool right_step(struct model *m, const struct model_config *config,
		       int actor, struct model_trace *trace)
{
	const int error = model_error;
	bool enabled;

	model_error = 0;
	enabled = model_enabled(m, config, actor);
	if (enabled)
		model_step(m, config, actor, trace);
	model_error = error;
	return enabled;
}

/* Whether the error makes a difference in the schedule; else, why play it? */
static bool is_suspect(const struct schedule *schedule)
{
	struct model_trace trace, right_trace;
	struct model m, right;
	int i;

	model_init(&m, &schedule->config);
	right = m;
	for (i = 0; i < schedule->nr; i++) {
		model_step(&m, &schedule->config, schedule->step[i], &trace);
		if (!right_step(&right, &schedule->config, schedule->step[i],
				&right_trace) ||
		    memcmp(&m, &right, sizeof(m)) ||
		    trace.nr != right_trace.nr)
			return true;
	}
	return false;
}

/* Returns whether a schedule of the configuration is not agreed upon. */
static bool notice_in(const char *text)
{
	struct model_config config;
	struct search search;
	bool agreed = true;
	__u32 i;

	config_parse(&config, text);
	config.no_collect = !has_hmm();
	search_all(&search, &config, 0);
	for (i = 0; i < search.nr_goals && agreed; i++) {
		search_schedule(&search, i, &tour.schedule);
		if (model_error && !is_suspect(&tour.schedule))
			continue;
		agreed = play(&tour.play, &stage, &tour.schedule);
	}
	search_free(&search);
	return !agreed;
}

/* Returns the configuration in which it was noticed, or NULL. */
static const char *notice(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(controls); i++)
		if (notice_in(controls[i]))
			return controls[i];
	return NULL;
}

static void say_where(const char *what, const char *where)
{
	if (where)
		fprintf(stderr, "# %s: noticed in %s: %s\n", what, where,
			tour.play.why);
	else
		fprintf(stderr, "# %s: not noticed\n", what);
}

TEST_F_TIMEOUT(explore_control, every_error_of_the_model_is_noticed, SECONDS)
{
	const char *where;

	for (model_error = 1; model_error_name(model_error); model_error++) {
		where = notice();
		EXPECT_NE(NULL, where);
		say_where(model_error_name(model_error), where);
		ASSERT_EQ(1, stage_abandon(&stage));
	}
}

TEST_F_TIMEOUT(explore_control, naive_ranges_are_noticed, SECONDS)
{
	const char *where;

	stage.kind = MMUN_KIND_NAIVE;
	where = notice();
	EXPECT_NE(NULL, where);
	say_where("naive", where);
	ASSERT_EQ(1, stage_abandon(&stage));
}

MMUN_HARNESS_MAIN
