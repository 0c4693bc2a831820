// SPDX-License-Identifier: GPL-2.0
/*
 * The steps of the listeners.  In a walk, the listeners that exist at the start
 * hold the actor in invalidate_range_start().
 */
#include <string.h>

#include "listen.h"

#define CALLBACKS (LIST_RELEASE | LIST_START | LIST_END)
/* The ops of the listeners that no get returns */
#define OTHER_OPS MODEL_KEYS

static __u8 bit(int i)
{
	return 1 << i;
}

/* The start */

static int add(struct model *m, int has, int ops)
{
	const int listener = list_new(&m->list, has, ops);

	list_lock(&m->list, bit(listener));
	list_register(&m->list, listener);
	return listener;
}

static void add_plain(struct model *m, const struct model_config *config,
		      int number)
{
	if (config->listed & bit(number)) {
		m->plain[number] = add(m, CALLBACKS, OTHER_OPS);
		m->holds |= bit(m->plain[number]);
	}
}

static void add_object(struct model *m, const struct model_config *config,
		       int key)
{
	if (!config->users[key])
		return;
	m->object[key] = add(m, CALLBACKS, key);
	m->list.listener[m->object[key]].users = config->users[key];
	m->holds |= bit(m->object[key]);
}

void listen_init(struct model *m, const struct model_config *config)
{
	add(m, LIST_START | LIST_END, OTHER_OPS);
	for (int i = 0; i < MODEL_PLAIN; i++)
		add_plain(m, config, i);
	for (int key = 0; key < MODEL_KEYS; key++)
		add_object(m, config, key);
	for (int i = 0; i < MODEL_PLAIN; i++)
		if (config->plain & ~config->listed & bit(i))
			m->plain[i] = list_new(&m->list, CALLBACKS, OTHER_OPS);
}

bool listen_is_registered(const struct model *m, const struct model_role *role)
{
	return m->list.listener[m->plain[role->range]].place > LISTENER_NEW;
}

/* The walks */

static void log_call(struct step *s, int listener, int callback)
{
	const struct model_called called = {
		.actor = s->actor,
		.listener = listener,
		.callback = callback,
		.event = model_kinds[s->kind].event[s->a->round],
	};

	if (listener != MODEL_LAST_LISTENER &&
	    s->trace->nr_called < MODEL_RECORDS)
		s->trace->called[s->trace->nr_called++] = called;
}

void listen_begin(struct step *s, int callback)
{
	list_walk(&s->m->list, s->actor, callback);
	list_read_begin(&s->m->list, s->actor);
}

/* Returns the place of the listener in the order of the list, or -1. */
static int place_of(const struct model_list *list, int listener)
{
	int place = list->nr - 1;

	while (place >= 0 && list->order[place] != listener)
		place--;
	return place;
}

/*
 * The kernel does not change the pointer to the next listener in a listener that
 * leaves the list.  So a walk that is in the callback of this listener can call a
 * listener that has left the list later.
 */
int listen_next(const struct model *m, int listener)
{
	const struct model_list *list = &m->list;
	const int place = place_of(list, listener);

	if (listener != MODEL_NO_LISTENER && place < 0)
		return m->next[listener];
	return place + 1 < list->nr ? list->order[place + 1] :
				      MODEL_NO_LISTENER;
}

static bool is_called(const struct step *s, int listener)
{
	return s->m->list.walk[s->actor].may & bit(listener);
}

int listen_go_on(struct step *s, int listener)
{
	const int callback = s->m->list.walk[s->actor].calls;

	while ((listener = s->rules->next_listener(s->m, listener)) !=
	       MODEL_NO_LISTENER) {
		if (!is_called(s, listener))
			continue;
		step_expect(s, list_call(&s->m->list, s->actor, listener,
					 callback));
		log_call(s, listener, callback);
		if (callback == LIST_START && s->m->holds & bit(listener))
			return listener;
	}
	return MODEL_LAST_LISTENER;
}

void listen_end(struct step *s)
{
	step_expect(s, list_walk_ends(&s->m->list, s->actor));
	list_read_end(&s->m->list, s->actor);
}

/* The calls */

static void enlist(struct step *s, int listener)
{
	list_lock(&s->m->list, bit(listener));
	s->rules->enlist(&s->m->list, listener);
}

