// SPDX-License-Identifier: GPL-2.0
/*
 * The log: a ring of records.  Callbacks and ioctls write records, and read(2)
 * removes records.
 */

#include <linux/poll.h>

#include "private.h"

static void mmun_log_init(struct mmun_log *log)
{
	spin_lock_init(&log->lock);
	mutex_init(&log->read_lock);
	init_waitqueue_head(&log->wait);
}

/*
 * Replace the ring with an empty ring of @size records, or free the ring if
 * @size is 0.  Stores the number of unread records in @lost.  The function
 * cannot fail if @size is 0.
 */
static int mmun_log_reset(struct mmun_log *log, u32 size, u32 types, u64 *lost)
{
	struct mmun_record *ring __free(mmun_object) = NULL;

	if (size) {
		ring = mmun_alloc(size * sizeof(*ring));
		if (!ring)
			return -ENOMEM;
	}
	guard(spinlock)(&log->lock);
	swap(log->ring, ring);
	log->size = size;
	/* Pairs with the READ_ONCE in mmun_log_enabled() */
	WRITE_ONCE(log->types, size ? types : 0);
	*lost = log->head - log->tail;
	log->tail = log->head;
	return 0;
}

static bool mmun_log_enabled(struct mmun_log *log, enum mmun_record_type type)
{
	/* Pairs with the WRITE_ONCE in mmun_log_reset() */
	return READ_ONCE(log->types) & (1U << type);
}

/*
 * Add a record to the log and lock the log.  If the log is full, the new record
 * overwrites the oldest record.  The caller must have checked
 * mmun_log_enabled().  After mmun_record_begin() the caller must set the fields
 * that are not 0, and call mmun_record_end().  The record is built directly in
 * the ring, because a copy in each callback would be slow.
 */
static struct mmun_record *mmun_record_begin(struct mmun_log *log,
					     enum mmun_record_type type, u32 id,
					     u64 time) __acquires(&log->lock)
{
	struct mmun_record *record = &log->discarded;

	spin_lock(&log->lock);
	/* LOG_SETUP may have disabled @type since the caller checked @type. */
	if (mmun_log_enabled(log, type))
		record = &log->ring[log->head & (log->size - 1)];
	*record = (struct mmun_record){
		.sequence = log->head,
		.time_ns = time,
		.id = id,
		.type = type,
		.tid = task_pid_nr(current),
		.tgid = task_tgid_nr(current),
	};
	static_assert(sizeof(record->comm) == TASK_COMM_LEN);
	/* Another thread can change comm.  The last byte stays 0. */
	data_race(memcpy(record->comm, current->comm, TASK_COMM_LEN - 1));
	if (record != &log->discarded)
		log->head++;
	if (log->head - log->tail > log->size)
		log->tail = log->head - log->size;
	return record;
}

static void mmun_record_end(struct mmun_log *log) __releases(&log->lock)
{
	spin_unlock(&log->lock);
	if (wq_has_sleeper(&log->wait))
		wake_up_interruptible_poll(&log->wait, EPOLLIN | EPOLLRDNORM);
}

static void mmun_record_set_interval(struct mmun_record *record,
				     unsigned long start, unsigned long end)
{
	record->start = start;
	record->end = end;
	record->clip_start = start;
	record->clip_end = end;
}

static const enum mmu_notifier_event mmun_events[] = {
	[MMUN_EVENT_UNMAP] = MMU_NOTIFY_UNMAP,
	[MMUN_EVENT_CLEAR] = MMU_NOTIFY_CLEAR,
	[MMUN_EVENT_PROTECTION_VMA] = MMU_NOTIFY_PROTECTION_VMA,
	[MMUN_EVENT_PROTECTION_PAGE] = MMU_NOTIFY_PROTECTION_PAGE,
	[MMUN_EVENT_SOFT_DIRTY] = MMU_NOTIFY_SOFT_DIRTY,
	[MMUN_EVENT_RELEASE] = MMU_NOTIFY_RELEASE,
	[MMUN_EVENT_MIGRATE] = MMU_NOTIFY_MIGRATE,
	[MMUN_EVENT_EXCLUSIVE] = MMU_NOTIFY_EXCLUSIVE,
};

static enum mmun_event mmun_event_from_core(enum mmu_notifier_event event)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mmun_events); i++)
		if (mmun_events[i] == event)
			return i;
	return MMUN_EVENT_UNKNOWN;
}

/* Set the fields that describe an invalidation. */
static void mmun_record_set_invalidation(struct mmun_record *record,
					 const struct mmu_notifier_range *mnr,
					 unsigned long cur_seq)
{
	record->cur_seq = cur_seq;
	record->event = mmun_event_from_core(mnr->event);
	if (mmu_notifier_range_blockable(mnr))
		record->flags |= MMUN_RECORD_BLOCKABLE;
	mmun_record_set_interval(record, mnr->start, mnr->end);
}

