// SPDX-License-Identifier: GPL-2.0
/*
 * A step: one actor moves on to its next stop.  The actors that this step wakes
 * move on to their next stops, too.
 */
#include <errno.h>
#include <string.h>

#include <test_mmun_uapi.h>

#include "model.h"

static const struct {
	__u8 calls; /* number of calls */
	__u8 event;
	__u8 rounds; /* invalidations in one call */
	bool write; /* The call takes the mmap_lock for writing. */
} kinds[MODEL_KINDS] = {
	[MODEL_READER] = { .calls = MODEL_DONE },
	[MODEL_INSERTER] = { .calls = 1 },
	[MODEL_REMOVER] = { .calls = 1 },
	[MODEL_MADVISE] = { 1, MMUN_EVENT_CLEAR, 1, false },
	[MODEL_MUNMAP] = { 1, MMUN_EVENT_UNMAP, 1, true },
	[MODEL_MPROTECT] = { 1, MMUN_EVENT_PROTECTION_VMA, 1, true },
	[MODEL_MREMAP] = { 1, MMUN_EVENT_UNMAP, 2, true },
	[MODEL_FORK] = { 1, MMUN_EVENT_PROTECTION_PAGE, 1, true },
	[MODEL_REAPER] = { 2, MMUN_EVENT_UNMAP, 1, false },
	[MODEL_EXIT] = { 1, MMUN_EVENT_RELEASE, 2, false },
};

