// SPDX-License-Identifier: GPL-2.0
/*
 * Collect the pages of a range.  The functions of this file hold no lock that a
 * callback takes.
 */

#include "private.h"

static struct hmm_range mmun_hmm_range(struct mmun_range *range,
				       unsigned long seq,
				       struct mmun_part *part,
				       unsigned long from, unsigned long nr,
				       unsigned long req_flags)
{
	unsigned long start = mmun_range_addr(range, part->first + from);

	/* For MMUN_KIND_NAIVE, HMM must ignore earlier collisions. */
	if (!range->kind->coherent)
		seq = mmun_subscription_seq(mmun_range_clock(range));
	return (struct hmm_range){
		.notifier = mmun_range_clock(range),
		.notifier_seq = seq,
		.start = start,
		.end = start + nr * PAGE_SIZE,
		.hmm_pfns = (unsigned long *)part->entries + from,
		.default_flags = req_flags,
	};
}

/*
 * Walk the page tables for the pages [from, from + nr) of @part.  The caller
 * must hold mmap_lock, for reading or for writing.
 */
static int mmun_part_walk(struct mmun_range *range, unsigned long seq,
			  struct mmun_part *part, unsigned long from,
			  unsigned long nr, unsigned long req_flags)
{
	struct hmm_range hmm_range =
		mmun_hmm_range(range, seq, part, from, nr, req_flags);

	lockdep_assert_held(&range->ctx->mm->mmap_lock);
	return hmm_range_fault(&hmm_range);
}

/* Convert the entries of hmm_range_fault() in place, and count valid pages. */
static void mmun_part_convert(struct mmun_part *part)
{
	unsigned long i, run;

	/*
	 * In old kernels, an entry has the order at another position.  The rest
	 * of the entry is the same.
	 */
	if (HMM_PFN_ORDER_SHIFT != MMUN_PAGE_ORDER_SHIFT)
		for (i = 0; i < part->nr; i++)
			part->entries[i] =
				mmun_entry_from_hmm(part->entries[i]);
	part->valid = 0;
	for (i = 0; i < part->nr; i += run) {
		run = min(mmun_entry_nr_pages(part->entries[i]), part->nr - i);
		if (part->entries[i] & MMUN_PAGE_VALID)
			part->valid += run;
	}
}

/*
 * Collect with hmm_range_fault().  This function takes mmap_lock unless the
 * caller holds mmap_lock, and checks for a fatal signal after every
 * MMUN_WALK_PAGES pages.
 */
static int mmun_collect_own_loop(struct mmun_range *range, unsigned long seq,
				 struct mmun_part *part,
				 unsigned long req_flags, bool locked)
{
	struct mm_struct *mm = range->ctx->mm;
	unsigned long from, nr;
	int ret = 0;

	for (from = 0; from < part->nr && !ret; from += nr) {
		nr = min(part->nr - from, MMUN_WALK_PAGES);
		if (mmun_resched_killable() ||
		    (!locked && mmap_read_lock_killable(mm)))
			return -EINTR;
		ret = mmun_part_walk(range, seq, part, from, nr, req_flags);
		if (!locked)
			mmap_read_unlock(mm);
	}
	return ret;
}

/*
 * Collect with hmm_range_fault_unlocked_timeout().  HMM begins a read side
 * critical section, takes mmap_lock, and begins a new section after a
 * collision.  Stores the sequence of the last critical section in @seq.  One
 * call of hmm_range_fault_unlocked_timeout() must collect all pages.  A second
 * call would begin a new critical section, and the commit would not detect a
 * collision of the first section.
 */
static int mmun_collect_hmm_loop(struct mmun_range *range, unsigned long *seq,
				 struct mmun_part *part,
				 unsigned long req_flags)
{
	struct hmm_range hmm_range =
		mmun_hmm_range(range, 0, part, 0, part->nr, req_flags);
	int ret;

	ret = hmm_range_fault_unlocked_timeout(&hmm_range, MMUN_HMM_TIMEOUT);
	*seq = hmm_range.notifier_seq;
	return ret;
}

/*
 * Return the number of pages from @addr to the end of its VMA, or an error if
 * hmm_range_fault() would not accept the VMA.  GUP would accept the following
 * accesses, which HMM refuses:
 *
 *  - A tagged address.  GUP ignores the tag, but the addresses of the range
 *    include the tag, so that no invalidation hits the range.
 *  - A gate page, which belongs to no VMA of the mm.
 *  - A write to a VMA that is not readable.
 */
static long mmun_gup_limit(struct mm_struct *mm, unsigned long addr, bool write)
{
	struct vm_area_struct *vma;

	lockdep_assert_held(&mm->mmap_lock);
	vma = vma_lookup(mm, addr);
	if (!vma || !(vma->vm_flags & VM_READ))
		return -EFAULT;
	if (write && !(vma->vm_flags & VM_WRITE))
		return -EACCES;
	return (vma->vm_end - addr) >> PAGE_SHIFT;
}

/*
 * Get references to at most @nr pages that begin at @addr.  Returns the number
 * of references.  GUP may release mmap_lock, and then sets *@locked to 0.
 * Without @locked, GUP does not release mmap_lock.
 */
