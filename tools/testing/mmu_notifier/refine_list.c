// SPDX-License-Identifier: GPL-2.0
/* Compare the kernel with the model of the list notifiers, step by step */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "actor.h"
#include "list.h"
#include "mm.h"
#include "refine.h"
#include "refine_list.h"

struct state {
	const void *sub[LISTENERS];
	struct model_list list;
	struct {
		uint8_t call; /* enum list_call */
		int8_t listener; /* the list notifier of the call */
		uint8_t ops; /* the argument of get */
		uint8_t last : 1; /* The put is the last put. */
		uint8_t exits : 1; /* release() makes the call during the exit. */
	} actor[MAX_ACTORS];
	uint8_t exited; /* The exit has released the list notifiers. */
};

#define STATE ((struct state *)world.list_shadow)
static_assert(sizeof(struct state) <= sizeof(world.list_shadow), "too large");
static_assert(LISTENERS == MODEL_LISTENERS && MAX_ACTORS == MODEL_ACTORS,
	      "sizes");

#define LIST (&STATE->list)

static typeof(STATE->actor[0]) *my(void)
{
	return &STATE->actor[actor_index(me)];
}

void refine_list_init(void)
{
	memset(world.list_shadow, 0, sizeof(world.list_shadow));
}

int refine_list_number(const void *sub)
{
	for (int i = 0; i < LISTENERS; i++)
		if (sub && STATE->sub[i] == sub)
			return i;
	violate("a list notifier that does not exist is used");
	return 0;
}

void *refine_list_object(int listener)
{
	return (void *)STATE->sub[listener];
}

int refine_list_nr(void)
{
	int nr = 0;

	for (int i = 0; i < LISTENERS; i++)
		nr += LIST->listener[i].place > LISTENER_NEW;
	return nr;
}

int refine_list_new(void *sub, uint8_t has, int ops)
{
	const int listener = list_new(LIST, has, ops);

	if (listener == MODEL_NO_LISTENER)
		violate("there are more than %d list notifiers", LISTENERS);
	STATE->sub[listener] = sub;
	if (me && my()->call == LIST_CALL_GET) {
		if (my()->listener != MODEL_NO_LISTENER)
			violate("alloc_notifier() is called, and get must not allocate");
		my()->listener = listener;
	}
	return listener;
}

static void forget(int listener)
{
	list_forget(LIST, listener);
	STATE->sub[listener] = NULL;
}

/* The calls that change the list */

void refine_list_call(enum list_call call, int arg)
{
	if (!me) {
		if (call == LIST_CALL_REGISTER)
			list_register(LIST, arg);
		return;
	}
	my()->exits = my()->call == LIST_CALL_EXIT;
	if (!my()->exits)
		refine_call(CALL_NONE, 0, 0, 0);
	my()->call = call;
	my()->listener = call == LIST_CALL_GET ? MODEL_NO_LISTENER : arg;
	my()->ops = call == LIST_CALL_GET ? arg : 0;
	my()->last = 0;
	if (call == LIST_CALL_UNREGISTER)
		list_unregister_begins(LIST, actor_index(me), arg);
	if (call == LIST_CALL_EXIT)
		list_walk(LIST, actor_index(me), LIST_RELEASE);
}

static void call_ends(void)
{
	bool exits;

	if (!me)
		return;
	exits = my()->exits;
	memset(my(), 0, sizeof(*my()));
	if (exits)
		my()->call = LIST_CALL_EXIT;
}

static bool is_new(int listener)
{
	return LIST->listener[listener].place == LISTENER_NEW;
}

void refine_list_registered(int ret)
{
	if (me && !ret == is_new(my()->listener))
		violate("register returned %d", ret);
	call_ends();
}

static void check_walk(void)
{
	if (!list_walk_ends(LIST, actor_index(me)))
		violate("a list notifier was not called");
}

void refine_list_unregistered(void)
{
	const int listener = my()->listener;

	check_walk();
	if (!list_is_unregistered(LIST, listener))
		violate("unregister returned, and the list notifier is still in use");
	forget(listener);
	call_ends();
}

void refine_list_got(const void *sub)
{
	const bool failed = (uintptr_t)sub >= (uintptr_t)-4095;
	int listener;

	if (!me) {
		list_register(LIST, refine_list_number(sub));
		return;
	}
	listener = my()->listener;
	if (failed && listener >= 0)
		violate("get failed, and the list notifier still exists");
	if (!failed && (listener < 0 || sub != STATE->sub[listener]))
		violate("get returned another list notifier");
	call_ends();
}

void refine_list_exited(void)
{
	check_walk();
	if (!list_has_exited(LIST))
		violate("the pages go, and release() has not ended");
	STATE->exited = 1;
	call_ends();
}

void refine_list_releases(void)
{
	if (STATE->exited && !mm_settings.late_release)
		violate("the exit frees the pages, and release() still runs");
}

/* After the last put, the list notifier can be freed before put returns. */
void refine_list_put(const void *sub)
{
	const int listener = my()->listener;

	if (my()->last && STATE->sub[listener] == sub)
		list_put_returns(LIST, listener);
	call_ends();
}

void refine_list_frees(const void *sub)
{
	if (!list_can_free(LIST, refine_list_number(sub)))
		violate("free_notifier() is called, and the list notifier is still in use");
}

void refine_list_freed(const void *sub)
{
	const int listener = refine_list_number(sub);

	if (my()->call == LIST_CALL_GET && my()->listener == listener)
		my()->listener = MODEL_NO_LISTENER;
	forget(listener);
}

