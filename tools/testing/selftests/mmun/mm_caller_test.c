// SPDX-License-Identifier: GPL-2.0
/*
 * Tests invalidations by parts of mm/ that munmap(), mprotect() and the like do
 * not call: ksmd, migration between nodes, swap, writeback, breakpoints.
 */
#include "lib/disk.h"
#include "lib/ksm.h"
#include "lib/mmun.h"
#include "lib/node.h"
#include "lib/setting.h"
#include "lib/shadow.h"
#include <linux/perf_event.h>
#include <sys/swap.h>

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
	memset(self->map, 'k', mmun_pages(KSM_PAGES));
	self->watch = watch_range(self->map, mmun_pages(KSM_PAGES));
}

FIXTURE_TEARDOWN(ksm)
{
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, setting_restore(&self->run));
}

static bool is_merged(FIXTURE_DATA(ksm) * self)
{
	__u64 first = mmun_pagemap(mmun_page(0));
	__u64 second = mmun_pagemap(mmun_page(1));

	return !((first ^ second) & PAGEMAP_PFN);
}

/* Let ksmd merge the pages.  Returns -1 if the kernel has no ksmd. */
static int merge_pages(FIXTURE_DATA(ksm) * self)
{
	struct ksm ksm;

	if (madvise(self->map, mmun_pages(KSM_PAGES), MADV_MERGEABLE) ||
	    ksm_start(&ksm))
		return -1;
	while (!is_merged(self) && !ksm_is_through(&ksm))
		;
	return ksm_stop(&ksm);
}

#define merge_or_skip()                                                     \
	do {                                                                \
		mmun_skip_if(merge_pages(self), "no ksmd: set CONFIG_KSM"); \
		ASSERT_TRUE(is_merged(self))                                \
		{                                                           \
			TH_LOG(KSM_MERGED_NOTHING);                         \
		}                                                           \
	} while (0)

/*
 *   0   1
 *   |-p-|		protected: it becomes the page for both
 *       |-p-|		protected
 *       |-r-|		replaced
 *
 * The merged page can be either page.  ksmd tries again if a page is busy.
 */
