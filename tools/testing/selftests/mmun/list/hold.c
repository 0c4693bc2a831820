// SPDX-License-Identifier: GPL-2.0
/*
 * Holds: HOLD, WAIT_HELD, RESUME.  A hold stops one task in a callback.
 *
 * The list of the context owns a reference to the hold, and the stopped task
 * owns another one.
 */

#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "private.h"

/* The operations in which a task can be stopped */
#define MMUN_LIST_CAN_HOLD                                                   \
	(MMUN_LIST_BIT(MMUN_LIST_RELEASE) | MMUN_LIST_BIT(MMUN_LIST_START) | \
	 MMUN_LIST_BIT(MMUN_LIST_END) | MMUN_LIST_BIT(MMUN_LIST_MAP))

/**
 * struct mmun_list_held - a hold
 * @node: entry of mmun_list_ctx::holds
 * @ref: see above
 * @resumed: completed by RESUME
 * @hold: ID of the hold
 * @id: ID of the notifier
 * @op: where the task stops
 * @tid: the thread, or 0
 * @deadline: in jiffies
 * @report: what WAIT_HELD returns
 */
struct mmun_list_held {
	struct list_head node;
	struct kref ref;
	struct completion resumed;
	u32 hold;
	u32 id;
	u32 op;
	u32 tid;
	unsigned long deadline;
	struct mmun_list_wait_held report;
};

static DECLARE_WAIT_QUEUE_HEAD(mmun_list_wait);
static u32 mmun_list_newest_hold;
static atomic_t mmun_list_nr_holds;

static void mmun_list_held_free(struct kref *ref)
{
	kfree(container_of(ref, struct mmun_list_held, ref));
}

/* A task in a callback */

/* Other tasks depend on kernel threads and on tasks that reclaim memory. */
static bool mmun_list_is_exempt(const struct mmun_list_call *call)
{
	const unsigned int flags = PF_KTHREAD | PF_MEMALLOC | PF_MEMALLOC_NOFS |
				   PF_MEMALLOC_NOIO;

	if (!(MMUN_LIST_CAN_HOLD & MMUN_LIST_BIT(call->op)) || !in_task())
		return true;
	if (call->mnr && !mmu_notifier_range_blockable(call->mnr))
		return true;
	return current->flags & flags;
}

static bool mmun_list_held_matches(const struct mmun_list_held *held,
				   const struct mmun_list_call *call,
				   u32 newest)
{
	return held->hold <= newest && held->id == call->id &&
	       held->op == call->op &&
	       held->report.out_state == MMUN_LIST_ARMED &&
	       (!held->tid || held->tid == task_pid_nr(current)) &&
	       time_before(jiffies, held->deadline);
}

static void mmun_list_held_begin(struct mmun_list_held *held,
				 const struct mmun_list_call *call)
{
	held->report.out_state = MMUN_LIST_HELD;
	held->report.out_tid = task_pid_nr(current);
	held->report.out_start = call->start;
	held->report.out_end = call->end;
	held->report.out_event = mmun_list_event(call->mnr);
	kref_get(&held->ref);
}

static struct mmun_list_held *
mmun_list_held_in(struct mmun_list_ctx *ctx, const struct mmun_list_call *call,
		  u32 newest)
{
	struct mmun_list_held *held;

	list_for_each_entry(held, &ctx->holds, node)
		if (mmun_list_held_matches(held, call, newest))
			return held;
	return NULL;
}

/* Find a hold that stops this task.  Returns a reference, or NULL. */
static struct mmun_list_held *
mmun_list_held_find(const struct mmun_list_call *call, u32 newest)
{
	struct mmun_list_held *held = NULL;
	struct mmun_list_ctx *ctx;

	raw_spin_lock_irq(&mmun_list_lock);
	list_for_each_entry(ctx, &mmun_list_contexts, node) {
		if (ctx->mm == call->mm)
			held = mmun_list_held_in(ctx, call, newest);
		if (held)
			break;
	}
	if (held)
		mmun_list_held_begin(held, call);
	raw_spin_unlock_irq(&mmun_list_lock);
	return held;
}

