// SPDX-License-Identifier: GPL-2.0
/* Compare the kernel with the model of the interval lock, step by step */
#include <assert.h>
#include <string.h>

#include "actor.h"
#include "lock.h"
#include "mm.h"
#include "refine.h"
#include "refine_list.h"
#include "two_pass.h"

struct state {
	const void *sub[RANGES];
	struct model_lock lock;
	bool knows_seq; /* The sequences of the model are those of the kernel. */
	struct {
		uint8_t call; /* enum call */
		uint8_t range;
		uint8_t first;
		uint8_t last;
		uint8_t locked; /* the number of locked sections of the call */
		uint8_t seq; /* the sequence of begin or of the invalidation */
		uint8_t waits; /* remove waits for the end of this sequence */
		uint8_t old_seq; /* the sequence of the range when begin took the lock */
		uint8_t mm_seq; /* the sequence of the mm at the same time */
		uint8_t refused; /* 1: by a range, 2: by a list notifier */
		int8_t next; /* the range whose callback comes next */
		struct model_passes passes; /* of the invalidation */
	} actor[MAX_ACTORS];
};

static bool ignores;

#define violate(...) (ignores ? (void)0 : violate(__VA_ARGS__))

#define STATE ((struct state *)world.shadow)
static_assert(sizeof(struct state) <= sizeof(world.shadow), "too large");

void refine_init(void)
{
	memset(world.shadow, 0, sizeof(world.shadow));
	STATE->lock.seq = MODEL_FIRST_SEQ;
}

void refine_ignore(bool ignore)
{
	ignores = ignore;
}

void refine_range(int range, const void *sub, int more)
{
	STATE->sub[range] = sub;
	STATE->lock.sub[range].more = more;
	if (!me && sub)
		lock_insert(&STATE->lock, range);
}

void *refine_object(int range)
{
	return (void *)STATE->sub[range];
}

void refine_call(enum call call, int range, int first, int last)
{
	if (!me)
		return;
	memset(&STATE->actor[actor_index(me)], 0, sizeof(STATE->actor[0]));
	STATE->actor[actor_index(me)].call = call;
	STATE->actor[actor_index(me)].range = range;
	STATE->actor[actor_index(me)].first = first;
	STATE->actor[actor_index(me)].last = last;
	STATE->actor[actor_index(me)].next = MODEL_NO_RANGE;
}

/* The second passes come before the end, and before an error is returned. */
static void check_passes(void)
{
	if (!passes_done(&STATE->actor[actor_index(me)].passes))
		violate("a range was started, and is not finished");
}

/* Make the call of the model that the locked section of the kernel has made. */
static void model_makes_call(void)
{
	typeof(STATE->actor[0]) *a = &STATE->actor[actor_index(me)];
	struct model_lock *lock = &STATE->lock;
	const bool first = !a->locked++;

	switch (a->call) {
	case CALL_START:
		/* The third section of an exit is that of the list. */
		if (a->locked == 2) {
			check_passes();
			lock_end(lock);
		}
		if (!first)
			break;
		a->next = lock_start(lock, a->first, a->last);
		a->seq = lock->seq;
		break;
	case CALL_END:
		lock_end(lock);
		break;
	case CALL_INSERT:
		lock_insert(lock, a->range);
		break;
	case CALL_REMOVE:
		if (first)
			a->waits = lock_remove(lock, a->range);
		break;
	case CALL_BEGIN:
		if (first)
			lock_begin(lock, a->range, &a->seq);
		break;
	default:
		break;
	}
}

/*
 * Only the differences of sequences matter.  The model takes over the first
 * sequence of the kernel, which must be even.
 */
static void take_over_seq(const void *lock)
{
	struct model_lock *m = &STATE->lock;
	struct peek now;
	uint8_t difference;

	peek(&now);
	if (!now.exists || now.lock != lock)
		return;
	if (now.seq & 1)
		violate("the first sequence is %lu, and must be even", now.seq);
	difference = now.seq - m->seq;
	m->seq += difference;
	for (int i = 0; i < RANGES; i++)
		if (m->sub[i].in_tree)
			m->sub[i].seq += difference;
	STATE->knows_seq = true;
}

static void begin_locks(typeof(STATE->actor[0]) *a)
{
	a->old_seq = STATE->lock.sub[a->range].seq;
	a->mm_seq = STATE->lock.seq;
}

void refine_lock(const void *lock)
{
	typeof(STATE->actor[0]) *a = &STATE->actor[actor_index(me)];

	if (!STATE->knows_seq)
		take_over_seq(lock);
	if (a->call == CALL_BEGIN && !a->locked)
		begin_locks(a);
	refine_list_lock(lock);
}

static bool in(const void *const *list, int nr, const void *sub)
{
	for (int i = 0; i < nr; i++)
		if (list[i] == sub)
			return true;
	return false;
}

static void compare_ranges(const struct peek *k)
{
	const struct model_lock *m = &STATE->lock;

	for (int i = 0; i < RANGES; i++) {
		const void *sub = STATE->sub[i];

		if (!sub)
			continue;
		if (in(k->tree, k->nr_tree, sub) != m->sub[i].in_tree)
			violate("range %c is %sin the tree", 'A' + i,
				m->sub[i].in_tree ? "not " : "");
		if (m->sub[i].in_tree &&
		    (peek_seq(sub) & 0xff) != m->sub[i].seq)
			violate("the sequence of range %c is %lu, and must be %d",
				'A' + i, peek_seq(sub), m->sub[i].seq);
	}
}

