// SPDX-License-Identifier: GPL-2.0
/*
 * FLOOR does what it says that it counts: its subscriptions are the core's, its
 * look finds what is there and changes nothing; it is for the privileged, and
 * leaves nothing behind, however it ends.
 */
#include <linux/capability.h>
#include "mmun.h"

#define NR_PAGES	16
#define NR_SUBS		100
#define NR_MANY		1000000

/*
 *	|- - -|  0   1   2  ...  15 |- - -|	pages 0 to 4 are there
 */
FIXTURE(floor)
{
	int fd;
	size_t page;
	char *map;
};

FIXTURE_SETUP(floor)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_map(mmun_arena(NR_PAGES), NR_PAGES * self->page);
	ASSERT_NE(NULL, self->map);
	madvise(self->map, NR_PAGES * self->page, MADV_NOHUGEPAGE);
	memset(self->map, 1, 5 * self->page);
}

FIXTURE_TEARDOWN(floor)
{
	EXPECT_EQ(0, close(self->fd));
}

/* @count subscriptions over the page at @start, each a page after the last. */
static int insert_floor(FIXTURE_DATA(floor) *self, __u64 start, __u64 count,
			struct mmun_floor *cmd)
{
	*cmd = (struct mmun_floor){
		.start = start,
		.length = self->page,
		.stride = self->page,
		.count = count,
	};
	return _mmun_floor(self->fd, MMUN_FLOOR_INSERT, cmd);
}

static int remove_floor(FIXTURE_DATA(floor) *self, struct mmun_floor *cmd)
{
	*cmd = (struct mmun_floor){ };
	return _mmun_floor(self->fd, MMUN_FLOOR_REMOVE, cmd);
}

static int look(FIXTURE_DATA(floor) *self, const char *start, size_t pages,
		struct mmun_floor *cmd)
{
	*cmd = (struct mmun_floor){
		.start = mmun_u64(start),
		.length = pages * self->page,
	};
	return _mmun_floor(self->fd, MMUN_FLOOR_LOOK, cmd);
}

/* One subscription over all of the map. */
static int insert_over_map(FIXTURE_DATA(floor) *self)
{
	struct mmun_floor cmd = {
		.start = mmun_u64(self->map),
		.length = NR_PAGES * self->page,
		.count = 1,
	};

	return _mmun_floor(self->fd, MMUN_FLOOR_INSERT, &cmd);
}

/* An idle CPU may keep a reference to the mm of who was there last. */
static bool same_mm_count(__u64 one, __u64 other)
{
	__u64 cpus = sysconf(_SC_NPROCESSORS_CONF);

	return one <= other + cpus && other <= one + cpus;
}

/* get_cycles() is 0 where the processor has no counter. */
static bool is_cost(__u64 cost)
{
	return cost || mmun_is_uml();
}

TEST_F(floor, each_subscription_holds_the_mm_until_it_is_removed)
{
	struct mmun_state before = mmun_state(), after;
	struct mmun_floor cmd;

	ASSERT_EQ(0, insert_floor(self, mmun_u64(self->map), NR_SUBS, &cmd));
	EXPECT_EQ(NR_SUBS, cmd.out_done);
	EXPECT_TRUE(is_cost(cmd.out_cost));
	after = mmun_state();
	EXPECT_TRUE(same_mm_count(before.out_mm_count + NR_SUBS,
				  after.out_mm_count));
	EXPECT_LT(before.out_memory, after.out_memory);
	ASSERT_EQ(0, remove_floor(self, &cmd));
	EXPECT_EQ(NR_SUBS, cmd.out_done);
	EXPECT_TRUE(is_cost(cmd.out_cost));
	after = mmun_state();
	EXPECT_TRUE(same_mm_count(before.out_mm_count, after.out_mm_count));
	EXPECT_EQ(before.out_memory, after.out_memory);
}

/*
 *	|  0  |  1  |  2  |  3  |	a subscription each
 *	   |---------|			hits two of them
 */
