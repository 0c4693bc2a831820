// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow page table of a range: what a device would hold.
 */

/*
 * The index of a page counts from an address at which a huge page could begin:
 * no leaf of the page tables is in two chunks.
 */
static unsigned long mmun_range_base(const struct mmun_range *range)
{
	return round_down(mmun_range_start(range) >> PAGE_SHIFT,
			  MMUN_CHUNK_PAGES);
}

static unsigned long mmun_range_index(const struct mmun_range *range,
				      unsigned long addr)
{
	return (addr >> PAGE_SHIFT) - mmun_range_base(range);
}

static unsigned long mmun_range_addr(const struct mmun_range *range,
				     unsigned long index)
{
	return (mmun_range_base(range) + index) << PAGE_SHIFT;
}

/* Index of the first entry of a chunk; the first chunk begins with the range. */
static unsigned long mmun_chunk_first(const struct mmun_range *range,
				      unsigned long number)
{
	if (number)
		return number * MMUN_CHUNK_PAGES;
	return mmun_range_index(range, mmun_range_start(range));
}

/* Entries of a chunk; the last one of a range is shorter. */
static unsigned long mmun_chunk_pages(const struct mmun_range *range,
				      unsigned long number)
{
	unsigned long last = mmun_range_index(range, mmun_range_last(range));

	return min(last, number * MMUN_CHUNK_PAGES + MMUN_CHUNK_PAGES - 1) -
	       mmun_chunk_first(range, number) + 1;
}

static u64 *mmun_chunk_alloc(unsigned long nr)
{
	u64 *chunk;

	if (!mmun_charge(mmun_cost(nr * sizeof(*chunk))))
		return ERR_PTR(-ENOSPC);
	chunk = kzalloc_objs(*chunk, nr, GFP_KERNEL_ACCOUNT);
	if (chunk)
		return chunk;
	mmun_uncharge(mmun_cost(nr * sizeof(*chunk)));
	return ERR_PTR(-ENOMEM);
}

static void mmun_chunk_free(u64 *chunk, unsigned long nr)
{
	mmun_uncharge(mmun_cost(nr * sizeof(*chunk)));
	kfree(chunk);
}

/* Count one more chunk, or one less; false if there are too many. */
static bool mmun_shadow_count(struct mmun_range *range, int by)
{
	bool ok;

	spin_lock(&range->lock);
	ok = by < 0 || range->nr_chunks < MMUN_MAX_CHUNKS;
	if (ok)
		range->nr_chunks += by;
	spin_unlock(&range->lock);
	return ok;
}

/* Make room for the entries of one chunk.  Not under the update lock. */
static int mmun_shadow_reserve_chunk(struct mmun_range *range,
				     unsigned long number)
{
	unsigned long nr = mmun_chunk_pages(range, number);
	u64 *chunk;
	int ret;

	if (xa_load(&range->shadow, number))
		return 0;
	if (!mmun_shadow_count(range, 1))
		return -ENOSPC;
	chunk = mmun_chunk_alloc(nr);
	if (IS_ERR(chunk)) {
		ret = PTR_ERR(chunk);
		goto out_uncount;
	}
	ret = xa_insert(&range->shadow, number, chunk, GFP_KERNEL_ACCOUNT);
	if (!ret)
		return 0;

	mmun_chunk_free(chunk, nr);
out_uncount:
	mmun_shadow_count(range, -1);
	/* -EBUSY: somebody else has just put one there */
	return ret == -EBUSY ? 0 : ret;
}

static int mmun_shadow_reserve(struct mmun_range *range, unsigned long first,
			       unsigned long nr)
{
	unsigned long last = (first + nr - 1) / MMUN_CHUNK_PAGES;
	unsigned long i;
	int ret = 0;

	for (i = first / MMUN_CHUNK_PAGES; i <= last && !ret; i++)
		ret = mmun_shadow_reserve_chunk(range, i);
	return ret;
}

static u64 *mmun_shadow_entry(struct mmun_range *range, unsigned long index)
{
	unsigned long number = index / MMUN_CHUNK_PAGES;
	u64 *chunk;

	lockdep_assert_held(&range->lock);
	chunk = xa_load(&range->shadow, number);
	return chunk ? &chunk[index - mmun_chunk_first(range, number)] : NULL;
}

