// SPDX-License-Identifier: GPL-2.0
/*
 * The costs of the calls of /dev/mmun, and the costs of their alternatives: the
 * calls of the core (/dev/mmun_floor), test_hmm, and an mm without a notifier.
 *
 * A cost is a number of instructions.  The program needs an emulated machine whose
 * clock counts instructions ("make bench" starts one), and skips on any other
 * machine.  The program checks that each measured call did its work.
 *
 * "# cost operation scheme n units cost unit" is a row of the table: @units units of
 * the operation cost @cost instructions; @n is the number of ranges or pages.
 */
#include "lib/mmun.h"
#include "lib/floor.h"

#include "bench/measure.c"
#include "bench/ranges.c"
#include "bench/pages.c"
#include "bench/hits.c"
#include "bench/mm.c"
#include "bench/hmm.c"

static struct group {
	const char *name;
	void (*run)(void);
	bool failed;
} groups[] = {
	{ .name = "the_clock_counts_instructions", .run = bench_clock },
	{ .name = "pages", .run = bench_pages },
	{ .name = "hits", .run = bench_hits },
	{ .name = "log", .run = bench_log },
	{ .name = "mm", .run = bench_mm },
	{ .name = "test_hmm", .run = bench_hmm },
	{ .name = "ranges", .run = bench_ranges },
};

/* Returns the next group that MMUN_TESTS asks for, or NULL. */
static struct group *next_group(struct group *group)
{
	for (group = group ? group + 1 : groups;
	     group < groups + ARRAY_SIZE(groups); group++)
		if (mmun_is_asked_for("bench", "", group->name))
			return group;
	return NULL;
}

static int count_groups(bool print)
{
	struct group *group;
	int count = 0;

	for (group = next_group(NULL); group; group = next_group(group)) {
		count++;
		if (print)
			mmun_print_name("bench", "", group->name);
	}
	return count;
}

/*
 * The pause lets the console finish, because the work of the console must not
 * become part of a cost.
 */
static void run_group(struct group *group)
{
	printf("# %s\n", group->name);
	fflush(stdout);
	usleep(500000);
	rows->failed = false;
	group->run();
	group->failed = rows->failed;
}

/*
 * The rows are printed last, because output during a measurement would add to a
 * cost.
 */
static int run_groups(void)
{
	struct group *group;
	int ret = 0, nr = 0;

	for (group = next_group(NULL); group; group = next_group(group))
		run_group(group);
	print_rows();
	for (group = next_group(NULL); group; group = next_group(group)) {
		printf("%sok %d bench.%s\n", group->failed ? "not " : "", ++nr,
		       group->name);
		ret |= group->failed;
	}
	return ret;
}

/* Returns why nothing can be measured, or NULL. */
static const char *find_problem(void)
{
	int fd = mmun_open(), floor = floor_open();
	const char *problem = NULL;

	if (fd < 0)
		problem = MMUN_NO_DEVICE;
	else if (floor < 0)
		problem = "no " FLOOR_DEV ": load mmun_floor.ko";
	else if (!mmun_has_feature(fd, MMUN_FEATURE_HMM))
		problem = "the kernel has no CONFIG_HMM_MIRROR";
	else if (!create_rows())
		problem = "no memory";
	else if (!clock_counts())
		problem = "the clock does not count instructions";
	close(fd);
	close(floor);
	return problem;
}

int main(void)
{
	int count = count_groups(mmun_wants_list());
	const char *problem;

	if (mmun_wants_list())
		return KSFT_PASS;
	problem = count ? find_problem() : MMUN_NO_TEST;
	if (problem)
		return mmun_skip_all(problem);
	printf("TAP version 13\n1..%d\n", count);
	fflush(stdout);
	return run_groups();
}