static bool mmun_log_is_empty(struct mmun_log *log)
{
	guard(spinlock)(&log->lock);
	return log->head == log->tail;
}

/* Copy at most @nr records, the oldest first, and leave them in the log. */
static unsigned long mmun_log_peek(struct mmun_log *log,
				   struct mmun_record *records,
				   unsigned long nr)
{
	unsigned long i;

	guard(spinlock)(&log->lock);
	nr = min_t(u64, nr, log->head - log->tail);
	for (i = 0; i < nr; i++)
		records[i] = log->ring[(log->tail + i) & (log->size - 1)];
	return nr;
}

/*
 * Remove the records whose sequence is below @sequence.  Since mmun_log_peek(),
 * new records may have overwritten some of the records to remove.
 */
static void mmun_log_consume(struct mmun_log *log, u64 sequence)
{
	guard(spinlock)(&log->lock);
	log->tail = max(log->tail, sequence);
}

static noinline void mmun_log_range_event(struct mmun_range *range,
					  enum mmun_record_type type,
					  unsigned long seq)
{
	struct mmun_log *log = &range->ctx->log;
	struct mmun_record *record;

	record = mmun_record_begin(log, type, range->id, ktime_get_ns());
	record->cur_seq = seq;
	mmun_record_set_interval(record, mmun_range_start(range),
				 mmun_range_last(range) + 1);
	mmun_record_end(log);
}

/*
 * Log an event of a range, other than an invalidation.  The function is small,
 * because INSERT and REMOVE can log a million events, whose types are usually
 * disabled.
 */
static void mmun_log_range(struct mmun_range *range, enum mmun_record_type type,
			   unsigned long seq)
{
	if (mmun_log_enabled(&range->ctx->log, type))
		mmun_log_range_event(range, type, seq);
}

/* Wait until the log is not empty. */
static int mmun_log_wait(struct mmun_log *log, bool nonblock)
{
	if (nonblock)
		return mmun_log_is_empty(log) ? -EAGAIN : 0;
	return wait_event_interruptible(log->wait, !mmun_log_is_empty(log));
}

/*
 * Read at most @nr records.  Returns 0 if another reader has removed all
 * records.
 */
static ssize_t mmun_log_try_read(struct mmun_log *log,
				 struct mmun_record *bounce,
				 struct mmun_record __user *user,
				 unsigned long nr, bool nonblock)
{
	ssize_t ret = mmun_log_wait(log, nonblock);

	if (ret)
		return ret;
	if (nonblock && !mutex_trylock(&log->read_lock))
		return -EAGAIN;
	if (!nonblock && mutex_lock_interruptible(&log->read_lock))
		return -ERESTARTSYS;
	nr = mmun_log_peek(log, bounce, min(nr, MMUN_READ_RECORDS));
	ret = nr;
	if (copy_to_user(user, bounce, nr * sizeof(*bounce)))
		ret = -EFAULT;
	else if (nr)
		mmun_log_consume(log, bounce[nr - 1].sequence + 1);
	mutex_unlock(&log->read_lock);
	return ret;
}

/*
 * Wait until the log is not empty, then read at most @nr records and do not
 * wait for more.  Returns the number of bytes.
 */
static ssize_t mmun_log_read(struct mmun_log *log,
			     struct mmun_record __user *user, unsigned long nr,
			     bool nonblock)
{
	struct mmun_record *bounce __free(mmun_object) =
		mmun_alloc(MMUN_READ_RECORDS * sizeof(*bounce));
	unsigned long done = 0;
	ssize_t ret;

	if (!bounce)
		return -ENOMEM;
	do {
		ret = mmun_log_try_read(log, bounce, user + done, nr - done,
					nonblock || done);
		if (ret > 0)
			done += ret;
	} while (done < nr && ret >= 0 && !fatal_signal_pending(current));
	return done ? done * sizeof(*bounce) : ret;
}

static int mmun_log_setup(struct mmun_ctx *ctx, struct mmun_log_setup *cmd)
{
	struct mmun_log *log = &ctx->log;
	int ret;

	if (cmd->__reserved || (cmd->types & ~MMUN_LOG_TYPES_ALL))
		return -EOPNOTSUPP;
	if (cmd->records > MMUN_MAX_LOG_RECORDS ||
	    (cmd->records && !is_power_of_2(cmd->records)))
		return -EINVAL;
	/*
	 * Take the lock, because a record that read() returns must not be
	 * counted as lost.
	 */
	if (mutex_lock_interruptible(&log->read_lock))
		return -EINTR;
	ret = mmun_log_reset(log, cmd->records, cmd->types, &cmd->out_lost);
	mutex_unlock(&log->read_lock);
	return ret;
}
