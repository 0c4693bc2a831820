// SPDX-License-Identifier: GPL-2.0
/*
 * To compare the kernel with the model, after a step and at the end.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../lib/ioctl.h"
#include "compare.h"
#include "print.h"

#define LOG_RECORDS 64

static const char *const states[] = {
	[MMUN_TASK_RUNNING] = "running", [MMUN_TASK_HELD] = "held",
	[MMUN_TASK_BLOCKED] = "blocked", [MMUN_TASK_WAITING] = "done",
	[MMUN_TASK_GONE] = "gone",
};

/* Where everybody is. */

static int expected_state(int where)
{
	switch (where) {
	case MODEL_IDLE:
		return MMUN_TASK_WAITING;
	case MODEL_WAITS_SEQ:
	case MODEL_WAITS_MMAP:
		return MMUN_TASK_BLOCKED;
	case MODEL_GONE:
		return MMUN_TASK_GONE;
	default:
		return MMUN_TASK_HELD;
	}
}

/* The hold that stops the actor there; places are in the order of points. */
static __u32 expected_hold(struct play *play, int actor)
{
	const int where = play->m.actor[actor].where;

	if (where < MODEL_ENTER || where > MODEL_EXITING)
		return 0;
	return play->stage->hold[actor][where - MODEL_ENTER];
}

static bool compare_task(struct play *play, int actor)
{
	const struct mmun_task *task = &play->stage->task[actor];
	const int where = play->m.actor[actor].where;
	const __u32 hold = expected_hold(play, actor);

	if (task->state == expected_state(where) && task->hold == hold)
		return true;
	return disagree(play,
			"%s: expected %s (%s, hold %u), is %s (%u, call %d)",
			actor_name(play, actor), states[expected_state(where)],
			where_names[where], hold, states[task->state],
			task->hold, task->syscall);
}

/*
 * What is final: an actor ran through where it should have stopped, or is held
 * where it should not be.  An actor that runs or is blocked may be so for a moment,
 * for another reason.
 */
static bool may_change(struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		const int state = play->stage->task[i].state;

		if (state == MMUN_TASK_RUNNING ||
		    (state == MMUN_TASK_BLOCKED &&
		     expected_state(play->m.actor[i].where) != state))
			return true;
	}
	return false;
}

/*
 * An actor that is blocked is perhaps held at another point than expected.  If it
 * came to the expected one just now, then one more look finds it there.
 */
static void find_held(struct play *play)
{
	struct mmun_task *task = play->stage->task;
	__u32 hold;
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		if (task[i].state != MMUN_TASK_BLOCKED)
			continue;
		hold = held_by(play->stage, i);
		if (!hold || hold == expected_hold(play, i))
			continue;
		task[i].state = MMUN_TASK_HELD;
		task[i].hold = hold;
	}
}

static bool compare_each_task(struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++)
		if (!compare_task(play, i))
			return false;
	return true;
}

static bool compare_tasks(struct play *play)
{
	const int most = LOOKS(play->stage->settle_ms ?: SETTLE_MS);
	__u32 holds[MODEL_ACTORS];
	int i, tries;

	for (i = 0; i < play->schedule->config.nr; i++)
		holds[i] = expected_hold(play, i);
	for (tries = 0; tries < most; tries++) {
		if (stage_quiesce(play->stage, holds, 20) < 0)
			return disagree(play, "/proc: %s", strerror(errno));
		if (compare_each_task(play)) {
			play->why[0] = '\0';
			return true;
		}
		find_held(play);
		if (!compare_each_task(play) && !may_change(play))
			return false;
		/* Actors may rest for a moment only, for another reason. */
		usleep(LOOK_US);
	}
	return false;
}

/* The actor has come to a callback in this step. */
static bool has_come(struct play *play, int actor)
{
	const struct model_actor *now = &play->m.actor[actor];
	const struct model_actor *before = &play->before.actor[actor];

	return model_in_callback(now->where) &&
	       (now->where != before->where || now->at != before->at);
}

static bool compare_callback(struct play *play, int actor)
{
	const int range = play->m.actor[actor].at;
	const __u32 expected = play->stage->id[range];
	const __u32 id = hold_range(play->stage, expected_hold(play, actor));

	if (id == expected)
		return true;
	return disagree(play, "%s: held by range %u, expected %u (%c)",
			actor_name(play, actor), id, expected, 'A' + range);
}

/* A task that is held in a callback is held in that of the right range. */
static bool compare_held(struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++)
		if (has_come(play, i) && !compare_callback(play, i))
			return false;
	return true;
}

/* What calls returned. */

