/* SPDX-License-Identifier: GPL-2.0 */
/*
 * To play a schedule: the actors take its steps on the kernel, and after each
 * step the kernel is compared with the model.
 */
#ifndef _SELFTESTS_MMUN_MODEL_PLAY_H
#define _SELFTESTS_MMUN_MODEL_PLAY_H

#include <stdbool.h>
#include <stdio.h>

#include "model.h"
#include "schedule.h"
#include "stage.h"

#define TEXT 256
#define LAST_STEPS 4 /* to be shown of a schedule that disagrees */

/**
 * struct play - one schedule, and how far it is
 * @stage: where
 * @schedule: which
 * @m: what the model says
 * @before: what it said before the last step
 * @trace: the records of the last step
 * @base: the kernel's sequence is the model's and so much
 * @nr: steps taken
 * @step: the actors that took these steps
 * @actor: the actor that took the last one
 * @narrate: tell each step
 * @why: the disagreement, or empty
 * @last: the last steps in words
 */
struct play {
	struct stage *stage;
	const struct schedule *schedule;
	struct model m;
	struct model before;
	struct model_trace trace;
	__u64 base;
	int nr;
	__u8 step[SCHEDULE_STEPS];
	int actor;
	bool narrate;
	char why[TEXT];
	char last[LAST_STEPS][2 * TEXT];
};

/* Sets play->why and is false. */
#define disagree(play, ...) \
	(snprintf((play)->why, sizeof((play)->why), __VA_ARGS__), false)

#define played_kind(play, actor) ((play)->schedule->config.role[actor].kind)

/* Play it; false: they disagree, and play->why says about what. */
bool play(struct play *play, struct stage *stage,
	  const struct schedule *schedule);

#endif /* _SELFTESTS_MMUN_MODEL_PLAY_H */
