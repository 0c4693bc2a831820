// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/mmun_floor does what it counts.  Its subscriptions are subscriptions of the
 * core, its look finds the pages that are there and changes nothing.  It is for the
 * privileged, and leaves nothing behind, however it ends.
 */
#include <sys/stat.h>
#include "lib/mmun.h"
#include "lib/floor.h"

#define NR_PAGES	16
#define NR_SUBS		100
#define NR_MANY		1000000

/*
 *	|- - -|  0   1   2  ...  15 |- - -|	pages 0 to 4 are there
 *
 * fd is /dev/mmun, which counts the references to the mm; floor is
 * /dev/mmun_floor.
 */
FIXTURE(floor)
{
	int fd;
	int floor;
	size_t page;
	char *map;
};

FIXTURE_SETUP(floor)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->floor = floor_open();
	ASSERT_LE(0, self->floor);
	self->map = mmun_map(mmun_arena(NR_PAGES), NR_PAGES * self->page);
	ASSERT_NE(NULL, self->map);
	madvise(self->map, NR_PAGES * self->page, MADV_NOHUGEPAGE);
	memset(self->map, 1, 5 * self->page);
}

FIXTURE_TEARDOWN(floor)
{
	EXPECT_EQ(0, close(self->floor));
	EXPECT_EQ(0, close(self->fd));
}

/* @count subscriptions of a page each, side by side, the first at @start. */
static int insert(FIXTURE_DATA(floor) *self, __u64 start, __u64 count,
		  struct mmun_floor_insert *cmd)
{
	return _floor_insert(self->floor, start, self->page, self->page, count,
			     cmd);
}

static int insert_over_map(FIXTURE_DATA(floor) *self)
{
	struct mmun_floor_insert cmd;

	return _floor_insert(self->floor, mmun_u64(self->map),
			     NR_PAGES * self->page, 0, 1, &cmd);
}

static int remove_all(FIXTURE_DATA(floor) *self, struct mmun_floor_remove *cmd)
{
	return _floor_remove(self->floor, cmd);
}

static int look(FIXTURE_DATA(floor) *self, const char *start, size_t pages,
		struct mmun_floor_look *cmd)
{
	return _floor_look(self->floor, mmun_u64(start), pages * self->page,
			   cmd);
}

/* An idle CPU may keep a reference to the mm that it ran last. */
static bool same_mm_count(__u64 one, __u64 other)
{
	__u64 cpus = sysconf(_SC_NPROCESSORS_CONF);

	return one <= other + cpus && other <= one + cpus;
}

#define expect_mm_count(count) \
	EXPECT_TRUE(same_mm_count(count, mmun_query_context().out_mm_count))

/* get_cycles() is 0 where the processor has no counter. */
static bool is_cost(__u64 cost)
{
	return cost || mmun_is_uml();
}

TEST_F(floor, each_subscription_holds_the_mm_until_it_is_removed)
{
	const __u64 count = mmun_query_context().out_mm_count;
	struct mmun_floor_insert inserted;
	struct mmun_floor_remove removed;

	ASSERT_EQ(0, insert(self, mmun_u64(self->map), NR_SUBS, &inserted));
	EXPECT_EQ(NR_SUBS, inserted.out_done);
	EXPECT_TRUE(is_cost(inserted.out_cost));
	expect_mm_count(count + NR_SUBS);
	ASSERT_EQ(0, remove_all(self, &removed));
	EXPECT_EQ(NR_SUBS, removed.out_done);
	EXPECT_TRUE(is_cost(removed.out_cost));
	expect_mm_count(count);
}

/*
 *	|  0  |  1  |  2  |  3  |	a subscription each
 *	   |---------|			hits two of them
 */
TEST_F(floor, each_callback_is_counted)
{
	struct mmun_floor_insert inserted;
	struct mmun_floor_remove removed;

	ASSERT_EQ(0, insert(self, mmun_u64(self->map), 4, &inserted));
	EXPECT_EQ(0, inserted.out_hits);
	ASSERT_EQ(0, madvise(self->map, 2 * self->page, MADV_DONTNEED));
	ASSERT_EQ(0, remove_all(self, &removed));
	EXPECT_EQ(2, removed.out_hits);
	memset(self->map, 1, 2 * self->page);
	ASSERT_EQ(0, madvise(self->map, 2 * self->page, MADV_DONTNEED));
	EXPECT_ERRNO(ENOENT, remove_all(self, &removed));
	ASSERT_EQ(0, insert(self, mmun_u64(self->map), 1, &inserted));
	EXPECT_EQ(2, inserted.out_hits);
}

