/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The steps of the listeners: the calls that change the list, and the walks over
 * the list.  list.h has the rules of the list.
 */
#ifndef _SELFTESTS_MMUN_MODEL_LISTEN_H
#define _SELFTESTS_MMUN_MODEL_LISTEN_H

#include "step.h"

/* Add the listeners that exist before the first step. */
void listen_init(struct model *m, const struct model_config *config);
/* Returns whether the plain listener of the role has been registered. */
bool listen_is_registered(const struct model *m, const struct model_role *role);
/*
 * The right rules: the next listener of a walk, whether the caller of unregister
 * or put waits, and whether an object must be freed after its last put.
 */
int listen_next(const struct model *m, int listener);
bool listen_waits(const struct model_list *list, int listener, int kind);
bool listen_frees(const struct model_list *list, int listener);

/*
 * A walk: listen_begin() begins the read section of the actor.  listen_go_on()
 * calls the listeners after @listener, or all if @listener is MODEL_NO_LISTENER.
 * listen_go_on() returns the listener that holds the actor, or
 * MODEL_LAST_LISTENER.  listen_end() ends the walk and the section.
 */
void listen_begin(struct step *s, int callback);
int listen_go_on(struct step *s, int listener);
void listen_end(struct step *s);

/* The calls.  The caller has the mmap_lock if the call needs it. */
void listen_register(struct step *s);
void listen_unregister(struct step *s);
void listen_get(struct step *s);
void listen_put(struct step *s);
void listen_exit(struct step *s);
/* End the waits for read sections that have ended. */
void listen_settle(struct step *s);
/* Returns the number of objects that can be freed, and need not be freed yet. */
int listen_may_free(const struct model *m);

#endif /* _SELFTESTS_MMUN_MODEL_LISTEN_H */
