/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configurations and schedules as text.
 *
 *	madvise02,rA,rC,iB,dC-M0.R0.M0.I0
 *
 * contains a MADV_DONTNEED of the pages 0 to 2, readers of A and C, an inserter
 * of B and a remover of C.  The actors that take the first steps follow.  After
 * these steps, the first actor that can take a step takes the next one.
 */
#ifndef _SELFTESTS_MMUN_MODEL_SCHEDULE_H
#define _SELFTESTS_MMUN_MODEL_SCHEDULE_H

#include <stdbool.h>

#include "model.h"

#define SCHEDULE_STEPS 200
/* 8 actors of 9 characters, and 3 characters for a step */
#define SCHEDULE_TEXT 1024

/* A configuration, and the actors that take the first steps */
struct schedule {
	struct model_config config;
	int nr;
	__u8 step[SCHEDULE_STEPS];
};

/*
 * Parse "madvise02,rA" up to the end of the text or a '-'.  Returns the place
 * where the parser stopped, or NULL.
 */
const char *config_parse(struct model_config *config, const char *text);
/* Returns whether the model can do what the actors do. */
bool config_is_modelled(const struct model_config *config);
/* Returns false if the text is no schedule, or cannot be modelled. */
bool schedule_parse(struct schedule *schedule, const char *text);
void schedule_print(char to[SCHEDULE_TEXT], const struct schedule *schedule);
/*
 * Returns the name of the actor in a schedule: "M0".  The name is valid until
 * the next call.
 */
const char *config_name(const struct model_config *config, int actor);

#endif /* _SELFTESTS_MMUN_MODEL_SCHEDULE_H */
