// SPDX-License-Identifier: GPL-2.0
/*
 * A step: an actor goes on to where it stops next, and all that follows from
 * the step without another one.
 */
#include <errno.h>
#include <string.h>

#include <test_mmun_uapi.h>

#include "error.h"
#include "model.h"

/* The actors, apart from what they call. */

static const struct {
	__u8 event;
	__u8 rounds; /* invalidations in one call */
	bool write; /* takes the mmap_lock for writing */
} mutators[MODEL_KINDS] = {
	[MODEL_MADVISE] = { MMUN_EVENT_CLEAR, 1, false },
	[MODEL_MUNMAP] = { MMUN_EVENT_UNMAP, 1, true },
	[MODEL_MPROTECT] = { MMUN_EVENT_PROTECTION_VMA, 1, true },
	[MODEL_MREMAP] = { MMUN_EVENT_UNMAP, 2, true },
	[MODEL_FORK] = { MMUN_EVENT_PROTECTION_PAGE, 1, true },
};

bool model_is_mutator(const struct model_role *role)
{
	return mutators[role->kind].rounds;
}

/* What a step works on */
struct step {
	struct model *m;
	const struct model_config *config;
	struct model_trace *trace;
};

static void finish(struct step *s, int actor, int errnum, int result)
{
	struct model_actor *a = &s->m->actor[actor];

	a->where = MODEL_IDLE;
	a->at = 0;
	a->round = 0;
	if (s->config->role[actor].kind != MODEL_READER)
		a->seq = 0;
	a->errnum = errnum;
	a->result = result;
}

/* The mmap_lock.  An actor that is let in runs on in settle(). */

static __u8 writers(const struct step *s)
{
	__u8 actors = 0;
	int i;

	for (i = 0; i < s->config->nr; i++)
		if (mutators[s->config->role[i].kind].write)
			actors |= 1 << i;
	return actors;
}

static void let_run(struct step *s, __u8 actors)
{
	int i;

	for (i = 0; i < s->config->nr; i++)
		if (actors & 1 << i)
			s->m->actor[i].where = MODEL_RUNS;
}

static void take_mmap_lock(struct step *s, int actor)
{
	s->m->actor[actor].where = MODEL_WAITS_MMAP;
	let_run(s, mmap_lock_take(&s->m->mmap, actor, writers(s)));
}

static void release_mmap_lock(struct step *s)
{
	let_run(s, mmap_lock_release(&s->m->mmap, writers(s)));
}

/* A mutator, from one hold to the next. */

static void wake_all(struct step *s)
{
	int i;

	for (i = 0; i < s->config->nr; i++) {
		struct model_actor *a = &s->m->actor[i];

		if (a->where == MODEL_WAITS_SEQ && a->seq != s->m->lock.seq)
			finish(s, i, 0,
			       s->config->role[i].kind == MODEL_READER ?
				       a->seq :
				       0);
	}
}

static void end_invalidation(struct step *s)
{
	if (lock_end(&s->m->lock))
		wake_all(s);
}

static void log_record(struct step *s, struct model_record record)
{
	if (s->trace->nr < MODEL_RECORDS)
		s->trace->record[s->trace->nr++] = record;
}

/* What the list notifier hears */
static void log_phase(struct step *s, int actor, int type)
{
	const struct model_role *role = &s->config->role[actor];

	log_record(s, (struct model_record){
			      .type = type,
			      .actor = actor,
			      .first = role->first,
			      .last = role->last,
		      });
}

static int event_of(const struct step *s, int actor)
{
	const struct model_role *role = &s->config->role[actor];

	if (role->kind == MODEL_EXIT)
		return s->m->actor[actor].round ? MMUN_EVENT_UNMAP :
						  MMUN_EVENT_RELEASE;
	return mutators[role->kind].event;
}

