/* SPDX-License-Identifier: GPL-2.0 */
/*
 * XFAIL() ends a test with an expected failure: the kernel has a known defect,
 * and the test has shown the defect.  The parameters are those of SKIP().  The
 * reason names the directory in patches/ that describes the defect.
 *
 * The harness of Linux 6.1 has no result for an expected failure.  There the
 * result is a skip, and the reason begins with "XFAIL".  Newer harnesses have
 * the result, but only for tests that are marked when they are compiled.
 */
#ifndef _SELFTESTS_MMUN_XFAIL_H
#define _SELFTESTS_MMUN_XFAIL_H

#include "../../kselftest_harness.h"

#ifdef KSELFTEST_PRIO_XFAIL
#define MMUN_XFAIL_PREFIX ""
#define mmun_mark_xfail() (_metadata->exit_code = KSFT_XFAIL)
#define mmun_passes() __test_passed(_metadata)
#else
#define MMUN_XFAIL_PREFIX "XFAIL "
#define mmun_mark_xfail() ((void)0)
#define mmun_passes() (_metadata->passed)
#endif

/* A test that has failed before stays a failure, which SKIP() would hide. */
#define XFAIL(_statement, _reason, ...)                                    \
	do {                                                               \
		if (mmun_passes())                                         \
			SKIP(mmun_mark_xfail(), MMUN_XFAIL_PREFIX _reason, \
			     ##__VA_ARGS__);                               \
		_statement;                                                \
	} while (0)

#endif /* _SELFTESTS_MMUN_XFAIL_H */
