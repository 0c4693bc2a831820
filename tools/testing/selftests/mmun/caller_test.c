// SPDX-License-Identifier: GPL-2.0
/*
 * Callers that need more than a system call on a mapping: page merging,
 * migration between nodes, swap, writeback, huge pages of files, hugetlb,
 * breakpoints.  Each changes a setting of the machine and puts it back.
 */
#include "lib/mmun.h"
#include <linux/mempolicy.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <sys/swap.h>

#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM	0x1000
#endif

/* What one table of huge pages maps */
#define TABLE_SIZE	(HUGE_SIZE / sysconf(_SC_PAGESIZE) * HUGE_SIZE)

/* What a range watches. */
struct watch {
	__u32 id;
	char *start;
	size_t length;
};

/* Does it tell @w of @event on [start, start + length), and of no more? */
static int event_matches(const struct mmun_record *r, const struct watch *w,
			 __u32 event, const char *start, size_t length)
{
	__u64 from = mmun_u64(start), to = from + length;
	__u64 watch_from = mmun_u64(w->start), watch_to = watch_from + w->length;

	return r->type == MMUN_RECORD_INVALIDATE && r->id == w->id &&
	       r->event == event && r->flags == MMUN_RECORD_BLOCKABLE &&
	       r->cur_seq % 2 == 1 && r->start == from && r->end == to &&
	       r->clip_start == (from > watch_from ? from : watch_from) &&
	       r->clip_end == (to < watch_to ? to : watch_to);
}

static int event_count(const struct mmun_records *log, const struct watch *w,
		       __u32 event, const char *start, size_t length)
{
	int i, count = 0;

	for (i = 0; i < log->count; i++)
		count += event_matches(&log->records[i], w, event, start,
				       length);
	return count;
}

#define expect_count(_log, _min, _max, _count)                             \
	({                                                                 \
		int __count = _count;                                      \
		EXPECT_LE(_min, __count)                                   \
		{                                                          \
			mmun_print_all(_log);                             \
		}                                                          \
		EXPECT_GE(_max, __count)                                   \
		{                                                          \
			mmun_print_all(_log);                             \
		}                                                          \
		__count;                                                   \
	})

/* There were so many of these; evaluates to how many exactly. */
#define expect_told(_log, _min, _max, _watch, _event, _start, _length)     \
	expect_count(_log, _min, _max,                                     \
		     event_count(_log, _watch, _event, _start, _length))

#define expect_total(_log, _total)                                         \
	expect_count(_log, _total, _total, (_log)->count)

#define watch_range(_start, _length)                                       \
	((struct watch){                                                   \
		.id = mmun_insert(_start, _length),                        \
		.start = _start,                                           \
		.length = _length,                                         \
	})

static int has_hmm(int fd)
{
	struct mmun_info info;

	return !_mmun_info(fd, &info) && (info.out_features & MMUN_FEATURE_HMM);
}

/* Fill the shadow of all that is watched, by the best method there is. */
#define fill_shadow(_watch, _flags, _pages)                                \
	ASSERT_EQ((_watch).length / self->page,                            \
		  mmun_snapshot((_watch).id, (_watch).start,               \
				(_watch).length, has_hmm(self->fd) ?       \
				MMUN_METHOD_HMM_FAULT : MMUN_METHOD_GUP,       \
				_flags, _pages))

#define verify(_watch, _checked)                                           \
	do {                                                               \
		if (has_hmm(self->fd))                                     \
			EXPECT_EQ(_checked, mmun_verify((_watch).id));     \
	} while (0)

#define expect_byte(_id, _addr, _value)                                    \
	do {                                                               \
		char __c = 0;                                              \
		mmun_device_read(_id, _addr, 1, &__c);                     \
		EXPECT_EQ((char)(_value), __c);                            \
	} while (0)

/* The device has lost all that it had of what is watched. */
#define expect_dropped(_watch)                                             \
	do {                                                               \
		mmun_err_access(EFAULT, (_watch).id, (_watch).start, 1, 0); \
		verify(_watch, 0);                                         \
	} while (0)

#define expect_kept(_watch)                                                \
	verify(_watch, (_watch).length / self->page)

#define expect_device_reads(_watch, _value)                                \
	do {                                                               \
		fill_shadow(_watch, 0, NULL);                              \
		expect_byte((_watch).id, (_watch).start, _value);          \
		expect_kept(_watch);                                       \
	} while (0)

static __u64 entry_pfn(__u64 entry)
{
	return entry & MMUN_PAGE_PFN_MASK;
}

static void touch(const char *p)
{
	(void)__atomic_load_n(p, __ATOMIC_RELAXED);
}

