// SPDX-License-Identifier: GPL-2.0
/*
 * Invalidations by parts of mm/ that no system call on a mapping reaches: ksmd,
 * migration between nodes, swap, writeback, breakpoints.
 */
#include "lib/ksm.h"
#include "lib/mmun.h"
#include "lib/setting.h"
#include "lib/shadow.h"
#include <linux/mempolicy.h>
#include <linux/perf_event.h>
#include <sys/swap.h>

static __u64 entry_pfn(__u64 entry)
{
	return entry & MMUN_PAGE_PFN_MASK;
}

/* Page merging */

#define KSM_PAGES 2

FIXTURE(ksm)
{
	MMUN_FIXTURE;
	struct watch watch;
	struct setting run;
};

FIXTURE_SETUP(ksm)
{
	setting_keep(&self->run, KSM_DIR "run");
	ASSERT_EQ(0, mmun_stay_on_this_cpu());
	mmun_setup_filled(KSM_PAGES);
	memset(self->map, 'k', KSM_PAGES * self->page);
	self->watch = watch_range(self->map, KSM_PAGES * self->page);
}

FIXTURE_TEARDOWN(ksm)
{
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, setting_restore(&self->run));
}

static bool is_merged(FIXTURE_DATA(ksm) * self)
{
	__u64 a = mmun_pagemap(self->map);
	__u64 b = mmun_pagemap(self->map + self->page);

	return !((a ^ b) & PAGEMAP_PFN);
}

/* Returns -1 if there is no ksmd.  Only the page tables show a merge. */
static int merge_pages(FIXTURE_DATA(ksm) * self)
{
	struct ksm ksm;

	if (madvise(self->map, KSM_PAGES * self->page, MADV_MERGEABLE) ||
	    ksm_start(&ksm))
		return -1;
	while (!is_merged(self) && !ksm_is_through(&ksm))
		;
	return ksm_stop(&ksm);
}

#define merge_or_skip()                                          \
	do {                                                     \
		if (merge_pages(self))                           \
			SKIP(return, "no ksmd: set CONFIG_KSM"); \
		ASSERT_TRUE(is_merged(self))                     \
		{                                                \
			TH_LOG(KSM_MERGED_NOTHING);              \
		}                                                \
	} while (0)

/*
 *   0   1
 *   |-p-|		protected: it becomes the page for both
 *       |-p-|		protected
 *       |-r-|		replaced
 *
 * Either page can stay.  ksmd tries a busy page again.
 */
TEST_F(ksm, merge_protects_two_pages_and_replaces_one)
{
	struct mmun_records log;
	int first, second;

	shadow_fill(self->watch, MMUN_WRITE, NULL);
	merge_or_skip();
	mmun_read_all(self->fd, &log);
	first = expect_between(&log, 1, 256, &self->watch, MMUN_EVENT_CLEAR,
			       self->map, self->page);
	second = expect_between(&log, 1, 256, &self->watch, MMUN_EVENT_CLEAR,
				self->map + self->page, self->page);
	expect_count(&log, 3, 256, first + second);
	expect_total(&log, first + second);
}

TEST_F(ksm, events_of_a_merge_name_ksmd)
{
	struct mmun_record r;
	int count = 0;

	merge_or_skip();
	for (; mmun_next_record(self->fd, &r); count++)
		EXPECT_STREQ("ksmd", r.comm);
	EXPECT_LT(0, count);
}

TEST_F(ksm, device_follows_a_merge_and_a_write_that_ends_it)
{
	__u64 entries[KSM_PAGES];

	shadow_fill(self->watch, MMUN_WRITE, entries);
	EXPECT_NE(entry_pfn(entries[0]), entry_pfn(entries[1]));
	merge_or_skip();
	expect_all_lost(self->watch);
	shadow_fill(self->watch, 0, entries);
	EXPECT_EQ(entry_pfn(entries[0]), entry_pfn(entries[1]));
	mmun_drain_log(self->fd);
	mmun_store(self->map, 'w');
	mmun_expect_event(self->watch.id, MMUN_EVENT_CLEAR, self->map,
			  self->page);
	mmun_expect_no_event();
	expect_lost(self->watch, self->map, 1);
	expect_device_reads(self->watch, self->map, 'w');
}

