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
	passes->second = 1;
	if (!passes->nr || passes->range[0] != range)
		return false;
	passes->nr--;
	memmove(&passes->range[0], &passes->range[1],
		passes->nr * sizeof(passes->range[0]));
	passes->range[passes->nr] = 0;
	return true;
}

bool passes_done(const struct model_passes *passes)
{
	return !passes->nr;
}
