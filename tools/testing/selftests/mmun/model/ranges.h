/* SPDX-License-Identifier: GPL-2.0 */
/* The steps of an invalidation through the callbacks of the ranges */
#ifndef _SELFTESTS_MMUN_MODEL_RANGES_H
#define _SELFTESTS_MMUN_MODEL_RANGES_H

#include "step.h"

/*
 * ranges_begin() starts an invalidation.  ranges_go_on() continues when a hold
 * releases the actor in a callback.  Both move the actor to the next hold in a
 * callback, and return false if all callbacks have returned.
 */
bool ranges_begin(struct step *s);
bool ranges_go_on(struct step *s);
/*
 * Start an invalidation that no hold stops, and call all ranges.  Returns false
 * if a callback refuses.
 */
bool ranges_reap(struct step *s);

#endif /* _SELFTESTS_MMUN_MODEL_RANGES_H */
