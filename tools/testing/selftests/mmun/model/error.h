/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deliberate errors of the model, for negative controls: the explorer must notice
 * each of them.
 */
#ifndef _SELFTESTS_MMUN_MODEL_ERROR_H
#define _SELFTESTS_MMUN_MODEL_ERROR_H

#include "model.h"

#define MODEL_ERRORS 24

struct model_error {
	const char *text; /* what is wrong */
	struct model_rules wrong; /* the wrong rule; the other members are NULL */
};

extern const struct model_error model_errors[MODEL_ERRORS];

/* Returns the rules of the model.  One rule is replaced by @error. */
struct model_rules model_rules_with(const struct model_error *error);

#endif /* _SELFTESTS_MMUN_MODEL_ERROR_H */
