// SPDX-License-Identifier: GPL-2.0
/* The deliberate errors of the rules for ranges of other kinds than INTERVAL */
#include "model.h"

/* Two passes */

static bool pass_leaves_the_seq(struct model_lock *lock, int range, __u8 seq,
				bool refuses)
{
	return !refuses;
}

static int finish_is_early(const struct model_passes *passes, int next)
{
	return passes_next(passes, MODEL_NO_RANGE);
}

static int finish_is_reversed(const struct model_passes *passes, int next)
{
	return next == MODEL_NO_RANGE && passes->nr ?
		       passes->range[passes->nr - 1] :
		       MODEL_NO_RANGE;
}

static int finish_is_left_out(const struct model_passes *passes, int next)
{
	return MODEL_NO_RANGE;
}

/* clang-format off */
const struct model_error model_two_pass_errors[MODEL_TWO_PASS_ERRORS] = {
	{ "a range asks for no second pass", { .awaits = passes_one } },
	{ "the first pass leaves the sequence of its range",
	  { .invalidate = pass_leaves_the_seq } },
	{ "the second pass comes after the first pass of one range",
	  { .finish = finish_is_early } },
	{ "the second pass has the reverse order", { .finish = finish_is_reversed } },
	{ "the second pass is left out", { .finish = finish_is_left_out } },
	{ "the second pass is left out after a refusal", { .finish_refused = finish_is_left_out } },
};
/* clang-format on */
