// SPDX-License-Identifier: GPL-2.0
/*
 * What the calls of /dev/mmun cost, and what the same costs without: the core's
 * own calls (/dev/mmun_floor), the kernel's own test_hmm, an mm without a notifier.
 *
 * It is counted in instructions, on a machine that is emulated so that its clock
 * counts them; "make bench" starts one.  On any other it says so and skips.  Each
 * figure is of a call that is seen to have done what it is said to do.
 *
 * "# cost operation scheme n units cost unit" is a row: so many instructions for
 * so many units; n is how many ranges there were, or how many pages it was about.
 */
#include "lib/mmun.h"
#include "lib/floor.h"

#include "bench/measure.c"
#include "bench/ranges.c"
#include "bench/pages.c"
#include "bench/hits.c"
#include "bench/mm.c"
#include "bench/hmm.c"

static const struct group {
	const char *name;
	void (*run)(void);
} groups[] = {
	{ "the_clock_counts_instructions",	bench_clock },
	{ "pages",				bench_pages },
	{ "hits",				bench_hits },
	{ "log",				bench_log },
	{ "mm",					bench_mm },
	{ "test_hmm",				bench_hmm },
	{ "ranges",				bench_ranges },
};

static void print_row(const struct row *row)
{
	printf("# cost %s %s %llu %llu %llu %s\n", row->op, row->scheme,
	       (unsigned long long)row->n, (unsigned long long)row->units,
	       (unsigned long long)row->cost, row->unit);
}

static bool is_asked_for(const struct group *group)
{
	return mmun_is_asked_for("bench", "", group->name);
}

static void list_groups(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		if (is_asked_for(&groups[i]))
			mmun_print_name("bench", "", groups[i].name);
}

static int count_groups(void)
{
	int count = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		count += is_asked_for(&groups[i]);
	return count;
}

/* Say how far it is, and let the console become silent: that is no cost. */
static void announce(const struct group *group)
{
	printf("# %s\n", group->name);
	fflush(stdout);
	usleep(500000);
}

/* The rows come last: nothing is written while it is being measured. */
static int run_groups(void)
{
	bool failed[ARRAY_SIZE(groups)] = {};
	int ret = 0, nr = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!is_asked_for(&groups[i]))
			continue;
		announce(&groups[i]);
		rows->failed = false;
		groups[i].run();
		failed[i] = rows->failed;
		ret |= failed[i];
	}
	for (i = 0; i < rows->nr; i++)
		print_row(&rows->row[i]);
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		if (is_asked_for(&groups[i]))
			printf("%sok %d bench.%s\n", failed[i] ? "not " : "",
			       ++nr, groups[i].name);
	return ret;
}

/* Returns why nothing can be measured, or NULL. */
static const char *device_problem(void)
{
	const char *problem = NULL;
	int fd = mmun_open(), floor = floor_open();

	if (fd < 0)
		problem = "no " MMUN_DEV ": load test_mmun.ko";
	else if (floor < 0)
		problem = "no " FLOOR_DEV ": load mmun_floor.ko";
	else if (!mmun_has_feature(fd, MMUN_FEATURE_HMM))
		problem = "the kernel has no CONFIG_HMM_MIRROR";
	close(fd);
	close(floor);
	return problem;
}

int main(void)
{
	const char *problem;

	if (mmun_wants_list()) {
		list_groups();
		return KSFT_PASS;
	}
	if (!count_groups())
		return mmun_skip_all(MMUN_NO_TEST);
	problem = device_problem();
	if (problem)
		return mmun_skip_all(problem);
	rows = mmap(NULL, sizeof(*rows), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (rows == MAP_FAILED)
		return mmun_skip_all("no memory");
	if (!clock_counts())
		return mmun_skip_all("the clock does not count instructions");
	printf("TAP version 13\n1..%d\n", count_groups());
	fflush(stdout);
	return run_groups();
}