TEST_F(floor, a_look_finds_what_is_there_and_faults_nothing_in)
{
	struct mmun_floor_look cmd;
	int i;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, insert_over_map(self));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, look(self, self->map, NR_PAGES, &cmd));
		EXPECT_EQ(5, cmd.out_valid);
		EXPECT_TRUE(is_cost(cmd.out_cost));
	}
	ASSERT_EQ(0, look(self, self->map + 4 * self->page, 2, &cmd));
	EXPECT_EQ(1, cmd.out_valid);
	ASSERT_EQ(0, munmap(self->map, NR_PAGES * self->page));
	ASSERT_EQ(0, look(self, self->map, NR_PAGES, &cmd));
	EXPECT_EQ(0, cmd.out_valid);
	EXPECT_EQ(1, cmd.out_hits);
}

TEST_F(floor, a_look_stays_inside_the_first_subscription)
{
	const size_t most = MMUN_FLOOR_MAX_PAGES;
	struct mmun_floor_look cmd;

	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_ERRNO(ENOENT, look(self, self->map, 1, &cmd));
	ASSERT_EQ(0, insert_over_map(self));
	EXPECT_ERRNO(ERANGE, look(self, self->map - self->page, 1, &cmd));
	EXPECT_ERRNO(ERANGE, look(self, self->map, NR_PAGES + 1, &cmd));
	EXPECT_ERRNO(ERANGE,
		     look(self, self->map + NR_PAGES * self->page, 1, &cmd));
	EXPECT_ERRNO(ERANGE, look(self, (char *)-self->page, 1, &cmd));
	EXPECT_ERRNO(ERANGE, look(self, self->map, most, &cmd));
	EXPECT_ERRNO(EINVAL, look(self, self->map, most + 1, &cmd));
	EXPECT_ERRNO(EINVAL, look(self, self->map, 0, &cmd));
	EXPECT_ERRNO(EINVAL, look(self, self->map + 1, 1, &cmd));
	EXPECT_ERRNO(EINVAL, _floor_look(self->floor, mmun_u64(self->map),
					 self->page + 1, &cmd));
}

/* On a kernel with CONFIG_HMM_MIRROR the set is what is missing. */
TEST_F(floor, a_look_without_hmm_mirror_is_eopnotsupp)
{
	const bool hmm = mmun_has_feature(self->fd, MMUN_FEATURE_HMM);
	struct mmun_floor_look cmd;

	EXPECT_ERRNO(hmm ? ENOENT : EOPNOTSUPP, look(self, self->map, 1, &cmd));
}

TEST_F(floor, a_second_set_is_ebusy)
{
	struct mmun_floor_insert inserted;
	struct mmun_floor_remove removed;
	__u64 count;

	EXPECT_ERRNO(ENOENT, remove_all(self, &removed));
	ASSERT_EQ(0, insert(self, mmun_u64(self->map), NR_SUBS, &inserted));
	count = mmun_query_context().out_mm_count;
	EXPECT_ERRNO(EBUSY,
		     insert(self, mmun_u64(self->map), NR_SUBS, &inserted));
	expect_mm_count(count);
	ASSERT_EQ(0, remove_all(self, &removed));
	EXPECT_EQ(NR_SUBS, removed.out_done);
	ASSERT_EQ(0, insert(self, mmun_u64(self->map), 2, &inserted));
}

/*
 *	... |  -2 |  -1 |		the last pages of the address space
 *	    |- 0 -|			one byte longer than a page
 *	          |- 1 -|		would wrap
 */
TEST_F(floor, it_stops_at_the_first_that_fails)
{
	const __u64 count = mmun_query_context().out_mm_count;
	struct mmun_floor_insert inserted;
	struct mmun_floor_remove removed;

	ASSERT_EQ(0, _floor_insert(self->floor, -2 * self->page, self->page + 1,
				   self->page, 3, &inserted));
	EXPECT_EQ(1, inserted.out_done);
	ASSERT_EQ(0, remove_all(self, &removed));
	EXPECT_EQ(1, removed.out_done);
	EXPECT_ERRNO(EOVERFLOW, insert(self, -1, 1, &inserted));
	EXPECT_ERRNO(EOVERFLOW, _floor_insert(self->floor, mmun_u64(self->map),
					      0, 0, 1, &inserted));
	EXPECT_ERRNO(ENOENT, remove_all(self, &removed));
	expect_mm_count(count);
}

TEST_F(floor, a_count_of_zero_or_above_the_limit_is_einval)
{
	const __u64 start = mmun_u64(self->map);
	struct mmun_floor_insert cmd;

	EXPECT_ERRNO(EINVAL, insert(self, start, 0, &cmd));
	EXPECT_ERRNO(EINVAL,
		     insert(self, start, MMUN_FLOOR_MAX_COUNT + 1, &cmd));
	EXPECT_ERRNO(EINVAL, insert(self, start, -1, &cmd));
}

/* @cmd is an address that the kernel cannot read or write. */
static int call(FIXTURE_DATA(floor) *self, unsigned int num, unsigned long cmd)
{
	return ioctl(self->floor, num, cmd);
}