/* Migration from one node to the other */

#define NO_NODE "no second node: set CONFIG_NUMA_EMU and boot with numa=fake=2"
#define PAGES 16
#define OP 9

struct migration;

typedef int (*move_fn)(struct migration *m);

struct migration {
	char *at;
	size_t length;
	int node;
	move_fn move;
};

/* Returns the node of the page at @at, or -1. */
static int node_of(char *at)
{
	void *page = at;
	int status = -1;

	if (syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0))
		return -1;
	return status;
}

static int by_move_pages(struct migration *m)
{
	void *page = m->at;
	int status = -1;

	if (syscall(SYS_move_pages, 0, 1UL, &page, &m->node, &status,
		    MPOL_MF_MOVE_ALL))
		return -1;
	return status == m->node ? 0 : -1;
}

static int by_mbind(struct migration *m)
{
	unsigned long mask = 1UL << m->node;

	return syscall(SYS_mbind, m->at, m->length, MPOL_BIND, &mask, 64UL,
		       MPOL_MF_MOVE | MPOL_MF_STRICT);
}

static int migrate(void *arg, int nr)
{
	struct migration *m = arg;

	mmun_load(m->at);
	return m->move(m);
}

FIXTURE(migrate)
{
	MMUN_FIXTURE;
	struct migration migration;
	struct mmun_child child;
	const char *no_huge;
};

FIXTURE_VARIANT(migrate)
{
	move_fn move;
	bool is_huge;
	bool in_child;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(migrate, by_move_pages)      { .move = by_move_pages };
FIXTURE_VARIANT_ADD(migrate, by_mbind)           { .move = by_mbind };
FIXTURE_VARIANT_ADD(migrate, by_another_process) { .move = by_move_pages, .in_child = true };
FIXTURE_VARIANT_ADD(migrate, of_a_huge_page)     { .move = by_move_pages, .is_huge = true };
/* clang-format on */

/*
 * Map memory in which one small page migrates, or one huge page after the first
 * 2 MiB.
 */
static int map_for_migration(FIXTURE_DATA(migrate) * self,
			     const FIXTURE_VARIANT(migrate) * variant)
{
	size_t length = variant->is_huge ? 2 * HUGE_SIZE : PAGES * self->page;
	char *p = mmun_arena_aligned(length, HUGE_SIZE);

	if (!p ||
	    !(variant->in_child ? mmun_map_file(p, length, MAP_SHARED,
						mmun_memfd_sized(length, 0)) :
				  mmun_map(p, length)))
		return -1;
	memset(p, 'm', length);
	self->migration = (struct migration){
		.at = p + (variant->is_huge ? HUGE_SIZE : OP * self->page),
		.length = variant->is_huge ? HUGE_SIZE : self->page,
		.move = variant->move,
	};
	return 0;
}

FIXTURE_SETUP(migrate)
{
	struct migration *m = &self->migration;

	mmun_setup();
	ASSERT_EQ(0, map_for_migration(self, variant));
	if (variant->is_huge) {
		/*
		 * khugepaged must not collapse the small pages before the huge
		 * page.
		 */
		madvise(m->at, HUGE_SIZE, MADV_HUGEPAGE);
		self->no_huge = mmun_collapse(m->at);
	}
	m->node = node_of(m->at) == 0;
	if (variant->in_child)
		ASSERT_EQ(0, mmun_child_start(&self->child, m));
}

FIXTURE_TEARDOWN(migrate)
{
	mmun_child_kill(&self->child);
	EXPECT_EQ(0, close(self->fd));
}

/*
 *   |-other-|---------migrates---------|
 *           |-------------|in|---------|
 *           |----------event-----------|
 */
TEST_F(migrate, raises_clear_for_exactly_what_migrates)
{
	struct migration *m = &self->migration;
	struct watch in, other;
	struct mmun_records log;
	__u64 before, after;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, NO_NODE);
	if (self->no_huge)
		SKIP(return, "%s", self->no_huge);
	in = watch_range(m->at + (variant->is_huge ? 300 * self->page : 0),
			 self->page);
	other = watch_range(m->at - self->page, self->page);
	shadow_fill(in, MMUN_WRITE, &before);
	shadow_fill(other, MMUN_WRITE, NULL);
	ASSERT_EQ(0, variant->in_child ?
			     mmun_child_do(&self->child, migrate, 0) :
			     migrate(m, 0));
	mmun_read_all(self->fd, &log);
	expect_times(&log, 1, &in, MMUN_EVENT_CLEAR, m->at, m->length);
	expect_total(&log, 1);
	expect_all_lost(in);
	expect_all_kept(other);
	shadow_fill(in, 0, &after);
	EXPECT_NE(entry_pfn(before), entry_pfn(after));
	EXPECT_EQ(m->node, node_of(m->at));
	expect_device_reads(in, in.start, 'm');
}