/* The last call of the actor returned in this step. */
static bool has_returned(struct play *play, int actor)
{
	return play->m.actor[actor].where == MODEL_IDLE &&
	       (actor == play->actor ||
		play->before.actor[actor].where != MODEL_IDLE);
}

/* What a call that succeeded answered; sequences as the model counts them */
static __u64 answer(struct play *play, int actor)
{
	const struct thread *t = play->stage->thread[actor];

	if (played_kind(play, actor) == MODEL_INSERTER)
		play->stage->id[play->schedule->config.role[actor].range] =
			t->span.id;
	if (played_kind(play, actor) != MODEL_READER)
		return 0;
	switch (play->m.actor[actor].calls - 1) {
	case MODEL_BEGIN:
		play->stage->token[actor] = (struct mmun_token){
			t->arg.begin.out_batch,
			t->arg.begin.out_seq,
		};
		return t->arg.begin.out_seq - play->base;
	case MODEL_COLLECT:
		return t->arg.collect.out_valid;
	case MODEL_CHECK:
		return t->arg.query.out_retry;
	default:
		return t->arg.commit.out_collided;
	}
}

static bool compare_result(struct play *play, int actor)
{
	const struct thread *t = play->stage->thread[actor];
	const struct model_actor *a = &play->m.actor[actor];
	__u64 result;

	if (t->errnum != a->errnum)
		return disagree(play, "%s: expected error %d, got %d (%s)",
				actor_name(play, actor), a->errnum, t->errnum,
				strerror(t->errnum));
	if (t->errnum)
		return true;
	result = answer(play, actor);
	if (result != a->result)
		return disagree(play, "%s: expected result %d, got %lld",
				actor_name(play, actor), a->result,
				(long long)result);
	return true;
}

/* Nothing is published after a collision, and else all that was collected. */
static bool compare_published(struct play *play, int actor)
{
	const struct thread *t = play->stage->thread[actor];
	const struct model_actor *a = &play->m.actor[actor];
	const __u32 expected = a->result ? 0 : a->valid;

	if (played_kind(play, actor) != MODEL_READER || a->errnum ||
	    a->calls != MODEL_DONE || t->arg.commit.out_published == expected)
		return true;
	return disagree(play, "%s: expected %u pages published, got %u",
			actor_name(play, actor), expected,
			t->arg.commit.out_published);
}

static bool compare_results(struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++)
		if (has_returned(play, i) &&
		    !(compare_result(play, i) && compare_published(play, i)))
			return false;
	return true;
}

/* The log. */

/* The record that the model's one stands for */
static struct mmun_record expected_record(struct play *play,
					  const struct model_record *expected)
{
	const bool all = expected->last == MODEL_ALL_PAGES;
	const __u64 start = mmun_u64(page_at(expected->range));
	const __u64 end = start + 2 * page_size();
	struct mmun_record r = {
		.type = expected->type,
		.tid = play->stage->thread[expected->actor]->tid,
		.start = all ? 0 : mmun_u64(page_at(expected->first)),
		.end = all ? ~0ULL : mmun_u64(page_at(expected->last + 1)),
	};

	if (r.type != MMUN_RECORD_INVALIDATE)
		return r;
	r.id = play->stage->id[expected->range];
	r.event = expected->event;
	r.cur_seq = play->base + expected->seq;
	r.flags = (expected->nonblock ? 0 : MMUN_RECORD_BLOCKABLE) |
		  (expected->refused ? MMUN_RECORD_FAILED : 0);
	r.clip_start = r.start > start ? r.start : start;
	r.clip_end = r.end < end ? r.end : end;
	return r;
}

/* From 7.1 on the reaper no longer claims that the VMA is going away. */
static bool same_event(const struct mmun_record *expected,
		       const struct mmun_record *r)
{
	return r->event == expected->event ||
	       (!(r->flags & MMUN_RECORD_BLOCKABLE) &&
		r->event == MMUN_EVENT_CLEAR);
}

static bool same_record(const struct mmun_record *expected,
			const struct mmun_record *r)
{
	if (r->type != expected->type || r->tid != expected->tid ||
	    r->start != expected->start || r->end != expected->end)
		return false;
	return r->type != MMUN_RECORD_INVALIDATE ||
	       (r->id == expected->id && r->cur_seq == expected->cur_seq &&
		r->flags == expected->flags && same_event(expected, r) &&
		r->clip_start == expected->clip_start &&
		r->clip_end == expected->clip_end);
}

static const char *record_print(char *to, size_t size, struct play *play,
				const struct mmun_record *r)
{
	snprintf(to, size, "type %u id %u seq %lld event %u flags %x %llx-%llx",
		 r->type, r->id, (long long)(r->cur_seq - play->base), r->event,
		 r->flags, (unsigned long long)r->start,
		 (unsigned long long)r->end);
	return to;
}

