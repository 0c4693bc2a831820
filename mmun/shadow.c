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

/**
 * struct mmun_slice - a part of a chunk
 * @number: number of the chunk
 * @chunk: the chunk
 * @from: index of the first entry of the part, in the chunk
 * @nr: number of entries of the part
 */
struct mmun_slice {
	unsigned long number;
	u64 *chunk;
	unsigned long from;
	unsigned long nr;
};

/* Return the part of the chunk whose page indexes are in [first, last]. */
static struct mmun_slice mmun_slice(struct mmun_range *range,
				    unsigned long number, u64 *chunk,
				    unsigned long first, unsigned long last)
{
	unsigned long base = number * MMUN_CHUNK_PAGES;
	unsigned long from = max(first, base) - base;
	unsigned long to =
		min(last - base, mmun_chunk_pages(range, number) - 1);

	return (struct mmun_slice){
		.number = number,
		.chunk = chunk,
		.from = from,
		.nr = to - from + 1,
	};
}

typedef u64 (*mmun_slice_fn)(struct mmun_range *range,
			     const struct mmun_slice *slice);

/*
 * Call @execute for the parts of the chunks that the addresses [start, last]
 * overlap, and return the sum of the results.  The addresses [start, last] must
 * overlap the range.
 */
static __always_inline u64 mmun_shadow_for_each(struct mmun_range *range,
						unsigned long start,
						unsigned long last,
						mmun_slice_fn execute)
{
	unsigned long first, number;
	struct mmun_slice slice;
	u64 *chunk, sum = 0;

	lockdep_assert_held(&range->lock);
	first = mmun_range_index(range, max(start, mmun_range_start(range)));
	last = mmun_range_index(range, min(last, mmun_range_last(range)));
	xa_for_each_range(&range->shadow, number, chunk,
			  first / MMUN_CHUNK_PAGES, last / MMUN_CHUNK_PAGES) {
		slice = mmun_slice(range, number, chunk, first, last);
		sum += execute(range, &slice);
	}
	return sum;
}

static u64 mmun_slice_drop(struct mmun_range *range,
			   const struct mmun_slice *slice)
{
	memset(&slice->chunk[slice->from], 0, slice->nr * sizeof(u64));
	return 0;
}

static noinline void mmun_chunks_drop(struct mmun_range *range,
				      unsigned long start, unsigned long last)
{
	mmun_shadow_for_each(range, start, last, mmun_slice_drop);
}

/*
 * Clear the entries of all pages that the addresses [start, last] overlap.  If
 * an mm has a million ranges, most ranges have no shadow.  The callbacks of
 * these ranges must not even save the registers that the loop needs.
 */
static __always_inline void mmun_shadow_drop(struct mmun_range *range,
					     unsigned long start,
					     unsigned long last)
{
	lockdep_assert_held(&range->lock);
	/*
	 * Racy: a commit adds its first chunk without the update lock.  That
	 * chunk has no entries until the commit takes the lock.
	 */
	if (!data_race(xa_empty(&range->shadow)))
		mmun_chunks_drop(range, start, last);
}

static u64 mmun_slice_write_protect(struct mmun_range *range,
				    const struct mmun_slice *slice)
{
	u64 *entry = &slice->chunk[slice->from], *end = entry + slice->nr;
	u64 nr = 0;

	for (; entry < end; entry++) {
		if (!(*entry & MMUN_PAGE_VALID))
			continue;
		*entry = (*entry & ~MMUN_PAGE_WRITE) | MMUN_ENTRY_KEPT;
		nr++;
	}
	return nr;
}

/*
 * Remove the write permission from the entries of all pages that the addresses
 * [start, last] overlap.  Returns the number of valid entries.
 */
static u64 mmun_shadow_write_protect(struct mmun_range *range,
				     unsigned long start, unsigned long last)
{
	return mmun_shadow_for_each(range, start, last,
				    mmun_slice_write_protect);
}

static bool mmun_slice_is_whole(struct mmun_range *range,
				const struct mmun_slice *slice)
{
	return slice->nr == mmun_chunk_pages(range, slice->number);
}

static bool mmun_chunk_is_empty(struct mmun_range *range,
				const struct mmun_slice *slice)
{
	size_t size = mmun_chunk_pages(range, slice->number) * sizeof(u64);

	return !memchr_inv(slice->chunk, 0, size);
}

/*
 * Free the chunk if all its entries are 0.  A reader that has reserved the
 * chunk has begun before the callback set the sequence, so its commit will
 * collide.
 */
static u64 mmun_slice_free(struct mmun_range *range,
			   const struct mmun_slice *slice)
{
	if (!mmun_slice_is_whole(range, slice) &&
	    !mmun_chunk_is_empty(range, slice))
		return 0;
	xa_erase(&range->shadow, slice->number);
	mmun_free(slice->chunk);
	atomic_dec(&range->ctx->nr_chunks);
	return 0;
}

/*
 * After an invalidation has dropped the entries of the addresses [start, last],
 * free the chunks that have no entry left.
 */
static void mmun_shadow_free_empty(struct mmun_range *range,
				   unsigned long start, unsigned long last)
{
	mmun_shadow_for_each(range, start, last, mmun_slice_free);
}

static u64 mmun_slice_empties(struct mmun_range *range,
			      const struct mmun_slice *slice)
{
	return mmun_slice_is_whole(range, slice) &&
	       !mmun_chunk_is_empty(range, slice);
}

/*
 * Return the number of chunks with entries that are inside [start, last].  An
 * invalidation of [start, last] empties them.
 */
static u64 mmun_shadow_count_emptied(struct mmun_range *range,
				     unsigned long start, unsigned long last)
{
	return mmun_shadow_for_each(range, start, last, mmun_slice_empties);
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
