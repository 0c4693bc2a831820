// SPDX-License-Identifier: GPL-2.0
/*
 * A step of the model: one actor moves to its next stop.  Each actor that the
 * step wakes moves to its next stop, too.
 */
#include <errno.h>
#include <string.h>

#include "invlock.h"
#include "listen.h"
#include "model.h"
#include "ranges.h"
#include "step.h"

#define EVENT(name) MMUN_EVENT_##name

/* clang-format off */
const struct model_kind_info model_kinds[MODEL_KINDS] = {
	[MODEL_READER] = { "r", 'R', MODEL_RANGE, .calls = MODEL_DONE,
			   .text = "begin, collect, check and commit on a range" },
	[MODEL_INSERTER] = { "i", 'I', MODEL_RANGE, .calls = 1,
			     .text = "insert a range" },
	[MODEL_REMOVER] = { "d", 'D', MODEL_RANGE, .calls = 1,
			    .text = "remove a range" },
	[MODEL_REGISTER] = { "register", 'L', MODEL_NUMBER, .calls = 1, .write = true,
			     .text = "register a list notifier" },
	[MODEL_UNREGISTER] = { "unregister", 'U', MODEL_NUMBER, .calls = 1,
			       .text = "unregister a list notifier" },
	[MODEL_GET] = { "get", 'G', MODEL_NUMBER, .calls = 1, .write = true,
			.text = "get the list notifier of a key" },
	[MODEL_PUT] = { "put", 'T', MODEL_NUMBER, .calls = 1,
			.text = "put the list notifier of a key that existed at the start" },
	[MODEL_MADVISE] = { "madvise", 'M', MODEL_TWO_PAGES, 1, 1, { EVENT(CLEAR) }, false,
			    "madvise(MADV_DONTNEED) of some pages" },
	[MODEL_MUNMAP] = { "munmap", 'M', MODEL_TWO_PAGES, 1, 1, { EVENT(UNMAP) }, true,
			   "munmap() of some pages" },
	[MODEL_MPROTECT] = { "mprotect", 'M', MODEL_TWO_PAGES, 1, 1,
			     { EVENT(PROTECTION_VMA) }, true,
			     "mprotect() of some pages" },
	[MODEL_MREMAP] = { "mremap", 'M', MODEL_TWO_PAGES, 1, 2,
			   { EVENT(UNMAP), EVENT(UNMAP) }, true,
			   "mremap() of some pages to another address" },
	[MODEL_FORK] = { "fork", 'M', MODEL_NO_ARGS, 1, 1, { EVENT(PROTECTION_PAGE) }, true,
			 "fork()" },
	/* The event of a reaper depends on the kernel: see expected_record(). */
	[MODEL_REAPER] = { "reaper", 'P', MODEL_NO_ARGS, 2, 1, { EVENT(UNMAP) }, false,
			   "process_mrelease(), twice; its callbacks must not block" },
	[MODEL_EXIT] = { "exit", 'X', MODEL_NO_ARGS, 1, 2, { EVENT(RELEASE), EVENT(UNMAP) }, false,
			 "the last user of the mm exits" },
};
/* clang-format on */

static int rounds(int kind)
{
	return model_kinds[kind].rounds;
}

static bool locks(int kind)
{
	return model_kinds[kind].write;
}

/* The rules of the lock */
#define LOCK_RULES                                                             \
	.start = lock_start, .next = lock_next, .invalidate = lock_invalidate, \
	.end = lock_end, .end_refused = lock_end, .insert = lock_insert,       \
	.remove = lock_remove, .begin = lock_begin, .retry = lock_retry,       \
	.release = lock_start, .enter = lock_enter, .leave = lock_leave,       \
	.clock = lock_clock, .wakes = lock_wakes, .rounds = rounds

/* The rules that do not depend on the kind of the ranges */
#define COMMON_RULES                                                         \
	.finish = passes_next, .finish_refused = passes_next,                \
	.downgrade = mmap_lock_downgrade, .locks = locks,                    \
	.next_listener = listen_next, .enlist = list_register,               \
	.unlist = list_unregister, .unlist_all = list_exit, .get = list_get, \
	.put = list_put, .waits = listen_waits, .frees = listen_frees

const struct model_rules model_rules = {
	LOCK_RULES,
	COMMON_RULES,
	.awaits = passes_one,
};

static const struct model_rules two_pass_rules = {
	LOCK_RULES,
	COMMON_RULES,
	.awaits = passes_two,
};

