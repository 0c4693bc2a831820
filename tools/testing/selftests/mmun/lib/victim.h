/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The victim is a child process that ends during the test.  The victim has
 * memory and a descriptor of the device, and takes orders.
 */
#ifndef _SELFTESTS_MMUN_VICTIM_H
#define _SELFTESTS_MMUN_VICTIM_H

#include "execed.h"
#include "process.h"

/* A descriptor of the device, not the same in the test and the victim */
static int victim_fd;

/* Orders.  The first argument of each order is the memory of the victim. */

/* Returns the device, as a descriptor of the victim, or -1. */
static inline int victim_set_up(void *map, int pages)
{
	victim_fd = mmun_open();
	return mmun_map_filled(map, pages) ? victim_fd : -1;
}

static inline int victim_pin(void *map, int nr)
{
	struct mmun_info info;
	__u32 unpinned;

	return _mmun_info(victim_fd, &info) ?:
		       _mmun_pin_mm(victim_fd, info.out_max_pin_ms, &unpinned);
}

static inline int victim_exit(void *map, int status)
{
	_exit(status);
}

static inline int victim_exec(void *map, int nr)
{
	exec_self(victim_fd);
	_exit(127);
}

/*
 * A CPU that ran the dead process may keep a reference to its mm until the CPU
 * runs another process.  Run on each CPU, so that every CPU drops its reference
 * to the mm.
 */
static inline void drop_lazy_references(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* Fixtures: self->fd refers to the device that the victim opened. */

/*
 * @_setup: the statements of the setup, for example setup_victim()
 * @...: more members of the fixture
 */
#define VICTIM_FIXTURE(_fixture, _setup, ...)          \
	FIXTURE(_fixture)                              \
	{                                              \
		MMUN_FIXTURE;                          \
		struct mmun_child victim;              \
		__u32 pins;                            \
		__u32 ids[2];                          \
		__VA_ARGS__;                           \
	};                                             \
	FIXTURE_SETUP(_fixture)                        \
	{                                              \
		_setup;                                \
	}                                              \
	FIXTURE_TEARDOWN(_fixture)                     \
	{                                              \
		end_victim();                          \
		if (self->fd) {                        \
			EXPECT_EQ(0, close(self->fd)); \
		}                                      \
	}

/* Start the victim, which maps the first @_filled pages of an arena. */
#define setup_victim(_arena, _filled)                                          \
	do {                                                                   \
		self->page = sysconf(_SC_PAGESIZE);                            \
		self->map = mmun_arena(_arena);                                \
		ASSERT_EQ(0, mmun_child_start(&self->victim, self->map));      \
		victim_fd = mmun_child_getfd(                                  \
			&self->victim,                                         \
			mmun_child_do(&self->victim, victim_set_up, _filled)); \
		ASSERT_LE(0, victim_fd)                                        \
		{                                                              \
			TH_LOG("no victim: %s", strerror(errno));              \
		}                                                              \
		self->fd = victim_fd;                                          \
	} while (0)

/* Statements of a test */

#define order_victim(_order, _nr) \
	ASSERT_EQ(0, mmun_child_order(&self->victim, _order, _nr))
#define victim_must(_order, _nr) \
	ASSERT_EQ(0, mmun_child_do(&self->victim, _order, _nr))
#define signal_victim(_sig) ASSERT_EQ(0, mmun_child_signal(&self->victim, _sig))

/* Pin the mm of the victim.  After SIGKILL the mm exists until UNPIN_MM. */
#define pin_victim()                                                     \
	do {                                                             \
		struct mmun_record __pin = {};                           \
		order_victim(victim_pin, 0);                             \
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, \
					      &__pin));                  \
		self->pins = 1;                                          \
	} while (0)

/* Wait until the victim exits. */
#define expect_status(_status) \
	EXPECT_EQ(_status, mmun_child_reap(&self->victim))

/*
 * Kill the victim, and unpin its mm, so that the victim exits.  The teardown of
 * each fixture calls this macro too.  The victim may be dead, or may not exist.
 */
#define end_victim()                                       \
	do {                                               \
		__u32 __pins;                              \
		if (self->victim.pidfd <= 0)               \
			break;                             \
		mmun_child_signal(&self->victim, SIGKILL); \
		_mmun_unpin_mm(self->fd, 0, &__pins);      \
		EXPECT_EQ(self->pins, __pins);             \
		expect_status(128 + SIGKILL);              \
	} while (0)

#endif /* _SELFTESTS_MMUN_VICTIM_H */
