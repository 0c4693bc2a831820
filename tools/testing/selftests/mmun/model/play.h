/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plays a schedule: the actors take the steps of the schedule on the kernel.
 * After each step the kernel is compared with the model.
 */
#ifndef _SELFTESTS_MMUN_MODEL_PLAY_H
#define _SELFTESTS_MMUN_MODEL_PLAY_H

#include <stdbool.h>
#include <stdio.h>

#include "model.h"
#include "schedule.h"
#include "stage.h"

#define LAST_STEPS 4 /* reported if kernel and model disagree */

/* One schedule, and how far it has been played */
struct play {
	struct schedule schedule;
	struct model m;
	struct model before; /* the state before the last step */
	struct model_trace trace; /* the records of the last step */
	__u64 base; /* the sequence of the kernel minus that of the model */
	int nr; /* number of steps begun */
	__u8 step[SCHEDULE_STEPS]; /* the actors that took these steps */
	struct model last[LAST_STEPS]; /* the states after the last steps */
	__u32 played; /* number of schedules that were played to the end */
	__u32 steps; /* number of their steps */
	bool narrate; /* report each step */
	char why[640]; /* how kernel and model disagree, or empty */
};

/* Each test has its own process, so one play is enough. */
extern struct play play;

/* Sets play.why, which is not empty then.  Evaluates to false. */
#define disagree(...) (snprintf(play.why, sizeof(play.why), __VA_ARGS__) < 0)

static inline const struct model_role *role_of(int actor)
{
	return &play.schedule.config.role[actor];
}

/* The returned name is valid until the next call. */
static inline const char *actor_name(int actor)
{
	return config_name(&play.schedule.config, actor);
}

/*
 * play.c: play the schedule in @play.  Returns false if kernel and model
 * disagree.  play.why describes the disagreement.
 */
bool play_schedule(void);

/*
 * compare.c: compare what each actor does, what each call returned, the records
 * of the log, and the sequence of each range.  These functions return false if
 * they found a difference, see play.why.
 */
bool compare_step(void);
bool compare_ranges(void);
bool compare_end(void);

/* print.c.  where_name() returns the name of an enum model_where. */
const char *where_name(int where);
/* Print one of the last steps. */
void print_step(int step);
/* Report how to play the schedule again, the last steps, and the disagreement. */
void play_report(void);

#endif /* _SELFTESTS_MMUN_MODEL_PLAY_H */