static void call_range(struct step *s, int actor, int range, bool nonblock,
		       bool refused)
{
	const struct model_role *role = &s->config->role[actor];
	struct model_actor *a = &s->m->actor[actor];

	if (!refused || !wrong(REFUSAL_KEEPS_THE_SEQ))
		s->m->lock.sub[range].seq = a->seq;
	log_record(s, (struct model_record){
			      .type = MMUN_RECORD_INVALIDATE,
			      .actor = actor,
			      .event = event_of(s, actor),
			      .range = range,
			      .seq = a->seq,
			      .first = role->first,
			      .last = role->last,
			      .nonblock = nonblock,
			      .refused = refused,
		      });
}

static __u8 pages_of(const struct model_role *role)
{
	int last = role->last < MODEL_PAGES ? role->last : MODEL_PAGES - 1;

	return (2 << last) - (1 << role->first);
}

/* The page tables change between START and the end of the invalidation. */
static void change_page_tables(struct step *s, int actor)
{
	const struct model_role *role = &s->config->role[actor];

	if (role->kind != MODEL_MPROTECT && role->kind != MODEL_FORK)
		s->m->present &= ~pages_of(role);
}

/* munmap() takes the pages out of sight, then lets readers in. */
static void detach(struct step *s, int actor)
{
	s->m->present &= ~pages_of(&s->config->role[actor]);
	if (wrong(UNMAP_KEEPS_THE_MMAP_LOCK))
		return;
	let_run(s, mmap_lock_downgrade(&s->m->mmap, writers(s)));
}

/* The last callback has returned. */
static void walked(struct step *s, int actor)
{
	const struct model_role *role = &s->config->role[actor];
	struct model_actor *a = &s->m->actor[actor];

	if (role->kind != MODEL_EXIT) {
		a->where = MODEL_START;
		log_phase(s, actor, MMUN_RECORD_START);
		return;
	}
	/* The list notifiers went with RELEASE: nobody hears of START, END. */
	end_invalidation(s);
	if (!a->round && !wrong(EXIT_TELLS_ONCE)) {
		a->round = 1;
		a->where = MODEL_RUNS;
		return;
	}
	a->where = MODEL_GONE;
	a->seq = 0;
}

static void walk_on(struct step *s, int actor, int range)
{
	const struct model_role *role = &s->config->role[actor];
	struct model_actor *a = &s->m->actor[actor];

	a->at = range < 0 ? 0 : range;
	if (range < 0)
		walked(s, actor);
	else if (role->kind == MODEL_EXIT && !a->round)
		a->where = MODEL_EXITING;
	else
		a->where = MODEL_ENTER;
}

static void start_round(struct step *s, int actor)
{
	const struct model_role *role = &s->config->role[actor];
	struct model_actor *a = &s->m->actor[actor];

	walk_on(s, actor,
		lock_start(&s->m->lock, role->first, role->last, &a->seq));
}

static void leave_callback(struct step *s, int actor)
{
	const struct model_role *role = &s->config->role[actor];
	struct model_actor *a = &s->m->actor[actor];

	walk_on(s, actor,
		lock_next(&s->m->lock, role->first, role->last, a->at));
}

static void end_round(struct step *s, int actor)
{
	struct model_actor *a = &s->m->actor[actor];

	if (++a->round < mutators[s->config->role[actor].kind].rounds) {
		a->where = MODEL_RUNS;
		return;
	}
	finish(s, actor, 0, 0);
	release_mmap_lock(s);
}

/* The hold lets go: on to the next one. */
static void go_on(struct step *s, int actor)
{
	struct model_actor *a = &s->m->actor[actor];

	switch (a->where) {
	case MODEL_ENTER:
		call_range(s, actor, a->at, false, false);
		a->where = MODEL_LEAVE;
		break;
	case MODEL_EXITING:
		call_range(s, actor, a->at, false, false);
		leave_callback(s, actor);
		break;
	case MODEL_LEAVE:
		leave_callback(s, actor);
		break;
	case MODEL_START:
		change_page_tables(s, actor);
		end_invalidation(s);
		log_phase(s, actor, MMUN_RECORD_END);
		a->where = MODEL_END;
		break;
	case MODEL_END:
		end_round(s, actor);
		break;
	}
}