/* The mm drops its list notifiers at RELEASE, so UNMAP calls no range. */
static int rounds_until_release(int kind)
{
	return kind == MODEL_EXIT ? 1 : rounds(kind);
}

static const struct model_rules invlock_rules = {
	COMMON_RULES,
	.start = invlock_start,
	.release = invlock_release,
	.next = lock_next,
	.invalidate = invlock_invalidate,
	.awaits = passes_one,
	.enter = invlock_enter,
	.leave = invlock_leave,
	.end = invlock_end,
	.end_refused = invlock_end,
	.insert = invlock_insert,
	.remove = invlock_remove,
	.begin = invlock_begin,
	.retry = invlock_retry,
	.clock = invlock_clock,
	.wakes = invlock_wakes,
	.rounds = rounds_until_release,
};

const struct model_rules *model_rules_of(__u32 kind)
{
	switch (kind) {
	case MMUN_KIND_TWO_PASS:
		return &two_pass_rules;
	case MMUN_KIND_INVLOCK:
		return &invlock_rules;
	default:
		return &model_rules;
	}
}

typedef void (*call_fn)(struct step *s);

void step_select(struct step *s, int actor)
{
	s->actor = actor;
	s->role = &s->config->role[actor];
	s->kind = s->role->kind;
	s->a = &s->m->actor[actor];
}

void step_finish(struct step *s, int errnum, int result)
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

static void release_mmap_lock(struct step *s)
{
	run(s, mmap_lock_release(&s->m->mmap));
}

/* The steps of a mutator, each from one hold to the next */

/* Returns whether the wait of a reader or of a remover is over. */
static bool is_over(struct step *s)
{
	return s->rules->wakes(s->lock, s->role->range,
			       s->kind == MODEL_REMOVER, &s->a->seq);
}

void step_wake(struct step *s)
{
	const int actor = s->actor;

	for (int i = 0; i < s->config->nr; i++) {
		step_select(s, i);
		if (s->a->where == MODEL_WAITS_SEQ && is_over(s))
			step_finish(s, 0,
				    s->kind == MODEL_READER ? s->a->seq : 0);
	}
	step_select(s, actor);
}

static void end_invalidation(struct step *s)
{
	if (s->rules->end(s->lock))
		step_wake(s);
}

void step_log(struct step *s, struct model_record record)
{
	record.actor = s->actor;
	record.first = s->role->first;
	record.last = s->role->last;
	if (s->trace->nr < MODEL_RECORDS)
		s->trace->record[s->trace->nr++] = record;
}

void step_expect(struct step *s, bool is_right)
{
	s->trace->is_wrong |= !is_right;
}

static void log_phase(struct step *s, int type)
{
	step_log(s, (struct model_record){ .type = type });
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
 * Call the listeners after @listener until one of them holds the actor.  The
 * last one does.
 */
static void call_listeners(struct step *s, int listener)
{
	s->a->at = listen_go_on(s, listener);
	if (s->a->at != MODEL_LAST_LISTENER) {
		s->a->where = MODEL_CALLED;
		return;
	}
	s->a->where = MODEL_START;
	log_phase(s, MMUN_RECORD_START);
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
		listen_begin(s, LIST_START);
		call_listeners(s, MODEL_NO_LISTENER);
		return;
	}
	end_invalidation(s);
	if (!s->a->round)
		listen_exit(s);
	if (next_round(s))
		return;
	s->a->where = MODEL_GONE;
	s->a->seq = 0;
}

/* The hold releases the actor. */
static void leave_hold(struct step *s)
{
	switch (s->a->where) {
	case MODEL_ENTER:
	case MODEL_EXITING:
	case MODEL_LEAVE:
		if (!ranges_go_on(s))
			end_walk(s);
		break;
	case MODEL_CALLED:
		call_listeners(s, s->a->at);
		break;
	case MODEL_START:
		listen_end(s);
		change_page_tables(s);
		end_invalidation(s);
		listen_begin(s, LIST_END);
		listen_go_on(s, MODEL_NO_LISTENER);
		log_phase(s, MMUN_RECORD_END);
		s->a->where = MODEL_END;
		break;
	case MODEL_END:
		listen_end(s);
		if (next_round(s))
			break;
		step_finish(s, 0, 0);
		release_mmap_lock(s);
		break;
	}
}

