// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the costs of the calls of /dev/mmun, and for comparison those of the
 * core (by /dev/mmun_floor), of test_hmm, and of an mm without a notifier.
 *
 * A cost is a number of instructions.  The program needs an emulated machine
 * whose clock counts instructions ("make bench" starts one), and skips on any
 * other machine.  The program checks that each measured call did its work.
 *
 * A row of the table is "# cost OPERATION SCHEME N UNITS COST UNIT": UNITS
 * units of the operation cost COST instructions, with N ranges or pages.
 */
#include "lib/mmun.h"
#include "lib/floor.h"

#include <stdarg.h>

#include "bench/measure.c"
#include "bench/ranges.c"
#include "bench/pages.c"
#include "bench/hits.c"
#include "bench/mm.c"
#include "bench/policies.c"
#include "bench/hmm.c"

#define TIMEOUT_SECS 7200

FIXTURE(bench){};

/*
 * Wait until the console is idle, because output would increase the measured
 * costs.
 */
FIXTURE_SETUP(bench)
{
	fflush(stdout);
	usleep(500000);
	rows->failed = false;
}

FIXTURE_TEARDOWN(bench)
{
	EXPECT_FALSE(rows->failed);
}

#define BENCH(name)                               \
	TEST_F_TIMEOUT(bench, name, TIMEOUT_SECS) \
	{                                         \
		run_##name();                     \
	}

BENCH(clock_counts_instructions)
BENCH(pages)
BENCH(hits)
BENCH(log)
BENCH(mm)
BENCH(policies)
BENCH(test_hmm)
BENCH(ranges)

/* Returns the reason why the program cannot measure, or NULL. */
static const char *find_problem(void)
{
	const char *problem = floor_problem();
	int fd = mmun_open();

	if (!problem && !mmun_has_feature(fd, MMUN_FEATURE_HMM))
		problem = "the kernel has no CONFIG_HMM_MIRROR";
	if (!problem && !create_rows())
		problem = "no memory";
	if (!problem && !clock_counts())
		problem = "the clock does not count instructions";
	close(fd);
	return problem;
}

/* Print the rows last, because output would increase the measured costs. */
int main(int argc, char **argv)
{
	const char *problem = mmun_wants_list() ? NULL : find_problem();

	if (!problem)
		atexit(print_rows);
	return mmun_list_or_run(argc, argv, problem);
}
