// SPDX-License-Identifier: GPL-2.0
/*
 * The negative controls of explore_test: with a model that is wrong, or with
 * ranges that do not follow the protocol, the explorer must notice.
 */
#include "lib/mmun.h"
#include "model/error.h"
#include "model/explore.h"

/*
 * The wrong model expects something that never comes, so the whole time is spent.
 * Too short a time cannot hide an error.
 */
#define CONTROL_SETTLE_MS	200

FIXTURE(explore_control) {
};

FIXTURE_SETUP(explore_control)
{
	ASSERT_EQ(1, crew_create());
	stage.settle_ms = CONTROL_SETTLE_MS;
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
		if (model_error_needs_collect(model_error) && !has_hmm())
			continue;
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