static void cpu_write(char *p, char c)
{
	__atomic_store_n(p, c, __ATOMIC_RELAXED);
}

/* An arena of that many bytes that begins at a multiple of @align. */
static char *arena_aligned(size_t length, size_t align)
{
	char *p = mmun_arena((length + align) / sysconf(_SC_PAGESIZE));

	return p ? p + (-(uintptr_t)p & (align - 1)) : NULL;
}

/* What sits in the LRU batch of another CPU cannot be isolated. */
static int pin_to_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static int new_memfd(size_t length, unsigned int flags)
{
	int fd = mmun_memfd(flags);

	if (fd >= 0 && ftruncate(fd, length)) {
		close(fd);
		return -1;
	}
	return fd;
}

static char *map_file(char *at, size_t length, int prot, int flags, int fd)
{
	char *p = mmap(at, length, prot, flags | MAP_FIXED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/*
 * A process of its own that works when told; it ends when it has, and when
 * the test does.
 */
struct helper {
	pid_t pid;
	int wake;
};

static int helper_start(struct helper *h, int (*work)(void *arg), void *arg)
{
	int fds[2];
	char c;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	h->pid = fork();
	if (!h->pid) {
		close(fds[1]);
		if (read(fds[0], &c, 1) != 1)
			_exit(0);
		_exit(work(arg) ? 1 : 0);
	}
	close(fds[0]);
	h->wake = fds[1];
	return h->pid < 0 ? -1 : 0;
}

/* Tell it to work; returns 0 when it succeeded. */
static int helper_work(struct helper *h)
{
	pid_t pid = h->pid;

	h->pid = 0;
	return write(h->wake, "x", 1) == 1 ? mmun_wait_child(pid) : -1;
}

static void helper_end(struct helper *h)
{
	close(h->wake);
	if (h->pid > 0)
		mmun_wait_child(h->pid);
}

/*
 * Puts a setting back when the test ends, however it does: a time-out kills
 * the group that the test is in, but not this one.
 */
struct janitor {
	pid_t pid;
	int wake;
};

static int janitor_start(struct janitor *j,
			 int (*undo)(const char *path, const char *before),
			 const char *path)
{
	char before[64], c;
	int fds[2];

	if (mmun_read_file(path, before, sizeof(before)) || pipe2(fds, O_CLOEXEC))
		return -1;
	j->pid = fork();
	if (!j->pid) {
		setpgid(0, 0);
		close(fds[1]);
		while (read(fds[0], &c, 1) > 0)
			;
		_exit(undo(path, before) ? 1 : 0);
	}
	close(fds[0]);
	j->wake = fds[1];
	return j->pid < 0 ? -1 : 0;
}

/* Returns 0 when all is as it was. */
static int janitor_end(struct janitor *j)
{
	if (j->pid <= 0)
		return 0;
	close(j->wake);
	return mmun_wait_child(j->pid);
}

/* Page merging. */

FIXTURE(caller_ksm) {
	int fd;
	size_t page;
	char *map;
	struct watch watch;
	struct janitor janitor;
};

FIXTURE_SETUP(caller_ksm)
{
	janitor_start(&self->janitor, mmun_write_file, KSM_DIR "run");
	ASSERT_EQ(0, pin_to_this_cpu());
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_arena(2);
	ASSERT_NE(NULL, self->map);
	ASSERT_NE(NULL, mmun_map(self->map, 2 * self->page));
	memset(self->map, 'k', 2 * self->page);
	self->watch = watch_range(self->map, 2 * self->page);
}

FIXTURE_TEARDOWN(caller_ksm)
{
	close(self->fd);
	EXPECT_EQ(0, janitor_end(&self->janitor));
}

static bool merged(FIXTURE_DATA(caller_ksm) *self)
{
	__u64 a = mmun_pagemap(self->map);
	__u64 b = mmun_pagemap(self->map + self->page);

	return !((a ^ b) & PAGEMAP_PFN);
}

/* Returns -1 if there is no ksmd.  Only the page tables show what it did. */
static int merge_pages(FIXTURE_DATA(caller_ksm) *self)
{
	struct ksm ksm;

	if (madvise(self->map, 2 * self->page, MADV_MERGEABLE) ||
	    ksm_start(&ksm))
		return -1;
	while (!merged(self) && !ksm_is_through(&ksm))
		;
	return ksm_stop(&ksm);
}

#define merge_or_skip()                                                    \
	do {                                                               \
		if (merge_pages(self))                                     \
			SKIP(return, "no page merging: set CONFIG_KSM");   \
		ASSERT_TRUE(merged(self))                                  \
		{                                                          \
			TH_LOG(KSM_MERGED_NOTHING);                        \
		}                                                          \
	} while (0)

/*
 *   0   1
 *   |-p-|		protected: it becomes the page for both
 *       |-p-|		protected
 *       |-r-|		replaced
 *
 * Either page can be the one that stays; a busy page is tried again.
 */
TEST_F(caller_ksm, merge_tells_of_protecting_two_pages_and_replacing_one)
{
	struct mmun_records log;
	int first, second;

	fill_shadow(self->watch, MMUN_WRITE, NULL);
	merge_or_skip();
	mmun_read_all(self->fd, &log);
	first = expect_told(&log, 1, 256, &self->watch, MMUN_EVENT_CLEAR,
			    self->map, self->page);
	second = expect_told(&log, 1, 256, &self->watch, MMUN_EVENT_CLEAR,
			     self->map + self->page, self->page);
	expect_count(&log, 3, 256, first + second);
	expect_total(&log, first + second);
}

TEST_F(caller_ksm, device_follows_a_merge_and_a_write_that_ends_it)
{
	__u64 entries[2];

	fill_shadow(self->watch, MMUN_WRITE, entries);
	EXPECT_NE(entry_pfn(entries[0]), entry_pfn(entries[1]));
	merge_or_skip();
	expect_dropped(self->watch);
	fill_shadow(self->watch, 0, entries);
	EXPECT_EQ(entry_pfn(entries[0]), entry_pfn(entries[1]));
	mmun_drain_log(self->fd);
	cpu_write(self->map, 'w');
	mmun_expect_event(self->watch.id, MMUN_EVENT_CLEAR, self->map,
			  self->page);
	mmun_expect_no_event();
	mmun_err_access(EFAULT, self->watch.id, self->map, 1, 0);
	verify(self->watch, 1);
	expect_device_reads(self->watch, 'w');
}

/* Huge pages of a file: whoever collapses them, all who map them are told. */

#define NO_FILE_COLLAPSE \
	"no huge pages of files: set CONFIG_TRANSPARENT_HUGEPAGE, CONFIG_BASE_FULL, boot with MEM=1G"

FIXTURE(caller_collapse) {
	int fd;
	size_t page;
	int memfd;
	char *map;
	struct helper helper;
};

FIXTURE_VARIANT(caller_collapse) {
	bool another;
	int huge_min;
};

FIXTURE_VARIANT_ADD(caller_collapse, own) {
	.huge_min = 1,
};

FIXTURE_VARIANT_ADD(caller_collapse, of_another_process) {
	.another = true,
};

static int collapse(void *map)
{
	touch(map);
	return madvise(map, HUGE_SIZE, MADV_COLLAPSE);
}

FIXTURE_SETUP(caller_collapse)
{
	size_t i;

	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->memfd = new_memfd(HUGE_SIZE, 0);
	ASSERT_LE(0, self->memfd);
	self->map = arena_aligned(HUGE_SIZE, HUGE_SIZE);
	ASSERT_NE(NULL, self->map);
	ASSERT_NE(NULL, map_file(self->map, HUGE_SIZE, PROT_READ | PROT_WRITE,
				 MAP_SHARED, self->memfd));
	for (i = 0; i < HUGE_SIZE / self->page; i++)
		memset(self->map + i * self->page, i + 1, self->page);
	ASSERT_EQ(0, helper_start(&self->helper, collapse, self->map));
}

FIXTURE_TEARDOWN(caller_collapse)
{
	helper_end(&self->helper);
	close(self->memfd);
	close(self->fd);
}

/*
 * The small pages may be unmapped before, one by one; then it may be left to
 * khugepaged to give another process the huge one.
 *
 *   0    5               300        512
 *   |----w----------------w----------|
 *   |--------------event-------------|
 */
TEST_F(caller_collapse, of_a_file_tells_of_the_huge_page)
{
	static const int watched[] = { 5, 300 };
	struct watch w[2];
	struct mmun_records log;
	int i, huge, small, total = 0;

	for (i = 0; i < 2; i++) {
		w[i] = watch_range(self->map + watched[i] * self->page,
				   self->page);
		fill_shadow(w[i], 0, NULL);
	}
	if (variant->another ? helper_work(&self->helper) : collapse(self->map))
		SKIP(return, NO_FILE_COLLAPSE);
	mmun_read_all(self->fd, &log);
	for (i = 0; i < 2; i++) {
		huge = expect_told(&log, variant->huge_min, 2, &w[i],
				   MMUN_EVENT_CLEAR, self->map, HUGE_SIZE);
		small = expect_told(&log, !huge, 1, &w[i], MMUN_EVENT_CLEAR,
				    w[i].start, self->page);
		total += huge + small;
		expect_dropped(w[i]);
		expect_device_reads(w[i], watched[i] + 1);
	}
	expect_total(&log, total);
}

/* Migration from one node to another. */

#define PAGES	16
#define OP	9

struct migration {
	char *at;
	size_t length;
	int node;
	int (*move)(struct migration *m);
};

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

static int migrate(void *arg)
{
	struct migration *m = arg;

	touch(m->at);
	return m->move(m);
}

FIXTURE(caller_migrate) {
	int fd;
	size_t page;
	int memfd;
	struct migration migration;
	struct helper helper;
	bool huge;
};

FIXTURE_VARIANT(caller_migrate) {
	int (*move)(struct migration *m);
	bool huge;
	bool another;
};

FIXTURE_VARIANT_ADD(caller_migrate, by_move_pages) {
	.move = by_move_pages,
};

FIXTURE_VARIANT_ADD(caller_migrate, by_mbind) {
	.move = by_mbind,
};

FIXTURE_VARIANT_ADD(caller_migrate, by_another_process) {
	.move = by_move_pages,
	.another = true,
};

FIXTURE_VARIANT_ADD(caller_migrate, of_a_huge_page) {
	.move = by_move_pages,
	.huge = true,
};

/* What migrates is one small page in a mapping, or one huge page after it. */
static int map_for_migration(FIXTURE_DATA(caller_migrate) *self,
			     const FIXTURE_VARIANT(caller_migrate) *variant)
{
	size_t length = variant->huge ? 2 * HUGE_SIZE : PAGES * self->page;
	char *p = arena_aligned(length, HUGE_SIZE);

	self->migration.length = variant->huge ? HUGE_SIZE : self->page;
	self->migration.at = p + (variant->huge ? HUGE_SIZE : OP * self->page);
	self->memfd = new_memfd(length, 0);
	if (self->memfd < 0 || !p)
		return -1;
	if (!(variant->another ?
	      map_file(p, length, PROT_READ | PROT_WRITE, MAP_SHARED,
		       self->memfd) : mmun_map(p, length)))
		return -1;
	memset(p, 'm', length);
	if (variant->huge) {
		/* Only that: khugepaged must leave its neighbour alone. */
		madvise(self->migration.at, HUGE_SIZE, MADV_HUGEPAGE);
		self->huge = !collapse(self->migration.at);
	}
	return 0;
}

FIXTURE_SETUP(caller_migrate)
{
	struct migration *m = &self->migration;

	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, map_for_migration(self, variant));
	m->node = node_of(m->at) == 0;
	m->move = variant->move;
	if (variant->another)
		ASSERT_EQ(0, helper_start(&self->helper, migrate, m));
}

FIXTURE_TEARDOWN(caller_migrate)
{
	if (variant->another)
		helper_end(&self->helper);
	close(self->memfd);
	close(self->fd);
}

/*
 *   |-other-|---------migrates---------|
 *           |-------------|in|---------|
 *           |----------event-----------|
 */
TEST_F(caller_migrate, tells_of_exactly_what_migrates)
{
	struct migration *m = &self->migration;
	struct watch in, other;
	struct mmun_records log;
	__u64 before, after;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "no second node: set CONFIG_NUMA_EMU and boot with numa=fake=2");
	if (variant->huge && !self->huge)
		SKIP(return, "no MADV_COLLAPSE: set CONFIG_TRANSPARENT_HUGEPAGE");
	in = watch_range(m->at + (variant->huge ? 300 * self->page : 0),
			 self->page);
	other = watch_range(m->at - self->page, self->page);
	fill_shadow(in, MMUN_WRITE, &before);
	fill_shadow(other, MMUN_WRITE, NULL);
	ASSERT_EQ(0, variant->another ? helper_work(&self->helper) : migrate(m));
	mmun_read_all(self->fd, &log);
	expect_told(&log, 1, 1, &in, MMUN_EVENT_CLEAR, m->at, m->length);
	expect_total(&log, 1);
	expect_dropped(in);
	expect_kept(other);
	fill_shadow(in, 0, &after);
	EXPECT_NE(entry_pfn(before), entry_pfn(after));
	EXPECT_EQ(m->node, node_of(m->at));
	expect_device_reads(in, 'm');
}

