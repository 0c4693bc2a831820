// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_KIND_TWO_PASS: an mmu interval notifier whose callback has two passes.
 * The core calls the first pass of all ranges that the invalidation hits, and
 * then the second pass of these ranges.
 *
 * The first pass sets the sequence, and the second pass drops the shadow
 * entries.  A real driver starts the flush of its device in the first pass, and
 * waits for the device in the second pass.
 */

#include "../private.h"

#if MMUN_HAS_TWO_PASS

/**
 * struct mmun_finish - the second pass of a callback
 * @finish: the part that the core uses
 * @cb: the callback.  Its @mnr is on the stack of the task that executes both
 *	passes.
 */
struct mmun_finish {
	struct mmu_interval_notifier_finish finish;
	struct mmun_callback cb;
};

/*
 * The reserve of finish objects, which all contexts share.  A callback cannot
 * sleep for memory.  An allocation with GFP_NOWAIT fails easily if many ranges
 * need an object, so the kernel-doc of struct mmu_interval_notifier_finish
 * recommends a small reserve.
 */
static struct mmun_finish mmun_finishes[MMUN_MAX_FINISHES];
static DECLARE_BITMAP(mmun_finishes_used, MMUN_MAX_FINISHES);

/* Return NULL if the reserve is empty. */
static struct mmun_finish *mmun_finish_get(const struct mmun_callback *cb)
{
	unsigned int i;

	for (i = 0; i < MMUN_MAX_FINISHES; i++) {
		if (test_bit(i, mmun_finishes_used) ||
		    test_and_set_bit_lock(i, mmun_finishes_used))
			continue;
		mmun_finishes[i].cb = *cb;
		return &mmun_finishes[i];
	}
	return NULL;
}

static void mmun_finish_put(struct mmun_finish *finish)
{
	clear_bit_unlock(finish - mmun_finishes, mmun_finishes_used);
}

/*
 * Set the sequence.  Returns the finish object of the second pass.  Returns
 * NULL if there is no second pass, because the callback fails or because the
 * reserve is empty.  If the reserve is empty, drop the shadow entries.
 */
static struct mmun_finish *mmun_two_pass_begin(const struct mmun_callback *cb,
					       bool *done)
{
	struct mmun_finish *finish = NULL;

	guard(spinlock)(&cb->range->lock);
	*done = mmun_callback_set_seq(cb);
	if (*done)
		finish = mmun_finish_get(cb);
	if (*done && !finish)
		mmun_callback_drop(cb);
	return finish;
}

/* The first pass.  The core passes a pointer to NULL as @out. */
static bool mmun_two_pass_start(struct mmu_interval_notifier *mni,
				const struct mmu_notifier_range *mnr,
				unsigned long cur_seq,
				struct mmu_interval_notifier_finish **out)
{
	struct mmun_callback cb = {
		.range = container_of(mni, struct mmun_range, mni),
		.mnr = mnr,
		.cur_seq = cur_seq,
	};
	struct mmun_finish *finish;
	bool done;

	WARN_ON_ONCE(*out);
	mmun_callback_enter(&cb);
	finish = mmun_two_pass_begin(&cb, &done);
	if (finish) {
		*out = &finish->finish;
		mmun_non_block_end(mnr);
	} else {
		mmun_callback_leave(&cb, done ? 0 : MMUN_RECORD_FAILED);
	}
	return done;
}

/*
 * The second pass.  A task that is held at LEAVE has put the finish object of
 * this range.
 */
static void mmun_two_pass_finish(struct mmu_interval_notifier_finish *mnf)
{
	struct mmun_finish *finish =
		container_of(mnf, struct mmun_finish, finish);
	struct mmun_callback cb = finish->cb;

	WARN_ON_ONCE(mnf->notifier != &cb.range->mni);
	mmun_finish_put(finish);
	mmun_non_block_start(cb.mnr);
	spin_lock(&cb.range->lock);
	mmun_callback_drop(&cb);
	spin_unlock(&cb.range->lock);
	mmun_callback_leave(&cb, MMUN_RECORD_FINISH);
}

static const struct mmu_interval_notifier_ops mmun_two_pass_ops = {
	.invalidate_start = mmun_two_pass_start,
	.invalidate_finish = mmun_two_pass_finish,
};

static int mmun_two_pass_insert(struct mmun_range *range)
{
	return mmun_range_subscribe_to(range, &mmun_two_pass_ops);
}

static const struct mmun_kind_ops mmun_two_pass_kind = {
	.coherent = true,
	.hmm_loop = true,
	.can_refuse = true,
	.insert = mmun_two_pass_insert,
	.remove = mmun_interval_remove,
	.read_begin = mmun_interval_read_begin,
	.read_retry = mmun_interval_read_retry,
};

#else

static const struct mmun_kind_ops mmun_two_pass_kind = {};

#endif