static int rounds(int kind)
{
	return kinds[kind].rounds;
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

/* The state that a step changes */
struct step {
	struct model *m;
	struct model_lock *lock; /* lock of the model */
	const struct model_config *config;
	const struct model_rules *rules; /* rules of the configuration */
	struct model_trace *trace;
	int actor; /* the actor that moves now */
	const struct model_role *role; /* role of this actor */
	struct model_actor *a; /* the state of this actor */
};

static void select_actor(struct step *s, int actor)
{
	s->actor = actor;
	s->role = &s->config->role[actor];
	s->a = &s->m->actor[actor];
}

/* The call of the actor returns. */
static void finish(struct step *s, int errnum, int result)
{
	s->a->where = MODEL_IDLE;
	s->a->at = 0;
	s->a->round = 0;
	if (s->role->kind != MODEL_READER)
		s->a->seq = 0;
	s->a->errnum = errnum;
	s->a->result = result;
}

/* The mmap_lock.  An actor that gets the lock continues in settle(). */

static void run(struct step *s, __u8 actors)
{
	int i;

	for (i = 0; i < s->config->nr; i++)
		if (actors & 1 << i)
			s->m->actor[i].where = MODEL_RUNS;
}

static void take_mmap_lock(struct step *s)
{
	s->a->where = MODEL_WAITS_MMAP;
	run(s,
	    mmap_lock_take(&s->m->mmap, s->actor, kinds[s->role->kind].write));
}

/* A mutator, from one hold to the next */

static void wake_all(struct step *s)
{
	const int actor = s->actor;
	int i;

	for (i = 0; i < s->config->nr; i++) {
		select_actor(s, i);
		if (s->a->where == MODEL_WAITS_SEQ && s->a->seq != s->lock->seq)
			finish(s, 0,
			       s->role->kind == MODEL_READER ? s->a->seq : 0);
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

static int event_of(const struct step *s)
{
	return s->role->kind == MODEL_EXIT && s->a->round ?
		       MMUN_EVENT_UNMAP :
		       kinds[s->role->kind].event;
}

/* Returns false if the callback refuses. */
static bool call_range(struct step *s, int range, bool nonblock)
{
	const bool refuses = nonblock && range == 0 && s->m->refusals;

	s->m->refusals -= refuses;
	log_record(s, (struct model_record){
			      .type = MMUN_RECORD_INVALIDATE,
			      .event = event_of(s),
			      .range = range,
			      .seq = s->a->seq,
			      .nonblock = nonblock,
			      .refused = refuses,
		      });
	return s->rules->invalidate(s->lock, range, s->a->seq, refuses);
}

static void clear_pages(struct step *s)
{
	const int last = s->role->last < MODEL_PAGES ? s->role->last :
						       MODEL_PAGES - 1;

	s->m->present &= ~((2 << last) - (1 << s->role->first));
}

/* The page tables change between START and the end of the invalidation. */
static void change_page_tables(struct step *s)
{
	if (s->role->kind != MODEL_MPROTECT && s->role->kind != MODEL_FORK)
		clear_pages(s);
}

/* Returns whether the call of the actor has another invalidation. */
static bool next_round(struct step *s)
{
	if (++s->a->round == s->rules->rounds(s->role->kind))
		return false;
	s->a->where = MODEL_RUNS;
	return true;
}

/*
 * The callbacks of all ranges have run.  The list notifiers end with RELEASE,
 * so exit has no records of START and END, and no hold stops exit at these
 * points.
 */
static void end_walk(struct step *s)
{
	s->a->at = 0;
	if (s->role->kind != MODEL_EXIT) {
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

/* The actor enters the callback of @range. */
static void walk_to(struct step *s, int range)
{
	if (range == MODEL_NO_RANGE) {
		end_walk(s);
		return;
	}
	s->a->at = range;
	s->a->where = s->role->kind == MODEL_EXIT && !s->a->round ?
			      MODEL_EXITING :
			      MODEL_ENTER;
}

/* Returns the first range to call. */
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

/* The event of a reaper depends on the kernel: see same_event(). */
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

/* Readers, inserters and removers: a step is a call. */

static bool is_known(const struct step *s)
{
	return s->lock->sub[s->role->range].known;
}

/* The reader holds the mmap_lock. */
static void collect(struct step *s)
{
	if (s->rules->retry(s->lock, s->role->range, s->a->seq)) {
		finish(s, EBUSY, 0);
	} else {
		s->a->valid =
			__builtin_popcount(s->m->present & 3 << s->role->range);
		finish(s, 0, s->a->valid);
	}
	run(s, mmap_lock_release(&s->m->mmap));
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

static void call_check(struct step *s)
{
	if (!is_known(s))
		finish(s, ENOENT, 0);
	else
		finish(s, 0,
		       s->rules->retry(s->lock, s->role->range, s->a->seq));
}

static void call_reader(struct step *s)
{
	if (s->config->no_collect && s->a->calls == MODEL_COLLECT)
		s->a->calls++;
	switch (s->a->calls++) {
	case MODEL_BEGIN:
		call_begin(s);
		break;
	case MODEL_COLLECT:
		call_collect(s);
		break;
	case MODEL_CHECK:
		call_check(s);
		break;
	case MODEL_COMMIT:
		/* A commit ends the batch, whether it collides or not. */
		call_check(s);
		s->a->seq = 0;
		break;
	}
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
	if (s->role->kind != MODEL_READER)
		s->a->calls++;
	switch (s->role->kind) {
	case MODEL_READER:
		call_reader(s);
		break;
	case MODEL_INSERTER:
		call_inserter(s);
		break;
	case MODEL_REMOVER:
		call_remover(s);
		break;
	case MODEL_REAPER:
		call_reaper(s);
		break;
	case MODEL_EXIT:
		s->m->dying = 1;
		s->a->where = MODEL_RUNS;
		break;
	default:
		take_mmap_lock(s);
	}
}

/*
 * Continue the call of an actor that got the mmap_lock, or that begins its next
 * invalidation.
 */
static void continue_call(struct step *s)
{
	if (s->role->kind == MODEL_READER) {
		collect(s);
		return;
	}
	/* munmap() detaches its pages and then downgrades the mmap_lock. */
	if (s->role->kind == MODEL_MUNMAP) {
		clear_pages(s);
		run(s, s->rules->downgrade(&s->m->mmap));
	}
	walk_to(s, start(s));
}

/*
 * Each pass may make other actors run, including actors with a smaller number.
 */
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

/* Returns whether an inserter of the range has not yet made its call. */
static bool will_be_inserted(const struct model *m,
			     const struct model_config *config, int range)
{
	int i;

	for (i = 0; i < config->nr; i++)
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
	if (a->calls ||
	    (role->kind != MODEL_READER && role->kind != MODEL_REMOVER))
		return a->calls < kinds[role->kind].calls;
	return !will_be_inserted(m, config, role->range);
}

void model_init(struct model *m, const struct model_config *config)
{
	int i;

	memset(m, 0, sizeof(*m));
	m->lock.seq = MODEL_FIRST_SEQ;
	m->present = (1 << MODEL_PAGES) - 1;
	/* Range A can refuse only if it exists at first. */
	m->refusals = config->live & 1 ? config->refusals : 0;
	for (i = 0; i < MODEL_RANGES; i++) {
		if (config->live & 1 << i) {
			m->lock.sub[i].known = 1;
			config->rules->insert(&m->lock, i);
		}
	}
}

void model_forget(struct model *m)
{
	int i;

	for (i = 0; i < MODEL_ACTORS; i++) {
		m->actor[i].errnum = 0;
		m->actor[i].result = 0;
		if (m->actor[i].calls == MODEL_DONE)
			m->actor[i].valid = 0;
	}
}
