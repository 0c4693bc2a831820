/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The explorer: plays all schedules of a configuration.
 */
#ifndef _SELFTESTS_MMUN_MODEL_EXPLORE_H
#define _SELFTESTS_MMUN_MODEL_EXPLORE_H

#include <stdbool.h>
#include <time.h>

#include "play.h"
#include "print.h"
#include "search.h"

#define SECONDS 150 /* for one test; emulation is slow */

/**
 * struct tour - all schedules of a configuration, or a part of them
 * @text: the configuration
 * @depth: how many steps are varied; 0: all
 * @from: the first schedule to play
 * @limit: how many to play at most; 0: all
 * @seconds: for how long at most; 0: as long as it takes
 * @stage: where
 * @states: of the model
 * @edges: steps between them
 * @taken: edges taken on the kernel
 * @schedules: how many there are
 * @played: how many were played
 * @steps: steps taken on the kernel
 * @schedule: the last
 * @play: how it went
 */
struct tour {
	const char *text;
	int depth;
	__u32 from;
	__u32 limit;
	double seconds;
	struct stage *stage;
	__u32 states;
	__u32 edges;
	__u32 taken;
	__u32 schedules;
	__u32 played;
	__u64 steps;
	struct schedule schedule;
	struct play play;
};

/* What the tests of a program play on.  Each test has a process of its own. */
extern struct stage stage;
extern struct tour tour;

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* False: a disagreement, reported. */
bool tour_go(struct tour *tour, bool no_collect);
bool has_hmm(void);

#endif /* _SELFTESTS_MMUN_MODEL_EXPLORE_H */
