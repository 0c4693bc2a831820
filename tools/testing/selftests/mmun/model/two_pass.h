/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model of the two passes of an invalidation: invalidate_start() of each
 * range, and then invalidate_finish() of each range that asked for it.
 */
#ifndef _SELFTESTS_MMUN_MODEL_TWO_PASS_H
#define _SELFTESTS_MMUN_MODEL_TWO_PASS_H

#include <stdbool.h>
#include <linux/types.h>

#include "lock.h"

/* The passes of one invalidation */
struct model_passes {
	__u8 second; /* The second pass has begun. */
	__u8 nr; /* number of ranges that wait for the second pass */
	__u8 range[MODEL_RANGES]; /* these ranges, the earliest first */
};

/*
 * passes_call() and passes_finish() return false if the mm must not call the
 * range.  The mm calls passes_call() for each range, with one pass or with two.
 * After passes_await(), the range must be finished.
 */
bool passes_call(const struct model_passes *passes);
void passes_await(struct model_passes *passes, int range);
bool passes_finish(struct model_passes *passes, int range);
/* Returns whether the invalidation can end, or can return an error. */
bool passes_done(const struct model_passes *passes);

/*
 * The same rules for the explorer, which must know what the mm calls next.
 * passes_next() returns the range whose second pass is next, or MODEL_NO_RANGE.
 * The range @next is the next range of the first pass, or MODEL_NO_RANGE.
 */
bool passes_one(const struct model_passes *passes);
bool passes_two(const struct model_passes *passes);
int passes_next(const struct model_passes *passes, int next);

#endif /* _SELFTESTS_MMUN_MODEL_TWO_PASS_H */