/* Swap and writeback, on a disk in memory. */

#define DISK		"/dev/zram0"
#define DISK_SIZE	"/sys/block/zram0/disksize"
#define DISK_RESET	"/sys/block/zram0/reset"
#define DISK_BYTES	(8UL << 20)
#define NO_DISK		"no /dev/zram0 that is free: set CONFIG_ZRAM=y"

FIXTURE(caller_disk) {
	int fd;
	size_t page;
	int disk;
	char *map;
	struct janitor janitor;
};

static int remove_disk(const char *path, const char *before)
{
	(void)path;
	(void)before;
	swapoff(DISK);
	return mmun_write_file(DISK_RESET, "1");
}

/* One that is in use is not for us. */
static int make_disk(struct janitor *janitor)
{
	if (mmun_read_number(DISK_SIZE) ||
	    janitor_start(janitor, remove_disk, DISK_SIZE) ||
	    mmun_write_file(DISK_SIZE, "8M"))
		return -1;
	return open(DISK, O_RDWR | O_CLOEXEC);
}

FIXTURE_SETUP(caller_disk)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->disk = make_disk(&self->janitor);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pin_to_this_cpu());
	self->map = mmun_arena(PAGES);
	ASSERT_NE(NULL, self->map);
}

FIXTURE_TEARDOWN(caller_disk)
{
	munmap(self->map, PAGES * self->page);
	close(self->disk);
	close(self->fd);
	EXPECT_EQ(0, janitor_end(&self->janitor));
}

