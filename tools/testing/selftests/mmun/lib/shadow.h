/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shadow of a watched range, for a test that has self->fd and self->page.
 */
#ifndef _SELFTESTS_MMUN_SHADOW_H
#define _SELFTESTS_MMUN_SHADOW_H

#include "watch.h"

/* Fill the whole shadow, by HMM if the kernel has HMM.  @_pages may be NULL. */
#define shadow_fill(_watch, _flags, _pages)                                   \
	ASSERT_EQ((_watch).length / self->page,                               \
		  mmun_snapshot((_watch).id, (_watch).start, (_watch).length, \
				mmun_best_method(self->fd), _flags, _pages))

/*
 * Expect that the shadow has @_count entries, and that the page tables agree
 * with each entry.
 */
#define expect_entries(_watch, _count) mmun_verify_if_hmm((_watch).id, _count)

/*
 * Expect that the shadow has no entry for the page at @_addr, and @_count
 * entries in all.
 */
#define expect_lost(_watch, _addr, _count)                         \
	do {                                                       \
		mmun_err_access(EFAULT, (_watch).id, _addr, 1, 0); \
		expect_entries(_watch, _count);                    \
	} while (0)

#define expect_all_lost(_watch) expect_lost(_watch, (_watch).start, 0)

#define expect_all_kept(_watch) \
	expect_entries(_watch, (_watch).length / self->page)

/* Fill the shadow again.  Expect that the device reads @_value at @_addr. */
#define expect_device_reads(_watch, _addr, _value)             \
	do {                                                   \
		char __c = 0;                                  \
		shadow_fill(_watch, 0, NULL);                  \
		mmun_device_read((_watch).id, _addr, 1, &__c); \
		EXPECT_EQ((char)(_value), __c);                \
		expect_all_kept(_watch);                       \
	} while (0)

#endif /* _SELFTESTS_MMUN_SHADOW_H */
