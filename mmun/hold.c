// SPDX-License-Identifier: GPL-2.0
/*
 * HOLD, WAIT_HELD, RESUME: a task that comes to a point of an invalidation
 * stops there until it is resumed.
 */

#include "private.h"

static void mmun_log_point(struct mmun_ctx *ctx, enum mmun_record_type type,
			   u32 id, const struct mmu_notifier_range *mnr,
			   unsigned long cur_seq)
{
	struct mmun_record *record;

	if (!mmun_log_wants(&ctx->log, type))
		return;
	record = mmun_record_begin(&ctx->log, type, id, ktime_get_ns());
	mmun_record_mnr(record, mnr, cur_seq);
	mmun_record_end(&ctx->log);
}

/* A task that passes a point */

static bool mmun_armed_is_over(const struct mmun_armed *armed)
{
	return !armed->count || time_after_eq(jiffies, armed->deadline);
}

/* START and END: whether the invalidation meets the range, which may be gone */
static bool mmun_range_is_met(struct mmun_ctx *ctx, u32 id,
			      const struct mmu_notifier_range *mnr)
{
	struct mmun_range *range;
	bool met;

	xa_lock(&ctx->table.ranges);
	range = xa_load(&ctx->table.ranges, id);
	met = range && mnr->start <= mmun_range_last(range) &&
	      mnr->end - 1 >= mmun_range_start(range);
	xa_unlock(&ctx->table.ranges);
	return met;
}

static bool mmun_armed_matches(struct mmun_ctx *ctx,
			       const struct mmun_armed *armed,
			       const struct mmun_held *held)
{
	u32 range = held->what.out_id;

	/* Not at those that were armed since: it has passed the point already. */
	if (armed->id <= held->hold || armed->id > held->newest ||
	    armed->point != held->point || mmun_armed_is_over(armed) ||
	    (armed->task && armed->task != current))
		return false;
	if (!armed->range)
		return true;
	return range ? armed->range == range :
		       mmun_range_is_met(ctx, armed->range, held->mnr);
}

/*
 * A callback that must not block passes.  So do kernel threads, and tasks that
 * reclaim memory or own a transaction of a file system: everybody needs those.
 */
static bool mmun_held_must_pass(const struct mmun_held *held)
{
	const unsigned int flags = PF_KTHREAD | PF_MEMALLOC | PF_MEMALLOC_NOFS |
				   PF_MEMALLOC_NOIO;

	return !mmu_notifier_range_blockable(held->mnr) ||
	       (current->flags & flags);
}

/* The task comes to a hold.  Returns for how many jiffies it stops there, or 0. */
static long mmun_armed_meet(struct mmun_ctx *ctx, struct mmun_armed *armed,
			    struct mmun_held *held)
{
	long left = 0;

	if (armed->skip) {
		armed->skip--;
		return 0;
	}
	if (!mmun_held_must_pass(held))
		left = mmun_mm_hold_begin(ctx->shared, held->cur_seq);
	held->matched |= left || !armed->has_missed;
	if (left) {
		armed->count--;
		reinit_completion(&held->resumed);
		list_add_tail(&held->node, &armed->held);
		held->hold = armed->id;
		return clamp((long)(armed->deadline - jiffies), 1L, left);
	}
	if (!armed->has_missed)
		armed->missed = held->what;
	armed->has_missed = true;
	return 0;
}

/* Find the next hold that stops this passage, and for how long; 0: there is none. */
static long mmun_held_enter(struct mmun_ctx *ctx, struct mmun_held *held)
{
	struct mmun_armed *armed;
	long timeout = 0;

	held->matched = false;
	spin_lock(&ctx->holds.lock);
	list_for_each_entry(armed, &ctx->holds.armed, node) {
		if (mmun_armed_matches(ctx, armed, held))
			timeout = mmun_armed_meet(ctx, armed, held);
		if (timeout)
			break;
	}
	spin_unlock(&ctx->holds.lock);
	if (held->matched)
		wake_up_all(&ctx->holds.wait);
	return timeout;
}

/* RESUME may be about to complete @held; it is done when it unlocks. */
static void mmun_held_leave(struct mmun_ctx *ctx, struct mmun_held *held)
{
	spin_lock(&ctx->holds.lock);
	list_del_init(&held->node);
	spin_unlock(&ctx->holds.lock);
	wake_up_all(&ctx->holds.wait);
	/* Last: to wake many takes as long as a pause that renews the deadline. */
	mmun_mm_hold_end(ctx->shared, held->cur_seq);
}