static void compare_deferred(const struct peek *k)
{
	const struct model_lock *m = &STATE->lock;

	if (k->nr_deferred != m->nr_deferred)
		violate("the deferred list has %d ranges, and must have %d",
			k->nr_deferred, m->nr_deferred);
	for (int i = 0; i < m->nr_deferred; i++)
		if (k->deferred[i] != STATE->sub[m->deferred[i]])
			violate("the order of the deferred list is wrong");
}

static void compare(const struct peek *k)
{
	const struct model_lock *m = &STATE->lock;

	if ((long)k->active < 0)
		violate("more invalidations have ended than started");
	if (k->active != m->active)
		violate("%ld invalidations are active, and must be %d",
			(long)k->active, m->active);
	if ((k->seq & 0xff) != m->seq)
		violate("the sequence of the mm is %lu, and must be %d", k->seq,
			m->seq);
	compare_deferred(k);
	compare_ranges(k);
}

void refine_unlock(const void *lock)
{
	struct peek now;

	peek(&now);
	if (!now.exists || now.lock != lock || mm_settings.unmodelled)
		return;
	if (now.has_itree || STATE->actor[actor_index(me)].call != CALL_START)
		model_makes_call();
	compare(&now);
	refine_list_unlock(&now);
}

/*
 * A callback can set the sequence of the range while begin holds the lock of the
 * subscriptions.  Then begin returns the sequence before or after the change.
 */
void refine_begin(unsigned long seq)
{
	const typeof(STATE->actor[0]) *a = &STATE->actor[actor_index(me)];
	const uint8_t got = seq;
	struct peek now;

	if (got != a->seq && got != a->old_seq)
		violate("read_begin() returned %lu, and must return %d", seq,
			a->seq);
	peek(&now);
	if (got == a->mm_seq && got == (uint8_t)now.seq)
		violate("read_begin() returned during an invalidation of the range");
}

/* The sequence whose end a call awaits is the sequence of the mm. */
void refine_sleep(void)
{
	const typeof(STATE->actor[0]) *a = &STATE->actor[actor_index(me)];
	struct peek now;
	uint8_t seq;

	peek(&now);
	seq = now.seq;
	if (a->call == CALL_BEGIN && seq != a->seq && seq != a->old_seq)
		violate("read_begin() waits, and the invalidation has ended");
	if (a->call == CALL_REMOVE && seq != a->waits)
		violate("remove waits, and must not wait");
}

void refine_retry(int range, unsigned long seq, bool retry)
{
	if (lock_retry(&STATE->lock, range, seq) != retry)
		violate("read_retry() returned %s", retry ? "true" : "false");
}

void refine_callback(int range, unsigned long seq, bool refuses)
{
	typeof(STATE->actor[0]) *a = &STATE->actor[actor_index(me)];

	if (a->call != CALL_START || a->next != range || (a->refused & 1))
		violate("the callback of range %c is called, and must not be called",
			'A' + range);
	if ((seq & 0xff) != a->seq)
		violate("the callback gets the sequence %lu, and must get %d",
			seq, a->seq);
	if (!passes_call(&a->passes))
		violate("the callback of range %c is called after a second pass",
			'A' + range);
	lock_invalidate(&STATE->lock, range, seq, refuses);
	a->refused |= refuses;
	if (refuses)
		refine_list_skip();
	a->next = lock_next(&STATE->lock, a->first, a->last, range);
}

void refine_await(int range)
{
	passes_await(&STATE->actor[actor_index(me)].passes, range);
}

void refine_finish(int range)
{
	if (!passes_finish(&STATE->actor[actor_index(me)].passes, range))
		violate("range %c is finished, and must not be finished now",
			'A' + range);
}

bool refine_ranges_called(void)
{
	const typeof(STATE->actor[0]) *a = &STATE->actor[actor_index(me)];
	struct peek now;

	peek(&now);
	return a->next == MODEL_NO_RANGE && (a->locked || !now.has_itree);
}

void refine_refused_by_list(void)
{
	STATE->actor[actor_index(me)].refused |= 2;
}

void refine_start(int ret)
{
	const typeof(STATE->actor[0]) *a = &STATE->actor[actor_index(me)];

	check_passes();
	if (!!ret != !!a->refused)
		violate("the start of an invalidation returned %d", ret);
	if (!(a->refused & 1) && a->next != MODEL_NO_RANGE)
		violate("the callback of range %c is not called",
			'A' + a->next);
	if (ret && a->locked == 1)
		violate("the start of an invalidation failed, and left the invalidation open");
}

void refine_removed(int range)
{
	const typeof(STATE->actor[0]) *a = &STATE->actor[actor_index(me)];
	const void *sub = STATE->sub[range];
	struct peek now;

	peek(&now);
	if (in(now.deferred, now.nr_deferred, sub))
		violate("remove returned, and the range is on the deferred list");
	if (in(now.tree, now.nr_tree, sub))
		violate("remove returned, and the range is in the tree");
	if (a->waits && STATE->lock.seq == a->waits)
		violate("remove returned during an invalidation");
	STATE->sub[range] = NULL;
}

static void check_mm_count(const struct peek *now)
{
	const int count =
		now->nr_tree + (peek_mm_users() > 0) + refine_list_nr();

	if (count && peek_mm_count() != count)
		violate("after the end, the mm has %d references, and must have %d",
			peek_mm_count(), count);
}

void refine_end(void)
{
	struct peek now;

	peek(&now);
	if (now.active || now.seq & 1 || now.nr_deferred)
		violate("after the end: %ld active, sequence %lu, %d deferred",
			(long)now.active, now.seq, now.nr_deferred);
	if (mm_settings.unmodelled)
		return;
	check_mm_count(&now);
	refine_list_end();
	if (!now.exists)
		return;
	if (!STATE->knows_seq)
		take_over_seq(now.lock);
	compare(&now);
}
