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

/* A walk through the schedules of a configuration */
struct tour {
	int depth; /* number of steps whose actor is varied; 0: all */
	__u32 from; /* the first schedule to play */
	__u32 limit; /* number of schedules to play; 0: all */
	double seconds; /* time after which no schedule begins; 0: no limit */
	__u32 played; /* number of schedules played */
	__u64 steps; /* number of steps taken on the kernel */
	struct schedule schedule; /* the last schedule */
	struct play play; /* the play of the last schedule */
};

/* Each test has its own process, so one stage and one tour are enough. */
extern struct stage stage;
extern struct tour tour;

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * Explore the configuration and report the numbers.  Returns false if kernel
 * and model disagree, or if no schedule has taken one of the edges.
 */
bool explore(const char *text);
bool has_hmm(void);

#endif /* _SELFTESTS_MMUN_MODEL_EXPLORE_H */
