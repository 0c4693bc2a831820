// SPDX-License-Identifier: GPL-2.0
/*
 * A step of the model: one actor moves to its next stop.  Each actor that the
 * step wakes moves to its next stop, too.
 */
#include <errno.h>
#include <string.h>

#include <test_mmun_uapi.h>

#include "model.h"

#define EVENT(name) MMUN_EVENT_##name

/* clang-format off */
const struct model_kind_info model_kinds[MODEL_KINDS] = {
	[MODEL_READER] = { "r", 'R', .args = 1, .calls = MODEL_DONE,
			   .text = "begin, collect, check and commit on a range" },
	[MODEL_INSERTER] = { "i", 'I', .args = 1, .calls = 1, .text = "insert a range" },
	[MODEL_REMOVER] = { "d", 'D', .args = 1, .calls = 1, .text = "remove a range" },
	[MODEL_MADVISE] = { "madvise", 'M', 2, 1, 1, { EVENT(CLEAR) }, false,
			    "madvise(MADV_DONTNEED) of some pages" },
	[MODEL_MUNMAP] = { "munmap", 'M', 2, 1, 1, { EVENT(UNMAP) }, true,
			   "munmap() of some pages" },
	[MODEL_MPROTECT] = { "mprotect", 'M', 2, 1, 1, { EVENT(PROTECTION_VMA) }, true,
			     "mprotect() of some pages" },
	[MODEL_MREMAP] = { "mremap", 'M', 2, 1, 2, { EVENT(UNMAP), EVENT(UNMAP) }, true,
			   "mremap() of some pages to another address" },
	[MODEL_FORK] = { "fork", 'M', 0, 1, 1, { EVENT(PROTECTION_PAGE) }, true,
			 "fork()" },
	/* The event of a reaper depends on the kernel: see expected_record(). */
	[MODEL_REAPER] = { "reaper", 'P', 0, 2, 1, { EVENT(UNMAP) }, false,
			   "process_mrelease(), twice; its callbacks must not block" },
	[MODEL_EXIT] = { "exit", 'X', 0, 1, 2, { EVENT(RELEASE), EVENT(UNMAP) }, false,
			 "the last user of the mm exits" },
};
/* clang-format on */

static int rounds(int kind)
{
	return model_kinds[kind].rounds;
}

const struct model_rules model_rules = {
	.start = lock_start,
	.next = lock_next,
	.invalidate = lock_invalidate,
	.end = lock_end,
	.end_refused = lock_end,
	.insert = lock_insert,
	.remove = lock_remove,
	.begin = lock_begin,
	.retry = lock_retry,
	.downgrade = mmap_lock_downgrade,
	.rounds = rounds,
};

/* A step: the state that changes, and the actor that moves */
struct step {
	struct model *m;
	struct model_lock *lock; /* lock of the model */
	const struct model_config *config;
	const struct model_rules *rules; /* rules of the configuration */
	struct model_trace *trace;
	int actor; /* the actor that moves now */
	const struct model_role *role; /* role of this actor */
	int kind; /* kind of this role */
	struct model_actor *a; /* the state of this actor */
};

typedef void (*call_fn)(struct step *s);

static void select_actor(struct step *s, int actor)
{
	s->actor = actor;
	s->role = &s->config->role[actor];
	s->kind = s->role->kind;
	s->a = &s->m->actor[actor];
}

/* Make the call of the actor return @errnum or, if @errnum is 0, @result. */
static void finish(struct step *s, int errnum, int result)
{
	s->a->where = MODEL_IDLE;
	s->a->at = 0;
	s->a->round = 0;
	if (s->kind != MODEL_READER)
		s->a->seq = 0;
	s->a->errnum = errnum;
	s->a->result = errnum ? 0 : result;
}

/* The mmap_lock.  An actor that gets the mmap_lock continues in settle(). */

static void run(struct step *s, __u8 actors)
{
	for (int i = 0; i < s->config->nr; i++)
		if (actors & 1 << i)
			s->m->actor[i].where = MODEL_RUNS;
}

static void take_mmap_lock(struct step *s)
{
	const bool write = model_kinds[s->kind].write;

	s->a->where = MODEL_WAITS_MMAP;
	run(s, mmap_lock_take(&s->m->mmap, s->actor, write));
}

/* The steps of a mutator, each from one hold to the next */

static void wake_all(struct step *s)
{
	const int actor = s->actor;

	for (int i = 0; i < s->config->nr; i++) {
		select_actor(s, i);
		if (s->a->where == MODEL_WAITS_SEQ && s->a->seq != s->lock->seq)
			finish(s, 0, s->kind == MODEL_READER ? s->a->seq : 0);
	}
	select_actor(s, actor);
}

static void end_invalidation(struct step *s)
{
	if (s->rules->end(s->lock))
		wake_all(s);
}

static void log_record(struct step *s, struct model_record record)
{
	record.actor = s->actor;
	record.first = s->role->first;
	record.last = s->role->last;
	if (s->trace->nr < MODEL_RECORDS)
		s->trace->record[s->trace->nr++] = record;
}

