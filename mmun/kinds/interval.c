// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_KIND_INTERVAL: an mmu interval notifier and its collision-retry lock.
 * MMUN_KIND_NAIVE: the same callbacks without the lock.
 */

#include "../private.h"

static const struct mmu_interval_notifier_ops mmun_interval_notifier_ops = {
	.invalidate = mmun_invalidate,
};

static int mmun_interval_insert(struct mmun_range *range)
{
	return mmun_range_subscribe_to(range, &mmun_interval_notifier_ops);
}

static void mmun_interval_remove(struct mmun_range *range)
{
	mmun_unsubscribe(range->ctx, &range->mni);
}

static int mmun_interval_read_begin(struct mmun_range *range,
				    unsigned long *seq)
{
	*seq = mmu_interval_read_begin(&range->mni);
	return 0;
}

static bool mmun_interval_read_retry(struct mmun_range *range,
				     unsigned long seq)
{
	lockdep_assert_held(&range->lock);
	return mmu_interval_read_retry(&range->mni, seq);
}

static const struct mmun_kind_ops mmun_interval_kind = {
	.coherent = true,
	.hmm_loop = true,
	.can_refuse = true,
	.insert = mmun_interval_insert,
	.remove = mmun_interval_remove,
	.read_begin = mmun_interval_read_begin,
	.read_retry = mmun_interval_read_retry,
};

static int mmun_naive_read_begin(struct mmun_range *range, unsigned long *seq)
{
	*seq = 0;
	return 0;
}

static bool mmun_naive_read_retry(struct mmun_range *range, unsigned long seq)
{
	return false;
}

static const struct mmun_kind_ops mmun_naive_kind = {
	.can_refuse = true,
	.insert = mmun_interval_insert,
	.remove = mmun_interval_remove,
	.read_begin = mmun_naive_read_begin,
	.read_retry = mmun_naive_read_retry,
};