/*
 * The wait of a task that exits is not killable, because a task that was killed
 * would not wait at all.
 */
static void mmun_list_held_wait(struct mmun_list_held *held)
{
	const long left = max(1L, (long)(held->deadline - jiffies));

	wake_up_all(&mmun_list_wait);
	if (current->flags & PF_EXITING)
		wait_for_completion_timeout(&held->resumed, left);
	else
		wait_for_completion_killable_timeout(&held->resumed, left);
	raw_spin_lock_irq(&mmun_list_lock);
	held->report.out_state = MMUN_LIST_OVER;
	raw_spin_unlock_irq(&mmun_list_lock);
	kref_put(&held->ref, mmun_list_held_free);
	wake_up_all(&mmun_list_wait);
}

/*
 * Stop this task at each hold that matches.  The caller must hold no spinlock.
 * A hold that is armed while the task is stopped does not stop the task again.
 */
void mmun_list_stop(const struct mmun_list_call *call)
{
	const u32 newest = READ_ONCE(mmun_list_newest_hold);
	struct mmun_list_held *held;

	if (!atomic_read(&mmun_list_nr_holds) || mmun_list_is_exempt(call))
		return;
	while ((held = mmun_list_held_find(call, newest)))
		mmun_list_held_wait(held);
}

/* The list of holds */

static struct mmun_list_held *mmun_list_held_of(struct mmun_list_ctx *ctx,
						u32 hold)
{
	struct mmun_list_held *held;

	lockdep_assert_held(&mmun_list_lock);
	list_for_each_entry(held, &ctx->holds, node)
		if (held->hold == hold)
			return held;
	return NULL;
}

/* Take the hold out of the list.  Returns whether a task was stopped. */
static bool mmun_list_held_end(struct mmun_list_ctx *ctx,
			       struct mmun_list_held *held)
{
	lockdep_assert_held(&mmun_list_lock);
	list_del(&held->node);
	ctx->nr_holds--;
	atomic_dec(&mmun_list_nr_holds);
	return held->report.out_state == MMUN_LIST_HELD;
}

static void mmun_list_held_drop(struct mmun_list_held *held)
{
	complete(&held->resumed);
	kref_put(&held->ref, mmun_list_held_free);
	wake_up_all(&mmun_list_wait);
}

static struct mmun_list_held *mmun_list_held_first(struct mmun_list_ctx *ctx)
{
	struct mmun_list_held *held;

	raw_spin_lock_irq(&mmun_list_lock);
	held = list_first_entry_or_null(&ctx->holds, struct mmun_list_held,
					node);
	if (held)
		mmun_list_held_end(ctx, held);
	raw_spin_unlock_irq(&mmun_list_lock);
	return held;
}

void mmun_list_holds_close(struct mmun_list_ctx *ctx)
{
	struct mmun_list_held *held;

	while ((held = mmun_list_held_first(ctx)))
		mmun_list_held_drop(held);
}

/* Ioctls */

static int mmun_list_hold_check(struct mmun_list_ctx *ctx,
				const struct mmun_list_hold *cmd)
{
	struct mmun_list_use *use;
	int ret = 0;

	if (cmd->op > MMUN_LIST_MAP || !cmd->timeout_ms ||
	    cmd->timeout_ms > MMUN_LIST_MAX_MS || cmd->__reserved)
		return -EINVAL;
	if (!(MMUN_LIST_CAN_HOLD & MMUN_LIST_BIT(cmd->op)))
		return -EOPNOTSUPP;
	if (cmd->op == MMUN_LIST_MAP)
		return cmd->id ? -EINVAL : 0;
	raw_spin_lock_irq(&mmun_list_lock);
	use = mmun_list_use_find(ctx, cmd->id);
	if (!use)
		ret = -ENOENT;
	else if (!(use->notifier->mask & MMUN_LIST_BIT(cmd->op)))
		ret = -EINVAL;
	raw_spin_unlock_irq(&mmun_list_lock);
	return ret;
}

