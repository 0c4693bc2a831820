// SPDX-License-Identifier: GPL-2.0
/*
 * Play a schedule of the explorer: each step moves one actor from one hold to the
 * next, and the actors that the step wakes move too.  After each step, compare
 * what the explorer compares on a running kernel.
 */
#include <assert.h>
#include <string.h>

#include "access.h"
#include "actor.h"
#include "config.h"
#include "hold.h"
#include "model.h"
#include "refine.h"

static_assert(RANGES == MODEL_RANGES, "the ranges are those of the model");

static const uint8_t where_of[] = {
	[HOLD_RETURN] = MODEL_IDLE, [HOLD_ENTER] = MODEL_ENTER,
	[HOLD_LEAVE] = MODEL_LEAVE, [HOLD_START] = MODEL_START,
	[HOLD_END] = MODEL_END,
};

/* More steps of an actor between two holds are a cycle without an end. */
#define MOVE_STEPS 1000
#define NOBODY (-1)

unsigned long page_bytes = 1;

/* The schedule that is played, or NULL in a search */
static const struct model_config *playing;
static struct model before, now;
/* The sequence of the kernel minus that of the model, before the first step */
static uint8_t base;
/* The actors that a step wakes move before the actor that takes the step. */
static bool woken_first;

/* Where each actor has stopped, and the range or the result there */
static struct {
	uint8_t where; /* enum model_where */
	unsigned long value;
} stop[MAX_ACTORS];

/* The explorer does not hold a reaper, and holds an exit only in callbacks. */
static bool stops_at(enum hold place)
{
	switch (playing->role[actor_index(me)].kind) {
	case MODEL_REAPER:
		return false;
	case MODEL_EXIT:
		return place == HOLD_ENTER ||
		       (place == HOLD_LEAVE && !me->exits);
	default:
		return true;
	}
}

void hold(enum hold place, unsigned long value)
{
	const bool exiting = me && me->exits && place == HOLD_ENTER;

	if (!playing || !me || !stops_at(place))
		return;
	stop[actor_index(me)].where = exiting ? MODEL_EXITING : where_of[place];
	stop[actor_index(me)].value = value;
	actor_stop(WAIT_NOTHING, NULL, CALLER);
}

static bool can_move(int i)
{
	return stop[i].where == MODEL_RUNS && !violation[0] &&
	       actor_enabled(&world.actor[i]);
}

static void step(int i)
{
	footprint_begin();
	actor_step(&world.actor[i]);
	if (world.actor[i].wait == WAIT_EVER)
		stop[i].where = MODEL_IDLE;
}

/* Let the other actors move that can run, because the actor @mover woke them. */
static void move_others(int mover)
{
	for (int n = 0; n < MOVE_STEPS; n++) {
		int i = 0;

		while (i < world.nr && (i == mover || !can_move(i)))
			i++;
		if (i == world.nr)
			return;
		step(i);
	}
	violate("an actor does not reach its next hold");
}

/* Move the actor to its next hold, or until the actor is blocked or ends. */
static void move(int i)
{
	stop[i].where = MODEL_RUNS;
	for (int n = 0; n < MOVE_STEPS && can_move(i); n++) {
		step(i);
		if (woken_first)
			move_others(i);
	}
	move_others(NOBODY);
}

/*
 * A reader of the explorer commits also after a check that saw a collision.  The
 * reader of interval.c does not, and begins again.
 */
static bool is_over(int i)
{
	return playing->role[i].kind == MODEL_READER &&
	       before.actor[i].calls == MODEL_COMMIT && stop[i].value;
}

static bool is_blocked(int i)
{
	return stop[i].where == MODEL_RUNS && !actor_enabled(&world.actor[i]);
}

static bool place_agrees(int i)
{
	const struct model_actor *a = &now.actor[i];

	if (model_is_blocked(a->where))
		return is_blocked(i);
	if (a->where == MODEL_GONE)
		return stop[i].where == MODEL_IDLE;
	return stop[i].where == a->where &&
	       (!model_in_callback(a->where) || stop[i].value == a->at);
}

