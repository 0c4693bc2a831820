// SPDX-License-Identifier: GPL-2.0
/*
 * What user space does to its memory.  An operation that changes what a page
 * has, or who may touch it, holds the locks of its pages and notes what is
 * there now.  All others are left to race with everything.
 */

#ifndef MPOL_BIND
#define MPOL_BIND	2
#endif
#ifndef MPOL_MF_MOVE
#define MPOL_MF_MOVE	2
#endif

#define SPLIT_FILE	"/sys/kernel/debug/split_huge_pages"

/* Where a page is while it is moved away; one for each thread. */
#define SPARE_BASE	0x300000000000UL

static char *spare_of(const struct actor *actor)
{
	size_t number = actor->arena->number * MAX_THREADS + actor->number;

	return (char *)(SPARE_BASE + number * 2 * page_size());
}

static int op_touch(struct actor *actor)
{
	struct run run = pick_run(actor, actor->arena);
	int ret;

	if (!run_trylock(&run))
		return IDLE;
	ret = run_open(&run);
	if (!ret) {
		run_check(actor, &run);
		run_write(&run);
	}
	run_unlock(&run);
	return ret;
}

static int op_munmap(struct actor *actor)
{
	struct run run = pick_run(actor, actor->arena);
	int ret = 0;

	if (!run_trylock(&run))
		return IDLE;
	run_check(actor, &run);
	if (munmap(run_at(&run), run_length(&run)))
		ret = errno;
	else
		run_is_unmapped(&run);
	run_unlock(&run);
	return ret;
}

static int op_map_over(struct actor *actor)
{
	struct run run = pick_run(actor, actor->arena);
	int ret;

	if (!run_trylock(&run))
		return IDLE;
	ret = run_map(&run);
	if (!ret)
		run_write(&run);
	run_unlock(&run);
	return ret;
}

static struct run whole_section(struct arena *arena, enum section section)
{
	return (struct run){
		.arena = arena,
		.first = section * SECTION_PAGES,
		.pages = SECTION_PAGES,
	};
}

/* All of it at once; it is one mapping then. */
static int renew(const struct run *run)
{
	int ret;

	if (!run_lock(run))
		return IDLE;
	ret = run_map(run);
	if (!ret)
		run_write(run);
	run_unlock(run);
	return ret;
}

static int op_renew(struct actor *actor)
{
	struct run run = whole_section(actor->arena, roll(actor, SECTIONS));

	return renew(&run);
}

/*
 * The page goes away, gets what no device may ever see, and comes back.
 * Returns 0 or an errno.
 */
static int move_page(struct actor *actor, const struct run *run)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	__u64 *spare = (__u64 *)spare_of(actor);
	struct page_state *page = run_page(run, 0);
	__u64 value;

	if (mremap(run_at(run), page_size(), page_size(), flags, spare) ==
	    MAP_FAILED)
		return errno;
	page->mapped = false;
	set(spare, tag(TAG_SPARE, run->arena, run->first, 0));
	sched_yield();
	value = tag(TAG_OWN, run->arena, run->first, next_generation(page));
	set(spare, value);
	if (mremap(spare, page_size(), page_size(), flags, run_at(run)) ==
	    MAP_FAILED)
		return errno;
	page->mapped = true;
	has_value(page, value);
	return 0;
}

static int op_mremap(struct actor *actor)
{
	struct run run = pick_run_in(actor, actor->arena,
				     roll(actor, SECTION_SHARED), 1);
	int ret;

	if (!run_trylock(&run))
		return IDLE;
	ret = run_open(&run) ?: move_page(actor, &run);
	run_unlock(&run);
	return ret;
}

static int op_mprotect(struct actor *actor)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ, PROT_READ | PROT_WRITE,
	};
	struct run run = pick_run(actor, actor->arena);
	int prot = prots[roll(actor, ARRAY_SIZE(prots))];
	int ret;

	if (!run_trylock(&run))
		return IDLE;
	ret = run_open(&run);
	if (!ret && mprotect(run_at(&run), run_length(&run), prot))
		ret = errno;
	if (!ret)
		run_has_prot(&run, prot);
	run_unlock(&run);
	return ret;
}

