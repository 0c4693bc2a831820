// SPDX-License-Identifier: GPL-2.0
/* The table of all kinds.  A kind that the kernel lacks has no operations. */

#include "../private.h"

static const struct mmun_kind_ops *const mmun_kinds[MMUN_NR_KINDS] = {
	[MMUN_KIND_INTERVAL] = &mmun_interval_kind,
	[MMUN_KIND_NAIVE] = &mmun_naive_kind,
	[MMUN_KIND_TWO_PASS] = &mmun_two_pass_kind,
	[MMUN_KIND_LIST] = &mmun_list_kind,
	[MMUN_KIND_LIST_MM] = &mmun_list_mm_kind,
	[MMUN_KIND_INVLOCK] = &mmun_invlock_kind,
	[MMUN_KIND_NAIVE_TREE] = &mmun_naive_tree_kind,
	[MMUN_KIND_NAIVE_LINEAR] = &mmun_naive_linear_kind,
};

static bool mmun_kind_is_known(u32 kind)
{
	return kind < MMUN_NR_KINDS && mmun_kinds[kind]->insert;
}

/* Return a mask of 1 << enum mmun_kind. */
static u64 mmun_kinds_mask(void)
{
	u64 mask = 0;
	u32 kind;

	for (kind = 0; kind < MMUN_NR_KINDS; kind++)
		if (mmun_kind_is_known(kind))
			mask |= BIT_ULL(kind);
	return mask;
}
