// SPDX-License-Identifier: GPL-2.0
/*
 * Operations by which a process changes memory.  An operation that changes the
 * contents or the permissions of pages holds the locks of these pages and
 * updates struct page_state of each page.  Other operations need no locks.
 */

#ifndef MPOL_BIND
#define MPOL_BIND 2
#endif
#ifndef MPOL_MF_MOVE
#define MPOL_MF_MOVE 2
#endif

#define SPLIT_FILE "/sys/kernel/debug/split_huge_pages"

/* The spare pages: op_mremap() moves a page of the arena to a spare page. */
#define SPARE_BASE 0x300000000000UL

static void *spare_of(void)
{
	size_t number = me->arena->number * MAX_THREADS + me->number;

	return (void *)(SPARE_BASE + number * 2 * page_size());
}

static int advise(const struct area *area, int advice)
{
	return result(madvise(area_at(area), area_length(area), advice));
}

/* Operations on contents or permissions.  The caller locks the pages. */

static int op_munmap(const struct area *area)
{
	if (munmap(area_at(area), area_length(area)))
		return errno;
	area_is_mapped(area, false);
	return 0;
}

/* Move a page to the spare page, write TAG_SPARE, and move the page back. */
static int op_mremap(const struct area *area)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	atomic_ullong *spare = spare_of();
	__u64 value;
	struct page_state *page = page_of(area, 0);

	if (mremap(area_at(area), page_size(), page_size(), flags, spare) ==
	    MAP_FAILED)
		return errno;
	page->mapped = false;
	*spare = tag(TAG_SPARE, area, 0, 0);
	sched_yield();
	value = tag(TAG_OWN, area, 0, next_generation(page));
	*spare = value;
	if (mremap(spare, page_size(), page_size(), flags, area_at(area)) ==
	    MAP_FAILED)
		return errno;
	page->mapped = true;
	has_value(page, value);
	return 0;
}

static int op_mprotect(const struct area *area)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ,
				     ALL_ACCESS };

	return area_protect(area, prots[roll(ARRAY_SIZE(prots))]);
}

/* If madvise() returns ENOMEM due to a hole, it has zapped all mapped pages. */
static int op_dontneed(const struct area *area)
{
	int ret = advise(area, MADV_DONTNEED);

	if (section_of(area) != SECTION_SHARED)
		area_is_empty(area);
	return ret;
}

static int op_free(const struct area *area)
{
	for (int i = 0; i < area->pages; i++)
		page_of(area, i)->lazy = true;
	return advise(area, MADV_FREE);
}

static int op_punch(const struct area *area)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (fallocate(area->arena->file, mode, area_offset(area),
		      area_length(area)))
		return errno;
	area_is_empty(area);
	return 0;
}

/* The caller locks the last page of the file, so no other call truncates. */
static int op_truncate(const struct area *area)
{
	const off_t size = SECTION_PAGES * page_size();
	int ret = 0;

	if (ftruncate(area->arena->file, size - area_length(area)))
		ret = errno;
	sched_yield();
	if (ftruncate(area->arena->file, size))
		ret = errno;
	area_is_empty(area);
	return ret;
}

/* Write the same contents to two adjacent pages, for ksmd to merge them. */
static int op_ksm(const struct area *area)
{
	struct page_state *pages = page_of(area, 0);
	__u32 gen = 1 + (pages[0].high > pages[1].high ? pages[0].high :
							 pages[1].high);
	__u64 value = tag(TAG_TWIN, area, 0, gen);

	for (int i = 0; i < 2; i++) {
		pages[i].high = gen;
		memset(page_at(area, i), 0, page_size());
		*word_at(area, i) = value;
		has_value(&pages[i], value);
	}
	return advise(area, MADV_MERGEABLE);
}