/* What mkswap writes: one page of header, the rest to swap on. */
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
 *   |-w-|           |-w-|-w-|			only page 9 is told
 *                       |op-|
 */
TEST_F(caller_disk, pageout_to_swap_tells_of_the_page_and_not_of_the_first)
{
	static const int watched[] = { 0, OP - 1, OP };
	struct watch w[3];
	struct mmun_records log;
	char *at = self->map + OP * self->page;
	int i;

	if (self->disk < 0)
		SKIP(return, NO_DISK);
	if (access("/proc/swaps", F_OK))
		SKIP(return, "no swap: set CONFIG_SWAP");
	ASSERT_EQ(0, make_swap(self->disk, self->page));
	ASSERT_EQ(0, mmun_stay_on_this_cpu());
	ASSERT_NE(NULL, mmun_map_filled(self->map, PAGES));
	for (i = 0; i < 3; i++) {
		w[i] = watch_range(self->map + watched[i] * self->page,
				   self->page);
		fill_shadow(w[i], MMUN_WRITE, NULL);
	}
	ASSERT_EQ(0, madvise(at, self->page, MADV_PAGEOUT));
	mmun_read_all(self->fd, &log);
	expect_told(&log, 1, 1, &w[2], MMUN_EVENT_CLEAR, at, self->page);
	expect_total(&log, 1);
	expect_kept(w[0]);
	expect_kept(w[1]);
	expect_dropped(w[2]);
	expect_device_reads(w[2], OP + 1);
}

