// SPDX-License-Identifier: GPL-2.0
/* Compares kernel and model after each step and at the end of a schedule */
#include <string.h>
#include <unistd.h>

#include "../lib/ioctl.h"
#include "play.h"

static bool all_actors(bool (*is_expected)(int actor))
{
	for (int i = 0; i < stage.config->nr; i++)
		if (!is_expected(i))
			return false;
	return true;
}

static bool all_known_ranges(bool (*is_expected)(int range))
{
	for (int i = 0; i < MODEL_RANGES; i++)
		if (play.m.lock.sub[i].known && !is_expected(i))
			return false;
	return true;
}

/* What each actor does */

static bool is_blocked_as_expected(int where, int expected)
{
	return model_is_blocked(where) &&
	       (model_is_blocked(expected) || expected == MODEL_MAY_WAIT);
}

static bool compare_place(int actor)
{
	const int expected = play.m.actor[actor].where;
	const int where = stage.where[actor];

	if (where == expected || is_blocked_as_expected(where, expected) ||
	    (where == MODEL_IDLE && expected == MODEL_MAY_WAIT))
		return true;
	if (model_is_blocked(where))
		return disagree("%s should be %s, but sleeps in system call %d",
				actor_name(actor), where_name(expected),
				stage.thread[actor]->task.syscall);
	return disagree("%s should be %s, but is %s", actor_name(actor),
			where_name(expected), where_name(where));
}

/*
 * An actor that is idle, gone or held does not change before the next step.  An
 * actor that runs, or that is blocked although the model does not expect it,
 * may still reach its expected stop.
 */
static bool will_not_change(int actor)
{
	const int where = stage.where[actor];

	return where != MODEL_RUNS &&
	       (!model_is_blocked(where) ||
		is_blocked_as_expected(where, play.m.actor[actor].where));
}

/* Returns whether a later check of the stops would have the same result. */
static bool is_decided(void)
{
	play.why[0] = '\0';
	if (!stage_quiesce(play.m.actor))
		return !disagree("cannot read /proc/TID: %m");
	return all_actors(compare_place) || all_actors(will_not_change);
}

static bool compare_places(void)
{
	run_until(is_decided(), stage.settle_ms);
	return !play.why[0];
}

/* An actor in a callback must be in the callback that the model expects. */
static bool compare_callback(int actor)
{
	const struct model_actor *a = &play.m.actor[actor];

	return !model_in_callback(a->where) ||
	       same(stage.id[a->at], stage.held_in[actor],
		    "the ID of range %c, in whose callback %s is", 'A' + a->at,
		    actor_name(actor));
}

/* What calls returned */

/* Compare the result of a call that returned in this step. */
static bool compare_result(int actor)
{
	const struct thread *t = stage.thread[actor];
	const struct model_actor *a = &play.m.actor[actor];

	if (a->where != MODEL_IDLE ||
	    (actor != play.step[play.nr - 1] &&
	     play.before.actor[actor].where == MODEL_IDLE))
		return true;
	if (!same(a->errnum, t->errnum, "the errno of %s", actor_name(actor)))
		return false;
	if (t->errnum)
		return true;
	if (t->kind == MODEL_INSERTER)
		stage.id[role_of(actor)->range] = t->id;
	if (model_uses_list(t->kind))
		return compare_listener(actor);
	/* A commit publishes the collected pages unless the commit collided. */
	return same(a->result, t->result, "the result of %s",
		    actor_name(actor)) &&
	       (a->calls != MODEL_DONE ||
		same(a->result ? 0 : a->valid, t->published,
		     "the pages that %s published", actor_name(actor)));
}

/* The log */

/* Returns the expected record, in which @got fills the unspecified fields. */
static struct mmun_record expected_record(const struct model_record *expected,
					  const struct mmun_record *got)
{
	const bool all = expected->last == MODEL_ALL_PAGES;
	const __u64 start = page_at(expected->range);
	const __u64 end = page_at(expected->range + 2);
	struct mmun_record r = *got;

	r.type = expected->type;
	r.tid = stage.thread[expected->actor]->task.tid;
	r.start = all ? 0 : page_at(expected->first);
	r.end = all ? ~0ULL : page_at(expected->last + 1);
	if (r.type != MMUN_RECORD_INVALIDATE)
		return r;
	r.id = stage.id[expected->range];
	r.cur_seq = expected->seq + play.base;
	r.flags = (expected->nonblock ? 0 : MMUN_RECORD_BLOCKABLE) |
		  (expected->refused ? MMUN_RECORD_FAILED : 0) |
		  (expected->second ? MMUN_RECORD_FINISH : 0);
	/* process_mrelease() raises UNMAP before Linux 7.1, and CLEAR later. */
	if (!expected->nonblock || r.event != MMUN_EVENT_CLEAR)
		r.event = expected->event;
	r.clip_start = r.start > start ? r.start : start;
	r.clip_end = r.end < end ? r.end : end;
	return r;
}

