// SPDX-License-Identifier: GPL-2.0
/*
 * The specification of the list notifiers of mm/mmu_notifier.c.  The rules of the
 * list are described in words in Documentation/model.rst.
 */
#include <string.h>

#include "list.h"

static __u8 bit(int i)
{
	return 1 << i;
}

/* The SRCU read sections */

void list_read_begin(struct model_list *list, int actor)
{
	list->readers |= bit(actor);
}

void list_read_end(struct model_list *list, int actor)
{
	list->readers &= ~bit(actor);
	for (int i = 0; i < MODEL_LISTENERS; i++) {
		list->listener[i].readers &= ~bit(actor);
		list->listener[i].callers &= ~bit(actor);
	}
	for (int i = 0; i < MODEL_ACTORS; i++)
		list->walk[i].awaits &= ~bit(actor);
}

/* mmu_notifier_synchronize() */
void list_await(struct model_list *list, int actor)
{
	struct model_walk *walk = &list->walk[actor];

	walk->awaits = 0;
	walk->frees = 0;
	for (int i = 0; i < MODEL_LISTENERS; i++) {
		if (!list->listener[i].put)
			continue;
		walk->awaits |= list->listener[i].readers;
		walk->frees |= bit(i);
	}
}

bool list_awaited(const struct model_list *list, int actor)
{
	return !list->walk[actor].awaits;
}

bool list_has_freed(const struct model_list *list, int actor)
{
	return !list->walk[actor].frees;
}

/* The walks */

/* A listener that got no start gets no end.  Some listeners have no start. */
static bool is_open(const struct model_walk *walk, int listener,
		    const struct model_listener *l)
{
	return !(l->has & LIST_START) ||
	       walk->started[walk->depth - 1] & bit(listener);
}

/* Returns the listeners among @mask that the walk calls. */
static __u8 called_by(const struct model_list *list,
		      const struct model_walk *walk, __u8 mask)
{
	__u8 called = 0;

	for (int i = 0; i < MODEL_LISTENERS; i++) {
		const struct model_listener *l = &list->listener[i];

		if (mask & bit(i) && l->has & walk->calls &&
		    (!(walk->calls & LIST_END) || is_open(walk, i, l)))
			called |= bit(i);
	}
	return called;
}

static __u8 listed(const struct model_list *list)
{
	__u8 mask = 0;

	for (int i = 0; i < list->nr; i++)
		mask |= bit(list->order[i]);
	return mask;
}

/* A reader can call a listener that left the list in its read section. */
static __u8 reachable(const struct model_list *list, int actor)
{
	__u8 mask = listed(list) | list->changes;

	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (list->listener[i].callers & bit(actor))
			mask |= bit(i);
	return mask;
}

static void walk_begins(const struct model_list *list, struct model_walk *walk,
			int actor, __u8 calls)
{
	walk->calls = calls;
	walk->may = called_by(list, walk, reachable(list, actor));
	walk->must = called_by(list, walk, listed(list) & ~list->changes);
}

void list_walk(struct model_list *list, int actor, __u8 calls)
{
	struct model_walk *walk = &list->walk[actor];

	walk->one = 0;
	walk->young = 0;
	walk->refused = 0;
	if (calls & LIST_START)
		walk->started[walk->depth++] = 0;
	walk_begins(list, walk, actor, calls);
}

/* The listeners that were registered after @listener come before it. */
static __u8 before(const struct model_list *list, int listener)
{
	__u8 mask = 0;

	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (list->listener[i].age > list->listener[listener].age)
			mask |= bit(i);
	return mask;
}

/* After a refusal, the same call ends what has started. */
static bool end_refused(const struct model_list *list, struct model_walk *walk,
			int actor)
{
	const bool missed = walk->must;

	walk_begins(list, walk, actor, LIST_END);
	return !missed;
}

bool list_call(struct model_list *list, int actor, int listener,
	       enum model_callback callback)
{
	struct model_walk *walk = &list->walk[actor];

	if (callback == LIST_END && walk->calls == LIST_START &&
	    walk->refused && !end_refused(list, walk, actor))
		return false;
	if (!(list->readers & bit(actor)) || !(walk->calls & callback) ||
	    !(walk->may & bit(listener)) || walk->must & before(list, listener))
		return false;
	walk->must &= ~bit(listener);
	walk->may &= ~(bit(listener) | before(list, listener));
	if (callback == LIST_START)
		walk->started[walk->depth - 1] |= bit(listener);
	if (callback == LIST_RELEASE)
		list->listener[listener].released = 1;
	return true;
}

static void call_no_more(struct model_walk *walk)
{
	walk->must = 0;
	walk->may = 0;
}

bool list_walk_ends(struct model_list *list, int actor)
{
	struct model_walk *walk = &list->walk[actor];
	const bool missed = walk->must;

	if (walk->calls & LIST_END)
		walk->started[--walk->depth] = 0;
	walk->calls = 0;
	call_no_more(walk);
	walk->one = 0;
	return !missed;
}

void list_refuse(struct model_list *list, int actor, int listener)
{
	struct model_walk *walk = &list->walk[actor];

	walk->started[walk->depth - 1] &= ~bit(listener);
	walk->refused = 1;
}

/* The first listener that answers yes ends the walk of test_young(). */
void list_young(struct model_list *list, int actor)
{
	struct model_walk *walk = &list->walk[actor];

	walk->young = 1;
	if (walk->calls == LIST_TEST_YOUNG)
		call_no_more(walk);
}

