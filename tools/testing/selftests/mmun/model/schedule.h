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
#include <stddef.h>

#include "model.h"

#define SCHEDULE_STEPS 200
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
bool schedule_parse(struct schedule *schedule, const char *text);
void schedule_print(char *to, size_t size, const struct schedule *schedule);
/* Print "madvise02".  Returns the length. */
int role_print(char *to, size_t size, const struct model_role *role);
/* Returns what the actor does, in words. */
const char *role_text(const struct model_role *role);
/* Returns the letter of a role in a schedule. */
char role_letter(const struct model_role *role);
/* Returns the number of earlier actors with the same letter. */
int role_ordinal(const struct model_config *config, int actor);

#endif /* _SELFTESTS_MMUN_MODEL_SCHEDULE_H */
