// SPDX-License-Identifier: GPL-2.0
/*
 * The logs.  A callback writes a record to the log of each context of the mm.
 */

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "private.h"

static const enum mmu_notifier_event mmun_list_events[] = {
	[MMUN_LIST_EVENT_UNMAP] = MMU_NOTIFY_UNMAP,
	[MMUN_LIST_EVENT_CLEAR] = MMU_NOTIFY_CLEAR,
	[MMUN_LIST_EVENT_PROTECTION_VMA] = MMU_NOTIFY_PROTECTION_VMA,
	[MMUN_LIST_EVENT_PROTECTION_PAGE] = MMU_NOTIFY_PROTECTION_PAGE,
	[MMUN_LIST_EVENT_SOFT_DIRTY] = MMU_NOTIFY_SOFT_DIRTY,
	[MMUN_LIST_EVENT_RELEASE] = MMU_NOTIFY_RELEASE,
	[MMUN_LIST_EVENT_MIGRATE] = MMU_NOTIFY_MIGRATE,
	[MMUN_LIST_EVENT_EXCLUSIVE] = MMU_NOTIFY_EXCLUSIVE,
};

u32 mmun_list_event(const struct mmu_notifier_range *mnr)
{
	if (!mnr)
		return MMUN_LIST_EVENT_NONE;
	for (u32 i = 0; i < ARRAY_SIZE(mmun_list_events); i++)
		if (mmun_list_events[i] == mnr->event)
			return i;
	return MMUN_LIST_EVENT_UNKNOWN;
}

/* A callback without an invalidation counts as one that must not block. */
static u32 mmun_list_flags(const struct mmun_list_call *call)
{
	u32 flags = 0;

	if (call->mnr && mmu_notifier_range_blockable(call->mnr))
		flags |= MMUN_LIST_RECORD_BLOCKABLE;
	if (call->op == MMUN_LIST_START && call->answer)
		flags |= MMUN_LIST_RECORD_REFUSED;
	if (!in_task() || (current->flags & PF_KTHREAD))
		flags |= MMUN_LIST_RECORD_KERNEL;
	return flags;
}

static void mmun_list_ctx_log(struct mmun_list_ctx *ctx,
			      struct mmun_list_record *record)
{
	record->sequence = ctx->head++;
	ctx->ring[record->sequence % MMUN_LIST_LOG_RECORDS] = *record;
	if (ctx->head - ctx->tail > MMUN_LIST_LOG_RECORDS) {
		ctx->tail++;
		ctx->lost++;
	}
}

void mmun_list_log(const struct mmun_list_call *call)
{
	struct mmun_list_record record = {
		.time_ns = ktime_get_ns(),
		.start = call->start,
		.end = call->end,
		.id = call->id,
		.op = call->op,
		.event = mmun_list_event(call->mnr),
		.flags = mmun_list_flags(call),
		.answer = call->answer,
		.byte = call->byte,
		.tid = task_pid_nr(current),
		.tgid = task_tgid_nr(current),
	};
	struct mmun_list_ctx *ctx;
	unsigned long flags;

	raw_spin_lock_irqsave(&mmun_list_lock, flags);
	list_for_each_entry(ctx, &mmun_list_contexts, node)
		if (ctx->mm == call->mm)
			mmun_list_ctx_log(ctx, &record);
	raw_spin_unlock_irqrestore(&mmun_list_lock, flags);
}

/* Copy the oldest record.  Returns false if there is none. */
static bool mmun_list_log_peek(struct mmun_list_ctx *ctx,
			       struct mmun_list_record *record)
{
	bool found;

	raw_spin_lock_irq(&mmun_list_lock);
	found = ctx->tail != ctx->head;
	if (found)
		*record = ctx->ring[ctx->tail % MMUN_LIST_LOG_RECORDS];
	raw_spin_unlock_irq(&mmun_list_lock);
	return found;
}

/* Remove the records that are older than @to. */
static void mmun_list_log_consume(struct mmun_list_ctx *ctx, u64 to)
{
	raw_spin_lock_irq(&mmun_list_lock);
	/* A full log can have dropped the record while it was copied. */
	if (ctx->tail < to)
		ctx->tail = to;
	else
		ctx->lost--;
	raw_spin_unlock_irq(&mmun_list_lock);
}

/* A record is removed after it was copied, so that EFAULT loses no record. */
static ssize_t mmun_list_log_copy(struct mmun_list_ctx *ctx, char __user *buf,
				  size_t nr)
{
	struct mmun_list_record record = {};
	size_t done;

	for (done = 0; done < nr; done++) {
		if (!mmun_list_log_peek(ctx, &record))
			break;
		if (copy_to_user(buf + done * sizeof(record), &record,
				 sizeof(record)))
			return done ? done * sizeof(record) : -EFAULT;
		mmun_list_log_consume(ctx, record.sequence + 1);
	}
	return done * sizeof(record);
}

ssize_t mmun_list_log_read(struct mmun_list_ctx *ctx, char __user *buf,
			   size_t count)
{
	ssize_t ret;

	if (count < sizeof(struct mmun_list_record))
		return -EINVAL;
	if (mutex_lock_interruptible(&ctx->read_lock))
		return -EINTR;
	ret = mmun_list_log_copy(ctx, buf,
				 count / sizeof(struct mmun_list_record));
	mutex_unlock(&ctx->read_lock);
	return ret;
}
