// SPDX-License-Identifier: GPL-2.0
/*
 * Executes a schedule on the kernel: makes the calls of the actors in the order
 * of the steps.
 */
#include <errno.h>
#include <string.h>

#include "../lib/compat.h"
#include "../lib/ioctl.h"
#include "play.h"

struct play play;

/*
 * The calls of the actors.  The thread of a mutator does not see changes of
 * @stage since fork() created the victim.
 */

static long call_reader(struct thread *t)
{
	struct mmun_commit commit;
	int ret;

	switch (t->call_nr) {
	case MODEL_BEGIN:
		ret = _mmun_read_begin(stage.fd, t->id, &t->token);
		t->result = t->token.seq - play.base;
		return ret;
	case MODEL_COLLECT:
		return _mmun_collect(stage.fd, t->token, (void *)t->start,
				     t->length, MMUN_METHOD_HMM_NOFAULT, 0,
				     &t->result);
	case MODEL_CHECK:
		return _mmun_check_retry(stage.fd, t->id, t->token.seq,
					 &t->result);
	default:
		ret = _mmun_commit(stage.fd, t->token, &commit);
		t->result = commit.out_collided;
		t->published = commit.out_published;
		return ret;
	}
}

/* The child must not access memory, because fork() copies only the arena. */
static long fork_and_exit(void)
{
	long ret = -EOPNOTSUPP;

#ifdef __x86_64__
	asm volatile("syscall\n\t"
		     "test %%eax, %%eax\n\t"
		     "jnz 1f\n\t"
		     "movl %[exit], %%eax\n\t"
		     "xorl %%edi, %%edi\n\t"
		     "syscall\n"
		     "1:"
		     : "=a"(ret)
		     : "a"(SYS_fork), [exit] "i"(SYS_exit_group)
		     : "rcx", "r11", "rdi", "memory");
#endif
	errno = -ret;
	return ret < 0 ? -1 : 0;
}

static int register_listener(struct thread *t)
{
	struct mmun_list_register cmd = { .ops = MMUN_LIST_KEY_OPS };
	const int ret = ioctl(stage.list_fd, MMUN_LIST_REGISTER, &cmd);

	t->id = cmd.out_id;
	return ret;
}

static int unregister_listener(struct thread *t)
{
	struct mmun_list_unregister cmd = { .id = t->id };

	return ioctl(stage.list_fd, MMUN_LIST_UNREGISTER, &cmd);
}

static int get_object(struct thread *t)
{
	struct mmun_list_get cmd = { .key = t->id };
	const int ret = ioctl(stage.list_fd, MMUN_LIST_GET, &cmd);

	t->id = cmd.out_id;
	return ret;
}

static int put_object(struct thread *t)
{
	struct mmun_list_put cmd = { .id = t->id };

	return ioctl(stage.list_fd, MMUN_LIST_PUT, &cmd);
}

static long make_call(struct thread *t)
{
	void *const start = (void *)t->start;

	switch (t->kind) {
	case MODEL_READER:
		return call_reader(t);
	case MODEL_INSERTER:
		return _mmun_insert_kind(stage.fd, stage_kind(), start,
					 t->length, &t->id);
	case MODEL_REMOVER:
		return _mmun_remove(stage.fd, t->id);
	case MODEL_REGISTER:
		return register_listener(t);
	case MODEL_UNREGISTER:
		return unregister_listener(t);
	case MODEL_GET:
		return get_object(t);
	case MODEL_PUT:
		return put_object(t);
	case MODEL_MADVISE:
		return madvise(start, t->length, MADV_DONTNEED);
	case MODEL_MUNMAP:
		return munmap(start, t->length);
	case MODEL_MPROTECT:
		return mprotect(start, t->length, PROT_READ);
	case MODEL_MREMAP:
		return syscall(SYS_mremap, start, t->length, t->length,
			       MREMAP_MAYMOVE | MREMAP_FIXED, MOVE_TO);
	case MODEL_FORK:
		return fork_and_exit();
	case MODEL_REAPER:
		return syscall(SYS_process_mrelease, stage.pidfd, 0);
	default:
		_exit(0);
	}
}

