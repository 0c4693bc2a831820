/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plays a schedule: executes the steps of the schedule on the kernel and in the
 * model.  After each step, compare_step() compares the kernel with the model.
 */
#ifndef _SELFTESTS_MMUN_MODEL_PLAY_H
#define _SELFTESTS_MMUN_MODEL_PLAY_H

#include <stdbool.h>
#include <stdio.h>

#include "model.h"
#include "schedule.h"
#include "stage.h"

#define LAST_STEPS 4 /* number of steps in the report of a disagreement */

/* The execution of one schedule on the kernel */
struct play {
	struct schedule schedule;
	struct model m;
	struct model before; /* the state of the model before the last step */
	struct model_trace trace; /* records that the last step must log */
	__u32 freed; /* number of objects that the kernel has freed */
	__u64 base; /* sequence in the kernel minus sequence in the model */
	int nr; /* number of steps that have begun */
	__u8 step[SCHEDULE_STEPS]; /* the actors that took the steps */
	struct model last[LAST_STEPS]; /* states of the model */
	__u32 played; /* number of schedules that were executed to the end */
	__u32 steps; /* number of steps in all executed schedules */
	bool narrate; /* print each step */
	char why[640]; /* how kernel and model disagree, or empty */
};

/* Each test runs in its own process, so one global struct play is enough. */
extern struct play play;

/* Describe a disagreement in play.why.  Evaluates to false. */
#define disagree(...) (snprintf(play.why, sizeof(play.why), __VA_ARGS__) < 0)

/* Compare two numbers.  Evaluates to whether the numbers are equal. */
#define same(_expected, _got, _what, ...)                              \
	((_expected) == (_got) ||                                      \
	 disagree(_what " should be %lld, but is %lld", ##__VA_ARGS__, \
		  (long long)(_expected), (long long)(_got)))

static inline const struct model_role *role_of(int actor)
{
	return &play.schedule.config.role[actor];
}

/* Returns the name of an actor.  The next actor_name() overwrites the name. */
static inline const char *actor_name(int actor)
{
	return config_name(&play.schedule.config, actor);
}

/*
 * play.c: execute play.schedule.  Returns false if kernel and model disagree,
 * and describes the disagreement in play.why.
 */
bool play_schedule(void);

/*
 * compare.c: compare the stops of actors, the results of calls, the log, and
 * the sequences of ranges with the model.  Each function returns false if it
 * finds a difference, and describes the difference in play.why.
 */
bool compare_step(void);
bool compare_ranges(void);
bool compare_end(void);

/* compare_list.c: the same for /dev/mmun_list */
bool compare_listener(int actor);
bool compare_listeners(void);

/* print.c: return the name of an enum model_where. */
const char *where_name(int where);
/* Print one of the last LAST_STEPS steps. */
void print_step(int step);
/* Print how to repeat the schedule, the last steps, and play.why. */
void play_report(void);

#endif /* _SELFTESTS_MMUN_MODEL_PLAY_H */
