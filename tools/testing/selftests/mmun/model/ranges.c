// SPDX-License-Identifier: GPL-2.0
/*
 * The steps of an invalidation through the callbacks of the ranges.  The rules
 * choose the ranges and their order.  two_pass.h has the rules of the two passes.
 */
#include "ranges.h"

/* At RELEASE, a hold stops exit at the begin of each callback, and not later. */
static bool is_release(const struct step *s)
{
	return s->kind == MODEL_EXIT && !s->a->round;
}

static void log_callback(struct step *s, int range, bool refused, bool second)
{
	step_log(s, (struct model_record){
			    .type = MMUN_RECORD_INVALIDATE,
			    .event = model_kinds[s->kind].event[s->a->round],
			    .range = range,
			    .seq = s->a->seq,
			    .nonblock = s->kind == MODEL_REAPER,
			    .refused = refused,
			    .second = second,
		    });
}

/*
 * Call a range, for the first pass if the range has two.  The callback writes its
 * record in its last pass.  Returns false if the callback refuses.
 */
static bool call_range(struct step *s, int range)
{
	const bool refuses = s->kind == MODEL_REAPER && s->m->refusals &&
			     range == model_refuser(s->config);

	step_expect(s, passes_call(&s->a->passes));
	s->m->refusals -= refuses;
	if (!refuses && s->rules->awaits(&s->a->passes))
		passes_await(&s->a->passes, range);
	else
		log_callback(s, range, refuses, false);
	return s->rules->invalidate(s->lock, range, s->a->seq, refuses);
}

static void finish_range(struct step *s, int range)
{
	step_expect(s, passes_finish(&s->a->passes, range));
	log_callback(s, range, false, true);
}

static void end_passes(struct step *s)
{
	step_expect(s, passes_done(&s->a->passes));
	s->a->passes = (struct model_passes){};
}

/* Start an invalidation.  Returns the first range whose callback is called. */
static int start(struct step *s)
{
	const struct model_role *role = s->role;
	int range;

	if (is_release(s))
		range = s->rules->release(s->lock, role->first, role->last);
	else
		range = s->rules->start(s->lock, role->first, role->last);
	s->a->seq = s->lock->seq;
	return range;
}

/* Returns the range of the first pass after @range. */
static int next(const struct step *s, int range)
{
	return s->a->passes.second ? MODEL_NO_RANGE :
				     s->rules->next(s->lock, s->role->first,
						    s->role->last, range);
}

/* Execute second passes until a hold stops the actor.  Returns whether one does. */
static bool finish_until_held(struct step *s, int range)
{
	while ((range = s->rules->finish(&s->a->passes, range)) !=
	       MODEL_NO_RANGE) {
		finish_range(s, range);
		if (!is_release(s)) {
			s->a->where = MODEL_LEAVE;
			s->a->at = range;
			return true;
		}
		range = MODEL_NO_RANGE;
	}
	return false;
}

/* The range @range is the next range of the first pass, or MODEL_NO_RANGE. */
static bool go_to(struct step *s, int range)
{
	if (finish_until_held(s, range))
		return true;
	if (range == MODEL_NO_RANGE || s->a->passes.second) {
		end_passes(s);
		return false;
	}
	s->rules->enter(s->lock, range);
	s->a->at = range;
	s->a->where = is_release(s) ? MODEL_EXITING : MODEL_ENTER;
	return true;
}

bool ranges_begin(struct step *s)
{
	return go_to(s, start(s));
}

/* The callback of @range has returned. */
static bool go_on_after(struct step *s, int range)
{
	if (s->rules->leave(s->lock, range))
		step_wake(s);
	return go_to(s, next(s, range));
}

bool ranges_go_on(struct step *s)
{
	const int range = s->a->at;

	if (s->a->where == MODEL_LEAVE)
		return go_on_after(s, range);
	call_range(s, range);
	if (s->a->where == MODEL_EXITING || s->rules->awaits(&s->a->passes))
		return go_on_after(s, range);
	s->a->where = MODEL_LEAVE;
	return true;
}

/* Returns false if a callback refuses. */
static bool call_all(struct step *s)
{
	int range;

	for (range = start(s); range != MODEL_NO_RANGE; range = next(s, range))
		if (!call_range(s, range))
			return false;
	return true;
}

/* Returns the range whose second pass is next, or MODEL_NO_RANGE. */
static int next_second(const struct step *s, bool refused)
{
	const struct model_passes *passes = &s->a->passes;

	return refused ? s->rules->finish_refused(passes, MODEL_NO_RANGE) :
			 s->rules->finish(passes, MODEL_NO_RANGE);
}

bool ranges_reap(struct step *s)
{
	const bool done = call_all(s);
	int range;

	while ((range = next_second(s, !done)) != MODEL_NO_RANGE)
		finish_range(s, range);
	end_passes(s);
	return done;
}
