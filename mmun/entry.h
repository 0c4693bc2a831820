/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The format of a shadow entry: MMUN_PAGE_*, which is also what SNAPSHOT and
 * VERIFY report.
 */

#ifndef _MMUN_ENTRY_H
#define _MMUN_ENTRY_H

#include <linux/hmm.h>
#include <linux/memremap.h>

#include "../test_mmun_uapi.h"

static_assert(MMUN_PAGE_VALID == HMM_PFN_VALID);
static_assert(MMUN_PAGE_WRITE == HMM_PFN_WRITE);
static_assert(MMUN_PAGE_ERROR == HMM_PFN_ERROR);

/* Convert what hmm_range_fault() reports of a page. */
static inline u64 mmun_entry_from_hmm(unsigned long hmm_pfn)
{
	u64 order = hmm_pfn_to_map_order(hmm_pfn);

	if (!(hmm_pfn & HMM_PFN_VALID))
		return hmm_pfn & HMM_PFN_ERROR;
	return (hmm_pfn & (HMM_PFN_VALID | HMM_PFN_WRITE)) |
	       order << MMUN_PAGE_ORDER_SHIFT |
	       (hmm_pfn & ~HMM_PFN_FLAGS & MMUN_PAGE_PFN_MASK);
}

/* The pages from this one on to the end of what one page table entry maps */
static inline unsigned long mmun_entry_pages(u64 entry)
{
	unsigned long pages =
		1UL << (entry >> MMUN_PAGE_ORDER_SHIFT & MMUN_PAGE_ORDER_MASK);

	return pages - (entry & (pages - 1));
}

/* GUP reports no permissions: the page is writable if @write was asked for. */
static inline u64 mmun_entry_from_page(struct page *page, bool write)
{
	return MMUN_PAGE_VALID | (write ? MMUN_PAGE_WRITE : 0) |
	       page_to_pfn(page);
}

static inline struct page *mmun_entry_page(u64 entry)
{
	return pfn_to_page(entry & MMUN_PAGE_PFN_MASK);
}

/* Return whether the device may touch the page that the entry names. */
static inline bool mmun_entry_allows(u64 entry, bool write)
{
	if (!(entry & MMUN_PAGE_VALID) || (write && !(entry & MMUN_PAGE_WRITE)))
		return false;
	/* Not ordinary memory: touching it could be an access to a device. */
	return !is_zone_device_page(mmun_entry_page(entry));
}

/* Return whether a shadow entry may exist where the page tables have @pte. */
static inline bool mmun_entry_agrees(u64 shadow, u64 pte)
{
	return (pte & MMUN_PAGE_VALID) &&
	       mmun_entry_page(shadow) == mmun_entry_page(pte) &&
	       (!(shadow & MMUN_PAGE_WRITE) || (pte & MMUN_PAGE_WRITE));
}

#endif /* _MMUN_ENTRY_H */