static long mmun_gup_locked(struct mm_struct *mm, unsigned long addr, long nr,
			    struct page **pages, u32 flags, int *locked)
{
	bool write = flags & MMUN_WRITE;
	unsigned int gup_flags = FOLL_HONOR_NUMA_FAULT |
				 (write ? FOLL_WRITE : 0);
	long ret = mmun_gup_limit(mm, addr, write);

	if (ret > 0)
		ret = get_user_pages_remote(mm, addr, min(ret, nr), gup_flags,
					    pages, locked);
	return ret ?: -EFAULT;
}

/*
 * Take mmap_lock unless the caller holds mmap_lock.  Without MMUN_IS_LOCKED all
 * waits are killable.
 */
static long mmun_gup_pages(struct mm_struct *mm, unsigned long addr, long nr,
			   struct page **pages, u32 flags)
{
	int locked = 1;
	long ret;

	if (flags & MMUN_IS_LOCKED)
		return mmun_gup_locked(mm, addr, nr, pages, flags, NULL);
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = mmun_gup_locked(mm, addr, nr, pages, flags, &locked);
	if (locked)
		mmap_read_unlock(mm);
	return ret;
}

static int mmun_collect_by_gup(struct mmun_range *range, struct mmun_part *part,
			       u32 flags)
{
	struct page *pages[MMUN_GUP_PAGES];
	unsigned long done;
	bool write = flags & MMUN_WRITE;
	long got, i;

	for (done = 0; done < part->nr; done += got) {
		got = mmun_gup_pages(range->ctx->mm,
				     mmun_range_addr(range, part->first + done),
				     min(part->nr - done, MMUN_GUP_PAGES),
				     pages, flags);
		if (got < 0)
			return got;
		for (i = 0; i < got; i++) {
			part->entries[done + i] =
				mmun_entry_from_page(pages[i], write);
			put_page(pages[i]);
		}
		cond_resched();
	}
	part->valid = part->nr;
	return 0;
}

static int mmun_collect_by_hmm(struct mmun_range *range, unsigned long *seq,
			       struct mmun_part *part, u32 method, u32 flags)
{
	unsigned long req_flags = 0;
	int ret;

	if (method == MMUN_METHOD_HMM_FAULT)
		req_flags |= HMM_PFN_REQ_FAULT;
	if (flags & MMUN_WRITE)
		req_flags |= HMM_PFN_REQ_WRITE;
	if (flags & MMUN_OWN_LOOP)
		ret = mmun_collect_own_loop(range, *seq, part, req_flags,
					    flags & MMUN_IS_LOCKED);
	else
		ret = mmun_collect_hmm_loop(range, seq, part, req_flags);
	if (!ret)
		mmun_part_convert(part);
	return ret == -EPERM ? -EACCES : ret;
}

/*
 * Collect the pages of @part.  If HMM runs the retry loop, HMM begins a new
 * read side critical section and stores the sequence of that section in @seq.
 * With MMUN_OWN_LOOP or GUP the caller has begun the critical section, and @seq
 * is the sequence of that section.  With MMUN_IS_LOCKED the caller holds
 * mmap_lock for writing.  The methods of HMM return -EBUSY if the critical
 * section has collided.  GUP does not check for a collision.
 */
static int mmun_part_fill(struct mmun_range *range, unsigned long *seq,
			  struct mmun_part *part, u32 method, u32 flags)
{
	int ret;

	if (!mmget_not_zero(range->ctx->mm))
		return -ESRCH;
	/*
	 * Without CONFIG_HMM_MIRROR the ioctl has already refused the HMM
	 * methods, and their code is not compiled.
	 */
	if (method == MMUN_METHOD_GUP || !IS_ENABLED(CONFIG_HMM_MIRROR))
		ret = mmun_collect_by_gup(range, part, flags);
	else
		ret = mmun_collect_by_hmm(range, seq, part, method, flags);
	mmput(range->ctx->mm);
	return ret;
}

/* Allocate a struct mmun_part for the pages of [start, start + length). */
static struct mmun_part *mmun_part_alloc(struct mmun_range *range, u64 start,
					 u64 length)
{
	unsigned long nr = length >> PAGE_SHIFT;
	struct mmun_part *part = mmun_alloc(struct_size(part, entries, nr));

	if (!part)
		return NULL;
	/* HMM does not write all bits of an entry, so clear all bits. */
	memset64(part->entries, 0, nr);
	part->first = mmun_range_index(range, start);
	part->nr = nr;
	return part;
}

/*
 * Check those arguments of COLLECT and SNAPSHOT that do not depend on the
 * range.
 */
static int mmun_collect_check_args(u64 start, u64 length, u32 method, u32 flags,
				   u32 known_flags)
{
	if (method > MMUN_METHOD_GUP || (flags & ~known_flags) ||
	    (method != MMUN_METHOD_GUP && !IS_ENABLED(CONFIG_HMM_MIRROR)))
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(start) || !PAGE_ALIGNED(length) || !length ||
	    length >> PAGE_SHIFT > MMUN_MAX_BATCH_PAGES ||
	    (method == MMUN_METHOD_HMM_NOFAULT && (flags & MMUN_WRITE)))
		return -EINVAL;
	return 0;
}
