/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Defines main(), which runs the tests that MMUN_TESTS selects, or prints their
 * names: see names.h.
 */
#ifndef _SELFTESTS_MMUN_MAIN_H
#define _SELFTESTS_MMUN_MAIN_H

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../../kselftest_harness.h"
#include "ioctl.h"
#include "names.h"

#define MMUN_NO_TEST "no test of this program matches MMUN_TESTS"

static inline int mmun_skip_all(const char *why)
{
	printf("TAP version 13\n1..0 # SKIP %s\n", why);
	return KSFT_SKIP;
}

static int test_harness_run(int argc, char **argv);

#define MMUN_NO_DEVICE "no " MMUN_DEV ": load test_mmun.ko"
#define MMUN_ONE_LOOP \
	"no hmm_range_fault_unlocked_timeout(): SNAPSHOT has one loop, which other programs test"
#define MMUN_NO_KIND \
	"no invalidate_start() in struct mmu_interval_notifier_ops: the kernel is older than two-pass notifiers"
#define MMUN_NO_ACCESS "no access to " MMUN_DEV ": run as root"

/* Returns the reason why no test of the program can run, or NULL. */
static inline const char *mmun_device_problem(void)
{
	const char *problem = NULL;
	int fd = mmun_open();

	if (fd < 0)
		return errno == ENOENT ? MMUN_NO_DEVICE : MMUN_NO_ACCESS;
	if (MMUN_SNAPSHOT_FLAGS &&
	    !mmun_has_feature(fd, MMUN_FEATURE_HMM_UNLOCKED))
		problem = MMUN_ONE_LOOP;
	if (!mmun_has_kind(fd, MMUN_TEST_KIND))
		problem = MMUN_NO_KIND;
	close(fd);
	return problem;
}

/* @problem: the reason why no test of the program can run, or NULL */
static inline int mmun_list_or_run(int argc, char **argv, const char *problem)
{
	mmun_choose_tests();
	if (mmun_wants_list()) {
		mmun_list_tests();
		return KSFT_PASS;
	}
	if (problem)
		return mmun_skip_all(problem);
	if (!__fixture_list)
		return mmun_skip_all(MMUN_NO_TEST);
	return test_harness_run(argc, argv);
}

static inline int mmun_main(int argc, char **argv)
{
	return mmun_list_or_run(argc, argv, mmun_device_problem());
}

#define MMUN_HARNESS_MAIN                     \
	int main(int argc, char **argv)       \
	{                                     \
		return mmun_main(argc, argv); \
	}

#endif /* _SELFTESTS_MMUN_MAIN_H */