/* The invalidation ends with the refusal of the range. */
void list_skip(struct model_list *list, int actor)
{
	call_no_more(&list->walk[actor]);
	list->walk[actor].calls = LIST_END;
}

/* If no listener has an end, end_refused() is not called before. */
bool list_started(struct model_list *list, int actor)
{
	struct model_walk *walk = &list->walk[actor];
	bool missed = false;

	if (walk->refused && walk->calls == LIST_START)
		missed = !end_refused(list, walk, actor);
	return list_walk_ends(list, actor) && !missed;
}

/* The changes of the list */

/*
 * During the locked section, a walk may or may not see the changes.  A listener
 * that leaves is no longer one that a walk must call.  Nobody has to wait for a
 * reader that begins during the section.
 */
void list_lock(struct model_list *list, __u8 changes)
{
	list->changes = changes;
	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (changes & listed(list) & bit(i))
			list->listener[i].readers = list->readers;
	for (int i = 0; i < MODEL_ACTORS; i++) {
		struct model_walk *walk = &list->walk[i];

		walk->must &= ~changes;
		if (walk->calls && !walk->one)
			walk->may |=
				called_by(list, walk, changes & ~listed(list));
	}
}

/* A new listener comes first. */
void list_register(struct model_list *list, int listener)
{
	struct model_listener *l = &list->listener[listener];

	memmove(&list->order[1], &list->order[0],
		list->nr * sizeof(list->order[0]));
	list->order[0] = listener;
	list->nr++;
	l->place = LISTENER_LISTED;
	l->users = 1;
	l->age = list->registrations++;
	list->changes = 0;
}

/* Only an actor that reads now can still call the listener. */
static void leave(struct model_list *list, int listener, int place)
{
	const struct model_list was = *list;
	struct model_listener *l = &list->listener[listener];

	if (l->place != LISTENER_LISTED)
		return;
	l->place = place;
	l->callers = list->readers;
	memset(list->order, 0, sizeof(list->order));
	list->nr = 0;
	for (int i = 0; i < was.nr; i++)
		if (was.order[i] != listener)
			list->order[list->nr++] = was.order[i];
	for (int i = 0; i < MODEL_ACTORS; i++)
		if (!(list->readers & bit(i)) && !list->walk[i].one)
			list->walk[i].may &= ~bit(listener);
}

void list_unregister_begins(struct model_list *list, int actor, int listener)
{
	struct model_walk *walk = &list->walk[actor];

	list_walk(list, actor, LIST_RELEASE);
	walk->must &= bit(listener);
	walk->may &= bit(listener);
	walk->one = 1;
}

void list_unregister(struct model_list *list, int listener)
{
	leave(list, listener, LISTENER_REMOVED);
	list->changes = 0;
}

void list_exit(struct model_list *list)
{
	while (list->nr)
		leave(list, list->order[0], LISTENER_EXITED);
	list->changes = 0;
}

int list_get(struct model_list *list, int ops)
{
	for (int i = 0; i < list->nr; i++) {
		struct model_listener *l = &list->listener[list->order[i]];

		if (l->ops != ops)
			continue;
		if (l->users == MODEL_MAX_USERS)
			return MODEL_TOO_MANY_USERS;
		l->users++;
		return list->order[i];
	}
	return MODEL_NO_LISTENER;
}

bool list_is_last_put(const struct model_list *list, int listener)
{
	return list->listener[listener].users == 1;
}

bool list_put(struct model_list *list, int listener)
{
	struct model_listener *l = &list->listener[listener];

	if (!--l->users) {
		leave(list, listener, LISTENER_REMOVED);
		l->freeing = 1;
	}
	list->changes = 0;
	return l->freeing;
}

void list_put_returns(struct model_list *list, int listener)
{
	list->listener[listener].put = 1;
}

/* The life of a listener */

int list_new(struct model_list *list, __u8 has, int ops)
{
	for (int i = 0; i < MODEL_LISTENERS; i++) {
		struct model_listener *l = &list->listener[i];

		if (l->place)
			continue;
		l->place = LISTENER_NEW;
		l->has = has;
		l->ops = ops;
		return i;
	}
	return MODEL_NO_LISTENER;
}

void list_forget(struct model_list *list, int listener)
{
	memset(&list->listener[listener], 0, sizeof(list->listener[0]));
	for (int i = 0; i < MODEL_ACTORS; i++)
		list->walk[i].frees &= ~bit(listener);
}

bool list_is_unregistered(const struct model_list *list, int listener)
{
	const struct model_listener *l = &list->listener[listener];

	return l->place > LISTENER_LISTED && !l->readers &&
	       (l->released || !(l->has & LIST_RELEASE));
}

/* A get that fails frees its new listener at once. */
bool list_can_free(const struct model_list *list, int listener)
{
	const struct model_listener *l = &list->listener[listener];

	return l->place == LISTENER_NEW || (l->freeing && !l->readers);
}

/* Each listener that the exit removed was released, and no release() runs. */
bool list_has_exited(const struct model_list *list)
{
	for (int i = 0; i < MODEL_LISTENERS; i++) {
		const struct model_listener *l = &list->listener[i];

		if (l->place == LISTENER_EXITED &&
		    (l->readers || (l->has & LIST_RELEASE && !l->released)))
			return false;
	}
	return !(listed(list) & ~list->changes);
}
