// SPDX-License-Identifier: GPL-2.0
/*
 * Tests /dev/mmun_floor.  INSERT subscribes to the mm.  LOOK finds the pages
 * that are present, and changes no page.  open() needs privileges, and close()
 * removes all subscriptions.
 */
#include "lib/floor.h"
#include "lib/mmun.h"
#include "lib/process.h"

#define NR_PAGES 16
#define NR_PRESENT 5
#define NR_SUBS 100
#define NR_MANY 1000000

/*
 *	|- - -|  0   1   2  ...  15 |- - -|	pages 0 to 4 are present
 *
 * @fd is /dev/mmun, which reports the references to the mm.  @floor is
 * /dev/mmun_floor.  @cmd is the argument of the latest ioctl.
 */
FIXTURE(floor)
{
	MMUN_FIXTURE;
	int floor;
	struct mmun_floor_cmd cmd;
};

FIXTURE_SETUP(floor)
{
	mmun_setup_arena(NR_PAGES);
	self->floor = floor_open();
	ASSERT_LE(0, self->floor);
	ASSERT_NE(NULL, mmun_map(self->map, NR_PAGES * self->page));
	memset(self->map, 1, NR_PRESENT * self->page);
}

FIXTURE_TEARDOWN(floor)
{
	EXPECT_EQ(0, close(self->floor));
	EXPECT_EQ(0, close(self->fd));
}

#define call(NAME, ...) floor_call(self->floor, NAME, &self->cmd, ##__VA_ARGS__)

/* Insert @_count adjacent subscriptions of one page each. */
#define insert(_start, _count)                                     \
	call(INSERT, .start = mmun_u64(_start), .count = (_count), \
	     .length = self->page, .stride = self->page)

/* Insert one subscription of all pages. */
#define insert_whole()                                         \
	call(INSERT, .start = mmun_u64(self->map), .count = 1, \
	     .length = mmun_pages(NR_PAGES))

/* @_offset and @_length are numbers of bytes. */
#define look(_offset, _length)                               \
	call(LOOK, .start = mmun_u64(self->map + (_offset)), \
	     .length = (_length))

/* Remove all subscriptions, and expect that there were @_count. */
#define remove_set(_count)                              \
	do {                                            \
		ASSERT_EQ(0, call(REMOVE));             \
		EXPECT_EQ(_count, self->cmd.out_count); \
	} while (0)

#define zap_two_pages() \
	ASSERT_EQ(0, madvise(self->map, mmun_pages(2), MADV_DONTNEED))

/* An idle CPU may keep a reference to the mm of the last process it ran. */
static bool is_near(__u64 one, __u64 other)
{
	__u64 cpus = sysconf(_SC_NPROCESSORS_CONF);

	return one <= other + cpus && other <= one + cpus;
}

#define expect_mm_count(count) \
	EXPECT_TRUE(is_near(count, mmun_query_context().out_mm_count))

/* get_cycles() returns 0 if the processor has no counter. */
#define expect_cost() EXPECT_TRUE(self->cmd.out_cost || mmun_is_uml())

TEST_F(floor, each_subscription_holds_the_mm_until_it_is_removed)
{
	const __u64 count = mmun_query_context().out_mm_count;

	ASSERT_EQ(0, insert(self->map, NR_SUBS));
	EXPECT_EQ(NR_SUBS, self->cmd.out_count);
	expect_cost();
	expect_mm_count(count + NR_SUBS);
	remove_set(NR_SUBS);
	expect_cost();
	expect_mm_count(count);
}

/*
 *	|  0  |  1  |  2  |  3  |	one subscription each
 *	|-----------|			invalidated: hits two
 */
TEST_F(floor, each_callback_is_counted)
{
	ASSERT_EQ(0, insert(self->map, 4));
	EXPECT_EQ(0, self->cmd.out_hits);
	zap_two_pages();
	ASSERT_EQ(0, call(REMOVE));
	EXPECT_EQ(2, self->cmd.out_hits);
	memset(self->map, 1, 2 * self->page);
	zap_two_pages();
	EXPECT_ERRNO(ENOENT, call(REMOVE));
	ASSERT_EQ(0, insert(self->map, 1));
	EXPECT_EQ(2, self->cmd.out_hits);
}