void refine_list_users(int listener, int users)
{
	LIST->listener[listener].users = users;
}

/* The walks */

void refine_list_walk(uint8_t calls)
{
	if (!me)
		return;
	list_walk(LIST, actor_index(me), calls);
}

void refine_list_walked(void)
{
	if (me)
		check_walk();
}

static const char *const names[] = {
	"release()",	 "start",	 "end",		 "clear_flush_young()",
	"clear_young()", "test_young()", "change_pte()", "the secondary TLB",
};

void refine_list_callback(const void *sub, int callback)
{
	const int listener = refine_list_number(sub);

	if (!list_call(LIST, actor_index(me), listener, callback))
		violate("the callback for %s of list notifier %d is called, and must not be called",
			names[__builtin_ctz(callback)], listener);
	if (callback == LIST_START && !refine_ranges_called())
		violate("a list notifier is called before a range");
}

void refine_list_refuses(const void *sub)
{
	list_refuse(LIST, actor_index(me), refine_list_number(sub));
	refine_refused_by_list();
}

void refine_list_answers_young(void)
{
	list_young(LIST, actor_index(me));
}

void refine_list_young(bool young)
{
	if (young != LIST->walk[actor_index(me)].young)
		violate("the page is %s, and no list notifier says so",
			young ? "young" : "not young");
	check_walk();
}

void refine_list_skip(void)
{
	list_skip(LIST, actor_index(me));
}

void refine_list_started(int ret)
{
	if (!list_started(LIST, actor_index(me)))
		violate("a list notifier was not called, or got no end after a refusal");
	if (LIST->walk[actor_index(me)].refused && ret != -EAGAIN)
		violate("a list notifier refused, and the start returned %d",
			ret);
}

void refine_list_synchronize(void)
{
	list_await(LIST, actor_index(me));
}

void refine_list_synchronized(void)
{
	if (!list_awaited(LIST, actor_index(me)))
		violate("synchronize returned, and a walk still runs");
	if (!list_has_freed(LIST, actor_index(me)) && !mm_settings.late_free)
		violate("synchronize returned, and free_notifier() of a put has not returned");
}

/* The steps of the kernel */

void refine_list_read(bool begin)
{
	if (begin)
		list_read_begin(LIST, actor_index(me));
	else
		list_read_end(LIST, actor_index(me));
}

/* Returns whether the locked section is that of the list notifiers. */
static bool is_list_section(void)
{
	return my()->call != LIST_CALL_EXIT || me->in_srcu;
}

static uint8_t all_listed(void)
{
	uint8_t mask = 0;

	for (int i = 0; i < LIST->nr; i++)
		mask |= 1 << LIST->order[i];
	return mask;
}

/* Returns the list notifiers that the locked section adds or removes. */
static uint8_t changed_by(void)
{
	const int listener = my()->listener;

	switch (my()->call) {
	case LIST_CALL_UNREGISTER:
	case LIST_CALL_REGISTER:
		return 1 << listener;
	case LIST_CALL_GET:
		return listener < 0 ? 0 : 1 << listener;
	case LIST_CALL_PUT:
		return list_is_last_put(LIST, listener) ? 1 << listener : 0;
	case LIST_CALL_EXIT:
		return all_listed();
	default:
		return 0;
	}
}

/* A call that removes list notifiers has called release() before. */
void refine_list_lock(const void *lock)
{
	struct peek now;

	if (!my()->call || !is_list_section())
		return;
	peek(&now);
	if (!now.exists || now.lock != lock)
		return;
	if (my()->call == LIST_CALL_UNREGISTER || my()->call == LIST_CALL_EXIT)
		check_walk();
	list_lock(LIST, changed_by());
}

static void model_gets(void)
{
	if (my()->listener >= 0)
		list_register(LIST, my()->listener);
	else
		my()->listener = list_get(LIST, my()->ops);
}

/* Make the call of the model that the locked section of the kernel has made. */
static void model_makes_call(void)
{
	const int listener = my()->listener;

	switch (my()->call) {
	case LIST_CALL_REGISTER:
		list_register(LIST, listener);
		break;
	case LIST_CALL_UNREGISTER:
		list_unregister(LIST, listener);
		break;
	case LIST_CALL_GET:
		model_gets();
		break;
	case LIST_CALL_PUT:
		my()->last = list_put(LIST, listener);
		break;
	case LIST_CALL_EXIT:
		list_exit(LIST);
		break;
	}
}

static void compare(const struct peek *k)
{
	if (k->nr_list != LIST->nr)
		violate("%d list notifiers are on the list, and must be %d",
			k->nr_list, LIST->nr);
	for (int i = 0; i < LIST->nr; i++) {
		const int listener = LIST->order[i];

		if (k->list[i] != STATE->sub[listener])
			violate("the order of the list notifiers is wrong");
		if ((k->users[i] & 0xff) != LIST->listener[listener].users)
			violate("list notifier %d has %u users, and must have %d",
				listener, k->users[i],
				LIST->listener[listener].users);
	}
}

void refine_list_unlock(const struct peek *now)
{
	if (my()->call && is_list_section())
		model_makes_call();
	compare(now);
}

/* All actors have ended. */
void refine_list_end(void)
{
	for (int i = 0; i < MAX_ACTORS; i++)
		if (LIST->walk[i].depth)
			violate("an invalidation started and did not end");
	for (int i = 0; i < LISTENERS; i++)
		if (LIST->listener[i].freeing)
			violate("the last put of list notifier %d did not free it",
				i);
}