/* Returns the ID of the range or of the listener that the actor uses. */
static __u32 id_for(const struct model_role *role)
{
	switch (role->kind) {
	case MODEL_UNREGISTER:
		return stage.listener[play.m.plain[role->range]];
	case MODEL_PUT:
		return stage.listener[play.m.object[role->range]];
	case MODEL_GET:
		return role->range;
	default:
		return stage.id[role->range];
	}
}

/* Order the thread of the actor to make the call that the model has made. */
static void call(int actor)
{
	const struct model_role *role = role_of(actor);
	const bool is_first = !play.before.actor[actor].calls;
	struct thread *t = stage.thread[actor];

	t->kind = role->kind;
	/* If the first call fails, the model skips the later calls. */
	t->call_nr = is_first ? 0 : play.m.actor[actor].calls - 1;
	t->id = id_for(role);
	t->start = page_at(role->first);
	t->length = page_at(role->last + 1) - t->start;
	thread_order(t, make_call);
}

/*
 * Set up the holds of the listeners in which this step must end.  A hold of
 * /dev/mmun_list stops one task, once.
 */
static bool hold_in_listeners(void)
{
	for (int i = 0; i < stage.config->nr; i++) {
		const struct model_actor *before = &play.before.actor[i];
		const struct model_actor *a = &play.m.actor[i];

		if (a->where == MODEL_CALLED &&
		    (before->where != MODEL_CALLED || before->at != a->at) &&
		    !listener_hold(i, a->at))
			return disagree("cannot hold %s in a listener: %m",
					actor_name(i));
	}
	return true;
}

/* Make the kernel take the step that the model has just taken. */
static bool act(int actor)
{
	const int where = play.before.actor[actor].where;
	const __u32 hold = model_is_held(where) ? stage.hold[actor][where] : 0;

	if (!hold_in_listeners())
		return false;
	if (where == MODEL_IDLE)
		call(actor);
	else if (!hold_release(hold, where))
		return disagree("cannot release %s, which is %s: %m",
				actor_name(actor), where_name(where));
	return true;
}

/* Initially, the sequence of a range is the sequence of the mm minus 1. */
static bool play_begin(void)
{
	struct mmun_query_range cmd = {};
	int i = 0;

	model_init(&play.m, &play.schedule.config);
	play.freed = 0;
	if (!stage_set_up(&play.schedule.config, &play.m))
		return disagree("cannot set up the victim and its ranges: %m");
	while (!stage.id[i])
		i++;
	if (_mmun_query_range(stage.fd, stage.id[i], &cmd))
		return disagree("cannot query range %c: %m", 'A' + i);
	play.base = cmd.out_seq + 1 - MODEL_FIRST_SEQ;
	return compare_ranges();
}

static bool play_step(int actor)
{
	const struct model_config *config = &play.schedule.config;
	const bool is_enabled = model_enabled(&play.m, config, actor);

	play.before = play.m;
	if (is_enabled)
		model_step(&play.m, config, actor, &play.trace);
	play.last[play.nr % LAST_STEPS] = play.m;
	play.step[play.nr++] = actor;
	if (play.narrate)
		print_step(play.nr - 1);
	if (!is_enabled)
		return disagree("%s cannot take a step now", actor_name(actor));
	if (!act(actor) || !compare_step())
		return false;
	model_forget(&play.m);
	return true;
}

/*
 * Returns the actor of the next step, or -1.  After the listed steps of the
 * schedule, the first actor that can take a step takes the next step.
 */
static int next_actor(void)
{
	if (play.nr < play.schedule.nr)
		return play.schedule.step[play.nr];
	for (int i = 0; i < stage.config->nr; i++)
		if (model_enabled(&play.m, stage.config, i))
			return i;
	return -1;
}

bool play_schedule(void)
{
	int actor;

	play.nr = 0;
	play.why[0] = '\0';
	if (!play_begin())
		return false;
	while ((actor = next_actor()) >= 0)
		if (!play_step(actor))
			return false;
	if (!compare_end())
		return false;
	stage_clear();
	play.played++;
	play.steps += play.nr;
	return true;
}