/* Stop at every hold that there is for this passage. */
static void mmun_hold_stop(struct mmun_ctx *ctx, enum mmun_point point,
			   u32 range, const struct mmu_notifier_range *mnr,
			   unsigned long cur_seq)
{
	struct mmun_held held = {
		.task = current,
		.point = point,
		.mnr = mnr,
		.cur_seq = cur_seq,
		.newest = READ_ONCE(ctx->holds.newest),
		.what = {
			.out_tid = task_pid_nr(current),
			.out_event = mmun_event(mnr->event),
			.out_id = range,
			.out_start = mnr->start,
			.out_end = mnr->end,
		},
	};
	long timeout;

	INIT_LIST_HEAD(&held.node);
	init_completion(&held.resumed);
	while ((timeout = mmun_held_enter(ctx, &held))) {
		mmun_log_point(ctx, MMUN_RECORD_HELD, held.hold, mnr, cur_seq);
		wait_for_completion_killable_timeout(&held.resumed, timeout);
		mmun_held_leave(ctx, &held);
	}
}

/*
 * A task comes to @point.  @range is 0 at START and END.  With no hold in the
 * context this costs one load.
 */
static void mmun_hold_pass(struct mmun_ctx *ctx, enum mmun_point point,
			   u32 range, const struct mmu_notifier_range *mnr,
			   unsigned long cur_seq)
{
	/* Pairs with the WRITE_ONCE in mmun_armed_add() and _remove() */
	if (unlikely(READ_ONCE(ctx->holds.nr)))
		mmun_hold_stop(ctx, point, range, mnr, cur_seq);
}

/* Armed holds */

static struct mmun_armed *mmun_armed_find(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_armed *armed;

	lockdep_assert_held(&ctx->holds.lock);
	list_for_each_entry(armed, &ctx->holds.armed, node)
		if (armed->id == id)
			return armed;
	return NULL;
}

/* Return whether the thread (NULL: any thread) is held now. */
static bool mmun_is_held(struct mmun_ctx *ctx, const struct task_struct *task)
{
	struct mmun_armed *armed;
	struct mmun_held *held;

	lockdep_assert_held(&ctx->holds.lock);
	list_for_each_entry(armed, &ctx->holds.armed, node)
		list_for_each_entry(held, &armed->held, node)
			if (!task || held->task == task)
				return true;
	return false;
}

/* From here on tasks stop at the hold, and calls find it. */
static int mmun_armed_add(struct mmun_ctx *ctx, struct mmun_armed *armed,
			  u32 *id)
{
	struct mmun_holds *holds = &ctx->holds;

	if (armed->range && !xa_load(&ctx->table.ranges, armed->range))
		return -ENOENT;
	guard(spinlock)(&holds->lock);
	if (mmun_is_held(ctx, armed->task))
		return -EBUSY;
	if (holds->nr == MMUN_MAX_HOLDS || holds->newest == U32_MAX)
		return -ENOSPC;
	armed->id = holds->newest + 1;
	*id = armed->id;
	list_add_tail(&armed->node, &holds->armed);
	/* Pair with the READ_ONCE in mmun_hold_pass() and _stop() */
	WRITE_ONCE(holds->newest, armed->id);
	WRITE_ONCE(holds->nr, holds->nr + 1);
	return 0;
}

/* Let all tasks go on that are held; returns how many. */
static u32 mmun_armed_resume(struct mmun_ctx *ctx, struct mmun_armed *armed)
{
	struct mmun_held *held, *next;
	u32 resumed = 0;

	lockdep_assert_held(&ctx->holds.lock);
	list_for_each_entry_safe(held, next, &armed->held, node) {
		list_del_init(&held->node);
		complete(&held->resumed);
		resumed++;
	}
	return resumed;
}

static void mmun_armed_free(struct mmun_armed *armed)
{
	if (armed->task)
		put_task_struct(armed->task);
	mmun_free(armed);
}

/* Free the hold.  The caller has let all its tasks go. */
static void mmun_armed_remove(struct mmun_ctx *ctx, struct mmun_armed *armed)
{
	lockdep_assert_held(&ctx->holds.lock);
	list_del(&armed->node);
	/* Pairs with the READ_ONCE in mmun_hold_pass() */
	WRITE_ONCE(ctx->holds.nr, ctx->holds.nr - 1);
	mmun_armed_free(armed);
}

/* Make a hold, whose time begins. */
static struct mmun_armed *mmun_armed_create(const struct mmun_hold *cmd)
{
	struct mmun_armed *armed __free(mmun_object) =
		mmun_zalloc(sizeof(*armed));
	struct task_struct *task = NULL;

	if (!armed)
		return ERR_PTR(-ENOMEM);
	if (cmd->tid)
		task = mmun_thread_get(cmd->tid);
	if (IS_ERR(task))
		return ERR_CAST(task);
	INIT_LIST_HEAD(&armed->held);
	armed->task = task;
	armed->point = cmd->point;
	armed->range = cmd->id;
	armed->skip = cmd->skip;
	armed->count = cmd->count;
	armed->deadline = jiffies + msecs_to_jiffies(cmd->timeout_ms);
	return no_free_ptr(armed);
}

