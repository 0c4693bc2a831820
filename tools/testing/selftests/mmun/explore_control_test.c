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

/* Small configurations, which together use every rule of the model */
static const char *const controls[] = {
	"madvise55,rB,iB,dB",
	"mremap00,dA",
	"madvise02,rA,rC,iB,dC",
	"mremap02,iB,dB,iD",
	"madvise00,madvise11,rA",
	"munmap00,rA",
	"reaper,rA",
	"exit,rA",
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

	right_config.rules = &model_rules;
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

/* Returns whether kernel and model disagree in any schedule of @text. */
static bool notice_in(const char *text, const struct model_rules *rules)
{
	const bool is_right = !memcmp(rules, &model_rules, sizeof(*rules));
	struct model_config config;
	struct search search;
	bool agreed = true;

	config_parse(&config, text);
	config.rules = rules;
	config.no_collect = !has_hmm();
	search_all(&search, &config, 0);
	for (__u32 i = 0; i < search.nr_goals && agreed; i++) {
		search_schedule(&search, i, &play.schedule);
		if (is_right || is_suspect(&play.schedule))
			agreed = play_schedule();
	}
	search_free(&search);
	return !agreed;
}

/* Returns whether kernel and model disagree in any configuration. */
static bool notice(const char *what, const struct model_rules *rules)
{
	stage.settle_ms = CONTROL_SETTLE_MS;
	for (int i = 0; i < ARRAY_SIZE(controls); i++) {
		if (!notice_in(controls[i], rules))
			continue;
		fprintf(stderr, "# %s: disagreement in configuration %s: %s\n",
			what, controls[i], play.why);
		return true;
	}
	fprintf(stderr, "# %s: no disagreement in any configuration\n", what);
	return false;
}

TEST_F_TIMEOUT(explore_control, every_error_of_the_model_is_noticed, SECONDS)
{
	for (int i = 0; i < MODEL_ERRORS; i++) {
		const struct model_rules rules =
			model_rules_with(&model_errors[i]);

		/* Only COLLECT, which needs HMM, depends on the downgrade. */
		if (model_errors[i].wrong.downgrade && !has_hmm())
			continue;
		EXPECT_EQ(1, notice(model_errors[i].text, &rules));
		ASSERT_EQ(1, stage_abandon());
	}
}

TEST_F_TIMEOUT(explore_control, naive_ranges_are_noticed, SECONDS)
{
	stage.kind = MMUN_KIND_NAIVE;
	EXPECT_EQ(1, notice("naive ranges", &model_rules));
	ASSERT_EQ(1, stage_abandon());
}

MMUN_HARNESS_MAIN
