/* SPDX-License-Identifier: GPL-2.0 */
/* The explorer: executes all or some schedules of a configuration */
#ifndef _SELFTESTS_MMUN_MODEL_EXPLORE_H
#define _SELFTESTS_MMUN_MODEL_EXPLORE_H

#include <stdbool.h>

#include "play.h"
#include "search.h"

#define SECONDS 150 /* time limit of a test; an emulator is slow */

/* A tour: the schedules of a configuration that the explorer executes */
struct tour {
	int depth; /* number of first steps that the search varies; 0: all */
	__u32 from; /* number of the first schedule to execute */
	__u32 limit; /* number of schedules to execute; 0: all */
	int ms; /* No schedule begins after @ms milliseconds (0: no limit). */
};

/* Define a fixture whose tests execute schedules on the kernel. */
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
 * Execute the schedules of a configuration.  Returns false if kernel and model
 * disagree, or if all schedules were executed and a step from a state was not
 * taken.
 */
bool explore(const char *text, struct tour tour);
/* Returns why the kernel cannot execute the configuration, or NULL. */
const char *explore_problem(const char *text);
bool has_hmm(void);

#endif /* _SELFTESTS_MMUN_MODEL_EXPLORE_H */
