// SPDX-License-Identifier: GPL-2.0
/*
 * Plays a schedule on the kernel: makes the calls of the actors in the order of
 * the steps.
 */
#include <string.h>

#include "../lib/compat.h"
#include "../lib/ioctl.h"
#include "play.h"

struct play play;

/* @call: enum model_call */
static void call_reader(int actor, int call)
{
	const int range = role_of(actor)->range;
	const struct mmun_token token = stage.token[actor];
	const __u32 id = stage.id[range];
	struct thread *t = stage.thread[actor];

	switch (call) {
	case MODEL_BEGIN:
		thread_ioctl(t, stage.fd, MMUN_READ_BEGIN, begin, .id = id);
		break;
	case MODEL_COLLECT:
		thread_ioctl(t, stage.fd, MMUN_COLLECT, collect,
			     .batch = token.batch, .start = page_at(range),
			     .length = 2 * page_size(),
			     .method = MMUN_METHOD_HMM_NOFAULT);
		break;
	case MODEL_CHECK:
		thread_ioctl(t, stage.fd, MMUN_QUERY_RANGE, query, .id = id,
			     .seq = token.seq);
		break;
	case MODEL_COMMIT:
		thread_ioctl(t, stage.fd, MMUN_COMMIT, commit,
			     .batch = token.batch, .seq = token.seq);
		break;
	}
}

static void call_inserter(int actor)
{
	struct thread *t = stage.thread[actor];

	t->span = (struct mmun_span){
		.start = page_at(role_of(actor)->range),
		.length = 2 * page_size(),
	};
	thread_ioctl(t, stage.fd, MMUN_INSERT, insert, .kind = stage.kind,
		     .spans = mmun_u64(&t->span), .count = 1);
}

static void call_remover(int actor)
{
	struct thread *t = stage.thread[actor];

	t->span = (struct mmun_span){ .id = stage.id[role_of(actor)->range] };
	thread_ioctl(t, stage.fd, MMUN_REMOVE, remove,
		     .spans = mmun_u64(&t->span), .count = 1);
}

static void call_mutator(int actor)
{
	const struct model_role *role = role_of(actor);
	const long start = page_at(role->first);
	const long length = page_at(role->last + 1) - start;
	/* the number of the system call, and its arguments */
	const long calls[MODEL_KINDS][7] = {
		[MODEL_MADVISE] = { SYS_madvise, start, length, MADV_DONTNEED },
		[MODEL_MUNMAP] = { SYS_munmap, start, length },
		[MODEL_MPROTECT] = { SYS_mprotect, start, length, PROT_READ },
		[MODEL_MREMAP] = { SYS_mremap, start, length, length,
				   MREMAP_MAYMOVE | MREMAP_FIXED, MOVE_TO },
		[MODEL_FORK] = { ORDER_FORK },
		[MODEL_REAPER] = { SYS_process_mrelease, stage.pidfd },
		[MODEL_EXIT] = { SYS_exit_group },
	};
	const long *call = calls[role->kind];

	thread_order_args(stage.thread[actor], call[0], call + 1);
}

/*
 * If a begin fails, the reader makes no more calls, and @calls is MODEL_DONE.
 */
static void call(int actor)
{
	const bool is_first = !play.before.actor[actor].calls;
	const int calls = play.m.actor[actor].calls;

	switch (role_of(actor)->kind) {
	case MODEL_READER:
		call_reader(actor, is_first ? MODEL_BEGIN : calls - 1);
		break;
	case MODEL_INSERTER:
		call_inserter(actor);
		break;
	case MODEL_REMOVER:
		call_remover(actor);
		break;
	default:
		call_mutator(actor);
	}
}

/* Take the step on the kernel that the model has just taken. */
static bool act(int actor)
{
	const int where = play.before.actor[actor].where;

	if (where == MODEL_IDLE)
		call(actor);
	else if (!hold_release(stage.hold[actor][where], 0))
		return disagree("cannot release %s, which is %s: %m",
				actor_name(actor), where_name(where));
	return true;
}

/*
 * The sequence of a range that exists at first is the sequence of the mm minus
 * 1.
 */
static bool play_begin(void)
{
	struct mmun_query_range cmd = {};
	int i = 0;

	model_init(&play.m, &play.schedule.config);
	if (!stage_set_up(&play.schedule.config))
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
 * Returns the next actor of the schedule.  After its end: the first actor that
 * can take a step, or -1.
 */
static int next_actor(void)
{
	if (play.nr < play.schedule.nr)
		return play.schedule.step[play.nr];
	for_each_actor(i) if (model_enabled(&play.m, stage.config, i)) return i;
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
	return true;
}