void listen_register(struct step *s)
{
	const int listener = s->m->plain[s->role->range];

	enlist(s, listener);
	step_finish(s, 0, listener);
}

void listen_get(struct step *s)
{
	int listener = s->rules->get(&s->m->list, s->role->range);

	if (listener == MODEL_NO_LISTENER) {
		listener = list_new(&s->m->list, CALLBACKS, s->role->range);
		log_call(s, listener, 0);
		enlist(s, listener);
	}
	step_finish(s, 0, listener);
}

/* Begin to remove the listener. */
static void unlist(struct step *s, int listener)
{
	const int next = listen_next(s->m, listener);

	if (s->m->list.listener[listener].place == LISTENER_LISTED &&
	    next != MODEL_NO_LISTENER)
		s->m->next[listener] = next;
	list_lock(&s->m->list, bit(listener));
}

/* The caller waits until listen_settle() ends the wait. */
static void leave(struct step *s, int listener)
{
	s->a->at = listener;
	if (s->rules->waits(&s->m->list, listener, s->kind))
		s->a->where = MODEL_WAITS_READERS;
	else
		step_finish(s, 0, 0);
}

void listen_unregister(struct step *s)
{
	const int listener = s->m->plain[s->role->range];
	struct model_list *list = &s->m->list;

	list_unregister_begins(list, s->actor, listener);
	list_read_begin(list, s->actor);
	listen_go_on(s, MODEL_NO_LISTENER);
	listen_end(s);
	unlist(s, listener);
	s->rules->unlist(list, listener);
	leave(s, listener);
}

void listen_put(struct step *s)
{
	const int listener = s->m->object[s->role->range];
	struct model_list *list = &s->m->list;

	if (list_is_last_put(list, listener))
		unlist(s, listener);
	s->rules->put(list, listener);
	leave(s, listener);
}

void listen_exit(struct step *s)
{
	struct model_list *list = &s->m->list;

	__u8 listed = 0;

	listen_begin(s, LIST_RELEASE);
	listen_go_on(s, MODEL_NO_LISTENER);
	for (int i = 0; i < list->nr; i++)
		listed |= bit(list->order[i]);
	list_lock(list, listed);
	s->rules->unlist_all(list);
	listen_end(s);
	step_expect(s, list_has_exited(list));
}

/* The ends of the waits */

bool listen_waits(const struct model_list *list, int listener, int kind)
{
	return kind == MODEL_UNREGISTER &&
	       !list_is_unregistered(list, listener);
}

static bool may_return(const struct step *s)
{
	return s->kind == MODEL_PUT ||
	       list_is_unregistered(&s->m->list, s->a->at);
}

static void end_wait(struct step *s)
{
	if (s->a->where != MODEL_WAITS_READERS && s->a->where != MODEL_MAY_WAIT)
		return;
	if (s->rules->waits(&s->m->list, s->a->at, s->kind))
		return;
	if (s->m->list.readers) {
		s->a->where = MODEL_MAY_WAIT;
		return;
	}
	step_expect(s, may_return(s));
	step_finish(s, 0, 0);
}

/* The kernel need not free an object before all read sections have ended. */
bool listen_frees(const struct model_list *list, int listener)
{
	return list_can_free(list, listener) && !list->readers;
}

/* Returns whether the last put has begun the free of the listener. */
static bool is_put(const struct model *m, int listener)
{
	return m->list.listener[listener].freeing;
}

static void free_object(struct step *s, int listener)
{
	step_expect(s, list_can_free(&s->m->list, listener));
	list_forget(&s->m->list, listener);
	s->m->holds &= ~bit(listener);
	s->m->freed++;
}

void listen_settle(struct step *s)
{
	for (int i = 0; i < s->config->nr; i++) {
		step_select(s, i);
		end_wait(s);
	}
	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (is_put(s->m, i) && s->rules->frees(&s->m->list, i))
			free_object(s, i);
	/* Only a walk needs the next listeners of a listener that has left. */
	if (!s->m->list.readers)
		memset(s->m->next, 0, sizeof(s->m->next));
}

int listen_may_free(const struct model *m)
{
	int nr = 0;

	for (int i = 0; i < MODEL_LISTENERS; i++)
		nr += is_put(m, i) && list_can_free(&m->list, i);
	return nr;
}
