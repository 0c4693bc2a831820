// SPDX-License-Identifier: GPL-2.0
/*
 * To play a schedule on the kernel: what an actor does in a step, and which
 * actor is the next.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "../lib/compat.h"
#include "../lib/ioctl.h"
#include "compare.h"
#include "play.h"
#include "print.h"

static void call_begin(struct play *play, int actor, int range)
{
	struct thread *t = play->stage->thread[actor];

	t->arg.begin = (struct mmun_read_begin){
		.size = sizeof(t->arg.begin),
		.id = play->stage->id[range],
	};
	thread_order_ioctl(t, play->stage->fd, MMUN_READ_BEGIN);
}

static void call_collect(struct play *play, int actor, int range)
{
	struct thread *t = play->stage->thread[actor];

	t->arg.collect = (struct mmun_collect){
		.size = sizeof(t->arg.collect),
		.batch = play->stage->token[actor].batch,
		.start = mmun_u64(page_at(range)),
		.length = 2 * page_size(),
		.method = MMUN_METHOD_HMM_NOFAULT,
	};
	thread_order_ioctl(t, play->stage->fd, MMUN_COLLECT);
}

static void call_check(struct play *play, int actor, int range)
{
	struct thread *t = play->stage->thread[actor];

	t->arg.query = (struct mmun_query_range){
		.size = sizeof(t->arg.query),
		.id = play->stage->id[range],
		.seq = play->stage->token[actor].seq,
	};
	thread_order_ioctl(t, play->stage->fd, MMUN_QUERY_RANGE);
}

static void call_commit(struct play *play, int actor)
{
	struct thread *t = play->stage->thread[actor];

	t->arg.commit = (struct mmun_commit){
		.size = sizeof(t->arg.commit),
		.batch = play->stage->token[actor].batch,
		.seq = play->stage->token[actor].seq,
	};
	thread_order_ioctl(t, play->stage->fd, MMUN_COMMIT);
}

static void call_reader(struct play *play, int actor)
{
	const struct model_role *role = &play->schedule->config.role[actor];

	/* The model has taken the step already. */
	switch (play->m.actor[actor].calls - 1) {
	case MODEL_COLLECT:
		call_collect(play, actor, role->range);
		break;
	case MODEL_CHECK:
		call_check(play, actor, role->range);
		break;
	case MODEL_COMMIT:
		call_commit(play, actor);
		break;
	}
}

static void call_inserter(struct play *play, int actor)
{
	const int range = play->schedule->config.role[actor].range;
	struct thread *t = play->stage->thread[actor];

	t->span = (struct mmun_span){
		.start = mmun_u64(page_at(range)),
		.length = 2 * page_size(),
	};
	t->arg.insert = (struct mmun_insert){
		.size = sizeof(t->arg.insert),
		.kind = play->stage->kind,
		.spans = mmun_u64(&t->span),
		.count = 1,
	};
	thread_order_ioctl(t, play->stage->fd, MMUN_INSERT);
}

static void call_remover(struct play *play, int actor)
{
	const int range = play->schedule->config.role[actor].range;
	struct thread *t = play->stage->thread[actor];

	t->span = (struct mmun_span){ .id = play->stage->id[range] };
	t->arg.remove = (struct mmun_remove){
		.size = sizeof(t->arg.remove),
		.spans = mmun_u64(&t->span),
		.count = 1,
	};
	thread_order_ioctl(t, play->stage->fd, MMUN_REMOVE);
}

static void call_mutator(struct play *play, int actor)
{
	const struct model_role *role = &play->schedule->config.role[actor];
	const long start = mmun_u64(page_at(role->first));
	const long length = (role->last + 1 - role->first) * page_size();
	struct thread *t = play->stage->thread[actor];

	switch (role->kind) {
	case MODEL_MADVISE:
		thread_order(t, SYS_madvise, start, length, MADV_DONTNEED);
		break;
	case MODEL_MUNMAP:
		thread_order(t, SYS_munmap, start, length);
		break;
	case MODEL_MPROTECT:
		thread_order(t, SYS_mprotect, start, length, PROT_READ);
		break;
	case MODEL_MREMAP:
		thread_order(t, SYS_mremap, start, length, length,
			     MREMAP_MAYMOVE | MREMAP_FIXED, MOVE_TO);
		break;
	case MODEL_FORK:
		thread_order(t, JOB_FORK, 0);
		break;
	case MODEL_REAPER:
		thread_order(t, SYS_process_mrelease, play->stage->pidfd, 0);
		break;
	case MODEL_EXIT:
		thread_order(t, SYS_exit_group, 0);
		break;
	}
}

static void call(struct play *play, int actor)
{
	const struct model_role *role = &play->schedule->config.role[actor];

	switch (role->kind) {
	case MODEL_READER:
		if (!play->before.actor[actor].calls)
			call_begin(play, actor, role->range);
		else
			call_reader(play, actor);
		break;
	case MODEL_INSERTER:
		call_inserter(play, actor);
		break;
	case MODEL_REMOVER:
		call_remover(play, actor);
		break;
	default:
		call_mutator(play, actor);
	}
}

/* Take the step that the model has just taken. */
static bool act(struct play *play)
{
	const int where = play->before.actor[play->actor].where;
	const __u32 *hold = play->stage->hold[play->actor];

	if (where == MODEL_IDLE)
		call(play, play->actor);
	else if (!hold_release(play->stage, hold[where - MODEL_ENTER], 0))
		return disagree(play, "the hold at %s is gone: %s",
				where_names[where], strerror(errno));
	return true;
}

/* The sequence of an mm is what it was when the first range was inserted. */
static bool play_begin(struct play *play)
{
	struct mmun_query_range cmd;
	int i;

	model_init(&play->m, &play->schedule->config);
	if (!stage_set_up(play->stage))
		return disagree(play, "cannot set up: %s", strerror(errno));
	for (i = 0; !play->stage->id[i]; i++)
		;
	if (_mmun_query_range(play->stage->fd, play->stage->id[i], &cmd))
		return disagree(play, "QUERY_RANGE: %s", strerror(errno));
	play->base = cmd.out_seq + 1 - MODEL_FIRST_SEQ;
	return compare_ranges(play);
}

static bool play_step(struct play *play, int actor)
{
	play->before = play->m;
	play->actor = actor;
	model_step(&play->m, &play->schedule->config, actor, &play->trace);
	remember_step(play);
	if (!act(play) || !compare_step(play))
		return false;
	model_forget(&play->m);
	play->step[play->nr++] = actor;
	return true;
}

/* After the schedule it is the first that can; -1: nobody. */
static int next_actor(struct play *play)
{
	int i;

	if (play->nr < play->schedule->nr)
		return play->schedule->step[play->nr];
	for (i = 0; i < play->schedule->config.nr; i++)
		if (model_enabled(&play->m, &play->schedule->config, i))
			return i;
	return -1;
}

static bool play_on(struct play *play)
{
	int actor;

	while ((actor = next_actor(play)) >= 0) {
		if (!model_enabled(&play->m, &play->schedule->config, actor))
			return disagree(play, "step %d cannot be taken",
					play->nr);
		if (!play_step(play, actor))
			return false;
	}
	return compare_end(play);
}

bool play(struct play *play, struct stage *stage,
	  const struct schedule *schedule)
{
	play->stage = stage;
	play->schedule = schedule;
	play->nr = 0;
	play->why[0] = '\0';
	stage->config = &schedule->config;
	if (play_begin(play) && play_on(play)) {
		stage_clear(stage);
		return true;
	}
	return false;
}