#define expect_present(_first, _nr, _count)                              \
	do {                                                             \
		ASSERT_EQ(0, look(mmun_pages(_first), mmun_pages(_nr))); \
		EXPECT_EQ(_count, self->cmd.out_count);                  \
	} while (0)

TEST_F(floor, look_finds_present_pages_and_faults_in_no_page)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, insert_whole());
	expect_present(0, NR_PAGES, NR_PRESENT);
	expect_cost();
	expect_present(0, NR_PAGES, NR_PRESENT);
	expect_cost();
	expect_present(NR_PRESENT - 1, 2, 1);
	ASSERT_EQ(0, munmap(self->map, NR_PAGES * self->page));
	expect_present(0, NR_PAGES, 0);
	EXPECT_EQ(1, self->cmd.out_hits);
}

TEST_F(floor, look_outside_the_first_subscription_is_erange)
{
	const size_t most = mmun_pages(MMUN_FLOOR_MAX_PAGES);
	const size_t page = self->page, whole = mmun_pages(NR_PAGES);

	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_ERRNO(ENOENT, look(0, page));
	ASSERT_EQ(0, insert_whole());
	EXPECT_ERRNO(ERANGE, look(-page, page));
	EXPECT_ERRNO(ERANGE, look(0, whole + page));
	EXPECT_ERRNO(ERANGE, look(whole, page));
	EXPECT_ERRNO(ERANGE, call(LOOK, .start = -page, .length = page));
	EXPECT_ERRNO(ERANGE, look(0, most));
	EXPECT_ERRNO(EINVAL, look(0, most + page));
	EXPECT_ERRNO(EINVAL, look(0, 0));
	EXPECT_ERRNO(EINVAL, look(1, page));
	EXPECT_ERRNO(EINVAL, look(0, page + 1));
}

/* With CONFIG_HMM_MIRROR the error is ENOENT: there is no subscription. */
TEST_F(floor, look_without_hmm_mirror_is_eopnotsupp)
{
	const bool hmm = mmun_has_feature(self->fd, MMUN_FEATURE_HMM);

	EXPECT_ERRNO(hmm ? ENOENT : EOPNOTSUPP, look(0, self->page));
}

TEST_F(floor, second_set_is_ebusy)
{
	__u64 count;

	EXPECT_ERRNO(ENOENT, call(REMOVE));
	ASSERT_EQ(0, insert(self->map, NR_SUBS));
	count = mmun_query_context().out_mm_count;
	EXPECT_ERRNO(EBUSY, insert(self->map, NR_SUBS));
	expect_mm_count(count);
	remove_set(NR_SUBS);
	ASSERT_EQ(0, insert(self->map, 2));
}

/*
 *	... |  -2 |  -1 |		the last pages of the address space
 *	    |- 0 -|			one byte longer than a page
 *	          |- 1 -|		would wrap
 */
TEST_F(floor, insert_stops_at_the_first_failure)
{
	const __u64 count = mmun_query_context().out_mm_count;

	ASSERT_EQ(0, call(INSERT, .start = -2 * self->page, .count = 3,
			  .length = self->page + 1, .stride = self->page));
	EXPECT_EQ(1, self->cmd.out_count);
	remove_set(1);
	EXPECT_ERRNO(EOVERFLOW, insert(-1, 1));
	EXPECT_ERRNO(EOVERFLOW,
		     call(INSERT, .start = mmun_u64(self->map), .count = 1));
	EXPECT_ERRNO(ENOENT, call(REMOVE));
	expect_mm_count(count);
}

TEST_F(floor, count_of_zero_or_above_the_limit_is_einval)
{
	EXPECT_ERRNO(EINVAL, insert(self->map, 0));
	EXPECT_ERRNO(EINVAL, insert(self->map, MMUN_FLOOR_MAX_COUNT + 1));
	EXPECT_ERRNO(EINVAL, insert(self->map, -1));
}

TEST_F(floor, unknown_ioctl_is_enotty_and_bad_pointer_is_efault)
{
	const bool hmm = mmun_has_feature(self->fd, MMUN_FEATURE_HMM);
	char *bad = self->map - self->page;
	const int fd = self->floor;

	EXPECT_ERRNO(ENOTTY, ioctl(fd, MMUN_INFO, bad));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, MMUN_FLOOR_INSERT + 16, bad));
	EXPECT_ERRNO(EFAULT, ioctl(fd, MMUN_FLOOR_INSERT, bad));
	EXPECT_ERRNO(hmm ? EFAULT : EOPNOTSUPP,
		     ioctl(fd, MMUN_FLOOR_LOOK, bad));
	EXPECT_ERRNO(EFAULT, ioctl(fd, MMUN_FLOOR_REMOVE, bad));
}