TEST_F(floor, an_unknown_call_is_enotty_and_a_bad_pointer_is_efault)
{
	const bool hmm = mmun_has_feature(self->fd, MMUN_FEATURE_HMM);
	const unsigned long bad = mmun_u64(self->map - self->page);

	EXPECT_ERRNO(ENOTTY, call(self, MMUN_INFO, bad));
	EXPECT_ERRNO(ENOTTY, call(self, MMUN_FLOOR_INSERT + 16, bad));
	EXPECT_ERRNO(EFAULT, call(self, MMUN_FLOOR_INSERT, bad));
	EXPECT_ERRNO(hmm ? EFAULT : EOPNOTSUPP,
		     call(self, MMUN_FLOOR_LOOK, bad));
	ASSERT_EQ(0, insert_over_map(self));
	EXPECT_ERRNO(EFAULT, call(self, MMUN_FLOOR_REMOVE, bad));
}

TEST_F(floor, an_open_without_cap_sys_admin_is_eperm)
{
	struct stat st;

	ASSERT_EQ(0, stat(FLOOR_DEV, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	EXPECT_EQ(0, st.st_uid);
	ASSERT_EQ(0, mmun_drop_sys_admin());
	EXPECT_ERRNO(EPERM, floor_open());
}

TEST_F(floor, the_close_removes_what_is_left)
{
	const __u64 count = mmun_query_context().out_mm_count;
	struct mmun_floor_insert cmd;
	int fd = floor_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, _floor_insert(fd, mmun_u64(self->map), self->page,
				   self->page, NR_SUBS, &cmd));
	ASSERT_EQ(0, close(fd));
	expect_mm_count(count);
	/* A callback would use memory that is freed. */
	ASSERT_EQ(0, madvise(self->map, 2 * self->page, MADV_DONTNEED));
}

/*
 * A child that opens both devices, writes the number of one of them to the pipe, and
 * inserts until it is killed.
 */
static void insert_many(FIXTURE_DATA(floor) *self, const int number[2],
			int device)
{
	int fds[] = { mmun_open(), floor_open() };
	struct mmun_floor_insert cmd;

	if (write(number[1], fds + device, sizeof(*fds)) != sizeof(*fds))
		_exit(1);
	self->floor = fds[1];
	insert(self, mmun_u64(self->map), NR_MANY, &cmd);
	pause();
}

/* Sets *fd to a copy of a descriptor of the child.  Returns the child, or -1. */
static pid_t start_child(FIXTURE_DATA(floor) *self, int device, int *fd)
{
	int number[2], pidfd;
	pid_t child;

	if (pipe(number))
		return -1;
	child = fork();
	if (!child)
		insert_many(self, number, device);
	if (read(number[0], fd, sizeof(*fd)) != sizeof(*fd))
		return -1;
	pidfd = syscall(SYS_pidfd_open, child, 0);
	*fd = syscall(SYS_pidfd_getfd, pidfd, *fd, 0);
	close(pidfd);
	close(number[0]);
	close(number[1]);
	return *fd < 0 ? -1 : child;
}

/* The signal comes in the middle of a million inserts, or after the last. */
TEST_F(floor, a_signal_ends_it_and_leaves_nothing)
{
	struct mmun_query_context state;
	int fd, ms;
	pid_t child;

	for (ms = 1; ms <= 64; ms *= 4) {
		child = start_child(self, 0, &fd);
		ASSERT_LE(0, child);
		/* The signal is to come at no particular step. */
		usleep(1000 * ms);
		ASSERT_EQ(0, kill(child, SIGKILL));
		EXPECT_EQ(128 + SIGKILL, mmun_wait_child(child));
		/* The last reference is that of /dev/mmun. */
		ASSERT_EQ(0, _mmun_query_context(fd, &state));
		EXPECT_TRUE(same_mm_count(1, state.out_mm_count));
		EXPECT_EQ(0, close(fd));
	}
}

TEST_F(floor, a_set_outlives_its_mm_and_calls_are_esrch_then)
{
	struct mmun_floor_insert inserted;
	struct mmun_floor_remove removed;
	pid_t child;
	int fd;

	child = start_child(self, 1, &fd);
	ASSERT_LE(0, child);
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, mmun_wait_child(child));
	EXPECT_ERRNO(ESRCH, _floor_insert(fd, 0, 1, 0, 1, &inserted));
	EXPECT_ERRNO(ESRCH, _floor_remove(fd, &removed));
	EXPECT_EQ(0, close(fd));
}

#define NO_FLOOR \
	"no " FLOOR_DEV ": load mmun_floor.ko, which is built in floor/"

static const char *problem(void)
{
	if (mmun_device_problem() || !access(FLOOR_DEV, R_OK | W_OK))
		return mmun_device_problem();
	return errno == ENOENT ? NO_FLOOR :
				 "no access to " FLOOR_DEV ": run as root";
}

int main(int argc, char **argv)
{
	return mmun_list_or_run(argc, argv, problem());
}