static bool compare_record(struct play *play,
			   const struct model_record *expected,
			   const struct mmun_record *got)
{
	const struct mmun_record r = expected_record(play, expected);
	char a[TEXT / 3], b[TEXT / 3];

	if (same_record(&r, got))
		return true;
	return disagree(play, "expected a record %s; got %s",
			record_print(a, sizeof(a), play, &r),
			record_print(b, sizeof(b), play, got));
}

/* A reaper tells the list notifier of every VMA. */
static bool is_elsewhere(const struct mmun_record *r)
{
	return r->type != MMUN_RECORD_INVALIDATE &&
	       (r->start >= mmun_u64(page_at(MODEL_PAGES)) ||
		r->end <= mmun_u64(page_at(0)));
}

static bool compare_log(struct play *play)
{
	struct mmun_record records[LOG_RECORDS];
	ssize_t got = read(play->stage->fd, records, sizeof(records));
	int i, nr = got > 0 ? got / sizeof(records[0]) : 0, expected = 0;

	for (i = 0; i < nr; i++) {
		if (is_elsewhere(&records[i]))
			continue;
		if (expected == play->trace.nr)
			return disagree(play,
					"a record too many: type %u id %u",
					records[i].type, records[i].id);
		if (!compare_record(play, &play->trace.record[expected++],
				    &records[i]))
			return false;
	}
	if (expected == play->trace.nr)
		return true;
	return disagree(play, "expected %d records, got %d", play->trace.nr,
			expected);
}

/* What the core knows of the ranges. */

static bool compare_range(struct play *play, int range)
{
	const struct model_sub *sub = &play->m.lock.sub[range];
	struct mmun_query_range cmd;

	if (_mmun_query_range(play->stage->fd, play->stage->id[range], &cmd))
		return disagree(play, "%c: QUERY_RANGE: %s", 'A' + range,
				strerror(errno));
	if (cmd.out_seq == play->base + sub->seq &&
	    cmd.out_in_tree == sub->in_tree)
		return true;
	return disagree(play,
			"%c: expected sequence %d, %sin the tree; got %lld, %s",
			'A' + range, sub->seq, sub->in_tree ? "" : "not ",
			(long long)(cmd.out_seq - play->base),
			cmd.out_in_tree ? "in" : "not in");
}

bool compare_ranges(struct play *play)
{
	int i;

	for (i = 0; i < MODEL_RANGES; i++)
		if (play->m.lock.sub[i].known && !compare_range(play, i))
			return false;
	return true;
}

bool compare_step(struct play *play)
{
	return compare_tasks(play) && compare_held(play) &&
	       compare_results(play) && compare_log(play) &&
	       compare_ranges(play);
}

/* The end. */

static bool compare_probe(struct play *play)
{
	const __u64 seq = play->base + play->m.lock.seq - 1;
	struct mmun_check_balance cmd;

	if (play->m.dying)
		return true;
	if (_mmun_check_balance(play->stage->fd, SETTLE_MS, &cmd))
		return disagree(play, "CHECK_BALANCE: %s", strerror(errno));
	if (!cmd.out_balanced != !!play->m.lock.active)
		return disagree(play, "CHECK_BALANCE: balanced %u, odd %u",
				cmd.out_balanced, cmd.out_odd);
	if (cmd.out_balanced && cmd.out_seq != seq)
		return disagree(play,
				"CHECK_BALANCE: expected sequence %d, got %lld",
				play->m.lock.seq - 1,
				(long long)(cmd.out_seq - play->base));
	return true;
}

static bool compare_shadow(struct play *play, int range)
{
	struct mmun_verify cmd;

	if (_mmun_verify(play->stage->fd, play->stage->id[range], &cmd))
		return disagree(play, "%c: VERIFY: %s", 'A' + range,
				strerror(errno));
	if (cmd.out_result != MMUN_VERIFY_AGREES)
		return disagree(play, "%c: the shadow differs at %llx",
				'A' + range, (unsigned long long)cmd.out_addr);
	return true;
}

bool compare_end(struct play *play)
{
	int i;

	if (!model_is_quiet(&play->m, &play->schedule->config))
		return disagree(play,
				"the model says that somebody waits for ever");
	if (!compare_probe(play))
		return false;
	for (i = 0; i < MODEL_RANGES; i++)
		if (!play->m.dying && !play->schedule->config.no_collect &&
		    play->m.lock.sub[i].known && !compare_shadow(play, i))
			return false;
	return true;
}