/*
 *   0   1   2  ...  8   9   10  ...  16
 *                   |-w-|-w-|
 *   |-----------msync----------------|		only page 9 is dirty
 */
TEST_F(caller_disk, msync_tells_of_the_dirty_page_that_it_protects)
{
	char *at = self->map + OP * self->page;
	struct watch clean, dirty;
	struct mmun_records log;

	if (self->disk < 0)
		SKIP(return, NO_DISK);
	ASSERT_NE(NULL, map_file(self->map, PAGES * self->page,
				 PROT_READ | PROT_WRITE, MAP_SHARED,
				 self->disk));
	ASSERT_EQ(0, madvise(self->map, PAGES * self->page, MADV_RANDOM));
	clean = watch_range(at - self->page, self->page);
	dirty = watch_range(at, self->page);
	fill_shadow(clean, 0, NULL);
	fill_shadow(dirty, MMUN_WRITE, NULL);
	mmun_device_write(dirty.id, at, 1, "d");
	ASSERT_EQ(0, msync(self->map, PAGES * self->page, MS_SYNC));
	mmun_read_all(self->fd, &log);
	expect_told(&log, 1, 1, &dirty, MMUN_EVENT_PROTECTION_PAGE, at,
		    self->page);
	expect_total(&log, 1);
	mmun_err_access(EFAULT, dirty.id, at, 1, MMUN_WRITE);
	expect_kept(clean);
	expect_device_reads(dirty, 'd');
}

/*
 * hugetlb.  Three mappings of one huge page each, all written; the operations
 * work on the second or on all of them.  None splits a mapping: there some
 * kernels before 6.3 lack a lock, which lockdep reports.
 *
 *   0       1       2       3
 *   |private|private|private|
 *           |--op---|
 *   |---------range---------|
 */

#define POOL_PAGES	5
#define HUGE_PAGES	3
#define NO_POOL \
	"no five huge pages in the pool: set CONFIG_HUGETLBFS, boot with MEM=1G"

/* hugetlb of HUGE_SIZE, whatever the default size is */
#define HUGETLB(flag)	((flag) | __builtin_ctzl(HUGE_SIZE) << MAP_HUGE_SHIFT)