static void call_reaper(struct step *s)
{
	if (!ranges_reap(s)) {
		if (s->rules->end_refused(s->lock))
			step_wake(s);
		step_finish(s, EAGAIN, 0);
		return;
	}
	log_phase(s, MMUN_RECORD_START);
	change_page_tables(s);
	end_invalidation(s);
	log_phase(s, MMUN_RECORD_END);
	step_finish(s, 0, 0);
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
		step_finish(s, ENOENT, 0);
		s->a->calls = MODEL_DONE;
		s->a->seq = 0;
	} else if (s->rules->begin(s->lock, s->role->range, &s->a->seq)) {
		s->a->where = MODEL_WAITS_SEQ;
	} else {
		step_finish(s, 0, s->a->seq);
	}
}

static void call_collect(struct step *s)
{
	if (s->m->dying)
		step_finish(s, ESRCH, 0);
	else
		take_mmap_lock(s);
}

/* Collect pages.  The reader must hold the mmap_lock. */
static void collect(struct step *s)
{
	const int pages = s->m->present & 3 << s->role->range;

	s->a->valid = collides(s) ? 0 : __builtin_popcount(pages);
	step_finish(s, collides(s) ? EBUSY : 0, s->a->valid);
	release_mmap_lock(s);
}

static void call_check(struct step *s)
{
	step_finish(s, is_known(s) ? 0 : ENOENT, collides(s));
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
	step_finish(s, s->m->dying ? ESRCH : 0, 0);
}

static void call_remover(struct step *s)
{
	if (!is_known(s)) {
		step_finish(s, ENOENT, 0);
		return;
	}
	s->lock->sub[s->role->range].known = 0;
	s->a->seq = s->rules->remove(s->lock, s->role->range);
	if (s->a->seq)
		s->a->where = MODEL_WAITS_SEQ;
	else
		step_finish(s, 0, 0);
}

/* Change the list.  The actor has the mmap_lock if the call needs it. */
static void change_list(struct step *s)
{
	static const call_fn calls[MODEL_KINDS] = {
		[MODEL_REGISTER] = listen_register,
		[MODEL_UNREGISTER] = listen_unregister,
		[MODEL_GET] = listen_get,
		[MODEL_PUT] = listen_put,
	};

	calls[s->kind](s);
}

static void call_list(struct step *s)
{
	const bool adds = model_kinds[s->kind].write;

	if (s->m->dying && adds)
		step_finish(s, ESRCH, 0);
	else if (s->rules->locks(s->kind))
		take_mmap_lock(s);
	else
		change_list(s);
}

static void call(struct step *s)
{
	static const call_fn calls[MODEL_KINDS] = {
		[MODEL_READER] = call_reader,
		[MODEL_INSERTER] = call_inserter,
		[MODEL_REMOVER] = call_remover,
		[MODEL_REGISTER... MODEL_PUT] = call_list,
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
	if (model_uses_list(s->kind)) {
		change_list(s);
		release_mmap_lock(s);
		return;
	}
	/* munmap() detaches its pages and then downgrades the mmap_lock. */
	if (s->kind == MODEL_MUNMAP) {
		clear_pages(s);
		run(s, s->rules->downgrade(&s->m->mmap));
	}
	if (!ranges_begin(s))
		end_walk(s);
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
		step_select(s, i);
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
	trace->nr_called = 0;
	trace->is_wrong = false;
	step_select(&s, actor);
	if (s.a->where == MODEL_IDLE)
		call(&s);
	else
		leave_hold(&s);
	settle(&s);
	listen_settle(&s);
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
	if (role->kind == MODEL_UNREGISTER && !listen_is_registered(m, role))
		return false;
	return a->calls < model_kinds[role->kind].calls;
}

/* The range that refuses must exist before the first step. */
static int nr_refusals(const struct model_config *config)
{
	return config->live & 1 << model_refuser(config) ? MODEL_REFUSALS : 0;
}

void model_init(struct model *m, const struct model_config *config)
{
	memset(m, 0, sizeof(*m));
	/* The sequence of the mm is odd if the ranges are no interval notifiers. */
	m->lock.seq = MODEL_FIRST_SEQ - !model_uses_intervals(config);
	m->present = (1 << MODEL_PAGES) - 1;
	m->refusals = nr_refusals(config);
	for (int i = 0; i < MODEL_RANGES; i++) {
		if (config->live & 1 << i) {
			m->lock.sub[i].known = 1;
			config->rules->insert(&m->lock, i);
		}
	}
	listen_init(m, config);
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
