// SPDX-License-Identifier: GPL-2.0
/*
 * Tests fork(): the kernel write-protects the pages of the parent, which
 * invalidates the ranges of the parent.  The child has no subscription, and
 * never reads what the device writes.
 */
#include "lib/mmun.h"
#include "lib/process.h"
#include "lib/range.h"

#define PAGES 8
#define LENGTH (PAGES * sysconf(_SC_PAGESIZE))
#define FIRST 0x11 /* the byte that fills all pages at the start of a test */
#define CHILD 0x41
#define PARENT 0x21
#define DEVICE 0x51

/* The teardown ends the child that start_child() started. */
#define FORK_FIXTURE(_fixture)                                      \
	FIXTURE(_fixture)                                           \
	{                                                           \
		MMUN_RANGE_FIXTURE;                                 \
		struct mmun_child child;                            \
	};                                                          \
	FIXTURE_TEARDOWN(_fixture)                                  \
	{                                                           \
		if (self->child.pidfd > 0)                          \
			EXPECT_EQ(0, mmun_child_end(&self->child)); \
		EXPECT_EQ(0, close(self->fd));                      \
	}

/*
 * Memory of each kind.  All pages are present and filled with FIRST.  The range
 * covers all pages.
 */
FORK_FIXTURE(fork)

