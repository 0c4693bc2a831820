// SPDX-License-Identifier: GPL-2.0
/*
 * The callback of the interval notifiers of all experiments.  It sets the
 * sequence, and has no page table entries to drop.
 */

#include <linux/mmu_notifier.h>

#include "experiment.h"

static bool mmun_core_invalidate(struct mmu_interval_notifier *mni,
				 const struct mmu_notifier_range *mnr,
				 unsigned long cur_seq)
{
	mmu_interval_set_seq(mni, cur_seq);
	return true;
}

const struct mmu_interval_notifier_ops mmun_core_interval_ops = {
	.invalidate = mmun_core_invalidate,
};
