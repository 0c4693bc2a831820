// SPDX-License-Identifier: GPL-2.0
/*
 * Tagged pages.  The first word of each page of an arena is 0 or a tag.  A tag
 * contains the numbers of the process and of the page, and a generation.  The
 * generation grows when the page is written or loses its contents.
 *
 *   writer of the page     low   high   page   a device may read
 *   -------------------    ---   ----   ----   -----------------
 *                           g     g      g      g
 *   high = g + 1            g    g+1     g      g
 *   write the page          g    g+1    g+1     g, g + 1
 *   low = g + 1            g+1   g+1    g+1     g + 1
 *
 * A thread without the lock of a page may also read 0 from the page.  The
 * thread that holds the lock can predict the contents of the page.
 *
 * A thread that waits for the lock of a page holds no lock of a page with a
 * higher number, so there is no deadlock.
 */

#define TAG_OWN 0x5aULL
#define TAG_TWIN 0x5bULL /* the same tag in two adjacent pages */
#define TAG_CHILD 0x5cULL /* written by a child in its copy of a page */
#define TAG_SPARE 0x5dULL /* written to a page in op_mremap() */

#define ALL_ACCESS (PROT_READ | PROT_WRITE)

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static struct page_state *page_of(const struct area *area, int i)
{
	return &area->arena->pages[area->first + i];
}

static char *page_at(const struct area *area, int i)
{
	return area->arena->base + (area->first + i) * page_size();
}

/* Returns the address of the word that contains the tag of a page. */
static atomic_ullong *word_at(const struct area *area, int i)
{
	return (atomic_ullong *)page_at(area, i);
}

static char *area_at(const struct area *area)
{
	return page_at(area, 0);
}

static size_t area_length(const struct area *area)
{
	return area->pages * page_size();
}

/* Returns the offset of the area in its section, and so in the memfd. */
static off_t area_offset(const struct area *area)
{
	return (area->first % SECTION_PAGES) * page_size();
}

static enum section section_of(const struct area *area)
{
	return area->first / SECTION_PAGES;
}

static struct area whole_section(struct arena *arena, enum section section)
{
	return (struct area){
		.arena = arena,
		.first = section * SECTION_PAGES,
		.pages = SECTION_PAGES,
	};
}

static __u64 tag(__u64 kind, const struct area *area, int i, __u32 gen)
{
	return kind << 56 | (__u64)area->arena->number << 48 |
	       (__u64)(area->first + i) << 32 | gen;
}

static void area_unlock(const struct area *area)
{
	for (int i = area->pages - 1; i >= 0; i--)
		page_of(area, i)->lock = 0;
}

/*
 * Lock all pages of the area.  Without @wait, returns false if another thread
 * has locked a page.  With @wait, returns false only if the run ends meanwhile.
 */
static bool area_lock(const struct area *area, bool wait)
{
	struct area locked = *area;

	for (locked.pages = 0; locked.pages < area->pages; locked.pages++) {
		while (atomic_exchange(&page_of(area, locked.pages)->lock, 1)) {
			if (!wait || shared->stop) {
				area_unlock(&locked);
				return false;
			}
			sched_yield();
		}
	}
	return true;
}

static bool area_trylock(const struct area *area)
{
	return area_lock(area, false);
}

/* States of pages.  The caller holds the locks of the pages. */

/* Begin a new generation, because the contents of the page will change. */
static __u32 next_generation(struct page_state *page)
{
	return ++page->high;
}

static void has_value(struct page_state *page, __u64 value)
{
	page->value = value;
	page->lazy = false;
	page->low = (__u32)(value ?: page->high);
}

static bool page_allows(const struct page_state *page, int prot)
{
	return page->mapped && (page->prot & prot);
}

/* Returns whether a thread that holds the page's lock may read @value. */
static bool is_the_value(const struct page_state *page, __u64 value)
{
	return value == page->value || (page->lazy && !value);
}

/* Returns whether a thread without the lock of the page may read @value. */
static bool is_possible(const struct area *area, int i, __u64 value, __u32 low,
			__u32 high)
{
	int twin = i - (area->first + i) % 2;
	__u32 gen = value;

	if (!value)
		return true;
	if (value != tag(TAG_OWN, area, i, gen) &&
	    value != tag(TAG_TWIN, area, twin, gen))
		return false;
	return gen >= low && gen <= high;
}

/* Record that the pages are empty.  No device may read the old contents. */
static void area_is_empty(const struct area *area)
{
	for (int i = 0; i < area->pages; i++) {
		next_generation(page_of(area, i));
		has_value(page_of(area, i), 0);
	}
}

/* Record whether the pages are mapped.  Private pages lose their contents. */
static void area_is_mapped(const struct area *area, bool mapped)
{
	for (int i = 0; i < area->pages; i++)
		page_of(area, i)->mapped = mapped;
	if (section_of(area) != SECTION_SHARED)
		area_is_empty(area);
}

/* Operations on pages return 0 or an errno. */

static int area_protect(const struct area *area, int prot)
{
	if (mprotect(area_at(area), area_length(area), prot))
		return errno;
	for (int i = 0; i < area->pages; i++)
		page_of(area, i)->prot = prot;
	return 0;
}

/* Map the pages of the area again, over the old mapping. */
static int area_map(const struct area *area)
{
	enum section section = section_of(area);
	bool file = section == SECTION_SHARED;
	int flags = file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;

	if (mmap(area_at(area), area_length(area), ALL_ACCESS,
		 MAP_FIXED | flags, file ? area->arena->file : -1,
		 file ? area_offset(area) : 0) == MAP_FAILED)
		return errno;
	madvise(area_at(area), area_length(area),
		section == SECTION_SMALL ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	area_is_mapped(area, true);
	return area_protect(area, ALL_ACCESS);
}

/* Make all pages of the area mapped, readable and writable. */
static int area_open(const struct area *area)
{
	struct area one = *area;
	int ret = 0;

	one.pages = 1;
	for (int i = 0; i < area->pages && !ret; i++, one.first++)
		if (!page_of(area, i)->mapped)
			ret = area_map(&one);
	return ret ?: area_protect(area, ALL_ACCESS);
}

/* Compare the pages with the states @pages.  @reader is for the message. */
static void check_pages(const struct area *area, const struct page_state *pages,
			const char *reader)
{
	for (int i = 0; i < area->pages; i++) {
		__u64 value;

		if (!page_allows(&pages[i], PROT_READ))
			continue;
		value = *word_at(area, i);
		if (!is_the_value(&pages[i], value))
			fail("%s read %llx from page %d of process %d, expected %llx",
			     reader, value, area->first + i,
			     area->arena->number, pages[i].value);
	}
}

static void area_check(const struct area *area)
{
	check_pages(area, page_of(area, 0), "the CPU");
}

/* Write a new tag to each writable page by the CPU. */
static void write_pages(const struct area *area, struct page_state *pages,
			__u64 kind)
{
	__u64 value;

	for (int i = 0; i < area->pages; i++) {
		if (!page_allows(&pages[i], PROT_WRITE))
			continue;
		value = tag(kind, area, i, next_generation(&pages[i]));
		*word_at(area, i) = value;
		has_value(&pages[i], value);
	}
}

static int area_write(const struct area *area)
{
	write_pages(area, page_of(area, 0), TAG_OWN);
	return 0;
}

static int area_renew(const struct area *area)
{
	return area_map(area) ?: area_write(area);
}