static const char *record_text(char text[256], const struct mmun_record *r)
{
	static const char format[] =
		"type %u tid %u, range %u, seq %lld, event %u, flags %x, %llx-%llx, clip %llx-%llx";

	snprintf(text, 256, format, r->type, r->tid, r->id,
		 r->cur_seq - play.base, r->event, r->flags, r->start, r->end,
		 r->clip_start, r->clip_end);
	return text;
}

static bool compare_record(const struct model_record *expected,
			   const struct mmun_record *got)
{
	const struct mmun_record r = expected_record(expected, got);
	char right[256], wrong[256];

	return !memcmp(&r, got, sizeof(r)) ||
	       disagree("the record should be: %s, but is: %s",
			record_text(right, &r), record_text(wrong, got));
}

/* process_mrelease() calls the list notifier for each VMA of the victim. */
static bool is_elsewhere(const struct mmun_record *r)
{
	return r->type != MMUN_RECORD_INVALIDATE &&
	       (r->start >= page_at(MODEL_PAGES) || r->end <= page_at(0));
}

static bool compare_log(void)
{
	struct mmun_record records[LOG_RECORDS];
	const ssize_t got = read(stage.fd, records, sizeof(records));
	const int nr = got > 0 ? got / sizeof(records[0]) : 0;
	int compared = 0;

	for (int i = 0; i < nr; i++) {
		if (is_elsewhere(&records[i]))
			continue;
		if (compared < play.trace.nr &&
		    !compare_record(&play.trace.record[compared], &records[i]))
			return false;
		compared++;
	}
	return same(play.trace.nr, compared, "the number of new records");
}

/* The ranges */

static bool compare_range(int range)
{
	const struct model_rules *rules = play.schedule.config.rules;
	const struct model_lock *lock = &play.m.lock;
	struct mmun_query_range cmd;

	if (_mmun_query_range(stage.fd, stage.id[range], &cmd))
		return disagree("cannot query range %c: %m", 'A' + range);
	return same(rules->clock(lock, range), cmd.out_seq - play.base,
		    "the sequence of range %c", 'A' + range) &&
	       same(lock->sub[range].in_tree, cmd.out_in_tree,
		    "in_tree of range %c", 'A' + range);
}

bool compare_ranges(void)
{
	return all_known_ranges(compare_range);
}

bool compare_step(void)
{
	return compare_places() && all_actors(compare_callback) &&
	       all_actors(compare_result) && compare_log() &&
	       compare_ranges() && compare_listeners();
}

/* The end */

static bool compare_balance(void)
{
	const struct model_lock *lock = &play.m.lock;
	struct mmun_check_balance cmd;

	if (_mmun_check_balance(stage.fd, SETTLE_MS, &cmd))
		return disagree("CHECK_BALANCE failed: %m");
	return same(!lock->active, cmd.out_balanced,
		    "out_balanced of CHECK_BALANCE") &&
	       (!cmd.out_balanced ||
		!model_uses_intervals(&play.schedule.config) ||
		same(lock->seq - 1, cmd.out_seq - play.base,
		     "the sequence that CHECK_BALANCE found"));
}

static bool compare_shadow(int range)
{
	struct mmun_verify cmd;

	if (_mmun_verify(stage.fd, stage.id[range], &cmd))
		return disagree("cannot verify range %c: %m", 'A' + range);
	if (cmd.out_result != MMUN_VERIFY_AGREES)
		return disagree("range %c has a wrong shadow entry at %llx",
				'A' + range, (unsigned long long)cmd.out_addr);
	return true;
}

/* At the end of a schedule, each actor must be idle or gone in the model. */
static bool compare_idle(int actor)
{
	const int where = play.m.actor[actor].where;

	return where == MODEL_IDLE || where == MODEL_GONE ||
	       disagree("%s is %s at the end of the schedule in the model",
			actor_name(actor), where_name(where));
}

bool compare_end(void)
{
	return all_actors(compare_idle) &&
	       (play.m.dying ||
		(compare_balance() && (play.schedule.config.no_collect ||
				       all_known_ranges(compare_shadow))));
}
