/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process with two ranges, which the test ends.  Before a program includes
 * this file, it defines where the ranges are, for example:
 *
 *   #define VICTIM_PAGES 8
 *   #define VICTIM_SPANS { { 0, 8 }, { 1, 3 } }	first page, number of pages
 */
#ifndef _SELFTESTS_MMUN_VICTIM_H
#define _SELFTESTS_MMUN_VICTIM_H

#include "mmun.h"
#include "process.h"

static const struct victim_span {
	int first;
	int pages;
} victim_spans[2] = VICTIM_SPANS;

/**
 * struct victim - a process with two ranges
 * @child: the process
 * @map: an arena of VICTIM_PAGES pages
 * @fd: its descriptor of the device, as the process that reads this has it
 * @ids: a range over each span
 */
struct victim {
	struct mmun_child child;
	char *map;
	int fd;
	__u32 ids[2];
};

static inline char *victim_at(const struct victim *victim, int which)
{
	return victim->map + victim_spans[which].first * sysconf(_SC_PAGESIZE);
}

static inline size_t victim_length(int which)
{
	return victim_spans[which].pages * sysconf(_SC_PAGESIZE);
}

/* Orders */

/* Returns the descriptor. */
static inline int victim_open(void *arg, int nr)
{
	struct victim *victim = arg;

	victim->fd = mmun_open();
	return victim->fd;
}

/* Returns the ID of the range. */
static inline int victim_insert(void *arg, int which)
{
	struct victim *victim = arg;
	__u32 *id = &victim->ids[which];

	if (_mmun_insert(victim->fd, victim_at(victim, which),
			 victim_length(which), id))
		return -1;
	return *id;
}

/* @map: the order that maps the memory */
static inline int victim_start(struct victim *victim, mmun_order_fn map)
{
	struct mmun_child *child = &victim->child;
	int i, id = 0;

	victim->map = mmun_arena(VICTIM_PAGES);
	if (!victim->map || mmun_child_start(child, victim) ||
	    mmun_child_do(child, map, 0))
		return -1;
	victim->fd =
		mmun_child_getfd(child, mmun_child_do(child, victim_open, 0));
	for (i = 0; i < 2 && id >= 0; i++) {
		id = mmun_child_do(child, victim_insert, i);
		victim->ids[i] = id;
	}
	return victim->fd < 0 || id < 0 ? -1 : 0;
}

/* Fixtures; self->fd is the descriptor of the victim. */

#define VICTIM_FIXTURE \
	MMUN_FIXTURE;  \
	struct victim victim

#define setup_victim(_map)                                       \
	do {                                                     \
		self->page = sysconf(_SC_PAGESIZE);              \
		ASSERT_EQ(0, victim_start(&self->victim, _map)); \
		self->fd = self->victim.fd;                      \
		self->map = self->victim.map;                    \
	} while (0)

/* If the test failed, the mm may still be pinned, or there is no victim. */
#define teardown_victim()                              \
	do {                                           \
		__u32 __count;                         \
		_mmun_unpin_mm(self->fd, 0, &__count); \
		mmun_child_kill(&self->victim.child);  \
		close(self->fd);                       \
	} while (0)

#define expect_victim_event(_which, _event)                 \
	mmun_expect_event(self->victim.ids[_which], _event, \
			  victim_at(&self->victim, _which), \
			  victim_length(_which))

#endif /* _SELFTESTS_MMUN_VICTIM_H */