/* How many pages of that size are reserved */
static const char *pool(void)
{
	static char path[80];

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages",
		 HUGE_SIZE / 1024);
	return path;
}

static int fill_pool(struct janitor *janitor)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", POOL_PAGES);
	if (janitor_start(janitor, mmun_write_file, pool()) ||
	    mmun_write_file(pool(), number))
		return 0;
	return mmun_read_number(pool()) >= POOL_PAGES;
}

FIXTURE(caller_hugetlb) {
	int fd;
	size_t page;
	char *map;
	bool pool;
	struct helper helper;
	struct janitor janitor;
};

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static char *huge_op_at(FIXTURE_DATA(caller_hugetlb) *self)
{
	return self->map + HUGE_SIZE;
}

static int huge_fork(FIXTURE_DATA(caller_hugetlb) *self)
{
	return helper_start(&self->helper, nothing, NULL);
}

static int huge_write(FIXTURE_DATA(caller_hugetlb) *self)
{
	cpu_write(huge_op_at(self), 2);
	return 0;
}

static int huge_munmap(FIXTURE_DATA(caller_hugetlb) *self)
{
	return munmap(huge_op_at(self), HUGE_SIZE);
}

static int huge_dontneed(FIXTURE_DATA(caller_hugetlb) *self)
{
	return madvise(huge_op_at(self), HUGE_SIZE, MADV_DONTNEED);
}

static int huge_mprotect(FIXTURE_DATA(caller_hugetlb) *self)
{
	return mprotect(huge_op_at(self), HUGE_SIZE, PROT_READ);
}

static int huge_mremap(FIXTURE_DATA(caller_hugetlb) *self)
{
	return mremap(huge_op_at(self), HUGE_SIZE, HUGE_SIZE,
		      MREMAP_MAYMOVE | MREMAP_FIXED,
		      self->map + 2 * HUGE_PAGES * HUGE_SIZE) == MAP_FAILED ?
		-1 : 0;
}

/*
 * How often each event comes.  Kernels before 6.3 nest one more UNMAP where
 * the huge pages are unmapped.
 */
FIXTURE_VARIANT(caller_hugetlb) {
	int (*prepare)(FIXTURE_DATA(caller_hugetlb) *self);
	int (*run)(FIXTURE_DATA(caller_hugetlb) *self);
	bool all;
	int clears;
	int protects;
	int unmaps_min;
	int unmaps_max;
};

FIXTURE_VARIANT_ADD(caller_hugetlb, munmap) {
	.run = huge_munmap, .unmaps_min = 1, .unmaps_max = 2,
};

FIXTURE_VARIANT_ADD(caller_hugetlb, dontneed) {
	.run = huge_dontneed, .clears = 1, .unmaps_max = 1,
};

FIXTURE_VARIANT_ADD(caller_hugetlb, mprotect) {
	.run = huge_mprotect, .protects = 1,
};

/* The page tables move, then the old mapping goes. */
FIXTURE_VARIANT_ADD(caller_hugetlb, mremap) {
	.run = huge_mremap, .clears = 1, .unmaps_min = 1, .unmaps_max = 2,
};

FIXTURE_VARIANT_ADD(caller_hugetlb, fork) {
	.run = huge_fork, .all = true, .clears = 1,
};

FIXTURE_VARIANT_ADD(caller_hugetlb, write_after_fork) {
	.prepare = huge_fork, .run = huge_write, .clears = 1,
};

static char *map_hugetlb(char *at)
{
	char *p;
	int i;

	for (i = 0; i < HUGE_PAGES; i++) {
		p = map_file(at + i * HUGE_SIZE, HUGE_SIZE,
			     PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS |
			     HUGETLB(MAP_HUGETLB), -1);
		if (!p)
			return NULL;
		cpu_write(p, 1);
	}
	return at;
}

FIXTURE_SETUP(caller_hugetlb)
{
	self->helper.wake = -1;
	self->page = sysconf(_SC_PAGESIZE);
	self->pool = fill_pool(&self->janitor);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = arena_aligned(3 * HUGE_PAGES * HUGE_SIZE, HUGE_SIZE);
	ASSERT_NE(NULL, self->map);
	if (self->pool)
		ASSERT_NE(NULL, map_hugetlb(self->map));
}

FIXTURE_TEARDOWN(caller_hugetlb)
{
	helper_end(&self->helper);
	munmap(self->map, 3 * HUGE_PAGES * HUGE_SIZE);
	close(self->fd);
	EXPECT_EQ(0, janitor_end(&self->janitor));
}

