// SPDX-License-Identifier: GPL-2.0
/*
 * Negative controls: the explorer must find a disagreement if the model has a
 * deliberate error, or if the ranges ignore the protocol (MMUN_KIND_NAIVE).
 */
#include "lib/mmun.h"
#include "model/explore.h"

/*
 * Time limit for the kernel to reach the stops that the model expects.  If the
 * model is wrong, the kernel often never reaches the expected stops, so the
 * limit is short.  A short limit can only add disagreements of kernel and
 * model.
 */
#define CONTROL_SETTLE_MS 300

EXPLORER_FIXTURE(explore_control)

/* Small configurations, which together use every rule of the lock */
static const char *const lock_controls[] = {
	"madvise55,rB,iB,dB",
	"mremap00,dA",
	"madvise02,rA,rC,iB,dC",
	"mremap02,iB,dB,iD",
	"madvise00,madvise11,rA",
	"munmap00,rA",
	"reaper,rA",
	"exit,rA",
	NULL,
};

/* Small configurations, which together use every rule of the two passes */
static const char *const two_pass_controls[] = {
	"two_pass:madvise02,rA",
	"two_pass:reaper,rA",
	NULL,
};

/* Small configurations, which together use every rule of invlock */
static const char *const invlock_controls[] = {
	"invlock:madvise02,rA,iB,dC",
	"invlock:madvise55,rA,iB",
	"invlock:madvise00,madvise55,rA",
	"invlock:exit,rA",
	NULL,
};

/* Small configurations, which together use every rule of the list */
static const char *const list_controls[] = {
	"madvise55,register0,unregister1",
	"madvise55,get0,put0",
	"get0,put0,put0",
	"get0,put1",
	"madvise55,unregister0,put0",
	"exit,unregister0",
	NULL,
};

/*
 * Returns whether a wrong rule changes the steps of the schedule.  If the wrong
 * rule changes no step, the schedule cannot reveal the error.
 */
static bool is_suspect(const struct schedule *schedule)
{
	const struct model_config *config = &schedule->config;
	struct model_config right_config = *config;
	struct model_trace trace, right_trace;
	struct model m, right;

	right_config.rules = model_rules_of(config->kind);
	model_init(&m, config);
	right = m;
	for (int i = 0; i < schedule->nr; i++) {
		const int actor = schedule->step[i];

		if (!model_enabled(&right, &right_config, actor))
			return true;
		model_step(&m, config, actor, &trace);
		model_step(&right, &right_config, actor, &right_trace);
		if (memcmp(&m, &right, sizeof(m)) || trace.nr != right_trace.nr)
			return true;
	}
	return false;
}

/*
 * Returns whether kernel and model disagree in any schedule of @text.  Without an
 * error, the model is right and the ranges are wrong.
 */
static bool notice_in(const char *text, const struct model_error *error)
{
	struct model_config config;
	struct model_rules rules;
	struct search search;
	bool agreed = true;

	config_parse(&config, text);
	if (error) {
		rules = model_rules_with(config.kind, error);
		config.rules = &rules;
	}
	config.no_collect = !has_hmm();
	search_all(&search, &config, 0);
	for (__u32 i = 0; i < search.nr_goals && agreed; i++) {
		search_schedule(&search, i, &play.schedule);
		if (!error || is_suspect(&play.schedule))
			agreed = play_schedule();
	}
	search_free(&search);
	return !agreed;
}

/* Returns whether kernel and model disagree in any configuration. */
static bool notice(const char *what, const struct model_error *error,
		   const char *const *controls)
{
	stage.settle_ms = CONTROL_SETTLE_MS;
	for (; *controls; controls++) {
		if (!notice_in(*controls, error))
			continue;
		fprintf(stderr, "# %s: disagreement in configuration %s: %s\n",
			what, *controls, play.why);
		return true;
	}
	fprintf(stderr, "# %s: no disagreement in any configuration\n", what);
	return false;
}

static bool notice_error(const struct model_error *error,
			 const char *const *controls)
{
	return notice(error->text, error, controls);
}

/* Expect that the explorer notices each error of an array. */
#define expect_notice(_errors, _controls)                                    \
	do {                                                                 \
		const char *__problem = explore_problem((_controls)[0]);     \
		if (__problem)                                               \
			SKIP(return, "%s", __problem);                       \
		for (int __i = 0; __i < ARRAY_SIZE(_errors); __i++) {        \
			EXPECT_EQ(1,                                         \
				  notice_error(&(_errors)[__i], _controls)); \
			ASSERT_EQ(1, stage_abandon());                       \
		}                                                            \
	} while (0)

TEST_F_TIMEOUT(explore_control, every_error_of_the_lock_is_noticed, SECONDS)
{
	for (int i = 0; i < MODEL_LOCK_ERRORS; i++) {
		const struct model_error *error = &model_errors[i];

		/* Only COLLECT, which needs HMM, depends on the downgrade. */
		if (error->wrong.downgrade && !has_hmm())
			continue;
		EXPECT_EQ(1, notice_error(error, lock_controls));
		ASSERT_EQ(1, stage_abandon());
	}
}

TEST_F_TIMEOUT(explore_control, every_error_of_the_list_is_noticed, SECONDS)
{
	const char *problem = explore_problem(list_controls[0]);

	if (problem)
		SKIP(return, "%s", problem);
	for (int i = MODEL_LOCK_ERRORS; i < MODEL_ERRORS; i++) {
		EXPECT_EQ(1, notice_error(&model_errors[i], list_controls));
		ASSERT_EQ(1, stage_abandon());
	}
}

TEST_F_TIMEOUT(explore_control, every_error_of_the_two_passes_is_noticed,
	       SECONDS)
{
	expect_notice(model_two_pass_errors, two_pass_controls);
}

TEST_F_TIMEOUT(explore_control, every_error_of_invlock_is_noticed, SECONDS)
{
	expect_notice(model_invlock_errors, invlock_controls);
}

TEST_F_TIMEOUT(explore_control, naive_ranges_are_noticed, SECONDS)
{
	stage.naive = MMUN_KIND_NAIVE;
	EXPECT_EQ(1, notice("naive ranges", NULL, lock_controls));
	ASSERT_EQ(1, stage_abandon());
}

MMUN_HARNESS_MAIN
