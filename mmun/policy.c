// SPDX-License-Identifier: GPL-2.0
/*
 * The policy of a range: what a callback does for the event of the invalidation.
 * The callback always sets the sequence, because a section that is open may have
 * collected an entry with the permissions that the invalidation takes away.
 */

#include "private.h"

#define MMUN_POLICY_FREES (MMUN_POLICY_FREE_ON_UNMAP | MMUN_POLICY_FREE_ALWAYS)

/*
 * Return whether the invalidation leaves all pages mapped and readable, and the
 * policy uses this.  MMU_NOTIFY_PROTECTION_VMA does not leave the pages
 * readable if mprotect() has removed PROT_READ.
 */
static bool mmun_policy_keeps(const struct mmun_callback *cb)
{
	switch (cb->mnr->event) {
	case MMU_NOTIFY_SOFT_DIRTY:
		return cb->range->policy & MMUN_POLICY_SOFT_DIRTY;
	case MMU_NOTIFY_PROTECTION_PAGE:
		return cb->range->policy & MMUN_POLICY_PROTECTION_PAGE;
	default:
		return false;
	}
}

/*
 * Return whether the invalidation can free the chunks that become empty.
 * RELEASE frees nothing, because the range is removed later.  After RELEASE,
 * the exit calls interval notifiers once more, with the event UNMAP.
 */
static bool mmun_policy_prunes(const struct mmun_callback *cb)
{
	return cb->range->policy & MMUN_POLICY_FREES &&
	       cb->mnr->event != MMU_NOTIFY_RELEASE;
}

/* Return whether the invalidation frees the chunks that become empty. */
static bool mmun_policy_frees(const struct mmun_callback *cb)
{
	return cb->mnr->event == MMU_NOTIFY_UNMAP ||
	       cb->range->policy & MMUN_POLICY_FREE_ALWAYS;
}

/* Drop the entries, and free the chunks that become empty, or count them. */
static void mmun_policy_drop(const struct mmun_callback *cb,
			     unsigned long start, unsigned long last)
{
	struct mmun_range *range = cb->range;
	bool prunes = mmun_policy_prunes(cb), frees = mmun_policy_frees(cb);

	if (prunes && !frees)
		range->kept_chunks +=
			mmun_shadow_count_emptied(range, start, last);
	mmun_shadow_drop(range, start, last);
	if (prunes && frees)
		mmun_shadow_free_empty(range, start, last);
}

/* Do the work of a callback of a range that has a policy. */
static void mmun_policy_apply(const struct mmun_callback *cb)
{
	struct mmun_range *range = cb->range;
	unsigned long start = cb->mnr->start;
	unsigned long last = cb->mnr->end - 1;

	lockdep_assert_held(&range->lock);
	if (mmun_policy_keeps(cb))
		range->kept += mmun_shadow_write_protect(range, start, last);
	else
		mmun_policy_drop(cb, start, last);
}
