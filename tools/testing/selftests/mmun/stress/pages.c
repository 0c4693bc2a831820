// SPDX-License-Identifier: GPL-2.0
/*
 * Tagged pages.  The first word of each page of an arena is 0 or a tag that
 * names the process, the page, and a generation that grows with each write and
 * each loss of the contents:
 *
 *   one that writes        low   high   page   a device may read
 *   -------------------    ---   ----   ----   -----------------
 *                           g     g      g      g
 *   high = g + 1            g    g+1     g      g
 *   write the page          g    g+1    g+1     g, g + 1
 *   low = g + 1            g+1   g+1    g+1     g + 1
 *
 * An empty page is always possible for one that does not hold the lock of the
 * page.  One that does knows exactly what is there.
 *
 * Who takes locks while he has some takes them upwards, and all others only
 * try: nobody waits for ever.
 */

#define TAG_OWN		0x5aULL
#define TAG_TWIN	0x5bULL		/* the same in both of two neighbours */
#define TAG_CHILD	0x5cULL		/* a child's, in its copy */
#define TAG_SPARE	0x5dULL		/* while the page was moved away */

static __u64 tag(__u64 kind, const struct arena *arena, int page, __u32 gen)
{
	return kind << 56 | (__u64)arena->number << 48 | (__u64)page << 32 |
	       gen;
}

static enum section section_of(int page)
{
	return page / SECTION_PAGES;
}

static size_t page_size(void)
{
	static size_t size;

	if (!size)
		size = sysconf(_SC_PAGESIZE);
	return size;
}

static char *page_at(const struct arena *arena, int page)
{
	return arena->base + page * page_size();
}

/* A run of pages, all in one section. */
struct run {
	struct arena *arena;
	int first;
	int pages;
};

static char *run_at(const struct run *run)
{
	return page_at(run->arena, run->first);
}

static size_t run_length(const struct run *run)
{
	return run->pages * page_size();
}

static struct page_state *run_page(const struct run *run, int i)
{
	return &run->arena->pages[run->first + i];
}

static struct run pick_run_in(struct actor *actor, struct arena *arena,
			      enum section section, int most)
{
	struct run run = { .arena = arena };

	run.pages = 1 + roll(actor, most);
	run.first = section * SECTION_PAGES +
		    roll(actor, SECTION_PAGES - run.pages + 1);
	return run;
}

static struct run pick_run(struct actor *actor, struct arena *arena)
{
	return pick_run_in(actor, arena, roll(actor, SECTIONS), 8);
}

static bool page_trylock(struct page_state *page)
{
	return !swap(&page->lock, 1);
}

static void page_unlock(struct page_state *page)
{
	set(&page->lock, 0);
}

static void run_unlock_some(const struct run *run, int pages)
{
	while (pages--)
		page_unlock(run_page(run, pages));
}

static void run_unlock(const struct run *run)
{
	run_unlock_some(run, run->pages);
}

static bool run_trylock(const struct run *run)
{
	int i;

	for (i = 0; i < run->pages; i++) {
		if (page_trylock(run_page(run, i)))
			continue;
		run_unlock_some(run, i);
		return false;
	}
	return true;
}

/* Upwards, and nobody that waits has a higher one.  False: it is to stop. */
static bool run_lock(const struct run *run)
{
	int i;

	for (i = 0; i < run->pages; i++) {
		while (!page_trylock(run_page(run, i))) {
			if (get(&shared->stop)) {
				run_unlock_some(run, i);
				return false;
			}
			sched_yield();
		}
	}
	return true;
}

/* The contents of the pages are lost, or about to be written. */
static __u32 next_generation(struct page_state *page)
{
	__u32 gen = page->high + 1;

	set(&page->high, gen);
	return gen;
}

static void has_value(struct page_state *page, __u64 value)
{
	page->value = value;
	page->lazy = false;
	set(&page->low, (__u32)(value ?: page->high));
}

/* After the fact: no device may read any more what was there. */
static void run_is_empty(const struct run *run)
{
	int i;

	for (i = 0; i < run->pages; i++) {
		next_generation(run_page(run, i));
		has_value(run_page(run, i), 0);
	}
}