TEST_F(floor, argument_that_cannot_be_written_is_efault)
{
	ASSERT_EQ(0, insert_whole());
	memset(self->map, 0, self->page);
	ASSERT_EQ(0, mprotect(self->map, self->page, PROT_READ));
	EXPECT_ERRNO(EFAULT, ioctl(self->floor, MMUN_FLOOR_REMOVE, self->map));
}

TEST_F(floor, open_without_cap_sys_admin_is_eperm)
{
	struct stat st;

	ASSERT_EQ(0, stat(FLOOR_DEV, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	EXPECT_EQ(0, st.st_uid);
	ASSERT_EQ(0, mmun_drop_sys_admin());
	EXPECT_ERRNO(EPERM, floor_open());
}

TEST_F(floor, close_removes_the_set)
{
	const __u64 count = mmun_query_context().out_mm_count;

	ASSERT_EQ(0, insert(self->map, NR_SUBS));
	ASSERT_EQ(0, close(self->floor));
	expect_mm_count(count);
	/* If a subscription were left, its callback would use freed memory. */
	zap_two_pages();
	self->floor = floor_open();
}

/* Orders of a child */

static int open_device(void *arg, int is_floor)
{
	return is_floor ? floor_open() : mmun_open();
}

/* The ioctl returns after a million inserts, unless SIGKILL ends it before. */
static int insert_many(void *arg, int fd)
{
	FIXTURE_DATA(floor) *self = arg;
	struct mmun_floor_cmd cmd;

	return floor_call(fd, INSERT, &cmd, .start = mmun_u64(self->map),
			  .length = self->page, .stride = self->page,
			  .count = NR_MANY);
}

/*
 * Start a child that inserts.  Returns a copy of the descriptor of
 * /dev/mmun_floor or /dev/mmun that the child opened.
 */
#define start_child(_child, _is_floor)                                        \
	({                                                                    \
		int __fd[2], __i, __copy;                                     \
		ASSERT_EQ(0, mmun_child_start(_child, self));                 \
		for (__i = 0; __i < 2; __i++)                                 \
			__fd[__i] = mmun_child_do(_child, open_device, __i);  \
		__copy = mmun_child_getfd(_child, __fd[_is_floor]);           \
		ASSERT_LE(0, __copy);                                         \
		ASSERT_EQ(0, mmun_child_order(_child, insert_many, __fd[1])); \
		__copy;                                                       \
	})

#define kill_child(_child)                                         \
	do {                                                       \
		ASSERT_EQ(0, mmun_child_signal(_child, SIGKILL));  \
		EXPECT_EQ(128 + SIGKILL, mmun_child_reap(_child)); \
	} while (0)

TEST_F(floor, signal_ends_an_insert_and_leaves_no_subscription)
{
	struct mmun_query_context state;
	struct mmun_child child;
	int fd, ms;

	for (ms = 1; ms <= 64; ms *= 4) {
		fd = start_child(&child, 0);
		/* SIGKILL arrives during different steps of INSERT. */
		usleep(1000 * ms);
		kill_child(&child);
		/* Only the context of /dev/mmun still refers to the mm. */
		ASSERT_EQ(0, _mmun_query_context(fd, &state));
		EXPECT_TRUE(is_near(1, state.out_mm_count));
		EXPECT_EQ(0, close(fd));
	}
}

TEST_F(floor, set_outlives_its_mm_and_ioctls_return_esrch)
{
	struct mmun_child child;
	int fd = start_child(&child, 1);

	kill_child(&child);
	EXPECT_ERRNO(ESRCH, floor_call(fd, INSERT, &self->cmd, .length = 1,
				       .count = 1));
	EXPECT_ERRNO(ESRCH, floor_call(fd, REMOVE, &self->cmd));
	EXPECT_EQ(0, close(fd));
}

int main(int argc, char **argv)
{
	return mmun_list_or_run(argc, argv, floor_problem());
}
