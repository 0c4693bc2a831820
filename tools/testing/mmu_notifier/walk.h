/* SPDX-License-Identifier: GPL-2.0 */
/* Play random interleavings of a configuration that is too large for search.c. */
#ifndef _MMU_NOTIFIER_WALK_H
#define _MMU_NOTIFIER_WALK_H

#include <stdint.h>

#include "search.h"

struct config;

/*
 * Play @config->walks schedules.  The same seed gives the same schedules.  A failing
 * schedule is shortened, but a shorter one may exist.
 */
void walk(const struct config *config, uint64_t seed, struct result *result);

#endif /* _MMU_NOTIFIER_WALK_H */