/* Returns whether a callback refused. */
static bool reap(struct step *s, int actor)
{
	const struct model_role *role = &s->config->role[actor];
	struct model_actor *a = &s->m->actor[actor];
	int range = lock_start(&s->m->lock, role->first, role->last, &a->seq);
	bool refused = false;

	while (range >= 0 && !refused) {
		refused = range == 0 && s->m->refusals;
		s->m->refusals -= refused;
		call_range(s, actor, range, true, refused);
		range = lock_next(&s->m->lock, role->first, role->last, range);
	}
	return refused;
}

/* The event of a reaper differs between kernels: see the comparison. */
static void call_reaper(struct step *s, int actor)
{
	bool refused = reap(s, actor);

	if (!refused) {
		log_phase(s, actor, MMUN_RECORD_START);
		change_page_tables(s, actor);
	}
	if (!refused || !wrong(REFUSAL_LEAVES_IT_OPEN))
		end_invalidation(s);
	if (!refused)
		log_phase(s, actor, MMUN_RECORD_END);
	finish(s, actor, refused ? EAGAIN : 0, 0);
}

/* Readers, inserters and removers: a step is a call. */

/* With the mmap_lock */
static void collect(struct step *s, int actor)
{
	const struct model_role *role = &s->config->role[actor];
	struct model_actor *a = &s->m->actor[actor];

	if (lock_retry(&s->m->lock, role->range, a->seq)) {
		finish(s, actor, EBUSY, 0);
	} else {
		a->valid = __builtin_popcount(s->m->present & 3 << role->range);
		finish(s, actor, 0, a->valid);
	}
	release_mmap_lock(s);
}

/* A reader that finds its range gone has nothing more to do. */
static void give_up(struct step *s, int actor, int errnum)
{
	finish(s, actor, errnum, 0);
	s->m->actor[actor].calls = MODEL_DONE;
	s->m->actor[actor].seq = 0;
}

static void call_begin(struct step *s, int actor, int range)
{
	struct model_actor *a = &s->m->actor[actor];

	if (!s->m->lock.sub[range].known)
		give_up(s, actor, ENOENT);
	else if (lock_begin(&s->m->lock, range, &a->seq))
		a->where = MODEL_WAITS_SEQ;
	else
		finish(s, actor, 0, a->seq);
}

static void call_collect(struct step *s, int actor)
{
	if (s->m->dying)
		finish(s, actor, ESRCH, 0);
	else
		take_mmap_lock(s, actor);
}

static void call_check(struct step *s, int actor, int range)
{
	struct model_actor *a = &s->m->actor[actor];

	if (!s->m->lock.sub[range].known)
		finish(s, actor, ENOENT, 0);
	else
		finish(s, actor, 0, lock_retry(&s->m->lock, range, a->seq));
}

/* Both answers of a commit that is no error close the batch. */
static void call_commit(struct step *s, int actor, int range)
{
	struct model_actor *a = &s->m->actor[actor];

	if (!s->m->lock.sub[range].known)
		finish(s, actor, ENOENT, 0);
	else
		finish(s, actor, 0, lock_retry(&s->m->lock, range, a->seq));
	a->seq = 0;
}

enum model_call model_next_call(const struct model_config *config, int calls)
{
	return config->no_collect && calls == MODEL_COLLECT ? MODEL_CHECK :
							      calls;
}

static void call_reader(struct step *s, int actor)
{
	struct model_actor *a = &s->m->actor[actor];
	const int range = s->config->role[actor].range;
	const int call = model_next_call(s->config, a->calls);

	a->calls = call + 1;
	switch (call) {
	case MODEL_BEGIN:
		call_begin(s, actor, range);
		break;
	case MODEL_COLLECT:
		call_collect(s, actor);
		break;
	case MODEL_CHECK:
		call_check(s, actor, range);
		break;
	case MODEL_COMMIT:
		call_commit(s, actor, range);
		break;
	}
}

