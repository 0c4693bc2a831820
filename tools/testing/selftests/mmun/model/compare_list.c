// SPDX-License-Identifier: GPL-2.0
/* Compares the listeners of /dev/mmun_list with the model */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "listen.h"
#include "play.h"

static const struct model_listener *listener_at(int listener)
{
	return &play.m.list.listener[listener];
}

/* The results of register and get */

static bool is_used(__u32 id)
{
	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (stage.listener[i] == id)
			return true;
	return false;
}

/* A new listener must have a new ID, and get must return a known object. */
bool compare_listener(int actor)
{
	const int listener = play.m.actor[actor].result;
	const __u32 id = stage.thread[actor]->id;
	const int kind = role_of(actor)->kind;

	if (kind != MODEL_REGISTER && kind != MODEL_GET)
		return true;
	if (stage.listener[listener])
		return same(stage.listener[listener], id,
			    "the ID of the listener that %s got",
			    actor_name(actor));
	if (is_used(id))
		return disagree("%s should get a new listener, but got ID %u",
				actor_name(actor), id);
	stage.listener[listener] = id;
	return true;
}

/* The log */

static __u32 op_of(int callback)
{
	switch (callback) {
	case LIST_RELEASE:
		return MMUN_LIST_RELEASE;
	case LIST_START:
		return MMUN_LIST_START;
	case LIST_END:
		return MMUN_LIST_END;
	default:
		return MMUN_LIST_ALLOC;
	}
}

/* Returns the expected record, in which @got fills the unspecified fields. */
static struct mmun_list_record
expected_record(const struct model_called *expected,
		const struct mmun_list_record *got)
{
	const struct model_role *role = role_of(expected->actor);
	struct mmun_list_record r = *got;

	r.id = stage.listener[expected->listener];
	r.op = op_of(expected->callback);
	r.tid = stage.thread[expected->actor]->task.tid;
	if (r.op != MMUN_LIST_START && r.op != MMUN_LIST_END)
		return r;
	r.event = expected->event;
	r.start = page_at(role->first);
	r.end = page_at(role->last + 1);
	r.flags = MMUN_LIST_RECORD_BLOCKABLE;
	return r;
}

static const char *record_text(char text[128], const struct mmun_list_record *r)
{
	snprintf(text, 128,
		 "op %u tid %u, listener %u, event %u, flags %x, %llx-%llx",
		 r->op, r->tid, r->id, r->event, r->flags, r->start, r->end);
	return text;
}

static bool compare_call(int nr, const struct mmun_list_record *got)
{
	struct mmun_list_record r;
	char right[128], wrong[128];

	if (nr >= play.trace.nr_called)
		return disagree("no call is expected, but there is: %s",
				record_text(wrong, got));
	r = expected_record(&play.trace.called[nr], got);
	return !memcmp(&r, got, sizeof(r)) ||
	       disagree("the call of a listener should be: %s, but is: %s",
			record_text(right, &r), record_text(wrong, got));
}

/*
 * Compare the new calls of listeners in the log from number *@calls on, and
 * count the frees.  A free of an object of an earlier schedule can be late.
 */
static bool read_log(int *calls)
{
	struct mmun_list_record r;

	while (read(stage.list_fd, &r, sizeof(r)) == sizeof(r)) {
		if (r.op == MMUN_LIST_FREE)
			play.freed += is_used(r.id);
		else if (!compare_call((*calls)++, &r))
			return false;
	}
	return true;
}

/* The kernel frees objects some time after the read sections have ended. */
static bool has_freed(int *calls)
{
	return !read_log(calls) || play.freed >= play.m.freed;
}

static bool compare_log(void)
{
	const int may_free = listen_may_free(&play.m);
	int calls = 0;

	play.why[0] = '\0';
	run_until(has_freed(&calls), stage.settle_ms);
	if (play.why[0])
		return false;
	if (play.freed < play.m.freed || play.freed > play.m.freed + may_free)
		return same(play.m.freed, play.freed,
			    "the number of freed objects");
	return same(play.trace.nr_called, calls,
		    "the number of calls of listeners");
}

/* The listeners */

static bool compare_users(int listener, const struct mmun_list_state *state)
{
	const struct model_listener *l = listener_at(listener);

	return same(l->users, state->out_users, "the users of listener %d",
		    listener) &&
	       same(0, state->out_unpaired, "out_unpaired of listener %d",
		    listener);
}

/* The driver can forget a listener that has left the list. */
static bool compare_state(int listener)
{
	const bool listed = listener_at(listener)->place == LISTENER_LISTED;
	struct mmun_list_state cmd = { .id = stage.listener[listener] };

	if (!cmd.id)
		return true;
	if (ioctl(stage.list_fd, MMUN_LIST_STATE, &cmd))
		return !listed ||
		       disagree("cannot query listener %d: %m", listener);
	return same(listed, cmd.out_hashed, "out_hashed of listener %d",
		    listener) &&
	       (!listed || compare_users(listener, &cmd));
}

static void forget_freed(void)
{
	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (!listener_at(i)->place)
			stage.listener[i] = 0;
}

bool compare_listeners(void)
{
	if (!config_uses_list(stage.config))
		return true;
	if (!compare_log())
		return false;
	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (!compare_state(i))
			return false;
	forget_freed();
	return true;
}
