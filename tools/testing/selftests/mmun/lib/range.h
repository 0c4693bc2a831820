/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statements about pages of self->map.  They take snapshots by self->method, or
 * check the entries of the pages in the shadow of range self->id.
 */
#ifndef _SELFTESTS_MMUN_RANGE_H
#define _SELFTESTS_MMUN_RANGE_H

#include "assert.h"
#include "fixture.h"

#define MMUN_RANGE_FIXTURE \
	MMUN_FIXTURE;      \
	__u32 method;      \
	__u32 id

/* Map @_filled pages of an arena, and insert a range over @_nr pages. */
#define setup_range(_arena, _filled, _nr)                             \
	do {                                                          \
		mmun_setup_arena(_arena);                             \
		ASSERT_NE(NULL, mmun_map_filled(self->map, _filled)); \
		self->method = mmun_best_method(self->fd);            \
		self->id = insert_pages(0, _nr);                      \
	} while (0)

#define insert_pages(_first, _nr) \
	mmun_insert(mmun_page(_first), mmun_pages(_nr))

/*
 * Take a snapshot of @_nr pages, which must all be valid.  @_entries may be
 * NULL.
 */
#define snapshot_pages(_first, _nr, _flags, _entries)                         \
	ASSERT_EQ(_nr,                                                        \
		  mmun_snapshot(self->id, mmun_page(_first), mmun_pages(_nr), \
				self->method, _flags, _entries))

/* Take a snapshot of one page.  Returns the entry of the page. */
#define snapshot_page(_nr, _flags)                        \
	({                                                \
		__u64 __entry = 0;                        \
		snapshot_pages(_nr, 1, _flags, &__entry); \
		__entry;                                  \
	})

#define err_snapshot_pages(_errno, _first, _nr, _flags)        \
	mmun_err_snapshot(_errno, self->id, mmun_page(_first), \
			  mmun_pages(_nr), self->method, _flags)

#define expect_no_entry(_nr) \
	mmun_err_access(EFAULT, self->id, mmun_page(_nr), 1, 0)

#define expect_no_write(_nr) \
	mmun_err_access(EFAULT, self->id, mmun_page(_nr), 1, MMUN_WRITE)

/*
 * Expect what an event leaves of page @_nr if the event only write-protects the
 * page, as fork() does: without a policy nothing, and with the policies of
 * x_policy_test a read-only entry.
 */
#define expect_protected(_nr)                 \
	do {                                  \
		expect_no_write(_nr);         \
		if (MMUN_TEST_POLICY)         \
			device_byte(_nr);     \
		else                          \
			expect_no_entry(_nr); \
	} while (0)

#define device_byte(_nr) mmun_device_byte(self->id, mmun_page(_nr))

/* The device writes @_byte to page @_nr, and the CPU must read @_byte. */
#define device_write_byte(_nr, _byte)                          \
	do {                                                   \
		const char __byte = _byte;                     \
		mmun_device_write(self->id, mmun_page(_nr), 1, \
				  (char *)&__byte);            \
		EXPECT_EQ(__byte, mmun_load(mmun_page(_nr)));  \
	} while (0)

#define verify(_checked) mmun_verify_if_hmm(self->id, _checked)

#endif /* _SELFTESTS_MMUN_RANGE_H */
