/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state and the rules of the list notifiers of one mm.  A listener is a list
 * notifier, struct mmu_notifier.  A state is a struct of bytes without padding,
 * so that memcmp() can compare two states.
 */
#ifndef _SELFTESTS_MMUN_MODEL_LIST_H
#define _SELFTESTS_MMUN_MODEL_LIST_H

#include <stdbool.h>
#include <linux/types.h>

#include "mmap_lock.h" /* MODEL_ACTORS */

#define MODEL_LISTENERS 4
#define MODEL_NO_LISTENER (-1)
#define MODEL_TOO_MANY_USERS (-2)
/* stands for UINT_MAX, the largest number of users */
#define MODEL_MAX_USERS 255

/* Number of invalidations that one actor can nest */
#define MODEL_NESTED 2

/* The callbacks of struct mmu_notifier_ops, as bits of a mask */
enum model_callback {
	LIST_RELEASE = 1 << 0,
	LIST_START = 1 << 1, /* invalidate_range_start() */
	LIST_END = 1 << 2, /* invalidate_range_end() */
	LIST_CLEAR_FLUSH_YOUNG = 1 << 3,
	LIST_CLEAR_YOUNG = 1 << 4,
	LIST_TEST_YOUNG = 1 << 5,
	LIST_CHANGE_PTE = 1 << 6,
	LIST_SECONDARY_TLB = 1 << 7,
};

enum model_place {
	LISTENER_NONE, /* There is no such listener. */
	LISTENER_NEW, /* not yet on the list */
	LISTENER_LISTED,
	LISTENER_REMOVED, /* by unregister, or by the last put */
	LISTENER_EXITED, /* removed by the exit of the mm */
};

struct model_listener {
	__u8 place; /* enum model_place */
	__u8 has; /* mask of its callbacks */
	__u8 ops; /* the number of its ops, for get */
	__u8 users; /* the number of gets that have had no put */
	__u8 age; /* the number of earlier registrations */
	__u8 readers; /* mask of the actors that read when the listener left */
	__u8 callers; /* mask of the actors that may still call the listener */
	__u8 released; /* release() was called */
	__u8 freeing; /* The last put has begun the deferred free. */
	__u8 put; /* The last put has returned. */
};

/*
 * A walk of an actor over the list.  A listener that enters or leaves the list
 * during the walk can be called, and any other listener of the list must be
 * called.
 */
struct model_walk {
	__u8 calls; /* mask of the callbacks that the walk calls, or 0 */
	__u8 must; /* mask of the listeners that the walk must yet call */
	__u8 may; /* mask of the listeners that the walk can yet call */
	__u8 one; /* 1: unregister calls release() of its listener only */
	__u8 young; /* A listener has answered that the page is young. */
	__u8 refused; /* A listener has refused the start. */
	__u8 awaits; /* mask of the readers that the actor waits for */
	__u8 frees; /* mask of the listeners whose free the actor waits for */
	__u8 depth; /* number of invalidations that have started */
	__u8 started[MODEL_NESTED]; /* for each, mask of the started listeners */
};

struct model_list {
	__u8 nr; /* length of the list */
	__u8 order[MODEL_LISTENERS]; /* the latest registration first */
	__u8 registrations; /* number of registrations */
	__u8 changes; /* mask of the listeners that enter or leave just now */
	__u8 readers; /* mask of the actors in an SRCU read section */
	struct model_listener listener[MODEL_LISTENERS];
	struct model_walk walk[MODEL_ACTORS];
};

/* An SRCU read section.  An actor calls listeners only inside of a section. */
void list_read_begin(struct model_list *list, int actor);
void list_read_end(struct model_list *list, int actor);
/*
 * Wait for the listeners whose last put has returned.  list_awaited() returns whether
 * their readers have ended, list_has_freed() whether the listeners were freed.
 */
void list_await(struct model_list *list, int actor);
bool list_awaited(const struct model_list *list, int actor);
bool list_has_freed(const struct model_list *list, int actor);

/*
 * Walks.  list_call() returns false if the walk must not call the listener.
 * list_walk_ends() returns false if the walk has missed a listener.
 */
void list_walk(struct model_list *list, int actor, __u8 calls);
bool list_call(struct model_list *list, int actor, int listener,
	       enum model_callback callback);
bool list_walk_ends(struct model_list *list, int actor);
/* The called listener refuses, or answers that the page is young. */
void list_refuse(struct model_list *list, int actor, int listener);
void list_young(struct model_list *list, int actor);
/* A range has refused the invalidation: no listener is called. */
void list_skip(struct model_list *list, int actor);
/*
 * The start of an invalidation returns.  Returns false if a listener was not
 * called, or, after a refusal, got no end.
 */
bool list_started(struct model_list *list, int actor);

/*
 * The changes of the list.  list_lock() comes first, when the actor gets the lock
 * of the list.  The other functions have the effect of the locked section.
 */
void list_lock(struct model_list *list, __u8 changes);
void list_register(struct model_list *list, int listener);
/* unregister calls release() before it takes the lock, if the exit does not. */
void list_unregister_begins(struct model_list *list, int actor, int listener);
void list_unregister(struct model_list *list, int listener);
void list_exit(struct model_list *list);
/*
 * Returns the listener with these ops, MODEL_NO_LISTENER, or
 * MODEL_TOO_MANY_USERS.
 */
int list_get(struct model_list *list, int ops);
/* Returns whether the deferred free must follow. */
bool list_put(struct model_list *list, int listener);
/* The last put returns. */
void list_put_returns(struct model_list *list, int listener);
bool list_is_last_put(const struct model_list *list, int listener);

/* A new listener has no place on the list. */
int list_new(struct model_list *list, __u8 has, int ops);
void list_forget(struct model_list *list, int listener);
/* Returns whether unregister can return. */
bool list_is_unregistered(const struct model_list *list, int listener);
/* Returns whether free_notifier() can be called. */
bool list_can_free(const struct model_list *list, int listener);
/* Returns whether the pages of the mm can go. */
bool list_has_exited(const struct model_list *list);

#endif /* _SELFTESTS_MMUN_MODEL_LIST_H */