static bool seq_agrees(unsigned long kernel, uint8_t model)
{
	return (uint8_t)(kernel - base) == model;
}

/* Compare the result of a call of a reader that returned in this step. */
static bool result_agrees(int i, int moved)
{
	const struct model_actor *a = &now.actor[i];

	if (playing->role[i].kind != MODEL_READER || a->where != MODEL_IDLE ||
	    a->calls == MODEL_COLLECT + 1 ||
	    (i != moved && before.actor[i].where == MODEL_IDLE))
		return true;
	if (a->calls == MODEL_BEGIN + 1)
		return seq_agrees(stop[i].value, a->result);
	return stop[i].value == a->result;
}

static bool range_agrees(int range)
{
	const struct model_sub *m = &now.lock.sub[range];
	const void *sub = refine_object(range);

	return !m->known || (seq_agrees(peek_seq(sub), m->seq) &&
			     peek_in_tree(sub) == m->in_tree);
}

static bool agrees(int moved)
{
	if (violation[0])
		return false;
	for (int i = 0; i < world.nr; i++)
		if (!place_agrees(i) || !result_agrees(i, moved))
			return false;
	for (int i = 0; i < RANGES; i++)
		if (!range_agrees(i))
			return false;
	return true;
}

/* The explorer checks the balance unless the mm has gone. */
static bool end_agrees(void)
{
	struct peek kernel;

	if (now.dying)
		return true;
	peek(&kernel);
	return kernel.active == now.lock.active &&
	       seq_agrees(kernel.seq, now.lock.seq);
}

static bool step_agrees(int i)
{
	struct model_trace trace;

	before = now;
	model_step(&now, playing, i, &trace);
	if (!is_over(i))
		move(i);
	if (!agrees(i))
		return false;
	model_forget(&now);
	return true;
}

static int first_enabled(void)
{
	for (int i = 0; i < playing->nr; i++)
		if (model_enabled(&now, playing, i))
			return i;
	return -1;
}

/* The reaper of the explorer makes two calls.  The reaper here makes one. */
static bool has_reaped(int i)
{
	return playing->role[i].kind == MODEL_REAPER && now.actor[i].calls;
}

/* Returns the actor of the next step, or -1 if no actor can take the step. */
static int next_actor(const uint8_t *step, int nr, int done)
{
	const int i = done < nr ? step[done] : first_enabled();

	return i >= 0 && has_reaped(i) ? -1 : i;
}

/* The explorer does not know the first sequence of the kernel either. */
static uint8_t find_base(void)
{
	int range = 0;

	while (!now.lock.sub[range].known)
		range++;
	return peek_seq(refine_object(range)) + 1 - MODEL_FIRST_SEQ;
}

static int play(const struct config *config, const uint8_t *step, int nr)
{
	int done = 0, i;

	config_begin(config);
	memset(stop, 0, sizeof(stop));
	model_init(&now, playing);
	base = find_base();
	while ((i = next_actor(step, nr, done)) >= 0) {
		done++;
		if (!step_agrees(i))
			return done;
	}
	return first_enabled() >= 0 || end_agrees() ? 0 : done;
}

/*
 * On a running kernel, the actor that wakes another actor may continue before or
 * after the other actor.  The explorer notices a difference in any case only if
 * both orders differ from the model.
 */
int hold_play(const struct config *config, const struct model_config *model,
	      const uint8_t *step, int nr)
{
	int differs, also;

	playing = model;
	page_bytes = 4096;
	refine_ignore(true);
	woken_first = false;
	differs = play(config, step, nr);
	woken_first = true;
	also = differs ? play(config, step, nr) : 0;
	refine_ignore(false);
	page_bytes = 1;
	playing = NULL;
	return also > differs || !also ? also : differs;
}
