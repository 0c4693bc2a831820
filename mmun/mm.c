// SPDX-License-Identifier: GPL-2.0
/*
 * The data that all contexts of an mm share, from the first open to the last
 * close.  The data are the number of contexts and the deadlines of the holds.
 */

#include "private.h"

static LIST_HEAD(mmun_mm_data_list);
static DEFINE_MUTEX(mmun_mm_data_mutex);

/* Count one more context of the mm.  Returns -ENOSPC or -ENOMEM on error. */
static struct mmun_mm_data *mmun_mm_data_get(struct mm_struct *mm)
{
	/* Allocate without the mutex, because an allocation can take long. */
	struct mmun_mm_data *new __free(mmun_object) =
		mmun_zalloc(sizeof(*new));
	struct mmun_mm_data *mm_data;

	if (!new)
		return ERR_PTR(-ENOMEM);
	new->mm = mm;
	spin_lock_init(&new->lock);
	guard(mutex)(&mmun_mm_data_mutex);
	list_for_each_entry(mm_data, &mmun_mm_data_list, node)
		if (mm_data->mm == mm)
			break;
	if (list_entry_is_head(mm_data, &mmun_mm_data_list, node)) {
		mm_data = no_free_ptr(new);
		list_add(&mm_data->node, &mmun_mm_data_list);
	}
	if (mm_data->contexts == MMUN_MAX_CONTEXTS)
		return ERR_PTR(-ENOSPC);
	/* Pairs with the READ_ONCE in mmun_list_notifier_refuse() */
	WRITE_ONCE(mm_data->contexts, mm_data->contexts + 1);
	return mm_data;
}

static void mmun_mm_data_put(struct mmun_mm_data *mm_data)
{
	guard(mutex)(&mmun_mm_data_mutex);
	/* Pairs with the READ_ONCE in mmun_list_notifier_refuse() */
	WRITE_ONCE(mm_data->contexts, mm_data->contexts - 1);
	if (mm_data->contexts)
		return;
	list_del(&mm_data->node);
	mmun_free(mm_data);
}

/* The module parameter max_hold_ms, which can change at any time */
static unsigned int mmun_max_hold_ms = 10000;

static unsigned int mmun_hold_limit_ms(void)
{
	return READ_ONCE(mmun_max_hold_ms);
}

/*
 * Several holds in a row can delay one task, for example a task that needs
 * mmap_lock or waits for the SRCU of the list notifiers.  Holds of different
 * contexts can delay the same task.  To bound the delay of a task, the holds of
 * all contexts of an mm share a deadline.  The driver sets the deadline when it
 * holds the first task.  If no task was held for MMUN_HOLD_IDLE_NS, the next
 * held task sets a new deadline.  The driver sets no new deadline between two
 * callbacks with the same sequence, because the core can need more than
 * MMUN_HOLD_IDLE_NS from one callback to the next.  The driver remembers only
 * the last sequence, which is enough for interval notifiers: invalidations that
 * overlap in time have the same sequence.
 */
static bool mmun_hold_time_may_renew(const struct mmun_hold_time *time, u64 now,
				     unsigned long cur_seq)
{
	return !time->nr_held &&
	       now - time->idle_since_ns >= MMUN_HOLD_IDLE_NS &&
	       (!cur_seq || cur_seq != time->last_seq);
}

/*
 * Account for a task that is about to be held.  Returns the maximum time of the
 * hold in jiffies, or 0 if the deadline has passed.  @cur_seq is 0 at START and
 * END, where the sequence is not known.  START and END have a separate
 * deadline, because a hold without a sequence would set a new deadline for the
 * callbacks.
 */
static long mmun_held_begin(struct mmun_mm_data *mm_data, unsigned long cur_seq)
{
	u64 now = ktime_get_ns();
	struct mmun_hold_time *time;

	guard(spinlock)(&mm_data->lock);
	time = cur_seq ? &mm_data->callback_time : &mm_data->list_time;
	if (mmun_hold_time_may_renew(time, now, cur_seq))
		time->deadline_ns =
			now + mmun_hold_limit_ms() * (u64)NSEC_PER_MSEC;
	if (now >= time->deadline_ns)
		return 0;
	time->nr_held++;
	time->last_seq = cur_seq;
	/*
	 * Round up.  A task that is not held for the deadline, but for a
	 * fraction of a jiffy less, leaves time for the hold of another task.
	 */
	return nsecs_to_jiffies(time->deadline_ns - now) + 1;
}

static void mmun_held_end(struct mmun_mm_data *mm_data, unsigned long cur_seq)
{
	struct mmun_hold_time *time;

	guard(spinlock)(&mm_data->lock);
	time = cur_seq ? &mm_data->callback_time : &mm_data->list_time;
	if (!--time->nr_held)
		time->idle_since_ns = ktime_get_ns();
}
