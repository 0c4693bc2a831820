/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statements about a range's shadow, for a test with self->fd and self->page
 */
#ifndef _SELFTESTS_MMUN_SHADOW_H
#define _SELFTESTS_MMUN_SHADOW_H

#include "watch.h"

/* Fill the shadow by the kernel's best method.  @_pages may be NULL. */
#define shadow_fill(_watch, _flags, _pages)                                   \
	ASSERT_EQ((_watch).length / self->page,                               \
		  mmun_snapshot((_watch).id, (_watch).start, (_watch).length, \
				mmun_best_method(self->fd), _flags, _pages))

/* Insert a range, and fill its shadow. */
#define watch_filled(_start, _length, _flags)                        \
	({                                                           \
		struct watch __watch = watch_range(_start, _length); \
		shadow_fill(__watch, _flags, NULL);                  \
		__watch;                                             \
	})

/* Expect that the log has only the record of @_event: see expect_between(). */
#define expect_only(_watch, _event, _start, _length)                         \
	do {                                                                 \
		struct mmun_records __log;                                   \
		mmun_read_all(self->fd, &__log);                             \
		expect_times(&__log, 1, &(_watch), _event, _start, _length); \
		expect_total(&__log, 1);                                     \
	} while (0)

/*
 * Expect that the shadow has @_count entries, and that the page tables agree
 * with each entry.
 */
#define expect_entries(_watch, _count) mmun_verify_if_hmm((_watch).id, _count)

/*
 * Expect that the shadow has @_count entries, and no entry for the page at
 * @_addr.
 */
#define expect_lost(_watch, _addr, _count)                         \
	do {                                                       \
		mmun_err_access(EFAULT, (_watch).id, _addr, 1, 0); \
		expect_entries(_watch, _count);                    \
	} while (0)

#define expect_all_lost(_watch) expect_lost(_watch, (_watch).start, 0)

#define expect_all_kept(_watch) \
	expect_entries(_watch, (_watch).length / self->page)

/* Fill the shadow again, and expect that the device reads @_value at @_addr. */
#define expect_device_reads(_watch, _addr, _value)               \
	do {                                                     \
		shadow_fill(_watch, 0, NULL);                    \
		EXPECT_EQ((char)(_value),                        \
			  mmun_device_byte((_watch).id, _addr)); \
		expect_all_kept(_watch);                         \
	} while (0)

#endif /* _SELFTESTS_MMUN_SHADOW_H */