static void mmun_holds_init(struct mmun_holds *holds)
{
	spin_lock_init(&holds->lock);
	init_waitqueue_head(&holds->wait);
	INIT_LIST_HEAD(&holds->armed);
}

/* The last close: no call is in flight, but callbacks are. */
static void mmun_holds_close(struct mmun_ctx *ctx)
{
	struct mmun_armed *armed, *next;

	guard(spinlock)(&ctx->holds.lock);
	list_for_each_entry_safe(armed, next, &ctx->holds.armed, node) {
		mmun_armed_resume(ctx, armed);
		mmun_armed_remove(ctx, armed);
	}
}

/* Calls */

static int mmun_resume(struct mmun_ctx *ctx, struct mmun_resume *cmd)
{
	struct mmun_armed *armed;

	if (cmd->flags & ~MMUN_RESUME_END)
		return -EOPNOTSUPP;
	scoped_guard(spinlock, &ctx->holds.lock) {
		armed = mmun_armed_find(ctx, cmd->hold);
		if (!armed)
			return -ENOENT;
		cmd->out_resumed = mmun_armed_resume(ctx, armed);
		armed->has_missed = false;
		if (cmd->flags || mmun_armed_is_over(armed))
			mmun_armed_remove(ctx, armed);
	}
	wake_up_all(&ctx->holds.wait);
	return 0;
}

/* The time of the hold runs already, and the wait for the list notifier uses it up. */
static int mmun_hold_arm(struct mmun_ctx *ctx, struct mmun_hold *cmd,
			 struct mmun_armed *armed)
{
	struct mmun_resume resume = { .flags = MMUN_RESUME_END };
	int ret = mmun_armed_add(ctx, armed, &cmd->out_hold);

	if (ret) {
		mmun_armed_free(armed);
		return ret;
	}
	if (cmd->point == MMUN_POINT_START || cmd->point == MMUN_POINT_END)
		ret = mmun_list_notifier_register(ctx);
	resume.hold = cmd->out_hold;
	if (ret)
		mmun_resume(ctx, &resume);
	return ret;
}

static int mmun_hold(struct mmun_ctx *ctx, struct mmun_hold *cmd)
{
	struct mmun_armed *armed;

	if (cmd->point > MMUN_POINT_EXIT)
		return -EOPNOTSUPP;
	if (!cmd->count || !cmd->timeout_ms ||
	    cmd->timeout_ms > mmun_hold_limit())
		return -EINVAL;
	armed = mmun_armed_create(cmd);
	return IS_ERR(armed) ? PTR_ERR(armed) : mmun_hold_arm(ctx, cmd, armed);
}

/* Report what became of the hold: its state, and a passage if there is one. */
static void mmun_armed_report(struct mmun_armed *armed,
			      struct mmun_wait_held *cmd)
{
	struct mmun_wait_held what = { .out_state = MMUN_HOLD_ARMED };
	struct mmun_held *held;

	held = list_first_entry_or_null(&armed->held, struct mmun_held, node);
	if (held) {
		what = held->what;
		what.out_state = MMUN_HOLD_HELD;
	} else if (armed->has_missed) {
		what = armed->missed;
		what.out_state = MMUN_HOLD_MISSED;
	} else if (mmun_armed_is_over(armed)) {
		what.out_state = MMUN_HOLD_OVER;
	}
	what.size = cmd->size;
	what.hold = cmd->hold;
	what.timeout_ms = cmd->timeout_ms;
	*cmd = what;
}

/*
 * Returns 0 if the state is final, the number of jiffies until the hold's time is
 * over if it is armed, or -ENOENT.
 */
static long mmun_wait_held_look(struct mmun_ctx *ctx,
				struct mmun_wait_held *cmd)
{
	struct mmun_armed *armed;

	guard(spinlock)(&ctx->holds.lock);
	armed = mmun_armed_find(ctx, cmd->hold);
	if (!armed)
		return -ENOENT;
	mmun_armed_report(armed, cmd);
	if (cmd->out_state != MMUN_HOLD_ARMED)
		return 0;
	return max(1L, (long)(armed->deadline - jiffies));
}

static bool mmun_is_final(struct mmun_ctx *ctx, struct mmun_wait_held *cmd,
			  long *armed)
{
	*armed = mmun_wait_held_look(ctx, cmd);
	return *armed <= 0;
}

static int mmun_wait_held(struct mmun_ctx *ctx, struct mmun_wait_held *cmd)
{
	long left = msecs_to_jiffies(cmd->timeout_ms), armed;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->timeout_ms > mmun_hold_limit())
		return -EINVAL;
	/* The time of an armed hold does not change: one sleep will do. */
	if (!mmun_is_final(ctx, cmd, &armed) && left &&
	    wait_event_interruptible_timeout(ctx->holds.wait,
					     mmun_is_final(ctx, cmd, &armed),
					     min(armed, left)) < 0)
		return -EINTR;
	return min(armed, 0L);
}
