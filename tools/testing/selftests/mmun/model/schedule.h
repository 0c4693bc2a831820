/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configurations and schedules as text.  An example of a schedule:
 *
 *	madvise02,rA,rC,iB,dC-M0.R0.M0.I0
 *
 * The text before '-' is the configuration: MADV_DONTNEED of the pages 0 to 2,
 * readers of the ranges A and C, an inserter of B and a remover of C.  The text
 * after '-' names the actors of the first steps.  Each later step is a step of
 * the first actor in the configuration that can take a step.
 *
 * The text "two_pass:madvise02,rA" is the configuration madvise02,rA with ranges
 * of MMUN_KIND_TWO_PASS.  The prefix "invlock:" stands for MMUN_KIND_INVLOCK.
 * Without a prefix, the ranges have the kind MMUN_KIND_INTERVAL.
 */
#ifndef _SELFTESTS_MMUN_MODEL_SCHEDULE_H
#define _SELFTESTS_MMUN_MODEL_SCHEDULE_H

#include <stdbool.h>

#include "model.h"

#define SCHEDULE_STEPS 200
/* space for 8 actors, and for SCHEDULE_STEPS steps of 3 characters */
#define SCHEDULE_TEXT 1024

/* A schedule: a configuration, and the actors that take the first steps */
struct schedule {
	struct model_config config;
	int nr;
	__u8 step[SCHEDULE_STEPS];
};

/*
 * Parse a configuration like "madvise02,rA" up to '-' or the end of @text.
 * Returns the address of the character after the configuration, or NULL if
 * @text is not a configuration.
 */
const char *config_parse(struct model_config *config, const char *text);
/* Returns whether the model covers the combination of actors. */
bool config_is_modelled(const struct model_config *config);
/* Returns whether an actor uses /dev/mmun_list. */
bool config_uses_list(const struct model_config *config);
/* Returns false if @text is not a schedule that the model covers. */
bool schedule_parse(struct schedule *schedule, const char *text);
void schedule_print(char to[SCHEDULE_TEXT], const struct schedule *schedule);
/*
 * Returns the name of the actor in a schedule, for example "M0".  The next call
 * of config_name() overwrites the name.
 */
const char *config_name(const struct model_config *config, int actor);

#endif /* _SELFTESTS_MMUN_MODEL_SCHEDULE_H */