/* Forget what the chunk has of the pages [first, last]. */
static void mmun_chunk_drop(struct mmun_range *range, unsigned long number,
			    u64 *chunk, unsigned long first, unsigned long last)
{
	unsigned long base = mmun_chunk_first(range, number);
	unsigned long from = max(first, base) - base;
	unsigned long to = min(last - base,
			       mmun_chunk_pages(range, number) - 1);

	memset(&chunk[from], 0, (to - from + 1) * sizeof(*chunk));
}

/* Forget the pages [first, last] of the range. */
static void mmun_shadow_drop(struct mmun_range *range, unsigned long first,
			     unsigned long last)
{
	unsigned long number = first / MMUN_CHUNK_PAGES;
	u64 *chunk;

	lockdep_assert_held(&range->lock);
	/* Most ranges of a million never have a shadow. */
	if (!range->nr_chunks)
		return;
	if (number == last / MMUN_CHUNK_PAGES) {
		/* And most of the others are small. */
		chunk = xa_load(&range->shadow, number);
		if (chunk)
			mmun_chunk_drop(range, number, chunk, first, last);
		return;
	}
	xa_for_each_range(&range->shadow, number, chunk,
			  first / MMUN_CHUNK_PAGES, last / MMUN_CHUNK_PAGES)
		mmun_chunk_drop(range, number, chunk, first, last);
}

/* One entry in the page tables maps all pages of the chunk. */
static __always_inline bool mmun_is_leaf(unsigned long hmm_pfn)
{
	return (hmm_pfn & HMM_PFN_VALID) &&
	       1UL << hmm_pfn_to_map_order(hmm_pfn) >= MMUN_CHUNK_PAGES;
}

/* How many pages from @i on the part has of its chunk */
static unsigned long mmun_part_piece(const struct mmun_part *part,
				     unsigned long i)
{
	return min(part->nr - i, MMUN_CHUNK_PAGES -
		   (part->first + i) % MMUN_CHUNK_PAGES);
}

/* As hmm_range_fault() fills it, into what the shadow holds. */
static __always_inline u64 mmun_entry_from_hmm(unsigned long hmm_pfn)
{
	u64 order = hmm_pfn_to_map_order(hmm_pfn);

	if (!(hmm_pfn & HMM_PFN_VALID))
		return hmm_pfn & HMM_PFN_ERROR ? MMUN_PAGE_ERROR : 0;
	/* VALID is known to be set; a constant costs more instructions here. */
	return (hmm_pfn & HMM_PFN_VALID ? MMUN_PAGE_VALID : 0) |
	       (hmm_pfn & HMM_PFN_WRITE ? MMUN_PAGE_WRITE : 0) |
	       order << MMUN_PAGE_ORDER_SHIFT |
	       (hmm_pfn & ~HMM_PFN_FLAGS & MMUN_PFN_MASK);
}

/* Take over @nr pages, of one chunk.  Returns the valid ones. */
static u32 mmun_chunk_publish(u64 *entries, const unsigned long *pages,
			      unsigned long nr)
{
	unsigned long i;
	u32 valid = 0;
	u64 entry;

	if (mmun_is_leaf(pages[0])) {
		entry = mmun_entry_from_hmm(pages[0]);
		/* The PFNs follow each other. */
		for (i = nr; i--;)
			entries[i] = entry + i;
		return nr;
	}
	for (i = 0; i < nr; i++) {
		entry = mmun_entry_from_hmm(pages[i]);
		entries[i] = entry;
		valid += entry >> 63;
	}
	return valid;
}

/* Take over a part; the entries were reserved.  Returns the valid pages. */
static u32 mmun_shadow_publish(struct mmun_range *range,
			       const struct mmun_part *part)
{
	unsigned long i, nr;
	u32 valid = 0;

	lockdep_assert_held(&range->lock);
	for (i = 0; i < part->nr; i += nr) {
		nr = mmun_part_piece(part, i);
		valid += mmun_chunk_publish(mmun_shadow_entry(range,
							      part->first + i),
					    part->pages + i, nr);
	}
	return valid;
}

static void mmun_shadow_free_chunks(struct mmun_range *range)
{
	unsigned long number;
	u64 *chunk;

	xa_for_each(&range->shadow, number, chunk)
		mmun_chunk_free(chunk, mmun_chunk_pages(range, number));
	xa_destroy(&range->shadow);
}

/* A chunk that could not be put there may have left nodes of the tree. */
static void mmun_shadow_free(struct mmun_range *range)
{
	if (!xa_empty(&range->shadow))
		mmun_shadow_free_chunks(range);
}
