// SPDX-License-Identifier: GPL-2.0
/*
 * Compares the kernel with the model after each step and at the end of a
 * schedule.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "../lib/ioctl.h"
#include "play.h"

#define LOG_RECORDS 64

static bool compare_actors(struct play *play,
			   bool (*compare)(struct play *play, int actor))
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++)
		if (!compare(play, i))
			return false;
	return true;
}

/*
 * Returns whether the numbers are equal.  If not, play->why describes the
 * difference.
 */
static bool same(struct play *play, long long expected, long long got,
		 const char *what, ...)
{
	char text[128];
	va_list args;

	if (expected == got)
		return true;
	va_start(args, what);
	vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	return disagree(play, "%s should be %lld, but is %lld", text, expected,
			got);
}

/* What each actor does */

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

/* Returns the hold that stops the actor at its place, or 0. */
static __u32 expected_hold(struct play *play, int actor)
{
	const int where = play->m.actor[actor].where;

	return model_is_held(where) ?
		       play->stage->hold[actor][where - MODEL_ENTER] :
		       0;
}

/*
 * Returns what the actor does, in words.  The text is valid until the next
 * call.
 */
static const char *task_text(struct play *play, int actor)
{
	static const char *const states[] = {
		[MMUN_TASK_RUNNING] = "running",
		[MMUN_TASK_HELD] = "held by an unknown hold",
		[MMUN_TASK_WAITING] = "idle",
		[MMUN_TASK_GONE] = "gone",
	};
	const struct mmun_task *task = &play->stage->task[actor];
	static char text[64];
	int i;

	for (i = 0; i < NR_POINTS; i++)
		if (task->hold && task->hold == play->stage->hold[actor][i])
			return where_name(MODEL_ENTER + i);
	if (task->state != MMUN_TASK_BLOCKED)
		return states[task->state];
	snprintf(text, sizeof(text), "blocked in system call %d",
		 task->syscall);
	return text;
}

static bool compare_task(struct play *play, int actor)
{
	const struct mmun_task *task = &play->stage->task[actor];
	const int where = play->m.actor[actor].where;

	if (task->state == expected_state(where) &&
	    task->hold == expected_hold(play, actor))
		return true;
	return disagree(play, "%s should be %s, but is %s",
			actor_name(play, actor), where_name(where),
			task_text(play, actor));
}

/*
 * An actor that is idle, gone or held does not change before the next step.  An
 * actor that runs, or is blocked unexpectedly, may still reach the expected
 * state.
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
 * An actor that is blocked or runs may be held at another point than expected.
 * If the actor has just reached the expected point, the next look finds it at
 * that point.
 */
static void find_held(struct play *play)
{
	struct mmun_task *task = play->stage->task;
	__u32 hold;
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		if (task[i].state != MMUN_TASK_BLOCKED &&
		    task[i].state != MMUN_TASK_RUNNING)
			continue;
		hold = held_by(play->stage, i);
		if (!hold || hold == expected_hold(play, i))
			continue;
		task[i].state = MMUN_TASK_HELD;
		task[i].hold = hold;
	}
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
			return disagree(play, "cannot read /proc: %s",
					strerror(errno));
		if (compare_actors(play, compare_task)) {
			play->why[0] = '\0';
			return true;
		}
		find_held(play);
		if (!compare_actors(play, compare_task) && !may_change(play))
			return false;
		usleep(LOOK_US); /* because an actor may change its state */
	}
	return false;
}

/*
 * If the actor has just entered a callback, it must be the callback of the
 * right range.
 */
static bool compare_callback(struct play *play, int actor)
{
	const struct model_actor *now = &play->m.actor[actor];
	const struct model_actor *before = &play->before.actor[actor];

	if (!model_in_callback(now->where) ||
	    (now->where == before->where && now->at == before->at))
		return true;
	return same(play, play->stage->id[now->at],
		    hold_range(play->stage, expected_hold(play, actor)),
		    "the ID of the range whose callback %s is in (%c)",
		    actor_name(play, actor), 'A' + now->at);
}

/* What calls returned */

/*
 * Returns the result of a call that succeeded.  A sequence is counted as in the
 * model.
 */