static void call_inserter(struct step *s, int actor)
{
	const int range = s->config->role[actor].range;

	s->m->actor[actor].calls++;
	if (s->m->dying) {
		finish(s, actor, ESRCH, 0);
		return;
	}
	lock_insert(&s->m->lock, range);
	s->m->lock.sub[range].known = 1;
	finish(s, actor, 0, 0);
}

static void call_remover(struct step *s, int actor)
{
	struct model_actor *a = &s->m->actor[actor];
	const int range = s->config->role[actor].range;

	a->calls++;
	if (!s->m->lock.sub[range].known) {
		finish(s, actor, ENOENT, 0);
		return;
	}
	s->m->lock.sub[range].known = 0;
	a->seq = lock_remove(&s->m->lock, range);
	if (a->seq)
		a->where = MODEL_WAITS_SEQ;
	else
		finish(s, actor, 0, 0);
}

/* The step. */

static void call_mutator(struct step *s, int actor)
{
	struct model_actor *a = &s->m->actor[actor];

	a->calls++;
	if (s->config->role[actor].kind == MODEL_EXIT) {
		s->m->dying = 1;
		a->where = MODEL_RUNS;
	} else if (s->config->role[actor].kind == MODEL_REAPER) {
		call_reaper(s, actor);
	} else {
		take_mmap_lock(s, actor);
	}
}

static void call(struct step *s, int actor)
{
	switch (s->config->role[actor].kind) {
	case MODEL_READER:
		call_reader(s, actor);
		break;
	case MODEL_INSERTER:
		call_inserter(s, actor);
		break;
	case MODEL_REMOVER:
		call_remover(s, actor);
		break;
	default:
		call_mutator(s, actor);
	}
}

/* Who was let in, or begins its next invalidation, runs until it stops. */
static void settle(struct step *s)
{
	int i;

	for (i = 0; i < s->config->nr; i++) {
		if (s->m->actor[i].where != MODEL_RUNS)
			continue;
		if (s->config->role[i].kind == MODEL_READER) {
			collect(s, i);
		} else {
			if (s->config->role[i].kind == MODEL_MUNMAP)
				detach(s, i);
			start_round(s, i);
		}
		i = -1;
	}
}

static int calls_of(const struct model_role *role)
{
	if (role->kind == MODEL_READER)
		return MODEL_DONE;
	return role->kind == MODEL_REAPER ? 2 : 1;
}

static bool needs_range(const struct model_role *role)
{
	return role->kind == MODEL_READER || role->kind == MODEL_REMOVER;
}

/* A range that an inserter has still to insert */
static bool not_yet(const struct model *m, const struct model_config *config,
		    int range)
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

	if (a->where >= MODEL_ENTER && a->where <= MODEL_EXITING)
		return true;
	if (a->where != MODEL_IDLE || a->calls >= calls_of(role))
		return false;
	return !(needs_range(role) && !a->calls &&
		 not_yet(m, config, role->range));
}

void model_step(struct model *m, const struct model_config *config, int actor,
		struct model_trace *trace)
{
	struct step s = { .m = m, .config = config, .trace = trace };

	trace->nr = 0;
	if (m->actor[actor].where == MODEL_IDLE)
		call(&s, actor);
	else
		go_on(&s, actor);
	settle(&s);
}

void model_init(struct model *m, const struct model_config *config)
{
	int i;

	memset(m, 0, sizeof(*m));
	m->lock.seq = MODEL_FIRST_SEQ;
	m->present = (1 << MODEL_PAGES) - 1;
	/* Range A is told to refuse when it is there. */
	m->refusals = config->live & 1 ? config->refusals : 0;
	for (i = 0; i < MODEL_RANGES; i++) {
		if (config->live & 1 << i) {
			m->lock.sub[i].known = 1;
			lock_insert(&m->lock, i);
		}
	}
}

bool model_is_quiet(const struct model *m, const struct model_config *config)
{
	int i;

	for (i = 0; i < config->nr; i++)
		if (m->actor[i].where != MODEL_IDLE &&
		    m->actor[i].where != MODEL_GONE)
			return false;
	return true;
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
