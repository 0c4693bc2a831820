// SPDX-License-Identifier: GPL-2.0
/*
 * VERIFY: compare the shadow with the page tables.
 */

#include "private.h"

/* Compare the entries of @part with the shadow, up to the first difference. */
static void mmun_verify_part(struct mmun_range *range,
			     const struct mmun_part *part,
			     struct mmun_verify *cmd)
{
	unsigned long i;
	u64 *shadow, pte;

	lockdep_assert_held(&range->lock);
	for (i = 0; i < part->nr; i++) {
		shadow = mmun_shadow_entry(range, part->first + i);
		if (!shadow || !(*shadow & MMUN_PAGE_VALID))
			continue;
		cmd->out_checked++;
		pte = part->entries[i];
		if (mmun_entry_agrees(*shadow, pte))
			continue;
		cmd->out_result = MMUN_VERIFY_DIFFERS;
		cmd->out_addr = mmun_range_addr(range, part->first + i);
		cmd->out_shadow = *shadow & ~MMUN_ENTRY_KEPT;
		cmd->out_pte = pte;
		return;
	}
}

/*
 * Walk the page tables and compare the entries with the shadow.  The caller
 * must hold mmap_lock for writing.  To hold mmap_lock for reading is not
 * enough, for two reasons:
 *
 * munmap() detaches the VMA, downgrades mmap_lock to a read lock, and only then
 * starts the invalidation.  With mmap_lock for reading, VERIFY would find no
 * VMA, although the page table entries still exist and the shadow entries are
 * still correct.
 *
 * A page fault adds a page without an invalidation.  A SNAPSHOT could fault a
 * page in after the walk and publish the page before the comparison.  SNAPSHOT
 * needs mmap_lock to fault a page in, so mmap_lock for writing excludes
 * SNAPSHOT.
 */
static int mmun_verify_locked(struct mmun_range *range, unsigned long seq,
			      struct mmun_part *part, struct mmun_verify *cmd)
{
	int ret;

	lockdep_assert_held_write(&range->ctx->mm->mmap_lock);
	ret = mmun_part_walk(range, seq, part, 0, part->nr, 0);
	if (ret)
		return ret;
	mmun_part_convert(part);
	guard(spinlock)(&range->lock);
	if (range->kind->read_retry(range, seq))
		return -EBUSY;
	mmun_verify_part(range, part, cmd);
	return 0;
}

/* Verify the pages of @part once.  Returns -EBUSY after a collision. */
static int mmun_verify_try(struct mmun_range *range, struct mmun_part *part,
			   struct mmun_verify *cmd)
{
	struct mm_struct *mm = range->ctx->mm;
	unsigned long seq;
	int ret;

	ret = range->kind->read_begin(range, &seq);
	if (ret)
		return ret;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = mmun_verify_locked(range, seq, part, cmd);
	mmap_write_unlock(mm);
	return ret;
}

/*
 * Verify one chunk of the shadow.  The last page of the address space is not
 * verified, because its end overflows to 0.
 */
static int mmun_verify_chunk(struct mmun_range *range, unsigned long number,
			     struct mmun_verify *cmd)
{
	unsigned long nr = mmun_chunk_pages(range, number);
	u64 start = mmun_range_addr(range, number * MMUN_CHUNK_PAGES);
	struct mmun_part *part __free(mmun_object) = NULL;
	u32 retries = 0;
	int ret;

	nr -= start + (nr << PAGE_SHIFT) == 0;
	part = mmun_part_alloc(range, start, nr << PAGE_SHIFT);
	if (!part)
		return -ENOMEM;
	do {
		ret = mmun_verify_try(range, part, cmd);
	} while (ret == -EBUSY && retries++ < cmd->max_retries &&
		 !mmun_resched_killable());
	return ret;
}

/* The caller must hold a reference on mm_users. */
static int mmun_range_verify(struct mmun_range *range, struct mmun_verify *cmd)
{
	unsigned long number;
	u64 *chunk;
	int ret = 0;

	/* Clear the results.  The value 0 is MMUN_VERIFY_AGREES. */
	memset_after(cmd, 0, max_retries);
	xa_for_each(&range->shadow, number, chunk) {
		ret = mmun_verify_chunk(range, number, cmd);
		if (ret || cmd->out_result != MMUN_VERIFY_AGREES)
			break;
	}
	if (ret == -EBUSY)
		cmd->out_result = MMUN_VERIFY_COLLIDED;
	return ret == -EBUSY ? 0 : ret;
}

static int mmun_verify(struct mmun_ctx *ctx, struct mmun_verify *cmd)
{
	struct mmun_range *range __free(mmun_range) = NULL;
	int ret;

	if (!IS_ENABLED(CONFIG_HMM_MIRROR))
		return -EOPNOTSUPP;
	if (cmd->max_retries > MMUN_MAX_RETRIES)
		return -EINVAL;
	range = mmun_range_get(ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	ret = mmun_range_verify(range, cmd);
	mmput(ctx->mm);
	return ret;
}