/* A hole is ENOMEM, and yet the rest of it is done. */
static int op_dontneed(struct actor *actor)
{
	struct run run = pick_run(actor, actor->arena);
	int ret = 0;

	if (!run_trylock(&run))
		return IDLE;
	run_check(actor, &run);
	if (madvise(run_at(&run), run_length(&run), MADV_DONTNEED))
		ret = errno;
	if (section_of(run.first) != SECTION_SHARED)
		run_is_empty(&run);
	run_unlock(&run);
	return ret;
}

static int op_free(struct actor *actor)
{
	struct run run = pick_run_in(actor, actor->arena,
				     roll(actor, SECTION_SHARED), 8);
	int i, ret = 0;

	if (!run_trylock(&run))
		return IDLE;
	for (i = 0; i < run.pages; i++)
		run_page(&run, i)->lazy = true;
	if (madvise(run_at(&run), run_length(&run), MADV_FREE))
		ret = errno;
	run_unlock(&run);
	return ret;
}

/* The file of any process: its mappings are told from here. */
static struct arena *pick_arena(struct actor *actor)
{
	return &shared->arenas[roll(actor, shared->processes)];
}

static int op_punch(struct actor *actor)
{
	struct arena *arena = pick_arena(actor);
	struct run run = pick_run_in(actor, arena, SECTION_SHARED, 8);
	off_t offset = (run.first % SECTION_PAGES) * page_size();
	int ret = 0;

	if (!run_trylock(&run))
		return IDLE;
	if (fallocate(arena->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      offset, run_length(&run)))
		ret = errno;
	else
		run_is_empty(&run);
	run_unlock(&run);
	return ret;
}

/* Always with the last page: its lock makes those that truncate take turns. */
static int op_truncate(struct actor *actor)
{
	struct run run = {
		.arena = pick_arena(actor),
		.pages = 1 + roll(actor, 16),
	};
	const off_t size = SECTION_PAGES * page_size();
	int ret = 0;

	run.first = PAGES - run.pages;
	if (!run_trylock(&run))
		return IDLE;
	if (ftruncate(run.arena->file, size - run_length(&run)))
		ret = errno;
	sched_yield();
	if (ftruncate(run.arena->file, size))
		ret = errno;
	run_is_empty(&run);
	run_unlock(&run);
	return ret;
}

/* Two neighbours get the same: something for ksmd to merge. */
static void write_twins(const struct run *run)
{
	__u32 gen = run_page(run, 0)->high;
	__u64 value;
	int i;

	if (gen < run_page(run, 1)->high)
		gen = run_page(run, 1)->high;
	gen++;
	value = tag(TAG_TWIN, run->arena, run->first, gen);
	for (i = 0; i < 2; i++) {
		set(&run_page(run, i)->high, gen);
		memset(page_at(run->arena, run->first + i), 0, page_size());
		set((__u64 *)page_at(run->arena, run->first + i), value);
		has_value(run_page(run, i), value);
	}
}

static int op_ksm(struct actor *actor)
{
	struct run run = pick_run_in(actor, actor->arena,
				     roll(actor, SECTION_SHARED), 1);
	int ret;

	run.first &= ~1;
	run.pages = 2;
	if (!run_trylock(&run))
		return IDLE;
	ret = run_open(&run);
	if (!ret) {
		run_check(actor, &run);
		write_twins(&run);
		if (madvise(run_at(&run), run_length(&run), MADV_MERGEABLE))
			ret = errno;
	}
	run_unlock(&run);
	return ret;
}

/* While it is write protected nobody writes, without it being read-only. */
static void check_write_protection(struct actor *actor, const struct run *run)
{
	struct target target = {
		.arena = run->arena,
		.context = roll(actor, CONTEXTS),
	};
	struct slot slot;
	int page = run->first + roll(actor, run->pages);

	target.fd = context_fds[run->arena->number][target.context];
	if (!pick_slot(actor, &target, &slot) || page < slot.first ||
	    page >= slot.first + slot.pages)
		return;
	if (!write_exactly(actor, run->arena, target.fd, slot.id, page))
		fail(actor, "the device wrote to page %d, which userfaultfd protects",
		     page);
}

