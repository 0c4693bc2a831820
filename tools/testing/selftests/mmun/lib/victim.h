/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process with two ranges, which the test ends.  A program passes the place of
 * each range, for example:
 *
 *   static const struct victim_span spans[] = { { 0, 8 }, { 1, 3 } };
 */
#ifndef _SELFTESTS_MMUN_VICTIM_H
#define _SELFTESTS_MMUN_VICTIM_H

#include "mmun.h"
#include "process.h"

/**
 * struct victim_span - the place of a range in the arena
 * @first: first page
 * @pages: number of pages
 */
struct victim_span {
	int first;
	int pages;
};

/**
 * struct victim - a process with two ranges
 * @child: the process
 * @spans: the places of the two ranges
 * @map: an arena in which both spans have room
 * @fd: descriptor of the device; each process stores its own number in its copy
 * @ids: a range over each span
 */
struct victim {
	struct mmun_child child;
	const struct victim_span *spans;
	char *map;
	int fd;
	__u32 ids[2];
};

static inline char *victim_at(const struct victim *victim, int which)
{
	return victim->map + victim->spans[which].first * sysconf(_SC_PAGESIZE);
}

static inline size_t victim_length(const struct victim *victim, int which)
{
	return victim->spans[which].pages * sysconf(_SC_PAGESIZE);
}

/* Orders */

/* Returns the victim's number of the descriptor. */
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
			 victim_length(victim, which), id))
		return -1;
	return *id;
}

/* @spans: two spans.  @map: the order that maps the memory. */
static inline int victim_start(struct victim *victim,
			       const struct victim_span *spans,
			       mmun_order_fn map)
{
	struct mmun_child *child = &victim->child;
	int id = 0;

	victim->spans = spans;
	victim->map = mmun_arena(spans[0].first + spans[0].pages +
				 spans[1].first + spans[1].pages);
	if (!victim->map || mmun_child_start(child, victim) ||
	    mmun_child_do(child, map, 0))
		return -1;
	victim->fd =
		mmun_child_getfd(child, mmun_child_do(child, victim_open, 0));
	for (int i = 0; i < 2 && id >= 0; i++) {
		id = mmun_child_do(child, victim_insert, i);
		victim->ids[i] = id;
	}
	return victim->fd < 0 || id < 0 ? -1 : 0;
}

/* Fixtures; self->fd is the descriptor of the victim. */

#define VICTIM_FIXTURE \
	MMUN_FIXTURE;  \
	struct victim victim

#define setup_victim(_spans, _map)                                      \
	do {                                                            \
		self->page = sysconf(_SC_PAGESIZE);                     \
		ASSERT_EQ(0, victim_start(&self->victim, _spans, _map)) \
		{                                                       \
			TH_LOG("no victim: %s", strerror(errno));       \
		}                                                       \
		self->fd = self->victim.fd;                             \
		self->map = self->victim.map;                           \
	} while (0)

/*
 * If the test failed, the mm may still be pinned, or the victim may not exist.
 */
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
			  victim_length(&self->victim, _which))

#endif /* _SELFTESTS_MMUN_VICTIM_H */
