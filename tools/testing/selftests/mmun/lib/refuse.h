/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A list notifier refuses an invalidation of a victim that has ranges.  On a
 * kernel with the defect of patches/refused-start, the invalidation then never
 * ends for the ranges.
 */
#ifndef _SELFTESTS_MMUN_REFUSE_H
#define _SELFTESTS_MMUN_REFUSE_H

#include "victim.h"
#include "xfail.h"

#define ALL_MEMORY 0x800000000000UL

#define mrelease() syscall(SYS_process_mrelease, self->victim.pidfd, 0)

#define NEVER_ENDS                                             \
	"the refused invalidation never ends in the interval " \
	"tree, see patches/refused-start"

/* A sound kernel can run an invalidation of its own at any time. */
#define BALANCE_MS 200

/*
 * End the test with an expected failure if the mm is not balanced.  The driver
 * then waits at close() for the lazy references to the mm.
 */
#define need_balance()                              \
	do {                                        \
		if (mmun_check_balance(BALANCE_MS)) \
			break;                      \
		end_victim();                       \
		drop_lazy_references();             \
		XFAIL(return, NEVER_ENDS);          \
	} while (0)

#endif /* _SELFTESTS_MMUN_REFUSE_H */