/* From here on, RESUME can free the hold. */
static int mmun_list_held_add(struct mmun_list_ctx *ctx,
			      struct mmun_list_held *held, u32 *id)
{
	int ret = -ENOSPC;

	raw_spin_lock_irq(&mmun_list_lock);
	if (ctx->nr_holds < MMUN_LIST_MAX_HOLDS &&
	    mmun_list_newest_hold < U32_MAX) {
		held->hold = mmun_list_newest_hold + 1;
		list_add_tail(&held->node, &ctx->holds);
		ctx->nr_holds++;
		atomic_inc(&mmun_list_nr_holds);
		/* Pairs with the READ_ONCE in mmun_list_stop() */
		WRITE_ONCE(mmun_list_newest_hold, held->hold);
		*id = held->hold;
		ret = 0;
	}
	raw_spin_unlock_irq(&mmun_list_lock);
	return ret;
}

int mmun_list_hold(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_hold *cmd = &ucmd->hold;
	struct mmun_list_held *held;
	int ret = mmun_list_hold_check(ctx, cmd);

	if (ret)
		return ret;
	held = kzalloc_obj(*held, GFP_KERNEL_ACCOUNT);
	if (!held)
		return -ENOMEM;
	kref_init(&held->ref);
	init_completion(&held->resumed);
	held->id = cmd->id;
	held->op = cmd->op;
	held->tid = cmd->tid;
	held->deadline = jiffies + msecs_to_jiffies(cmd->timeout_ms);
	held->report.out_event = MMUN_LIST_EVENT_NONE;
	ret = mmun_list_held_add(ctx, held, &cmd->out_hold);
	if (ret)
		kfree(held);
	return ret;
}

/* Returns -ENOENT, 0 if the hold is no longer armed, or the jiffies to wait. */
static long mmun_list_wait_check(struct mmun_list_ctx *ctx,
				 struct mmun_list_wait_held *cmd)
{
	const struct mmun_list_wait_held args = *cmd;
	struct mmun_list_held *held;
	long left = -ENOENT;

	raw_spin_lock_irq(&mmun_list_lock);
	held = mmun_list_held_of(ctx, args.hold);
	if (held) {
		left = max(0L, (long)(held->deadline - jiffies));
		*cmd = held->report;
		cmd->hold = args.hold;
		cmd->timeout_ms = args.timeout_ms;
		if (cmd->out_state == MMUN_LIST_ARMED && !left)
			cmd->out_state = MMUN_LIST_OVER;
		if (cmd->out_state != MMUN_LIST_ARMED)
			left = 0;
	}
	raw_spin_unlock_irq(&mmun_list_lock);
	return left;
}

/* Returns whether WAIT_HELD can return, and *@left of mmun_list_wait_check(). */
static bool mmun_list_over(struct mmun_list_ctx *ctx,
			   struct mmun_list_wait_held *cmd, long *left)
{
	*left = mmun_list_wait_check(ctx, cmd);
	return *left <= 0;
}

int mmun_list_wait_held(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_wait_held *cmd = &ucmd->wait_held;
	long timeout = msecs_to_jiffies(cmd->timeout_ms), left, ret;

	if (cmd->timeout_ms > MMUN_LIST_MAX_MS || cmd->__reserved)
		return -EINVAL;
	/* One wait is enough, because the deadline of a hold does not change. */
	if (mmun_list_over(ctx, cmd, &left) || !timeout)
		return min(left, 0L);
	timeout = min(left, timeout);
	ret = wait_event_interruptible_timeout(
		mmun_list_wait, mmun_list_over(ctx, cmd, &left), timeout);
	return ret < 0 ? -EINTR : min(left, 0L);
}

int mmun_list_resume(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_resume *cmd = &ucmd->resume;
	struct mmun_list_held *held;

	raw_spin_lock_irq(&mmun_list_lock);
	held = mmun_list_held_of(ctx, cmd->hold);
	if (held)
		cmd->out_resumed = mmun_list_held_end(ctx, held);
	raw_spin_unlock_irq(&mmun_list_lock);
	if (!held)
		return -ENOENT;
	mmun_list_held_drop(held);
	return 0;
}