/* @cow: the child has a copy of the memory */
FIXTURE_VARIANT(fork)
{
	int flags;
	bool cow;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(fork, anon_private)  { MAP_PRIVATE | MAP_ANONYMOUS, true };
FIXTURE_VARIANT_ADD(fork, memfd_private) { MAP_PRIVATE, true };
FIXTURE_VARIANT_ADD(fork, memfd_shared)  { MAP_SHARED, false };
/* clang-format on */

/* Map anonymous memory, or a new memfd.  The mapping keeps the file. */
static char *map_kind(char *at, int flags)
{
	int fd = flags & MAP_ANONYMOUS ? -1 : mmun_memfd_sized(LENGTH, 0);
	char *p = mmun_map_file(at, LENGTH, flags, fd);

	close(fd);
	return p;
}

FIXTURE_SETUP(fork)
{
	ASSERT_EQ(0, mmun_stay_on_this_cpu());
	mmun_setup_arena(PAGES);
	ASSERT_NE(NULL, map_kind(self->map, variant->flags));
	memset(self->map, FIRST, LENGTH);
	self->id = insert_pages(0, PAGES);
}

#define start_child() ASSERT_EQ(0, mmun_child_start(&self->child, self->map))
#define child_do(_order, _nr) mmun_child_do(&self->child, _order, _nr)

/* Expect the event that fork() raises for memory that it copies. */
#define expect_copy(_start, _length) \
	mmun_expect_event(self->id, MMUN_EVENT_PROTECTION_PAGE, _start, _length)
#define expect_copy_of_pages(_first, _nr) \
	expect_copy(mmun_page(_first), mmun_pages(_nr))

/* Expect one event of fork() if the child copies memory, or else no event. */
#define expect_fork_event(_start, _length)                      \
	({                                                      \
		struct mmun_record __event = {};                \
		if (variant->cow)                               \
			__event = expect_copy(_start, _length); \
		mmun_expect_no_event();                         \
		__event;                                        \
	})

#define snapshot(_method, _flags, _entries)                                  \
	ASSERT_EQ(PAGES, mmun_snapshot(self->id, self->map, LENGTH, _method, \
				       _flags, _entries))
#define snapshot_write() snapshot(MMUN_METHOD_HMM_FAULT, MMUN_WRITE, NULL)
#define snapshot_look(_entries) snapshot(MMUN_METHOD_HMM_NOFAULT, 0, _entries)
#define expect_present(_nr) EXPECT_EQ(_nr, mmun_verify(self->id))

/*
 * The child inserts a range, reads a byte, and writes @byte.  @fd is a
 * descriptor of the parent.  Returns the byte that the child read.
 */
static int access_by_device(int fd, char *map, __u32 method, char byte)
{
	struct mmun_snapshot snap =
		MMUN_SNAPSHOT_OF(0, map, LENGTH, method, MMUN_WRITE);
	char old = 0;
	__u64 done;

	if (_mmun_insert(fd, map, LENGTH, &snap.id) ||
	    _mmun_snapshot(fd, &snap) || snap.out_valid != PAGES ||
	    _mmun_access(fd, snap.id, map, 1, &old, 0, &done) ||
	    _mmun_access(fd, snap.id, map, 1, &byte, MMUN_WRITE, &done))
		return -1;
	return old;
}

#define ORDER(_name, _expression)            \
	static int _name(void *map, int arg) \
	{                                    \
		return _expression;          \
	}

/* clang-format off */
ORDER(read_byte, mmun_load(map))
ORDER(write_page, !memset(map, arg, sysconf(_SC_PAGESIZE)))
ORDER(write_pages, !memset(map, arg, LENGTH))
ORDER(protect_pages, mprotect(map, LENGTH, PROT_READ))
ORDER(drop_pages, madvise(map, LENGTH, MADV_DONTNEED))
ORDER(unmap_pages, munmap(map, LENGTH))
ORDER(open_device, mmun_open())
ORDER(write_parent_by_gup, access_by_device(arg, map, MMUN_METHOD_GUP, PARENT))
ORDER(write_device_by_hmm, access_by_device(arg, map, MMUN_METHOD_HMM_FAULT, DEVICE))
/* clang-format on */

static int fork_again(void *map, int arg)
{
	struct mmun_child child;

	return mmun_child_start(&child, map) ?: mmun_child_end(&child);
}

TEST_F(fork, invalidates_ranges_only_if_their_memory_is_copied)
{
	start_child();
	expect_fork_event(self->map, LENGTH);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |-------------VMA-----------|
 *           |--range--|              (from the middle of page 2)
 *           |--event--|
 */
TEST_F(fork, event_reports_the_vma_and_its_part_in_the_range)
{
	char *start = mmun_page(2) + self->page / 2;
	struct mmun_record r;

	mmun_remove(self->id);
	self->id = mmun_insert(start, mmun_pages(2));
	start_child();
	r = expect_fork_event(start, mmun_pages(2));
	EXPECT_EQ(variant->cow ? mmun_u64(self->map) : 0, r.start);
	EXPECT_EQ(variant->cow ? mmun_u64(mmun_page(PAGES)) : 0, r.end);
}

TEST_F(fork, of_untouched_memory_raises_no_event)
{
	ASSERT_NE(NULL, map_kind(self->map, variant->flags));
	mmun_drain_log(self->fd);
	start_child();
	mmun_expect_no_event();
}

TEST_F(fork, open_batch_collides_only_if_its_memory_is_copied)
{
	struct mmun_token token;

	mmun_need_feature(MMUN_FEATURE_HMM);
	token = mmun_read_begin(self->id);
	EXPECT_EQ(PAGES, mmun_collect(token, self->map, LENGTH,
				      MMUN_METHOD_HMM_FAULT, MMUN_WRITE));
	start_child();
	EXPECT_EQ(variant->cow, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(variant->cow, mmun_commit(token));
}

TEST_F(fork, entries_lose_write_permission_only_if_memory_is_copied)
{
	__u64 entries[PAGES] = {};

	mmun_need_feature(MMUN_FEATURE_HMM);
	snapshot_write();
	start_child();
	for (int i = 0; variant->cow && i < PAGES; i++)
		expect_no_write(i);
	snapshot_look(entries);
	for (int i = 0; i < PAGES; i++)
		EXPECT_EQ(variant->cow ? 0 : MMUN_PAGE_WRITE,
			  entries[i] & MMUN_PAGE_WRITE);
	if (variant->cow)
		expect_no_write(0);
	expect_present(PAGES);
}

TEST_F(fork, write_of_the_parent_raises_clear_only_if_it_copies_the_page)
{
	char *at = mmun_page(3);

	mmun_need_feature(MMUN_FEATURE_HMM);
	start_child();
	mmun_drain_log(self->fd);
	snapshot_look(NULL);
	mmun_store(at, PARENT);
	if (variant->cow) {
		mmun_expect_event(self->id, MMUN_EVENT_CLEAR, at, self->page);
		expect_no_entry(3);
	}
	mmun_expect_no_event();
	expect_present(variant->cow ? PAGES - 1 : PAGES);
	mmun_snapshot(self->id, at, self->page, MMUN_METHOD_HMM_NOFAULT, 0,
		      NULL);
	EXPECT_EQ(PARENT, device_byte(3));
}

TEST_F(fork, write_of_the_parent_does_not_reach_a_child_with_a_copy)
{
	start_child();
	mmun_store(self->map, PARENT);
	EXPECT_EQ(variant->cow ? FIRST : PARENT, child_do(read_byte, 0));
}

TEST_F(fork, write_of_the_device_does_not_reach_a_child_with_a_copy)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	snapshot_write();
	start_child();
	if (variant->cow)
		expect_no_write(0);
	snapshot_write();
	device_write_byte(0, DEVICE);
	EXPECT_EQ(variant->cow ? FIRST : DEVICE, child_do(read_byte, 0));
	expect_present(PAGES);
}

TEST_F(fork, operations_of_the_child_raise_no_event_in_the_parent)
{
	static const mmun_order_fn orders[] = {
		write_pages, fork_again, protect_pages, drop_pages, unmap_pages,
	};

	mmun_need_feature(MMUN_FEATURE_HMM);
	start_child();
	mmun_drain_log(self->fd);
	snapshot_look(NULL);
	for (int i = 0; i < ARRAY_SIZE(orders); i++) {
		EXPECT_EQ(0, child_do(orders[i], CHILD))
		{
			TH_LOG("operation %d of the child failed", i);
		}
	}
	EXPECT_EQ(0, mmun_child_end(&self->child));
	mmun_expect_no_event();
	expect_present(PAGES);
	EXPECT_EQ(variant->cow ? FIRST : CHILD, mmun_load(self->map));
}

/*
 * After the exit of the child, the pages are no longer shared.  The kernel
 * makes the pages writable without an event.
 */
TEST_F(fork, write_after_the_exit_of_the_child_raises_no_event)
{
	__u64 before[PAGES] = {}, after[PAGES] = {};

	mmun_need_feature(MMUN_FEATURE_HMM);
	start_child();
	ASSERT_EQ(0, mmun_child_end(&self->child));
	mmun_drain_log(self->fd);
	snapshot_look(before);
	memset(self->map, PARENT, LENGTH);
	mmun_expect_no_event();
	expect_present(PAGES);
	snapshot_look(after);
	for (int i = 0; i < PAGES; i++) {
		EXPECT_EQ(mmun_entry_pfn(before[i]), mmun_entry_pfn(after[i]));
		EXPECT_EQ(MMUN_PAGE_WRITE, after[i] & MMUN_PAGE_WRITE);
	}
}

TEST_F(fork, each_fork_raises_an_event_with_a_later_sequence)
{
	struct mmun_child first_child;
	struct mmun_record first, second;

	start_child();
	first_child = self->child;
	first = expect_fork_event(self->map, LENGTH);
	start_child();
	second = expect_fork_event(self->map, LENGTH);
	if (variant->cow)
		EXPECT_LT(first.cur_seq, second.cur_seq);
	EXPECT_EQ(0, mmun_child_end(&first_child));
}

/*
 * The device accesses the memory of the parent, even if the child calls ACCESS.
 */
TEST_F(fork, inherited_descriptor_works_on_the_memory_of_the_parent)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	start_child();
	EXPECT_EQ(0, child_do(write_pages, CHILD));
	EXPECT_EQ(variant->cow ? FIRST : CHILD,
		  child_do(write_parent_by_gup, self->fd));
	EXPECT_EQ(PARENT, child_do(write_device_by_hmm, self->fd));
	EXPECT_EQ(DEVICE, mmun_load(self->map));
	EXPECT_EQ(variant->cow ? CHILD : DEVICE, child_do(read_byte, 0));
	EXPECT_EQ(0, mmun_child_end(&self->child));
	EXPECT_EQ(3, mmun_query_context().out_ranges);
}

TEST_F(fork, inherited_descriptor_works_when_the_child_has_unmapped_all)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	start_child();
	EXPECT_EQ(0, child_do(unmap_pages, 0));
	EXPECT_EQ(FIRST, child_do(write_parent_by_gup, self->fd));
	EXPECT_EQ(PARENT, child_do(write_device_by_hmm, self->fd));
	EXPECT_EQ(DEVICE, mmun_load(self->map));
}