TEST_F(caller_hugetlb, raises_its_events_for_exactly_its_huge_pages)
{
	int i, dropped = variant->all ? HUGE_PAGES : 1, total = 0;
	struct mmun_records log;
	struct watch w;

	if (!self->pool)
		SKIP(return, NO_POOL);
	if (variant->prepare)
		ASSERT_EQ(0, variant->prepare(self));
	w = watch_range(self->map, HUGE_PAGES * HUGE_SIZE);
	fill_shadow(w, 0, NULL);
	ASSERT_EQ(0, variant->run(self));
	mmun_read_all(self->fd, &log);
	for (i = 0; i < HUGE_PAGES; i++) {
		char *at = self->map + i * HUGE_SIZE;

		if (!variant->all && at != huge_op_at(self))
			continue;
		total += expect_told(&log, variant->clears, variant->clears,
				     &w, MMUN_EVENT_CLEAR, at, HUGE_SIZE);
		total += expect_told(&log, variant->protects,
				     variant->protects, &w,
				     MMUN_EVENT_PROTECTION_VMA, at, HUGE_SIZE);
		total += expect_told(&log, variant->unmaps_min,
				     variant->unmaps_max, &w,
				     MMUN_EVENT_UNMAP, at, HUGE_SIZE);
		mmun_err_access(EFAULT, w.id, at, 1, 0);
		mmun_err_access(EFAULT, w.id, at + HUGE_SIZE - 1, 1, 0);
	}
	expect_total(&log, total);
	verify(w, (HUGE_PAGES - dropped) * HUGE_SIZE / self->page);
}

/*
 * Where a file covers a whole page table, processes share the table, and to
 * change one page in it a process may leave it: all of it is invalidated.
 *
 *   0     1     2     3     4    ...   500   501  ...   512
 *   |-----|--w--|-----|--w--|----------|--w--|-----------|
 *                     |op---|
 *   |------------------------event-----------------------|
 */

FIXTURE(caller_table) {
	int fd;
	size_t page;
	int memfd;
	int uffd;
	char *map;
	bool pool;
	pid_t sharer;
	struct janitor janitor;
};

static char *table_page(FIXTURE_DATA(caller_table) *self, int nr)
{
	return self->map + nr * HUGE_SIZE;
}

static int table_dontneed(FIXTURE_DATA(caller_table) *self)
{
	return madvise(table_page(self, 3), HUGE_SIZE, MADV_DONTNEED);
}

static int table_register(FIXTURE_DATA(caller_table) *self)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
	};
	struct uffdio_register reg = {
		.range = { mmun_u64(self->map), TABLE_SIZE },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	self->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (self->uffd < 0 || ioctl(self->uffd, UFFDIO_API, &api) ||
	    ioctl(self->uffd, UFFDIO_REGISTER, &reg))
		return -1;
	touch(table_page(self, 1));
	touch(table_page(self, 3));
	return 0;
}

static int table_writeprotect(FIXTURE_DATA(caller_table) *self)
{
	struct uffdio_writeprotect wp = {
		.range = { mmun_u64(table_page(self, 3)), HUGE_SIZE },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return ioctl(self->uffd, UFFDIO_WRITEPROTECT, &wp);
}

FIXTURE_VARIANT(caller_table) {
	int (*prepare)(FIXTURE_DATA(caller_table) *self);
	int (*run)(FIXTURE_DATA(caller_table) *self);
	const char *needs;
	__u32 event;
	int unmaps_max;		/* kernels before 6.3 nest one */
};

FIXTURE_VARIANT_ADD(caller_table, dontneed) {
	.run = table_dontneed,
	.event = MMUN_EVENT_CLEAR, .unmaps_max = 1,
};

/* mprotect() would split the mapping first, which ends the sharing. */
FIXTURE_VARIANT_ADD(caller_table, writeprotect) {
	.prepare = table_register, .run = table_writeprotect,
	.needs = "no uffd-wp: set CONFIG_USERFAULTFD, CONFIG_HAVE_ARCH_USERFAULTFD_WP",
	.event = MMUN_EVENT_PROTECTION_VMA,
};

/* Stopped, it maps the table until it is killed. */
static pid_t share_table(char *map)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		touch(map + HUGE_SIZE);
		raise(SIGSTOP);
		_exit(0);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return -1;
	return pid;
}

static int map_table(FIXTURE_DATA(caller_table) *self)
{
	self->memfd = new_memfd(TABLE_SIZE, HUGETLB(MFD_HUGETLB));
	if (self->memfd < 0 ||
	    !map_file(self->map, TABLE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_NORESERVE, self->memfd))
		return -1;
	cpu_write(table_page(self, 1), 1);
	cpu_write(table_page(self, 3), 3);
	return 0;
}