static void log_phase(struct step *s, int type)
{
	log_record(s, (struct model_record){ .type = type });
}

/* Returns false if the callback refuses. */
static bool call_range(struct step *s, int range, bool nonblock)
{
	const bool refuses = nonblock && range == 0 && s->m->refusals;

	s->m->refusals -= refuses;
	log_record(s, (struct model_record){
			      .type = MMUN_RECORD_INVALIDATE,
			      .event = model_kinds[s->kind].event[s->a->round],
			      .range = range,
			      .seq = s->a->seq,
			      .nonblock = nonblock,
			      .refused = refuses,
		      });
	return s->rules->invalidate(s->lock, range, s->a->seq, refuses);
}

static void clear_pages(struct step *s)
{
	s->m->present &= ~((2 << s->role->last) - (1 << s->role->first));
}

/* The page tables change between START and the end of the invalidation. */
static void change_page_tables(struct step *s)
{
	if (s->kind != MODEL_MPROTECT && s->kind != MODEL_FORK)
		clear_pages(s);
}

/* Returns whether the call of the actor has another invalidation. */
static bool next_round(struct step *s)
{
	if (++s->a->round == s->rules->rounds(s->kind))
		return false;
	s->a->where = MODEL_RUNS;
	return true;
}

/*
 * Continue an invalidation after the callbacks of all ranges.  The mm drops its
 * list notifiers at RELEASE, so exit causes no START and END records, and no
 * hold stops exit at START or END.
 */
static void end_walk(struct step *s)
{
	s->a->at = 0;
	if (s->kind != MODEL_EXIT) {
		s->a->where = MODEL_START;
		log_phase(s, MMUN_RECORD_START);
		return;
	}
	end_invalidation(s);
	if (next_round(s))
		return;
	s->a->where = MODEL_GONE;
	s->a->seq = 0;
}

/* Let the actor enter the callback of @range, or end the walk of the ranges. */
static void walk_to(struct step *s, int range)
{
	const bool exits = s->kind == MODEL_EXIT && !s->a->round;

	if (range == MODEL_NO_RANGE) {
		end_walk(s);
		return;
	}
	s->a->at = range;
	s->a->where = exits ? MODEL_EXITING : MODEL_ENTER;
}

/* Start an invalidation.  Returns the first range whose callback is called. */
static int start(struct step *s)
{
	const struct model_role *role = s->role;
	const int range = s->rules->start(s->lock, role->first, role->last);

	s->a->seq = s->lock->seq;
	return range;
}

static int next(struct step *s, int range)
{
	return s->rules->next(s->lock, s->role->first, s->role->last, range);
}

/* The hold releases the actor. */
static void leave_hold(struct step *s)
{
	switch (s->a->where) {
	case MODEL_ENTER:
		call_range(s, s->a->at, false);
		s->a->where = MODEL_LEAVE;
		break;
	case MODEL_EXITING:
		call_range(s, s->a->at, false);
		walk_to(s, next(s, s->a->at));
		break;
	case MODEL_LEAVE:
		walk_to(s, next(s, s->a->at));
		break;
	case MODEL_START:
		change_page_tables(s);
		end_invalidation(s);
		log_phase(s, MMUN_RECORD_END);
		s->a->where = MODEL_END;
		break;
	case MODEL_END:
		if (next_round(s))
			break;
		finish(s, 0, 0);
		run(s, mmap_lock_release(&s->m->mmap));
		break;
	}
}

/* Returns false if a callback refuses. */
static bool reap(struct step *s)
{
	int range;

	for (range = start(s); range != MODEL_NO_RANGE; range = next(s, range))
		if (!call_range(s, range, true))
			return false;
	return true;
}

static void call_reaper(struct step *s)
{
	if (!reap(s)) {
		if (s->rules->end_refused(s->lock))
			wake_all(s);
		finish(s, EAGAIN, 0);
		return;
	}
	log_phase(s, MMUN_RECORD_START);
	change_page_tables(s);
	end_invalidation(s);
	log_phase(s, MMUN_RECORD_END);
	finish(s, 0, 0);
}

static void call_exit(struct step *s)
{
	s->m->dying = 1;
	s->a->where = MODEL_RUNS;
}

/* Readers, inserters and removers make one call in each step. */

static bool is_known(const struct step *s)
{
	return s->lock->sub[s->role->range].known;
}

static bool collides(const struct step *s)
{
	return s->rules->retry(s->lock, s->role->range, s->a->seq);
}

static void call_begin(struct step *s)
{
	if (!is_known(s)) {
		finish(s, ENOENT, 0);
		s->a->calls = MODEL_DONE;
		s->a->seq = 0;
	} else if (s->rules->begin(s->lock, s->role->range, &s->a->seq)) {
		s->a->where = MODEL_WAITS_SEQ;
	} else {
		finish(s, 0, s->a->seq);
	}
}

static void call_collect(struct step *s)
{
	if (s->m->dying)
		finish(s, ESRCH, 0);
	else
		take_mmap_lock(s);
}

