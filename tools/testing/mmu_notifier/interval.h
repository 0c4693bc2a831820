/* SPDX-License-Identifier: GPL-2.0 */
/* Actors that use interval notifiers as a driver does, and the mutators */
#ifndef _MMU_NOTIFIER_INTERVAL_H
#define _MMU_NOTIFIER_INTERVAL_H

#include <stdbool.h>

/* The task of one actor */
struct role {
	void (*run)(void *role);
	const char *name; /* what the actor does, for a drawing */
	enum {
		WITH_NOTHING,
		WITH_RANGE,
		WITH_PAGES,
		WITH_LISTENER, /* The number is in @range. */
	} with;
	int range; /* the range of a reader, an inserter or a remover */
	int first; /* the pages of an invalidation */
	int last;
};

/* Begin, collect the pages, and publish them, until there is no collision. */
void reader(void *role);
void inserter(void *role);
void insert_and_read(void *role);
void remover(void *role);
void insert_wrong(void *role);
void insert_fails(void *role);
/* Insert under the mmap_lock, and read. */
void insert_locked(void *role);
void insert_locked_fails(void *role);
void late_inserter(void *role);
void faulter(void *role);
void insert_and_remove(void *role);
void invalidator(void *role);
/* Ask whether an event only takes the write permission. */
void read_only(void *role);
/* An invalidation of a caller that has flushed the secondary TLB */
void only_end_invalidator(void *role);
/* Invalidate twice, one inside of the other, as nested callers do. */
void nested_invalidator(void *role);
/* An invalidation that must not block */
void reaper(void *role);
/* Drop the last user of the mm. */
void exiter(void *role);

/* Create a range before the first step. */
void interval_setup(int range, bool refuses, bool two_pass, bool wide);
/* Returns whether the invalidation went through. */
bool invalidate(int first, int last, bool blockable);
/* The page is no longer mapped: no shadow entry may map the page. */
void interval_check_page(int page);
/* All actors have ended: the shadow entries map the pages that the mm maps. */
void interval_check_end(void);

#endif /* _MMU_NOTIFIER_INTERVAL_H */