/* The child has its own descriptor and its own range. */
TEST_F(fork, child_with_its_own_range_receives_only_its_own_events)
{
	start_child();
	close(self->fd);
	self->fd = mmun_child_getfd(&self->child, child_do(open_device, 0));
	ASSERT_LE(0, self->fd);
	self->id = insert_pages(0, PAGES);
	memset(mmun_page(1), PARENT, self->page);
	ASSERT_EQ(0, munmap(mmun_page(2), self->page));
	mmun_expect_no_event();
	ASSERT_EQ(0, child_do(write_page, CHILD));
	if (variant->cow)
		mmun_expect_event(self->id, MMUN_EVENT_CLEAR, self->map,
				  self->page);
	mmun_expect_no_event();
}

/*
 * Start a child that shares the mm, and wait until the child exits.  The child
 * unmaps two pages, or no page if @at is NULL.  Returns the exit status of the
 * child.
 */
static int run_sharer(char *at)
{
	size_t length = 2 * sysconf(_SC_PAGESIZE);
	pid_t pid = vfork();

	if (!pid)
		_exit(at && munmap(at, length) ? 1 : 0);
	return pid < 0 ? -1 : mmun_wait_child(pid);
}

TEST_F(fork, exit_of_a_child_that_shares_the_mm_raises_no_release)
{
	__u32 users = mmun_query_context().out_mm_users;

	EXPECT_EQ(0, run_sharer(NULL));
	mmun_expect_no_event();
	EXPECT_EQ(users, mmun_query_context().out_mm_users);
	ASSERT_EQ(0, munmap(self->map, LENGTH));
	mmun_expect_event(self->id, MMUN_EVENT_UNMAP, self->map, LENGTH);
}

