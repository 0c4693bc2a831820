/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The oracle of the list notifiers, as refine.h for the interval lock: the model
 * list.c of selftests/mmun/model makes the same calls as the kernel.
 */
#ifndef _MMU_NOTIFIER_REFINE_LIST_H
#define _MMU_NOTIFIER_REFINE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#define LISTENERS 4
#define NO_LISTENER (-1)

/* The call of an actor that changes the list */
enum list_call {
	LIST_CALL_NONE,
	LIST_CALL_REGISTER,
	LIST_CALL_UNREGISTER,
	LIST_CALL_GET,
	LIST_CALL_PUT,
	LIST_CALL_EXIT,
};

struct peek;

void refine_list_init(void);
/* A new list notifier with a mask of enum model_callback.  Returns its number. */
int refine_list_new(void *sub, uint8_t has, int ops);
/* Returns the number of the list notifier with this subscription. */
int refine_list_number(const void *sub);
/* Returns the subscription of a list notifier, or NULL. */
void *refine_list_object(int listener);
/* The number of references to the mm that list notifiers hold */
int refine_list_nr(void);

/* The argument is the list notifier, or for a get the number of the ops. */
void refine_list_call(enum list_call call, int arg);
/* What the call returned */
void refine_list_registered(int ret);
void refine_list_unregistered(void);
void refine_list_got(const void *sub);
void refine_list_exited(void);
/* The last put of a list notifier has returned, or another put. */
void refine_list_put(const void *sub);
/* The begin and the end of free_notifier() */
void refine_list_frees(const void *sub);
void refine_list_freed(const void *sub);
/* release() runs: the pages of the mm must exist. */
void refine_list_releases(void);
/* The test has set the number of users. */
void refine_list_users(int listener, int users);

/* A call that walks over the list, and calls these callbacks */
void refine_list_walk(uint8_t calls);
void refine_list_walked(void);
void refine_list_callback(const void *sub, int callback);
void refine_list_refuses(const void *sub);
void refine_list_answers_young(void);
/* The walk has returned whether the page is young. */
void refine_list_young(bool young);
void refine_list_skip(void);
void refine_list_started(int ret);
void refine_list_synchronize(void);
void refine_list_synchronized(void);

void refine_list_read(bool begin);
void refine_list_lock(const void *lock);
void refine_list_unlock(const struct peek *now);
void refine_list_end(void);

#endif /* _MMU_NOTIFIER_REFINE_LIST_H */
