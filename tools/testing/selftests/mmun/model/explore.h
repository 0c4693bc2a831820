/* SPDX-License-Identifier: GPL-2.0 */
/* The explorer: plays all schedules of a configuration, or a part of them. */
#ifndef _SELFTESTS_MMUN_MODEL_EXPLORE_H
#define _SELFTESTS_MMUN_MODEL_EXPLORE_H

#include <stdbool.h>

#include "play.h"
#include "search.h"

#define SECONDS 150 /* for one test, because emulation is slow */

/* The part of the schedules of a configuration that the explorer plays */
struct tour {
	int depth; /* number of steps whose actor is varied; 0: all */
	__u32 from; /* the first schedule to play */
	__u32 limit; /* number of schedules to play; 0: all */
	int ms; /* time after which no schedule begins; 0: no limit */
};

/* A fixture whose tests play schedules */
#define EXPLORER_FIXTURE(_name)              \
	FIXTURE(_name){};                    \
	FIXTURE_SETUP(_name)                 \
	{                                    \
		ASSERT_EQ(1, crew_create()); \
	}                                    \
	FIXTURE_TEARDOWN(_name)              \
	{                                    \
		stage_abandon();             \
	}

/*
 * Explore the configuration and report the numbers.  Returns false if kernel
 * and model disagree, or if no schedule has taken one of the edges.
 */
bool explore(const char *text, struct tour tour);
bool has_hmm(void);

#endif /* _SELFTESTS_MMUN_MODEL_EXPLORE_H */
