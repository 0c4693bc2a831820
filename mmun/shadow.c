// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow page table of a range, which models the page table of a device.  A
 * shadow page table consists of chunks, which are arrays of at most
 * MMUN_CHUNK_PAGES entries.
 */

#include "private.h"

/*
 * Allocate the chunk @number if the shadow does not have this chunk.  The
 * caller must not hold the update lock.
 */
static int mmun_chunk_reserve(struct mmun_range *range, unsigned long number)
{
	u64 *chunk __free(mmun_object) = NULL;
	atomic_t *count = &range->ctx->nr_chunks;
	int ret = -ENOMEM;

	if (xa_load(&range->shadow, number))
		return 0;
	if (!atomic_add_unless(count, 1, MMUN_MAX_CHUNKS))
		return -ENOSPC;
	chunk = mmun_zalloc(mmun_chunk_pages(range, number) * sizeof(*chunk));
	if (chunk)
		ret = xa_insert(&range->shadow, number, chunk, MMUN_GFP);
	if (ret)
		atomic_dec(count);
	else
		chunk = NULL;
	/* -EBUSY: another task has added the same chunk in the meantime. */
	return ret == -EBUSY ? 0 : ret;
}

static int mmun_shadow_reserve(struct mmun_range *range, unsigned long first,
			       unsigned long nr)
{
	unsigned long last = (first + nr - 1) / MMUN_CHUNK_PAGES;
	unsigned long i;
	int ret = 0;

	for (i = first / MMUN_CHUNK_PAGES; i <= last && !ret; i++)
		ret = mmun_chunk_reserve(range, i);
	return ret;
}

static u64 *mmun_shadow_entry(struct mmun_range *range, unsigned long index)
{
	u64 *chunk = xa_load(&range->shadow, index / MMUN_CHUNK_PAGES);

	lockdep_assert_held(&range->lock);
	return chunk ? &chunk[index % MMUN_CHUNK_PAGES] : NULL;
}

/* Clear the entries of @chunk whose indexes are in [first, last]. */
static void mmun_chunk_drop(struct mmun_range *range, unsigned long number,
			    u64 *chunk, unsigned long first, unsigned long last)
{
	unsigned long base = number * MMUN_CHUNK_PAGES;
	unsigned long from = max(first, base) - base;
	unsigned long to =
		min(last - base, mmun_chunk_pages(range, number) - 1);

	memset(&chunk[from], 0, (to - from + 1) * sizeof(*chunk));
}

/*
 * Clear the entries of all pages that the addresses [start, last] overlap.  The
 * addresses [start, last] must overlap the range.
 */
static void mmun_shadow_drop(struct mmun_range *range, unsigned long start,
			     unsigned long last)
{
	unsigned long first, number;
	u64 *chunk;

	lockdep_assert_held(&range->lock);
	/* If an mm has a million ranges, most ranges have no shadow. */
	if (xa_empty(&range->shadow))
		return;
	first = mmun_range_index(range, max(start, mmun_range_start(range)));
	last = mmun_range_index(range, min(last, mmun_range_last(range)));
	xa_for_each_range(&range->shadow, number, chunk,
			  first / MMUN_CHUNK_PAGES, last / MMUN_CHUNK_PAGES)
		mmun_chunk_drop(range, number, chunk, first, last);
}

/*
 * Copy the entries of @part to the shadow.  The caller must have called
 * mmun_shadow_reserve() for the pages of @part.
 */
static void mmun_shadow_publish(struct mmun_range *range,
				const struct mmun_part *part)
{
	unsigned long i, nr;

	lockdep_assert_held(&range->lock);
	for (i = 0; i < part->nr; i += nr) {
		nr = MMUN_CHUNK_PAGES - (part->first + i) % MMUN_CHUNK_PAGES;
		nr = min(part->nr - i, nr);
		memcpy(mmun_shadow_entry(range, part->first + i),
		       part->entries + i, nr * sizeof(u64));
	}
}

/*
 * Free the shadow of a range that has no references.  The xarray is then in the
 * state that mmun_range_ctor() creates, as the slab cache requires.
 */
static void mmun_shadow_free(struct mmun_range *range)
{
	unsigned long number;
	u64 *chunk;

	if (xa_empty(&range->shadow))
		return;
	xa_for_each(&range->shadow, number, chunk) {
		mmun_free(chunk);
		atomic_dec(&range->ctx->nr_chunks);
	}
	xa_destroy(&range->shadow);
}