/* Collect pages.  The reader must hold the mmap_lock. */
static void collect(struct step *s)
{
	const int pages = s->m->present & 3 << s->role->range;

	s->a->valid = collides(s) ? 0 : __builtin_popcount(pages);
	finish(s, collides(s) ? EBUSY : 0, s->a->valid);
	run(s, mmap_lock_release(&s->m->mmap));
}

static void call_check(struct step *s)
{
	finish(s, is_known(s) ? 0 : ENOENT, collides(s));
}

/* A commit ends the batch of the reader, even if the commit collides. */
static void call_commit(struct step *s)
{
	call_check(s);
	s->a->seq = 0;
}

static void call_reader(struct step *s)
{
	static const call_fn calls[MODEL_DONE] = {
		call_begin,
		call_collect,
		call_check,
		call_commit,
	};

	if (s->config->no_collect && s->a->calls - 1 == MODEL_COLLECT)
		s->a->calls++;
	calls[s->a->calls - 1](s);
}

static void call_inserter(struct step *s)
{
	if (!s->m->dying) {
		s->rules->insert(s->lock, s->role->range);
		s->lock->sub[s->role->range].known = 1;
	}
	finish(s, s->m->dying ? ESRCH : 0, 0);
}

static void call_remover(struct step *s)
{
	if (!is_known(s)) {
		finish(s, ENOENT, 0);
		return;
	}
	s->lock->sub[s->role->range].known = 0;
	s->a->seq = s->rules->remove(s->lock, s->role->range);
	if (s->a->seq)
		s->a->where = MODEL_WAITS_SEQ;
	else
		finish(s, 0, 0);
}

static void call(struct step *s)
{
	static const call_fn calls[MODEL_KINDS] = {
		[MODEL_READER] = call_reader,
		[MODEL_INSERTER] = call_inserter,
		[MODEL_REMOVER] = call_remover,
		[MODEL_MADVISE... MODEL_FORK] = take_mmap_lock,
		[MODEL_REAPER] = call_reaper,
		[MODEL_EXIT] = call_exit,
	};

	s->a->calls++;
	calls[s->kind](s);
}

/*
 * Continue the call of an actor that got the mmap_lock, or that begins its next
 * invalidation.
 */
static void continue_call(struct step *s)
{
	if (s->kind == MODEL_READER) {
		collect(s);
		return;
	}
	/* munmap() detaches its pages and then downgrades the mmap_lock. */
	if (s->kind == MODEL_MUNMAP) {
		clear_pages(s);
		run(s, s->rules->downgrade(&s->m->mmap));
	}
	walk_to(s, start(s));
}

/* A move can make any actor run, so settle() restarts at actor 0. */
static void settle(struct step *s)
{
	int i = 0;

	while (i < s->config->nr) {
		if (s->m->actor[i].where != MODEL_RUNS) {
			i++;
			continue;
		}
		select_actor(s, i);
		continue_call(s);
		i = 0;
	}
}

void model_step(struct model *m, const struct model_config *config, int actor,
		struct model_trace *trace)
{
	struct step s = {
		.m = m,
		.lock = &m->lock,
		.config = config,
		.rules = config->rules,
		.trace = trace,
	};

	trace->nr = 0;
	select_actor(&s, actor);
	if (s.a->where == MODEL_IDLE)
		call(&s);
	else
		leave_hold(&s);
	settle(&s);
}

/* Which actors can take a step */

/* Returns whether an inserter has yet to insert the range. */
static bool will_be_inserted(const struct model *m,
			     const struct model_config *config, int range)
{
	for (int i = 0; i < config->nr; i++)
		if (config->role[i].kind == MODEL_INSERTER &&
		    config->role[i].range == range && !m->actor[i].calls)
			return true;
	return false;
}

bool model_enabled(const struct model *m, const struct model_config *config,
		   int actor)
{
	const struct model_role *role = &config->role[actor];
	const struct model_actor *a = &m->actor[actor];

	if (a->where != MODEL_IDLE)
		return model_is_held(a->where);
	if (!a->calls &&
	    (role->kind == MODEL_READER || role->kind == MODEL_REMOVER))
		return !will_be_inserted(m, config, role->range);
	return a->calls < model_kinds[role->kind].calls;
}

void model_init(struct model *m, const struct model_config *config)
{
	memset(m, 0, sizeof(*m));
	m->lock.seq = MODEL_FIRST_SEQ;
	m->present = (1 << MODEL_PAGES) - 1;
	/* Range A refuses only if range A exists before the first step. */
	m->refusals = config->live & 1 ? MODEL_REFUSALS : 0;
	for (int i = 0; i < MODEL_RANGES; i++) {
		if (config->live & 1 << i) {
			m->lock.sub[i].known = 1;
			config->rules->insert(&m->lock, i);
		}
	}
}

void model_forget(struct model *m)
{
	for (int i = 0; i < MODEL_ACTORS; i++) {
		m->actor[i].errnum = 0;
		m->actor[i].result = 0;
		if (m->actor[i].calls == MODEL_DONE)
			m->actor[i].valid = 0;
	}
}