TEST_F(ksm, merge_protects_two_pages_and_replaces_one)
{
	struct mmun_records log;
	int first, second;

	shadow_fill(self->watch, MMUN_WRITE, NULL);
	merge_or_skip();
	mmun_read_all(self->fd, &log);
	first = expect_between(&log, 1, 256, &self->watch, MMUN_EVENT_CLEAR,
			       mmun_page(0), self->page);
	second = expect_between(&log, 1, 256, &self->watch, MMUN_EVENT_CLEAR,
				mmun_page(1), self->page);
	expect_count(&log, 3, 256, first + second, "records of both pages");
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

TEST_F(ksm, device_reads_current_data_after_a_merge_and_after_a_write)
{
	__u64 entries[KSM_PAGES];

	shadow_fill(self->watch, MMUN_WRITE, entries);
	EXPECT_NE(mmun_entry_pfn(entries[0]), mmun_entry_pfn(entries[1]));
	merge_or_skip();
	expect_all_lost(self->watch);
	shadow_fill(self->watch, 0, entries);
	EXPECT_EQ(mmun_entry_pfn(entries[0]), mmun_entry_pfn(entries[1]));
	mmun_drain_log(self->fd);
	mmun_store(self->map, 'w');
	mmun_expect_event(self->watch.id, MMUN_EVENT_CLEAR, self->map,
			  self->page);
	mmun_expect_no_event();
	expect_lost(self->watch, self->map, 1);
	expect_device_reads(self->watch, self->map, 'w');
}

/* Migration from one node to the other */

static int by_move_pages(void *at, int node)
{
	mmun_load(at);
	return move_page(at, &node) == node ? 0 : -1;
}

static int by_mbind(void *at, int node)
{
	unsigned long mask = 1UL << node;

	return syscall(SYS_mbind, at, sysconf(_SC_PAGESIZE), MPOL_BIND, &mask,
		       64UL, MPOL_MF_MOVE | MPOL_MF_STRICT);
}

/* @at: the page or the huge page that migrates */
FIXTURE(migrate)
{
	MMUN_FIXTURE;
	char *at;
	int node;
	struct mmun_child child;
	const char *no_huge;
};

FIXTURE_VARIANT(migrate)
{
	mmun_order_fn move;
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
 * mbind() splits the mapping.  If the mapping contained the whole aligned area
 * of a huge page around the split, the split would raise an event, even without
 * a huge page.  The mapping must not contain this area.
 */
FIXTURE_SETUP(migrate)
{
	const int sharing = variant->in_child ? MAP_SHARED : MAP_PRIVATE;
	size_t length = HUGE_SIZE;

	mmun_setup_aligned(2 * HUGE_SIZE, HUGE_SIZE);
	length += variant->is_huge ? HUGE_SIZE : mmun_pages(2);
	ASSERT_NE(NULL, mmun_map_file(self->map, length,
				      sharing | MAP_ANONYMOUS, -1));
	memset(self->map, 'm', length);
	self->at = self->map + HUGE_SIZE;
	if (variant->is_huge) {
		/*
		 * khugepaged must not collapse the small pages before the huge
		 * page.
		 */
		madvise(self->at, HUGE_SIZE, MADV_HUGEPAGE);
		self->no_huge = mmun_collapse(self->at);
	}
	self->node = move_page(self->at, NULL) == 0;
	if (variant->in_child)
		ASSERT_EQ(0, mmun_child_start(&self->child, self->at));
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
TEST_F(migrate, raises_clear_for_exactly_the_migrated_pages)
{
	const size_t in_at = variant->is_huge ? mmun_pages(300) : 0;
	struct watch in, other;
	__u64 before, after;

	mmun_skip_if(access(SECOND_NODE, F_OK), NO_NODE);
	mmun_skip_for(self->no_huge);
	in = watch_range(self->at + in_at, self->page);
	shadow_fill(in, MMUN_WRITE, &before);
	other = watch_filled(self->at - self->page, self->page, MMUN_WRITE);
	ASSERT_EQ(0, variant->in_child ?
			     mmun_child_do(&self->child, variant->move,
					   self->node) :
			     variant->move(self->at, self->node));
	expect_only(in, MMUN_EVENT_CLEAR, self->at,
		    variant->is_huge ? HUGE_SIZE : self->page);
	expect_all_lost(in);
	expect_all_kept(other);
	shadow_fill(in, 0, &after);
	EXPECT_NE(mmun_entry_pfn(before), mmun_entry_pfn(after));
	EXPECT_EQ(self->node, move_page(self->at, NULL));
	expect_device_reads(in, in.start, 'm');
}

/* Swap and writeback use a disk in memory. */

#define PAGES 16
#define OP 9

FIXTURE(disk)
{
	MMUN_FIXTURE;
	int disk;
	struct mmun_child cleanup;
};

FIXTURE_SETUP(disk)
{
	self->disk = disk_create(&self->cleanup);
	ASSERT_EQ(0, mmun_stay_on_this_cpu());
	mmun_setup_arena(PAGES);
}

/* Unmap and close the disk before the child removes the disk. */
FIXTURE_TEARDOWN(disk)
{
	munmap(self->map, mmun_pages(PAGES));
	close(self->disk);
	EXPECT_EQ(0, close(self->fd));
	if (self->cleanup.pid > 0)
		EXPECT_EQ(0, mmun_child_end(&self->cleanup));
}

/* Write a swap area, as mkswap does: a header page, and pages of swap space. */
static int make_swap(int disk, size_t page)
{
	__u32 head[] = { 1, DISK_BYTES / page - 1, 0 };
	static const char magic[] = "SWAPSPACE2";

	if (pwrite(disk, head, sizeof(head), 1024) != sizeof(head) ||
	    pwrite(disk, magic, 10, page - 10) != 10 || fsync(disk))
		return -1;
	return swapon(DISK, 0);
}

#define op_at mmun_page(OP)
#define watch_page(_nr, _flags) watch_filled(mmun_page(_nr), self->page, _flags)

/*
 *   0   1   2  ...  8   9   10  ...  16
 *   |-w-|           |-w-|-w-|
 *                       |op-|
 */
TEST_F(disk, pageout_to_swap_raises_clear_only_for_its_page)
{
	struct watch first, near, op;

	mmun_skip_if(self->disk < 0, NO_DISK);
	mmun_skip_if(access("/proc/swaps", F_OK), "no swap: set CONFIG_SWAP");
	ASSERT_EQ(0, make_swap(self->disk, self->page));
	ASSERT_NE(NULL, mmun_map_filled(self->map, PAGES));
	first = watch_page(0, MMUN_WRITE);
	near = watch_page(OP - 1, MMUN_WRITE);
	op = watch_page(OP, MMUN_WRITE);
	ASSERT_EQ(0, madvise(op_at, self->page, MADV_PAGEOUT));
	expect_only(op, MMUN_EVENT_CLEAR, op_at, self->page);
	expect_all_kept(first);
	expect_all_kept(near);
	expect_all_lost(op);
	expect_device_reads(op, op_at, OP + 1);
}

/*
 *   0   1   2  ...  8   9   10  ...  16
 *                   |-w-|-w-|
 *   |-----------msync----------------|		only page 9 is dirty
 */
TEST_F(disk, msync_protects_only_the_dirty_page)
{
	const size_t length = mmun_pages(PAGES);
	struct watch clean, dirty;

	mmun_skip_if(self->disk < 0, NO_DISK);
	ASSERT_NE(NULL,
		  mmun_map_file(self->map, length, MAP_SHARED, self->disk));
	ASSERT_EQ(0, madvise(self->map, length, MADV_RANDOM));
	clean = watch_page(OP - 1, 0);
	dirty = watch_page(OP, MMUN_WRITE);
	mmun_device_write(dirty.id, op_at, 1, "d");
	ASSERT_EQ(0, msync(self->map, length, MS_SYNC));
	expect_only(dirty, MMUN_EVENT_PROTECTION_PAGE, op_at, self->page);
	mmun_err_access(EFAULT, dirty.id, op_at, 1, MMUN_WRITE);
	expect_all_kept(clean);
	expect_device_reads(dirty, op_at, 'd');
}

/* To set a breakpoint, the kernel replaces a page of code by a copy. */

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
	self->memfd = mmun_memfd_sized(mmun_pages(3), 0);
	ASSERT_EQ(2, pwrite(self->memfd, CODE, 2, self->page));
	ASSERT_EQ(self->map,
		  mmap(self->map, mmun_pages(3), PROT_READ | PROT_EXEC,
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
 * Expect one event on the second page.  After the event, the device must read
 * @_byte from the page.
 */
#define expect_code(_watch, _byte)                                  \
	do {                                                        \
		expect_only(_watch, MMUN_EVENT_CLEAR, mmun_page(1), \
			    self->page);                            \
		expect_lost(_watch, mmun_page(1), 2);               \
		expect_device_reads(_watch, mmun_page(1), _byte);   \
	} while (0)

/*
 *   0   1   2   3
 *   |---|-x-|---|
 */
TEST_F(uprobe, setting_and_clearing_a_breakpoint_raise_clear_for_its_page)
{
	struct watch w;
	int probe;

	mmun_skip_if(mmun_read_number(UPROBE_TYPE) < 0, NO_UPROBE);
	w = watch_filled(self->map, mmun_pages(3), 0);
	probe = set_breakpoint(self);
	ASSERT_LE(0, probe);
	expect_code(w, BREAKPOINT);
	ASSERT_EQ(0, close(probe));
	expect_code(w, CODE[0]);
}

MMUN_HARNESS_MAIN
