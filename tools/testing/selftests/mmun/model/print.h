/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A play in words.
 */
#ifndef _SELFTESTS_MMUN_MODEL_PRINT_H
#define _SELFTESTS_MMUN_MODEL_PRINT_H

#include "play.h"

/* The places where an actor is, enum model_where */
extern const char *const where_names[];

/* Good until the next one. */
const char *actor_name(const struct play *play, int actor);
void remember_step(struct play *play);
/* What a developer wants to see: how to do it again, and what went wrong */
void play_report(const struct play *play);

#endif /* _SELFTESTS_MMUN_MODEL_PRINT_H */
