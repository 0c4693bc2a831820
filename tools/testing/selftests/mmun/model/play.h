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
	struct stage *stage;
	const struct schedule *schedule;
	struct model m;
	struct model before; /* the state before the last step */
	struct model_trace trace; /* the records of the last step */
	__u64 base; /* the sequence of the kernel minus that of the model */
	int nr; /* number of steps taken */
	__u8 step[SCHEDULE_STEPS]; /* the actors that took these steps */
	int actor; /* the actor of the last step */
	bool narrate; /* report each step */
	char why[256]; /* how kernel and model disagree, or empty */
	int nr_last; /* number of steps that were described in words */
	char last[LAST_STEPS][1024]; /* the last described steps */
};

/* Sets play->why.  Evaluates to false. */
#define disagree(play, ...) \
	(snprintf((play)->why, sizeof((play)->why), __VA_ARGS__), false)

static inline const struct model_role *played_role(const struct play *play,
						   int actor)
{
	return &play->schedule->config.role[actor];
}

/*
 * play.c.  Returns false if kernel and model disagree.  play->why describes the
 * disagreement.
 */
bool play(struct play *play, struct stage *stage,
	  const struct schedule *schedule);

/*
 * compare.c: compare what each actor does, what each call returned, the records
 * of the log, and the sequence of each range.  These functions return false if
 * they found a difference, see play->why.
 */
bool compare_step(struct play *play);
bool compare_ranges(struct play *play);
bool compare_end(struct play *play);

/* print.c.  The returned name is valid until the next call. */
const char *actor_name(const struct play *play, int actor);
/* Returns the name of an enum model_where. */
const char *where_name(int where);
void remember_step(struct play *play);
/* Report how to play the schedule again, the last steps, and the disagreement. */
void play_report(const struct play *play);

#endif /* _SELFTESTS_MMUN_MODEL_PLAY_H */