/* Swap and writeback, on a disk in memory */

#define DISK "/dev/zram0"
#define DISK_SIZE "/sys/block/zram0/disksize"
#define DISK_RESET "/sys/block/zram0/reset"
#define DISK_BYTES (8UL << 20)
#define NO_DISK "no /dev/zram0 that is free: set CONFIG_ZRAM=y"

FIXTURE(disk)
{
	MMUN_FIXTURE;
	int disk;
	struct mmun_child cleanup;
};

static int remove_disk(void *arg, int nr)
{
	swapoff(DISK);
	return mmun_write_file(DISK_RESET, "1");
}

/* Returns -1 if there is no disk, or if the disk is in use. */
static int make_disk(struct mmun_child *cleanup)
{
	if (mmun_read_number(DISK_SIZE) ||
	    mmun_cleanup_start(cleanup, remove_disk, NULL) ||
	    mmun_write_file(DISK_SIZE, "8M"))
		return -1;
	return open(DISK, O_RDWR | O_CLOEXEC);
}

FIXTURE_SETUP(disk)
{
	self->disk = make_disk(&self->cleanup);
	ASSERT_EQ(0, mmun_stay_on_this_cpu());
	mmun_setup_arena(PAGES);
}

/* Nothing may use the disk when it is removed. */
FIXTURE_TEARDOWN(disk)
{
	munmap(self->map, PAGES * self->page);
	close(self->disk);
	EXPECT_EQ(0, close(self->fd));
	if (self->cleanup.pid > 0)
		EXPECT_EQ(0, mmun_child_end(&self->cleanup));
}

/*
 * Write what mkswap writes: one page is the header, and the other pages are
 * swap space.
 */
static int make_swap(int disk, size_t page)
{
	__u32 head[] = { 1, DISK_BYTES / page - 1, 0 };
	static const char magic[] = "SWAPSPACE2";

	if (pwrite(disk, head, sizeof(head), 1024) != sizeof(head) ||
	    pwrite(disk, magic, 10, page - 10) != 10 || fsync(disk))
		return -1;
	return swapon(DISK, 0);
}

/*
 *   0   1   2  ...  8   9   10  ...  16
 *   |-w-|           |-w-|-w-|
 *                       |op-|
 */
TEST_F(disk, pageout_to_swap_clears_only_its_page)
{
	static const int watched[] = { 0, OP - 1, OP };
	char *at = self->map + OP * self->page;
	struct mmun_records log;
	struct watch w[3];
	int i;

	if (self->disk < 0)
		SKIP(return, NO_DISK);
	if (access("/proc/swaps", F_OK))
		SKIP(return, "no swap: set CONFIG_SWAP");
	ASSERT_EQ(0, make_swap(self->disk, self->page));
	ASSERT_NE(NULL, mmun_map_filled(self->map, PAGES));
	for (i = 0; i < 3; i++) {
		w[i] = watch_range(self->map + watched[i] * self->page,
				   self->page);
		shadow_fill(w[i], MMUN_WRITE, NULL);
	}
	ASSERT_EQ(0, madvise(at, self->page, MADV_PAGEOUT));
	mmun_read_all(self->fd, &log);
	expect_times(&log, 1, &w[2], MMUN_EVENT_CLEAR, at, self->page);
	expect_total(&log, 1);
	expect_all_kept(w[0]);
	expect_all_kept(w[1]);
	expect_all_lost(w[2]);
	expect_device_reads(w[2], at, OP + 1);
}

