// SPDX-License-Identifier: GPL-2.0
/*
 * Sections in which a task must not block.  The core marks the callbacks of
 * list notifiers with non_block_start(), and does not mark the callbacks of
 * interval notifiers.
 *
 * A section permits spinlocks.  On PREEMPT_RT a spinlock can sleep and would
 * cause a warning, so there the driver executes no spinlock in a section.
 */

#include "private.h"

static __always_inline bool
mmun_marks_non_block(const struct mmu_notifier_range *mnr)
{
	return !mmu_notifier_range_blockable(mnr) &&
	       !IS_ENABLED(CONFIG_PREEMPT_RT);
}

/* Begin a section, unless the invalidation may block. */
static __always_inline void
mmun_non_block_start(const struct mmu_notifier_range *mnr)
{
	if (mmun_marks_non_block(mnr))
		non_block_start();
}

static __always_inline void
mmun_non_block_end(const struct mmu_notifier_range *mnr)
{
	if (mmun_marks_non_block(mnr))
		non_block_end();
}

/*
 * On PREEMPT_RT, leave the section of the core in a callback of a list
 * notifier.  Returns whether the callback has left a section.  After a list
 * notifier has refused, the core calls invalidate_range_end() outside of a
 * section.
 */
static bool mmun_non_block_leave(void)
{
#ifdef CONFIG_DEBUG_ATOMIC_SLEEP
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) || !current->non_block_count)
		return false;
	non_block_end();
	return true;
#else
	return false;
#endif
}

/* @left: the result of mmun_non_block_leave() */
static void mmun_non_block_return(bool left)
{
	if (left)
		non_block_start();
}
