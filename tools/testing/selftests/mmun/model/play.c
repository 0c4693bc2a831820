// SPDX-License-Identifier: GPL-2.0
/*
 * Plays a schedule on the kernel: makes the calls of the actors in the order of
 * the steps.
 */
#include <errno.h>
#include <string.h>

#include "../lib/compat.h"
#include "../lib/ioctl.h"
#include "play.h"

/* @call: enum model_call */
static void call_reader(struct play *play, int actor, int call)
{
	const int range = played_role(play, actor)->range;
	const struct mmun_token token = play->stage->token[actor];
	const __u32 id = play->stage->id[range];
	struct thread *t = play->stage->thread[actor];
	const int fd = play->stage->fd;

	switch (call) {
	case MODEL_BEGIN:
		thread_ioctl(t, fd, MMUN_READ_BEGIN, begin, .id = id);
		break;
	case MODEL_COLLECT:
		thread_ioctl(t, fd, MMUN_COLLECT, collect, .batch = token.batch,
			     .start = page_at(range), .length = 2 * page_size(),
			     .method = MMUN_METHOD_HMM_NOFAULT);
		break;
	case MODEL_CHECK:
		thread_ioctl(t, fd, MMUN_QUERY_RANGE, query, .id = id,
			     .seq = token.seq);
		break;
	case MODEL_COMMIT:
		thread_ioctl(t, fd, MMUN_COMMIT, commit, .batch = token.batch,
			     .seq = token.seq);
		break;
	}
}

static void call_inserter(struct play *play, int actor)
{
	struct thread *t = play->stage->thread[actor];

	t->span = (struct mmun_span){
		.start = page_at(played_role(play, actor)->range),
		.length = 2 * page_size(),
	};
	thread_ioctl(t, play->stage->fd, MMUN_INSERT, insert,
		     .kind = play->stage->kind, .spans = mmun_u64(&t->span),
		     .count = 1);
}

static void call_remover(struct play *play, int actor)
{
	const int range = played_role(play, actor)->range;
	struct thread *t = play->stage->thread[actor];

	t->span = (struct mmun_span){ .id = play->stage->id[range] };
	thread_ioctl(t, play->stage->fd, MMUN_REMOVE, remove,
		     .spans = mmun_u64(&t->span), .count = 1);
}

static void call_mutator(struct play *play, int actor)
{
	const struct model_role *role = played_role(play, actor);
	const long start = page_at(role->first);
	const long length = page_at(role->last + 1) - start;
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
		thread_order(t, ORDER_FORK, 0);
		break;
	case MODEL_REAPER:
		thread_order(t, SYS_process_mrelease, play->stage->pidfd, 0);
		break;
	case MODEL_EXIT:
		thread_order(t, SYS_exit_group, 0);
		break;
	}
}

/*
 * If a begin fails, the reader makes no more calls, and @calls is MODEL_DONE.
 */
static void call(struct play *play, int actor)
{
	switch (played_role(play, actor)->kind) {
	case MODEL_READER:
		call_reader(play, actor,
			    play->before.actor[actor].calls ?
				    play->m.actor[actor].calls - 1 :
				    MODEL_BEGIN);
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

/* Take the step on the kernel that the model has just taken. */
static bool act(struct play *play)
{
	const int where = play->before.actor[play->actor].where;
	const __u32 *hold = play->stage->hold[play->actor];

	if (where == MODEL_IDLE)
		call(play, play->actor);
	else if (!hold_release(play->stage, hold[where - MODEL_ENTER], 0))
		return disagree(play, "cannot release %s, which is %s: %s",
				actor_name(play, play->actor),
				where_name(where), strerror(errno));
	return true;
}

/*
 * The sequence of a range that exists at first is the sequence of the mm minus
 * 1.
 */
static bool play_begin(struct play *play)
{
	struct mmun_query_range cmd = {};
	int i = 0;

	model_init(&play->m, &play->schedule->config);
	if (!stage_set_up(play->stage))
		return disagree(play,
				"cannot set up the victim and its ranges: %s",
				strerror(errno));
	while (!play->stage->id[i])
		i++;
	if (_mmun_query_range(play->stage->fd, play->stage->id[i], &cmd))
		return disagree(play, "cannot query range %c: %s", 'A' + i,
				strerror(errno));
	play->base = cmd.out_seq + 1 - MODEL_FIRST_SEQ;
	return compare_ranges(play);
}

static bool play_step(struct play *play, int actor)
{
	const struct model_config *config = &play->schedule->config;

	play->before = play->m;
	play->actor = actor;
	if (!model_enabled(&play->m, config, actor))
		return disagree(play, "%s cannot take a step now",
				actor_name(play, actor));
	model_step(&play->m, config, actor, &play->trace);
	remember_step(play);
	if (!act(play) || !compare_step(play))
		return false;
	model_forget(&play->m);
	play->step[play->nr++] = actor;
	return true;
}

/*
 * Returns the next actor of the schedule.  After its end: the first actor that
 * can take a step, or -1.
 */
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

static bool play_all(struct play *play)
{
	int actor;

	if (!play_begin(play))
		return false;
	while ((actor = next_actor(play)) >= 0)
		if (!play_step(play, actor))
			return false;
	return compare_end(play);
}

bool play(struct play *play, struct stage *stage,
	  const struct schedule *schedule)
{
	play->stage = stage;
	play->schedule = schedule;
	play->nr = 0;
	play->nr_last = 0;
	play->why[0] = '\0';
	stage->config = &schedule->config;
	if (!play_all(play))
		return false;
	stage_clear(stage);
	return true;
}