TEST_F(floor, each_callback_is_counted)
{
	struct mmun_floor cmd;

	ASSERT_EQ(0, insert_floor(self, mmun_u64(self->map), 4, &cmd));
	EXPECT_EQ(0, cmd.out_hits);
	ASSERT_EQ(0, madvise(self->map, 2 * self->page, MADV_DONTNEED));
	ASSERT_EQ(0, remove_floor(self, &cmd));
	EXPECT_EQ(2, cmd.out_hits);
	memset(self->map, 1, 2 * self->page);
	ASSERT_EQ(0, madvise(self->map, 2 * self->page, MADV_DONTNEED));
	EXPECT_ERRNO(ENOENT, remove_floor(self, &cmd));
	ASSERT_EQ(0, insert_floor(self, mmun_u64(self->map), 1, &cmd));
	EXPECT_EQ(2, cmd.out_hits);
}

TEST_F(floor, a_look_finds_what_is_there_and_faults_nothing_in)
{
	struct mmun_floor cmd;
	int i;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, insert_over_map(self));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, look(self, self->map, NR_PAGES, &cmd));
		EXPECT_EQ(5, cmd.out_done);
		EXPECT_TRUE(is_cost(cmd.out_cost));
	}
	ASSERT_EQ(0, look(self, self->map + 4 * self->page, 2, &cmd));
	EXPECT_EQ(1, cmd.out_done);
	ASSERT_EQ(0, munmap(self->map, NR_PAGES * self->page));
	ASSERT_EQ(0, look(self, self->map, NR_PAGES, &cmd));
	EXPECT_EQ(0, cmd.out_done);
}

TEST_F(floor, a_look_stays_inside_the_first_subscription)
{
	const size_t huge = mmun_info().out_max_batch_pages;
	struct mmun_floor cmd;

	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_ERRNO(ENOENT, look(self, self->map, 1, &cmd));
	ASSERT_EQ(0, insert_over_map(self));
	EXPECT_ERRNO(ERANGE, look(self, self->map - self->page, 1, &cmd));
	EXPECT_ERRNO(ERANGE, look(self, self->map, NR_PAGES + 1, &cmd));
	EXPECT_ERRNO(ERANGE,
		     look(self, self->map + NR_PAGES * self->page, 1, &cmd));
	EXPECT_ERRNO(ERANGE, look(self, (char *)-self->page, 1, &cmd));
	EXPECT_ERRNO(ERANGE, look(self, self->map, huge, &cmd));
	EXPECT_ERRNO(EINVAL, look(self, self->map, huge + 1, &cmd));
	EXPECT_ERRNO(EINVAL, look(self, self->map, 0, &cmd));
	EXPECT_ERRNO(EINVAL, look(self, self->map + 1, 1, &cmd));
}

TEST_F(floor, a_second_set_is_ebusy)
{
	struct mmun_state before;
	struct mmun_floor cmd;

	EXPECT_ERRNO(ENOENT, remove_floor(self, &cmd));
	ASSERT_EQ(0, insert_floor(self, mmun_u64(self->map), 2, &cmd));
	before = mmun_state();
	EXPECT_ERRNO(EBUSY,
		     insert_floor(self, mmun_u64(self->map), 2, &cmd));
	EXPECT_EQ(before.out_memory, mmun_state().out_memory);
	ASSERT_EQ(0, remove_floor(self, &cmd));
	EXPECT_EQ(2, cmd.out_done);
	ASSERT_EQ(0, insert_floor(self, mmun_u64(self->map), 2, &cmd));
}

/*
 *	... |  -2 |  -1 |		the last pages of the address space
 *	    |- 0 -|			one byte longer than a page
 *	          |- 1 -|		would wrap
 */
TEST_F(floor, it_stops_at_the_first_that_fails)
{
	struct mmun_state before = mmun_state();
	struct mmun_floor cmd = {
		.start = -2 * self->page,
		.length = self->page + 1,
		.stride = self->page,
		.count = 3,
	};

	ASSERT_EQ(0, _mmun_floor(self->fd, MMUN_FLOOR_INSERT, &cmd));
	EXPECT_EQ(1, cmd.out_done);
	ASSERT_EQ(0, remove_floor(self, &cmd));
	EXPECT_EQ(1, cmd.out_done);
	EXPECT_ERRNO(EOVERFLOW, insert_floor(self, -1, 1, &cmd));
	cmd = (struct mmun_floor){ .start = mmun_u64(self->map), .count = 1 };
	EXPECT_ERRNO(EOVERFLOW, _mmun_floor(self->fd, MMUN_FLOOR_INSERT, &cmd));
	EXPECT_ERRNO(ENOENT, remove_floor(self, &cmd));
	EXPECT_EQ(before.out_memory, mmun_state().out_memory);
	EXPECT_TRUE(same_mm_count(before.out_mm_count,
				  mmun_state().out_mm_count));
}