static __u64 take_result(struct play *play, int actor)
{
	const struct thread *t = play->stage->thread[actor];
	const struct model_role *role = played_role(play, actor);

	if (role->kind == MODEL_INSERTER)
		play->stage->id[role->range] = t->span.id;
	if (role->kind != MODEL_READER)
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

/* Compare the result of the call that returned in this step. */
static bool compare_result(struct play *play, int actor)
{
	const struct thread *t = play->stage->thread[actor];
	const struct model_actor *a = &play->m.actor[actor];

	if (a->where != MODEL_IDLE ||
	    (actor != play->actor &&
	     play->before.actor[actor].where == MODEL_IDLE))
		return true;
	if (!same(play, a->errnum, t->errnum, "the errno of the call of %s",
		  actor_name(play, actor)))
		return false;
	if (t->errnum)
		return true;
	if (!same(play, a->result, take_result(play, actor),
		  "the result of the call of %s", actor_name(play, actor)))
		return false;
	/* A commit publishes what was collected, unless it collided. */
	return played_role(play, actor)->kind != MODEL_READER ||
	       a->calls != MODEL_DONE ||
	       same(play, a->result ? 0 : a->valid, t->arg.commit.out_published,
		    "the number of pages that %s published",
		    actor_name(play, actor));
}

/* The log */

static struct mmun_record expected_record(struct play *play,
					  const struct model_record *expected)
{
	const bool all = expected->last == MODEL_ALL_PAGES;
	const __u64 start = page_at(expected->range);
	const __u64 end = page_at(expected->range + 2);
	struct mmun_record r = {
		.type = expected->type,
		.tid = play->stage->thread[expected->actor]->tid,
		.start = all ? 0 : page_at(expected->first),
		.end = all ? ~0ULL : page_at(expected->last + 1),
	};

	if (r.type != MMUN_RECORD_INVALIDATE)
		return r;
	r.id = play->stage->id[expected->range];
	r.event = expected->event;
	r.flags = (expected->nonblock ? 0 : MMUN_RECORD_BLOCKABLE) |
		  (expected->refused ? MMUN_RECORD_FAILED : 0);
	r.clip_start = r.start > start ? r.start : start;
	r.clip_end = r.end < end ? r.end : end;
	return r;
}

/* A reaper raises UNMAP before 7.1, and CLEAR since then. */
static bool same_event(struct play *play, const struct mmun_record *expected,
		       const struct mmun_record *r)
{
	if (!(r->flags & MMUN_RECORD_BLOCKABLE) && r->event == MMUN_EVENT_CLEAR)
		return true;
	return same(play, expected->event, r->event, "the event of the record");
}

/* The model counts pages from the start of the arena. */
static bool compare_record(struct play *play, const struct model_record *record,
			   const struct mmun_record *r)
{
	const struct mmun_record e = expected_record(play, record);

	if (!same(play, e.type, r->type, "the type of the record") ||
	    !same(play, e.tid, r->tid, "the thread of the record") ||
	    !same(play, e.start - ARENA, r->start - ARENA,
		  "the start of the invalidation") ||
	    !same(play, e.end - ARENA, r->end - ARENA,
		  "the end of the invalidation"))
		return false;
	return e.type != MMUN_RECORD_INVALIDATE ||
	       (same(play, e.id, r->id, "the range of the record") &&
		same(play, record->seq, r->cur_seq - play->base,
		     "the sequence of the record") &&
		same(play, e.flags, r->flags, "the flags of the record") &&
		same_event(play, &e, r) &&
		same(play, e.clip_start - ARENA, r->clip_start - ARENA,
		     "the start of the part inside of the range") &&
		same(play, e.clip_end - ARENA, r->clip_end - ARENA,
		     "the end of the part inside of the range"));
}

/* A reaper calls the list notifier for each VMA of the victim. */
static bool is_elsewhere(const struct mmun_record *r)
{
	return r->type != MMUN_RECORD_INVALIDATE &&
	       (r->start >= page_at(MODEL_PAGES) || r->end <= page_at(0));
}

static bool compare_log(struct play *play)
{
	const struct model_trace *trace = &play->trace;
	struct mmun_record records[LOG_RECORDS];
	ssize_t got = read(play->stage->fd, records, sizeof(records));
	int i, nr = got > 0 ? got / sizeof(records[0]) : 0, compared = 0;

	for (i = 0; i < nr; i++) {
		if (is_elsewhere(&records[i]))
			continue;
		if (compared < trace->nr &&
		    !compare_record(play, &trace->record[compared],
				    &records[i]))
			return false;
		compared++;
	}
	return same(play, trace->nr, compared, "the number of new records");
}

/* The ranges */

static bool compare_range(struct play *play, int range)
{
	const struct model_sub *sub = &play->m.lock.sub[range];
	struct mmun_query_range cmd;

	if (_mmun_query_range(play->stage->fd, play->stage->id[range], &cmd))
		return disagree(play, "cannot query range %c: %s", 'A' + range,
				strerror(errno));
	return same(play, sub->seq, cmd.out_seq - play->base,
		    "the sequence of range %c", 'A' + range) &&
	       same(play, sub->in_tree, cmd.out_in_tree, "in_tree of range %c",
		    'A' + range);
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
	return compare_tasks(play) && compare_actors(play, compare_callback) &&
	       compare_actors(play, compare_result) && compare_log(play) &&
	       compare_ranges(play);
}

/* The end */

static bool compare_balance(struct play *play)
{
	const struct model_lock *lock = &play->m.lock;
	struct mmun_check_balance cmd;

	if (_mmun_check_balance(play->stage->fd, SETTLE_MS, &cmd))
		return disagree(play, "CHECK_BALANCE failed: %s",
				strerror(errno));
	return same(play, !lock->active, cmd.out_balanced,
		    "out_balanced of CHECK_BALANCE") &&
	       (!cmd.out_balanced ||
		same(play, lock->seq - 1, cmd.out_seq - play->base,
		     "the sequence that CHECK_BALANCE found"));
}

static bool compare_shadow(struct play *play, int range)
{
	struct mmun_verify cmd;

	if (_mmun_verify(play->stage->fd, play->stage->id[range], &cmd))
		return disagree(play, "cannot verify range %c: %s", 'A' + range,
				strerror(errno));
	if (cmd.out_result != MMUN_VERIFY_AGREES)
		return disagree(play, "the shadow of range %c is wrong at %llx",
				'A' + range, (unsigned long long)cmd.out_addr);
	return true;
}

/* At the end of a schedule no actor can take a step. */
static bool compare_idle(struct play *play, int actor)
{
	const int where = play->m.actor[actor].where;

	return where == MODEL_IDLE || where == MODEL_GONE ||
	       disagree(play, "%s is %s for ever in the model",
			actor_name(play, actor), where_name(where));
}

bool compare_end(struct play *play)
{
	int i;

	if (!compare_actors(play, compare_idle))
		return false;
	if (play->m.dying)
		return true;
	if (!compare_balance(play))
		return false;
	for (i = 0; i < MODEL_RANGES; i++)
		if (!play->schedule->config.no_collect &&
		    play->m.lock.sub[i].known && !compare_shadow(play, i))
			return false;
	return true;
}