TEST_F(fork, munmap_by_a_child_that_shares_the_mm_raises_an_event)
{
	EXPECT_EQ(0, run_sharer(mmun_page(1)));
	mmun_expect_event(self->id, MMUN_EVENT_UNMAP, mmun_page(1),
			  mmun_pages(2));
	mmun_expect_no_event();
}

/* fork() does not copy the memory: the child has no mapping or no contents. */

FORK_FIXTURE(fork_advice)

FIXTURE_VARIANT(fork_advice)
{
	int advice;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(fork_advice, dontfork)   { MADV_DONTFORK };
FIXTURE_VARIANT_ADD(fork_advice, wipeonfork) { MADV_WIPEONFORK };
/* clang-format on */

FIXTURE_SETUP(fork_advice)
{
	setup_range(PAGES, PAGES, PAGES);
}

TEST_F(fork_advice, memory_that_is_not_copied_stays_writable_for_the_device)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, madvise(self->map, LENGTH, variant->advice));
	mmun_drain_log(self->fd);
	snapshot_write();
	start_child();
	mmun_expect_no_event();
	device_write_byte(0, DEVICE);
	expect_present(PAGES);
}

/* Several VMAs */

FORK_FIXTURE(fork_vmas)

FIXTURE_SETUP(fork_vmas)
{
	mmun_setup_arena(PAGES);
}

#define map_pages(_first, _nr) \
	ASSERT_NE(NULL, mmun_map_filled(mmun_page(_first), _nr))

/*
 *   0   1   2   3   4   5   6   7
 *   |private|shared |private|empty|
 *       |------range--------------|
 *       |event|     | event |
 */
TEST_F(fork_vmas, each_copied_vma_of_a_range_has_an_event)
{
	map_pages(0, 2);
	ASSERT_NE(NULL, mmun_map_file(mmun_page(2), mmun_pages(2),
				      MAP_SHARED | MAP_ANONYMOUS, -1));
	mmun_fill(mmun_page(2), 2);
	map_pages(4, 2);
	self->id = insert_pages(1, PAGES - 1);
	start_child();
	expect_copy_of_pages(1, 1);
	expect_copy_of_pages(4, 2);
	mmun_expect_no_event();
}

/*
 * The ranges on both sides of the VMA cover only memory that has no pages.
 *
 *   0   1   2   3   4   5   6   7
 *   | left  |private|right|
 *           | event |
 */
TEST_F(fork_vmas, ranges_beside_the_vma_have_no_event)
{
	map_pages(2, 2);
	insert_pages(0, 2);
	self->id = insert_pages(2, 2);
	insert_pages(4, 2);
	start_child();
	expect_copy_of_pages(2, 2);
	mmun_expect_no_event();
}

MMUN_HARNESS_MAIN