/* A mapping went.  What is in a file stays there. */
static void run_is_unmapped(const struct run *run)
{
	int i;

	for (i = 0; i < run->pages; i++)
		run_page(run, i)->mapped = false;
	if (section_of(run->first) != SECTION_SHARED)
		run_is_empty(run);
}

static void run_has_prot(const struct run *run, int prot)
{
	int i;

	for (i = 0; i < run->pages; i++)
		run_page(run, i)->prot = prot;
}

static int section_flags(enum section section)
{
	return MAP_FIXED | (section == SECTION_SHARED ? MAP_SHARED :
			    MAP_PRIVATE | MAP_ANONYMOUS);
}

/* Map it anew, over what there is.  Returns 0 or an errno. */
static int run_map(const struct run *run)
{
	enum section section = section_of(run->first);
	int file = section == SECTION_SHARED ? run->arena->file : -1;
	off_t offset = (run->first % SECTION_PAGES) * page_size();
	int i;

	if (mmap(run_at(run), run_length(run), PROT_READ | PROT_WRITE,
		 section_flags(section), file, file < 0 ? 0 : offset) ==
	    MAP_FAILED)
		return errno;
	madvise(run_at(run), run_length(run), section == SECTION_SMALL ?
		MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	run_is_unmapped(run);
	for (i = 0; i < run->pages; i++)
		run_page(run, i)->mapped = true;
	run_has_prot(run, PROT_READ | PROT_WRITE);
	return 0;
}

static bool run_is_mapped(const struct run *run, int prot)
{
	int i;

	for (i = 0; i < run->pages; i++)
		if (!run_page(run, i)->mapped ||
		    (run_page(run, i)->prot & prot) != prot)
			return false;
	return true;
}

/* All of it can be read and written.  Returns 0 or an errno. */
static int run_open(const struct run *run)
{
	struct run one = *run;
	int i, ret = 0;

	one.pages = 1;
	for (i = 0; i < run->pages && !ret; i++, one.first++)
		if (!run_page(run, i)->mapped)
			ret = run_map(&one);
	if (ret || run_is_mapped(run, PROT_READ | PROT_WRITE))
		return ret;
	if (mprotect(run_at(run), run_length(run), PROT_READ | PROT_WRITE))
		return errno;
	run_has_prot(run, PROT_READ | PROT_WRITE);
	return 0;
}

/* Whether a page that is locked may have that value */
static bool is_the_value(const struct page_state *page, __u64 value)
{
	return value == page->value || (page->lazy && !value);
}

/* The pages that the CPU can read have what they must have. */
static void run_check(struct actor *actor, const struct run *run)
{
	__u64 value;
	int i;

	for (i = 0; i < run->pages; i++) {
		struct page_state *page = run_page(run, i);

		if (!page->mapped || !(page->prot & PROT_READ))
			continue;
		value = get((__u64 *)page_at(run->arena, run->first + i));
		if (!is_the_value(page, value))
			fail(actor, "page %d of process %d has %llx for the CPU, and not %llx",
			     run->first + i, run->arena->number,
			     (unsigned long long)value,
			     (unsigned long long)page->value);
	}
}

/* The CPU writes, where it can. */
static void run_write(const struct run *run)
{
	__u64 value;
	int i;

	for (i = 0; i < run->pages; i++) {
		struct page_state *page = run_page(run, i);

		if (!page->mapped || !(page->prot & PROT_WRITE))
			continue;
		value = tag(TAG_OWN, run->arena, run->first + i,
			    next_generation(page));
		set((__u64 *)page_at(run->arena, run->first + i), value);
		has_value(page, value);
	}
}

/* Whether one who does not hold the lock may read that from the page */
static bool is_possible(const struct arena *arena, int page, __u64 value,
			__u32 low, __u32 high)
{
	__u32 gen = value;

	if (!value)
		return true;
	if (value != tag(TAG_OWN, arena, page, gen) &&
	    value != tag(TAG_TWIN, arena, page & ~1, gen))
		return false;
	return gen >= low && gen <= high;
}