TEST_F(floor, what_an_operation_has_no_use_for_must_be_zero)
{
	const struct mmun_floor wrong[] = {
		{ .start = self->page },
		{ .length = self->page },
		{ .stride = self->page },
		{ .count = 1 },
	};
	struct mmun_floor cmd;
	int i;

	ASSERT_EQ(0, insert_over_map(self));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		cmd = wrong[i];
		EXPECT_ERRNO(EINVAL,
			     _mmun_floor(self->fd, MMUN_FLOOR_REMOVE, &cmd));
	}
	EXPECT_EQ(0, remove_floor(self, &cmd));
}

TEST_F(floor, more_than_the_memory_that_there_is_for_it_is_enospc)
{
	const struct mmun_info info = mmun_info();
	struct mmun_state before = mmun_state();
	struct mmun_floor cmd;

	EXPECT_ERRNO(EINVAL, insert_floor(self, 0, 0, &cmd));
	EXPECT_ERRNO(EINVAL, insert_floor(self, 0, info.out_max_bulk + 1,
					  &cmd));
	/* A subscription has five words at least. */
	if (info.out_max_memory < info.out_max_bulk * 5 * 8)
		EXPECT_ERRNO(ENOSPC, insert_floor(self, 0, info.out_max_bulk,
						  &cmd));
	EXPECT_EQ(before.out_memory, mmun_state().out_memory);
	EXPECT_TRUE(same_mm_count(before.out_mm_count,
				  mmun_state().out_mm_count));
}

static int drop_sys_admin(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -1;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &head, data);
}

TEST_F(floor, nothing_of_it_is_for_who_calls_without_cap_sys_admin)
{
	struct mmun_state before;
	struct mmun_floor cmd;

	ASSERT_EQ(0, insert_over_map(self));
	before = mmun_state();
	ASSERT_EQ(0, drop_sys_admin());
	EXPECT_ERRNO(EPERM, insert_floor(self, mmun_u64(self->map), 1, &cmd));
	EXPECT_ERRNO(EPERM, remove_floor(self, &cmd));
	if (mmun_info().out_features & MMUN_FEATURE_HMM)
		EXPECT_ERRNO(EPERM, look(self, self->map, 1, &cmd));
	EXPECT_EQ(before.out_memory, mmun_state().out_memory);
	EXPECT_TRUE(same_mm_count(before.out_mm_count,
				  mmun_state().out_mm_count));
}

TEST_F(floor, the_close_removes_what_is_left)
{
	struct mmun_state before = mmun_state();
	int mine = self->fd, other = mmun_open();
	struct mmun_floor cmd;

	ASSERT_LE(0, other);
	self->fd = other;
	ASSERT_EQ(0, insert_floor(self, mmun_u64(self->map), NR_SUBS, &cmd));
	ASSERT_EQ(0, close(other));
	self->fd = mine;
	EXPECT_EQ(before.out_memory, mmun_state().out_memory);
	EXPECT_TRUE(same_mm_count(before.out_mm_count,
				  mmun_state().out_mm_count));
	/* The callbacks were the module's: it would show now. */
	ASSERT_EQ(0, madvise(self->map, 2 * self->page, MADV_DONTNEED));
}

static void insert_many(FIXTURE_DATA(floor) *self)
{
	struct mmun_floor cmd;

	self->fd = mmun_open();
	insert_floor(self, mmun_u64(self->map), NR_MANY, &cmd);
	pause();
}

/* In the middle of a million, and wherever else it is by then. */
TEST_F(floor, a_signal_ends_it_and_leaves_nothing)
{
	struct mmun_state before = mmun_state();
	int fd = self->fd, ms, status;
	pid_t child;

	for (ms = 1; ms <= 64; ms *= 4) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			insert_many(self);
		usleep(1000 * ms);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(SIGKILL, WTERMSIG(status));
	}
	EXPECT_EQ(fd, self->fd);
	EXPECT_EQ(before.out_memory, mmun_state().out_memory);
}

MMUN_HARNESS_MAIN