/* Expect that the device cannot write pages that userfaultfd protects. */
static void check_write_protection(const struct area *area)
{
	struct area range = *area;
	int page = area->first + roll(area->pages);

	set_context(&range, roll(CONTEXTS));
	if (!pick_range(&range) || page < range.first ||
	    page >= range.first + range.pages)
		return;
	if (!write_exactly(&range, page - range.first))
		fail("the device wrote to page %d, which userfaultfd protects",
		     page);
}

/* Protect one page at a time: UFFDIO_WRITEPROTECT fails for two VMAs. */
static int protect_pages(const struct area *area, bool on)
{
	char *at = area_at(area);

	for (int i = 0; i < area->pages; i++, at += page_size())
		if (uffd_protect(uffd, at, page_size(), on))
			return errno;
	return 0;
}

static int op_uffd(const struct area *area)
{
	struct uffdio_range range = { mmun_u64(area_at(area)),
				      area_length(area) };
	int ret;

	if (uffd < 0)
		return IDLE;
	area_write(area);
	if (uffd_register(uffd, area_at(area), area_length(area),
			  UFFDIO_REGISTER_MODE_WP))
		return errno;
	ret = protect_pages(area, true);
	if (!ret) {
		check_write_protection(area);
		sched_yield();
		check_write_protection(area);
		ret = protect_pages(area, false);
	}
	if (ioctl(uffd, UFFDIO_UNREGISTER, &range) && !ret)
		ret = errno;
	return ret;
}

/* Lock all pages of the section, and map the section again as one mapping. */
static int op_renew(const struct area *area)
{
	struct area all = whole_section(area->arena, section_of(area));
	int ret;

	if (!area_lock(&all, true))
		return IDLE;
	ret = area_renew(&all);
	area_unlock(&all);
	return ret;
}

/* The next operations change no contents of pages, and need no locks. */

static int op_cold(const struct area *area)
{
	return advise(area, MADV_COLD);
}

static int op_pageout(const struct area *area)
{
	return advise(area, MADV_PAGEOUT);
}

static struct area pick_huge(struct arena *arena)
{
	return whole_section(arena, SECTION_HUGE + roll(2));
}

/* MADV_COLLAPSE needs one mapping, so op_renew() sometimes runs first. */
static int op_collapse(const struct area *area)
{
	struct area all = pick_huge(area->arena);

	if (!roll(4))
		op_renew(&all);
	return advise(&all, MADV_COLLAPSE);
}

/* Split huge pages by the file split_huge_pages of debugfs. */
static int op_split(const struct area *area)
{
	struct area all = pick_huge(area->arena);
	unsigned long at = (unsigned long)area_at(&all);
	char text[64];

	if (access(SPLIT_FILE, W_OK))
		return IDLE;
	snprintf(text, sizeof(text), "%d,0x%lx,0x%lx", area->arena->pid, at,
		 at + area_length(&all));
	return result(mmun_write_file(SPLIT_FILE, text));
}

static int op_mbind(const struct area *area)
{
	unsigned long mask = 1UL << roll(2);

	return result(syscall(SYS_mbind, area_at(area), area_length(area),
			      MPOL_BIND, &mask, 64UL, MPOL_MF_MOVE));
}

static int op_move_pages(const struct area *area)
{
	int nodes[8], status[8];
	void *pages[8];

	for (int i = 0; i < area->pages; i++) {
		pages[i] = page_at(area, i);
		nodes[i] = roll(2);
	}
	return result(syscall(SYS_move_pages, area->arena->pid,
			      (unsigned long)area->pages, pages, nodes, status,
			      MPOL_MF_MOVE) < 0);
}

static int op_process_madvise(const struct area *area)
{
	int advice = roll(2) ? MADV_COLD : MADV_PAGEOUT;
	struct iovec vec = { area_at(area), area_length(area) };

	return result(syscall(SYS_process_madvise, pidfds[area->arena->number],
			      &vec, 1UL, advice, 0U) < 0);
}

static int op_clear_refs(const struct area *area)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", area->arena->pid);
	return result(mmun_write_file(path, "4"));
}
