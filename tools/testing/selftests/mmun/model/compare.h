/* SPDX-License-Identifier: GPL-2.0 */
/*
 * To compare the kernel with the model: who is held, blocked or done and where,
 * what each call returned, which records the log got and what the core knows of
 * each range.  False: they disagree, and play->why says about what.
 */
#ifndef _SELFTESTS_MMUN_MODEL_COMPARE_H
#define _SELFTESTS_MMUN_MODEL_COMPARE_H

#include "play.h"

bool compare_step(struct play *play);
bool compare_ranges(struct play *play);
bool compare_end(struct play *play);

#endif /* _SELFTESTS_MMUN_MODEL_COMPARE_H */
