// SPDX-License-Identifier: GPL-2.0
/* The deliberate errors of the rules for ranges of other kinds than INTERVAL */
#include "invlock.h"
#include "model.h"

/* Two passes */

static bool pass_leaves_the_seq(struct model_lock *lock, int range, __u8 seq,
				bool refuses)
{
	return !refuses;
}

static int finish_is_early(const struct model_passes *passes, int next)
{
	return passes_next(passes, MODEL_NO_RANGE);
}

static int finish_is_reversed(const struct model_passes *passes, int next)
{
	return next == MODEL_NO_RANGE && passes->nr ?
		       passes->range[passes->nr - 1] :
		       MODEL_NO_RANGE;
}

static int finish_is_left_out(const struct model_passes *passes, int next)
{
	return MODEL_NO_RANGE;
}

/* clang-format off */
const struct model_error model_two_pass_errors[MODEL_TWO_PASS_ERRORS] = {
	{ "a range asks for no second pass", { .awaits = passes_one } },
	{ "the first pass leaves the sequence of its range",
	  { .invalidate = pass_leaves_the_seq } },
	{ "the second pass comes after the first pass of one range",
	  { .finish = finish_is_early } },
	{ "the second pass has the reverse order", { .finish = finish_is_reversed } },
	{ "the second pass is left out", { .finish = finish_is_left_out } },
	{ "the second pass is left out after a refusal", { .finish_refused = finish_is_left_out } },
};
/* clang-format on */

/* Invlock: the read side */

static bool begin_does_not_wait(const struct model_lock *lock, int range,
				__u8 *seq)
{
	invlock_begin(lock, range, seq);
	return false;
}

static bool begin_waits_for_its_range(const struct model_lock *lock, int range,
				      __u8 *seq)
{
	invlock_begin(lock, range, seq);
	return lock->sub[range].callbacks;
}

static bool begin_returns_a_later_seq(const struct model_lock *lock, int range,
				      bool removes, __u8 *seq)
{
	if (!removes)
		*seq = lock->seq;
	return invlock_wakes(lock, range, removes, seq);
}

static bool retry_never_collides(const struct model_lock *lock, int range,
				 __u8 seq)
{
	return false;
}

/* Invlock: insert and remove */

static void insert_is_deferred(struct model_lock *lock, int range)
{
	if (lock->active)
		lock_defer(lock, range);
	else
		invlock_insert(lock, range);
}

static void insert_advances_the_seq(struct model_lock *lock, int range)
{
	invlock_insert(lock, range);
	if (lock->active)
		lock->seq += 2;
}

static int remove_does_not_wait(struct model_lock *lock, int range)
{
	invlock_remove(lock, range);
	return 0;
}

static int remove_waits_for_the_mm(struct model_lock *lock, int range)
{
	invlock_remove(lock, range);
	return lock->active;
}

static int remove_leaves_the_range(struct model_lock *lock, int range)
{
	return lock->sub[range].callbacks;
}

/* Invlock: invalidations */

static int start_leaves_the_seq(struct model_lock *lock, int first, int last)
{
	lock->active++;
	return lock_next(lock, first, last, MODEL_NO_RANGE);
}

static int miss_leaves_the_seq(struct model_lock *lock, int first, int last)
{
	const int range = invlock_start(lock, first, last);

	if (range == MODEL_NO_RANGE)
		lock->seq -= 2;
	return range;
}

static int second_start_leaves_the_seq(struct model_lock *lock, int first,
				       int last)
{
	return lock->active ? start_leaves_the_seq(lock, first, last) :
			      invlock_start(lock, first, last);
}

static int miss_is_not_counted(struct model_lock *lock, int first, int last)
{
	const int range = invlock_start(lock, first, last);

	if (range == MODEL_NO_RANGE)
		lock->active--;
	return range;
}

static int next_is_none(const struct model_lock *lock, int first, int last,
			int range)
{
	return MODEL_NO_RANGE;
}

static bool leave_wakes_no_remover(struct model_lock *lock, int range)
{
	invlock_leave(lock, range);
	return false;
}

static bool end_advances_the_seq(struct model_lock *lock)
{
	lock->seq += 2;
	return invlock_end(lock);
}

static bool end_ends_all(struct model_lock *lock)
{
	lock->active = 0;
	return true;
}

static int exit_invalidates_twice(int kind)
{
	return model_kinds[kind].rounds;
}

static bool end_wakes_no_reader(struct model_lock *lock)
{
	invlock_end(lock);
	return false;
}

/* clang-format off */
const struct model_error model_invlock_errors[MODEL_INVLOCK_ERRORS] = {
	{ "begin does not wait", { .begin = begin_does_not_wait } },
	{ "begin waits only for callbacks of its range", { .begin = begin_waits_for_its_range } },
	{ "begin returns the sequence after the wait", { .wakes = begin_returns_a_later_seq } },
	{ "retry never collides", { .retry = retry_never_collides } },
	{ "an insert while active is deferred", { .insert = insert_is_deferred } },
	{ "an insert while active advances the sequence", { .insert = insert_advances_the_seq } },
	{ "a remove does not wait", { .remove = remove_does_not_wait } },
	{ "a remove waits for invalidations of other ranges",
	  { .remove = remove_waits_for_the_mm } },
	{ "a range that is being removed is called", { .remove = remove_leaves_the_range } },
	{ "a start that hits no range leaves the sequence", { .start = miss_leaves_the_seq } },
	{ "a start while active leaves the sequence", { .start = second_start_leaves_the_seq } },
	{ "the sequence changes at the end", { .start = start_leaves_the_seq,
					       .end = end_advances_the_seq } },
	{ "an invalidation that hits no range is not active", { .start = miss_is_not_counted } },
	{ "only the first range is called", { .next = next_is_none } },
	{ "the end of a callback wakes no remover", { .leave = leave_wakes_no_remover } },
	{ "the end of any invalidation ends all of them", { .end = end_ends_all } },
	{ "the end wakes no reader", { .end = end_wakes_no_reader } },
	{ "release is active until the exit has ended", { .release = invlock_start } },
	{ "exit calls the ranges for UNMAP, too", { .rounds = exit_invalidates_twice } },
};
/* clang-format on */
