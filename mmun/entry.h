/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The format of the entries of the shadow page table, MMUN_PAGE_*.  SNAPSHOT
 * and VERIFY report entries in this format.
 */

#ifndef _MMUN_ENTRY_H
#define _MMUN_ENTRY_H

#include <linux/hmm.h>
#include <linux/memremap.h>

#include "../test_mmun_uapi.h"

static_assert(MMUN_PAGE_VALID == HMM_PFN_VALID);
static_assert(MMUN_PAGE_WRITE == HMM_PFN_WRITE);
static_assert(MMUN_PAGE_ERROR == HMM_PFN_ERROR);

/*
 * A callback kept this shadow entry because of the policy of the range, and
 * ACCESS has not used the entry since.  No ioctl reports this bit.
 */
#define MMUN_ENTRY_KEPT BIT_ULL(52)
static_assert(!(MMUN_ENTRY_KEPT & MMUN_PAGE_PFN_MASK));

/* Convert an entry of hmm_range_fault(). */
static inline u64 mmun_entry_from_hmm(unsigned long hmm_pfn)
{
	u64 order = hmm_pfn_to_map_order(hmm_pfn);

	if (!(hmm_pfn & HMM_PFN_VALID))
		return hmm_pfn & HMM_PFN_ERROR;
	return (hmm_pfn & (HMM_PFN_VALID | HMM_PFN_WRITE)) |
	       order << MMUN_PAGE_ORDER_SHIFT |
	       (hmm_pfn & ~HMM_PFN_FLAGS & MMUN_PAGE_PFN_MASK);
}

/*
 * A page table entry can map several pages.  Return how many pages the page
 * table entry maps from the page of @entry on.
 */
static inline unsigned long mmun_entry_nr_pages(u64 entry)
{
	unsigned long pages =
		1UL << (entry >> MMUN_PAGE_ORDER_SHIFT & MMUN_PAGE_ORDER_MASK);

	return pages - (entry & (pages - 1));
}

/*
 * Convert a page that GUP has returned.  GUP does not report permissions.  If
 * @write is true, GUP has returned only writable pages.
 */
static inline u64 mmun_entry_from_page(struct page *page, bool write)
{
	return MMUN_PAGE_VALID | (write ? MMUN_PAGE_WRITE : 0) |
	       page_to_pfn(page);
}

static inline struct page *mmun_entry_page(u64 entry)
{
	return pfn_to_page(entry & MMUN_PAGE_PFN_MASK);
}

/* Return whether the device may access the page of the entry. */
static inline bool mmun_entry_allows(u64 entry, bool write)
{
	if (!(entry & MMUN_PAGE_VALID) || (write && !(entry & MMUN_PAGE_WRITE)))
		return false;
	/* Refuse device memory, because an access could have side effects. */
	return !is_zone_device_page(mmun_entry_page(entry));
}

/*
 * Return whether @shadow is a correct shadow entry for the page table entry
 * @pte.
 */
static inline bool mmun_entry_agrees(u64 shadow, u64 pte)
{
	return (pte & MMUN_PAGE_VALID) &&
	       mmun_entry_page(shadow) == mmun_entry_page(pte) &&
	       (!(shadow & MMUN_PAGE_WRITE) || (pte & MMUN_PAGE_WRITE));
}

#endif /* _MMUN_ENTRY_H */