/*
 *   0   1   2  ...  8   9   10  ...  16
 *                   |-w-|-w-|
 *   |-----------msync----------------|		only page 9 is dirty
 */
TEST_F(disk, msync_protects_only_the_dirty_page)
{
	char *at = self->map + OP * self->page;
	struct watch clean, dirty;
	struct mmun_records log;

	if (self->disk < 0)
		SKIP(return, NO_DISK);
	ASSERT_NE(NULL, mmun_map_file(self->map, PAGES * self->page, MAP_SHARED,
				      self->disk));
	ASSERT_EQ(0, madvise(self->map, PAGES * self->page, MADV_RANDOM));
	clean = watch_range(at - self->page, self->page);
	dirty = watch_range(at, self->page);
	shadow_fill(clean, 0, NULL);
	shadow_fill(dirty, MMUN_WRITE, NULL);
	mmun_device_write(dirty.id, at, 1, "d");
	ASSERT_EQ(0, msync(self->map, PAGES * self->page, MS_SYNC));
	mmun_read_all(self->fd, &log);
	expect_times(&log, 1, &dirty, MMUN_EVENT_PROTECTION_PAGE, at,
		     self->page);
	expect_total(&log, 1);
	mmun_err_access(EFAULT, dirty.id, at, 1, MMUN_WRITE);
	expect_all_kept(clean);
	expect_device_reads(dirty, at, 'd');
}

/* A breakpoint: the kernel replaces a page of code by a copy. */

#define UPROBE_TYPE "/sys/bus/event_source/devices/uprobe/type"
#define CODE "\x90\xc3" /* nop, ret */
#define BREAKPOINT 0xcc
#define NO_UPROBE "no breakpoints by perf: set CONFIG_UPROBE_EVENTS"

FIXTURE(uprobe)
{
	MMUN_FIXTURE;
	int memfd;
};

FIXTURE_SETUP(uprobe)
{
	mmun_setup_arena(3);
	self->memfd = mmun_memfd_sized(3 * self->page, 0);
	ASSERT_LE(0, self->memfd);
	ASSERT_EQ(2, pwrite(self->memfd, CODE, 2, self->page));
	ASSERT_EQ(self->map,
		  mmap(self->map, 3 * self->page, PROT_READ | PROT_EXEC,
		       MAP_PRIVATE | MAP_FIXED, self->memfd, 0));
}

MMUN_FIXTURE_TEARDOWN(uprobe)

/*
 * Set a breakpoint on the first instruction of the second page.  Returns a
 * descriptor.  close() of the descriptor clears the breakpoint.
 */
static int set_breakpoint(FIXTURE_DATA(uprobe) * self)
{
	char path[64];
	struct perf_event_attr attr = {
		.type = mmun_read_number(UPROBE_TYPE),
		.size = sizeof(attr),
		.uprobe_path = mmun_u64(path),
		.probe_offset = self->page,
	};

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->memfd);
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

/*
 * Expect one event on the second page, and that the device then reads @byte
 * from the page.
 */
static void check_code(struct __test_metadata *_metadata,
		       FIXTURE_DATA(uprobe) * self, struct watch w, int byte)
{
	char *at = self->map + self->page;
	struct mmun_records log;

	mmun_read_all(self->fd, &log);
	expect_times(&log, 1, &w, MMUN_EVENT_CLEAR, at, self->page);
	expect_total(&log, 1);
	expect_lost(w, at, 2);
	expect_device_reads(w, at, byte);
}

/*
 *   0   1   2   3
 *   |---|-x-|---|
 */
TEST_F(uprobe, setting_and_clearing_a_breakpoint_clear_its_page)
{
	struct watch w = watch_range(self->map, 3 * self->page);
	int probe;

	if (mmun_read_number(UPROBE_TYPE) < 0)
		SKIP(return, NO_UPROBE);
	shadow_fill(w, 0, NULL);
	probe = set_breakpoint(self);
	ASSERT_LE(0, probe);
	check_code(_metadata, self, w, BREAKPOINT);
	ASSERT_EQ(0, close(probe));
	check_code(_metadata, self, w, CODE[0]);
}

MMUN_HARNESS_MAIN