FIXTURE_SETUP(caller_table)
{
	self->memfd = -1;
	self->uffd = -1;
	self->page = sysconf(_SC_PAGESIZE);
	self->pool = fill_pool(&self->janitor);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = arena_aligned(TABLE_SIZE, TABLE_SIZE);
	ASSERT_NE(NULL, self->map);
	if (self->pool) {
		ASSERT_EQ(0, map_table(self));
		self->sharer = share_table(self->map);
		ASSERT_LT(0, self->sharer);
	}
}

FIXTURE_TEARDOWN(caller_table)
{
	if (self->sharer > 0) {
		kill(self->sharer, SIGKILL);
		mmun_wait_child(self->sharer);
	}
	munmap(self->map, TABLE_SIZE);
	close(self->uffd);
	close(self->memfd);
	close(self->fd);
	EXPECT_EQ(0, janitor_end(&self->janitor));
}

TEST_F(caller_table, that_may_be_shared_is_invalidated_as_a_whole)
{
	static const int watched[] = { 3, 1, 500 };
	struct watch w[3];
	struct mmun_records log;
	int i, near, total = 0;

	if (!self->pool)
		SKIP(return, NO_POOL);
	if (variant->prepare && variant->prepare(self))
		SKIP(return, "%s", variant->needs);
	for (i = 0; i < 3; i++)
		w[i] = watch_range(table_page(self, watched[i]), self->page);
	fill_shadow(w[0], 0, NULL);
	fill_shadow(w[1], 0, NULL);
	ASSERT_EQ(0, variant->run(self));
	mmun_read_all(self->fd, &log);
	near = event_count(&log, &w[0], MMUN_EVENT_UNMAP, self->map,
			   TABLE_SIZE);
	for (i = 0; i < 3; i++) {
		total += expect_told(&log, 1, 1, &w[i], variant->event,
				     self->map, TABLE_SIZE);
		total += expect_told(&log, near, variant->unmaps_max, &w[i],
				     MMUN_EVENT_UNMAP, self->map, TABLE_SIZE);
	}
	expect_total(&log, total);
	expect_dropped(w[0]);
	expect_dropped(w[1]);
	expect_device_reads(w[1], 1);
}

/* Breakpoints: the kernel replaces a page of code by a copy. */

#define UPROBE_TYPE	"/sys/bus/event_source/devices/uprobe/type"
#define CODE		"\x90\xc3"	/* nop, ret */
#define BREAKPOINT	0xcc

FIXTURE(caller_uprobe) {
	int fd;
	size_t page;
	int memfd;
	char *map;
};

FIXTURE_SETUP(caller_uprobe)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->memfd = new_memfd(3 * self->page, 0);
	ASSERT_LE(0, self->memfd);
	ASSERT_EQ(2, pwrite(self->memfd, CODE, 2, self->page));
	self->map = mmun_arena(3);
	ASSERT_NE(NULL, self->map);
	ASSERT_NE(NULL, map_file(self->map, 3 * self->page,
				 PROT_READ | PROT_EXEC, MAP_PRIVATE,
				 self->memfd));
}

FIXTURE_TEARDOWN(caller_uprobe)
{
	close(self->memfd);
	close(self->fd);
}

/* On the first instruction of the second page, for as long as it is open. */
static int set_breakpoint(FIXTURE_DATA(caller_uprobe) *self)
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
 *   0   1   2   3
 *   |---|-x-|---|
 */
TEST_F(caller_uprobe, setting_and_clearing_it_tell_of_its_page)
{
	char *at = self->map + self->page;
	struct watch w;
	struct mmun_records log;
	int probe;

	if (mmun_read_number(UPROBE_TYPE) < 0)
		SKIP(return, "no breakpoints by perf: set CONFIG_UPROBE_EVENTS");
	w = watch_range(self->map, 3 * self->page);
	fill_shadow(w, 0, NULL);
	probe = set_breakpoint(self);
	ASSERT_LE(0, probe);
	mmun_read_all(self->fd, &log);
	expect_told(&log, 1, 1, &w, MMUN_EVENT_CLEAR, at, self->page);
	expect_total(&log, 1);
	mmun_err_access(EFAULT, w.id, at, 1, 0);
	verify(w, 2);
	fill_shadow(w, 0, NULL);
	expect_byte(w.id, at, BREAKPOINT);
	ASSERT_EQ(0, close(probe));
	mmun_read_all(self->fd, &log);
	expect_told(&log, 1, 1, &w, MMUN_EVENT_CLEAR, at, self->page);
	expect_total(&log, 1);
	mmun_err_access(EFAULT, w.id, at, 1, 0);
	verify(w, 2);
	fill_shadow(w, 0, NULL);
	expect_byte(w.id, at, CODE[0]);
}

MMUN_HARNESS_MAIN