/* Page by page: what lies in several VMAs is not found. */
static int uffd_protect(const struct run *run, __u64 mode)
{
	struct uffdio_writeprotect wp = {
		.range = { mmun_u64(run_at(run)), page_size() },
		.mode = mode,
	};
	int i;

	for (i = 0; i < run->pages; i++, wp.range.start += page_size())
		if (ioctl(uffd, UFFDIO_WRITEPROTECT, &wp))
			return errno;
	return 0;
}

static int uffd_round(struct actor *actor, const struct run *run)
{
	struct uffdio_register reg = {
		.range = { mmun_u64(run_at(run)), run_length(run) },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	int ret;

	if (ioctl(uffd, UFFDIO_REGISTER, &reg))
		return errno;
	ret = uffd_protect(run, UFFDIO_WRITEPROTECT_MODE_WP);
	if (!ret) {
		check_write_protection(actor, run);
		sched_yield();
		check_write_protection(actor, run);
		ret = uffd_protect(run, 0);
	}
	if (ioctl(uffd, UFFDIO_UNREGISTER, &reg.range) && !ret)
		ret = errno;
	return ret;
}

static int op_uffd(struct actor *actor)
{
	struct run run = pick_run_in(actor, actor->arena,
				     roll(actor, SECTION_SHARED), 8);
	int ret;

	if (uffd < 0 || !run_trylock(&run))
		return IDLE;
	ret = run_open(&run);
	if (!ret) {
		run_write(&run);
		ret = uffd_round(actor, &run);
	}
	run_unlock(&run);
	return ret;
}

/* From here on no contents change: no locks. */

static int advise(struct actor *actor, int advice)
{
	struct run run = pick_run(actor, actor->arena);

	return madvise(run_at(&run), run_length(&run), advice) ? errno : 0;
}

static int op_cold(struct actor *actor)
{
	return advise(actor, MADV_COLD);
}

static int op_pageout(struct actor *actor)
{
	return advise(actor, MADV_PAGEOUT);
}

/* Where it is more than one mapping there is nothing to collapse. */
static int op_collapse(struct actor *actor)
{
	struct run run = whole_section(actor->arena,
				       SECTION_HUGE + roll(actor, 2));

	if (!roll(actor, 4))
		renew(&run);
	return madvise(run_at(&run), run_length(&run), MADV_COLLAPSE) ? errno :
									0;
}

/* By the kernel's own switch for it, for any process */
static int op_split(struct actor *actor)
{
	struct run run = whole_section(pick_arena(actor),
				       SECTION_HUGE + roll(actor, 2));
	unsigned long at = (unsigned long)run_at(&run);
	int fd = open(SPLIT_FILE, O_WRONLY | O_CLOEXEC), ret;
	char text[64];

	if (fd < 0)
		return IDLE;
	snprintf(text, sizeof(text), "%d,0x%lx,0x%lx", run.arena->pid, at,
		 at + run_length(&run));
	ret = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return ret;
}

static int op_mbind(struct actor *actor)
{
	struct run run = pick_run(actor, actor->arena);
	unsigned long mask = 1UL << roll(actor, 2);

	return syscall(SYS_mbind, run_at(&run), run_length(&run), MPOL_BIND,
		       &mask, 64UL, MPOL_MF_MOVE) ? errno : 0;
}

static int op_move_pages(struct actor *actor)
{
	struct run run = pick_run(actor, pick_arena(actor));
	int i, nodes[8], status[8];
	void *pages[8];

	for (i = 0; i < run.pages; i++) {
		pages[i] = run_at(&run) + i * page_size();
		nodes[i] = roll(actor, 2);
	}
	if (syscall(SYS_move_pages, run.arena->pid, (unsigned long)run.pages,
		    pages, nodes, status, MPOL_MF_MOVE) < 0)
		return errno;
	return 0;
}

static int op_process_madvise(struct actor *actor)
{
	struct run run = pick_run(actor, pick_arena(actor));
	int advice = roll(actor, 2) ? MADV_COLD : MADV_PAGEOUT;
	struct iovec vec = { run_at(&run), run_length(&run) };

	return syscall(SYS_process_madvise, pidfds[run.arena->number], &vec,
		       1UL, advice, 0U) < 0 ? errno : 0;
}

static int op_clear_refs(struct actor *actor)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs",
		 pick_arena(actor)->pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	ret = write(fd, "4", 1) < 0 ? errno : 0;
	close(fd);
	return ret;
}
