// SPDX-License-Identifier: GPL-2.0
/*
 * The specification of the two passes of an invalidation.  The rules are
 * described in words in Documentation/model.rst.
 */
#include <string.h>

#include "two_pass.h"

/* The first pass of all ranges comes before the second pass of any range. */
bool passes_call(const struct model_passes *passes)
{
	return !passes->second;
}

void passes_await(struct model_passes *passes, int range)
{
	passes->range[passes->nr++] = range;
}

/* The second pass has the order of the first pass. */
bool passes_finish(struct model_passes *passes, int range)
{
	int i = 0;

	passes->second = 1;
	while (i < passes->nr && passes->range[i] != range)
		i++;
	if (i == passes->nr)
		return false;
	passes->nr--;
	memmove(&passes->range[i], &passes->range[i + 1],
		(passes->nr - i) * sizeof(passes->range[0]));
	passes->range[passes->nr] = 0;
	return !i;
}

bool passes_done(const struct model_passes *passes)
{
	return !passes->nr;
}

/* A range with one pass does not ask for the second pass. */
bool passes_one(const struct model_passes *passes)
{
	return false;
}

bool passes_two(const struct model_passes *passes)
{
	return true;
}

int passes_next(const struct model_passes *passes, int next)
{
	return next == MODEL_NO_RANGE && passes->nr ? passes->range[0] :
						      MODEL_NO_RANGE;
}
