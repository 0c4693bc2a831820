/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The explorer: plays all schedules of a configuration, or a part of them.
 */
#ifndef _SELFTESTS_MMUN_MODEL_EXPLORE_H
#define _SELFTESTS_MMUN_MODEL_EXPLORE_H

#include <stdbool.h>
#include <time.h>

#include "play.h"
#include "search.h"

#define SECONDS 150 /* for one test, because emulation is slow */

/**
 * struct tour - a walk through the schedules of a configuration
 * @depth: number of steps whose actor is varied; 0: all
 * @from: the first schedule to play
 * @limit: number of schedules to play; 0: all
 * @seconds: time after which no schedule begins; 0: no limit
 * @played: number of schedules played
 * @steps: number of steps taken on the kernel
 * @schedule: the last schedule
 * @play: the play of the last schedule
 */
struct tour {
	int depth;
	__u32 from;
	__u32 limit;
	double seconds;
	__u32 played;
	__u64 steps;
	struct schedule schedule;
	struct play play;
};

/* Each test has a process of its own, so one of each is enough. */
extern struct stage stage;
extern struct tour tour;

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * Explore the configuration and report the numbers.  False: kernel and model
 * disagree, or all schedules together have left out an edge.
 */
bool explore(const char *text);
bool has_hmm(void);

#endif /* _SELFTESTS_MMUN_MODEL_EXPLORE_H */
