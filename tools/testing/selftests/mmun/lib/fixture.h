/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Most fixtures need a descriptor of the device and some pages of memory:
 *
 *   FIXTURE(x)
 *   {
 *           MMUN_FIXTURE;
 *           ...
 *   };
 *
 *   FIXTURE_SETUP(x)
 *   {
 *           mmun_setup_filled(PAGES);
 *           ...
 *   }
 *
 *   MMUN_FIXTURE_TEARDOWN(x)
 */
#ifndef _SELFTESTS_MMUN_FIXTURE_H
#define _SELFTESTS_MMUN_FIXTURE_H

#include "../../kselftest_harness.h"
#include "ioctl.h"
#include "memory.h"

/*
 * These members of a fixture are the descriptor of the device, the size of a
 * page in bytes, and the start of the memory.
 */
#define MMUN_FIXTURE \
	int fd;      \
	size_t page; \
	char *map

/*
 * The start of page @_nr of the memory, and the length of @_nr pages in bytes
 */
#define mmun_page(_nr) (self->map + self->page * (_nr))
#define mmun_pages(_nr) (self->page * (_nr))

/* Open the device, and reserve no memory. */
#define mmun_setup()                                \
	do {                                        \
		self->page = sysconf(_SC_PAGESIZE); \
		self->fd = mmun_open();             \
		ASSERT_LE(0, self->fd);             \
	} while (0)

/* Open the device, and reserve memory of @_pages pages: see mmun_arena(). */
#define mmun_setup_arena(_pages)                \
	do {                                    \
		mmun_setup();                   \
		self->map = mmun_arena(_pages); \
		ASSERT_NE(NULL, self->map);     \
	} while (0)

/* Open the device, and reserve aligned memory: see mmun_arena_aligned(). */
#define mmun_setup_aligned(_length, _align)                      \
	do {                                                     \
		mmun_setup();                                    \
		self->map = mmun_arena_aligned(_length, _align); \
		ASSERT_NE(NULL, self->map);                      \
	} while (0)

/* Open the device, and map @_pages pages: see mmun_map_filled(). */
#define mmun_setup_filled(_pages)                                    \
	do {                                                         \
		mmun_setup_arena(_pages);                            \
		ASSERT_NE(NULL, mmun_map_filled(self->map, _pages)); \
	} while (0)

/* The memory stays mapped until the process of the test exits. */
#define MMUN_FIXTURE_TEARDOWN(_fixture)        \
	FIXTURE_TEARDOWN(_fixture)             \
	{                                      \
		EXPECT_EQ(0, close(self->fd)); \
	}

/* Define a fixture with @_members, which must contain MMUN_FIXTURE. */
#define MMUN_PLAIN_FIXTURE(_fixture, _members) \
	FIXTURE(_fixture)                      \
	{                                      \
		_members;                      \
	};                                     \
	MMUN_FIXTURE_TEARDOWN(_fixture)

/* Like TEST_F(), but @_need is the first statement, and can skip the test. */
#define MMUN_TEST_NEEDS(_fixture, _test, _need)                      \
	MMUN_TEST_BODY(_fixture, _test);                             \
	TEST_F(_fixture, _test)                                      \
	{                                                            \
		_need;                                               \
		_fixture##_##_test##_body(_metadata, self, variant); \
	}                                                            \
	MMUN_TEST_BODY(_fixture, _test)

#define MMUN_TEST_BODY(_fixture, _test)            \
	static void _fixture##_##_test##_body(     \
		struct __test_metadata *_metadata, \
		FIXTURE_DATA(_fixture) * self,     \
		const FIXTURE_VARIANT(_fixture) * variant)

#endif /* _SELFTESTS_MMUN_FIXTURE_H */
