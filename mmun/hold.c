// SPDX-License-Identifier: GPL-2.0
/*
 * HOLD, WAIT_HELD, RESUME.  A hold stops a task at a point of an invalidation
 * until RESUME.
 */

#include "private.h"

static void mmun_log_point(struct mmun_ctx *ctx, enum mmun_record_type type,
			   u32 id, const struct mmu_notifier_range *mnr,
			   unsigned long cur_seq)
{
	struct mmun_record *record;

	if (!mmun_log_enabled(&ctx->log, type))
		return;
	record = mmun_record_begin(&ctx->log, type, id, ktime_get_ns());
	mmun_record_set_invalidation(record, mnr, cur_seq);
	mmun_record_end(&ctx->log);
}

/* A task reaches a point of an invalidation */

static bool mmun_hold_is_over(const struct mmun_hold_obj *hold)
{
	return !hold->count || time_after_eq(jiffies, hold->deadline);
}

/* Return true if the range still exists and the invalidation hits the range. */
static bool mmun_range_intersects(struct mmun_ctx *ctx, u32 id,
				  const struct mmu_notifier_range *mnr)
{
	struct mmun_range *range;
	bool hit;

	xa_lock(&ctx->table.ranges);
	range = xa_load(&ctx->table.ranges, id);
	hit = range && mnr->start <= mmun_range_last(range) &&
	      mnr->end - 1 >= mmun_range_start(range);
	xa_unlock(&ctx->table.ranges);
	return hit;
}

static bool mmun_hold_matches(struct mmun_ctx *ctx, struct mmun_hold_obj *hold,
			      const struct mmun_arrival *arrival)
{
	u32 range = arrival->report.out_id;

	/*
	 * A hold does not stop a task that reached the point before the hold
	 * was created.
	 */
	if (hold->id <= arrival->last_hold || hold->id > arrival->newest_hold ||
	    hold->point != arrival->point || mmun_hold_is_over(hold) ||
	    (hold->task && hold->task != current))
		return false;
	if (!hold->range)
		return true;
	return range ? hold->range == range :
		       mmun_range_intersects(ctx, hold->range, arrival->mnr);
}

/*
 * Return whether the driver must not stop the current task.  Other tasks depend
 * on kernel threads, and on tasks that reclaim memory or own a file system
 * transaction.
 */
static bool mmun_arrival_is_exempt(const struct mmun_arrival *arrival)
{
	const unsigned int flags = PF_KTHREAD | PF_MEMALLOC | PF_MEMALLOC_NOFS |
				   PF_MEMALLOC_NOIO;

	return !mmu_notifier_range_blockable(arrival->mnr) ||
	       (current->flags & flags);
}

/*
 * Apply a hold that matches the current task.  Returns the maximum wait in
 * jiffies, or 0 if the task does not stop.
 */
static long mmun_hold_stop(struct mmun_ctx *ctx, struct mmun_hold_obj *hold,
			   struct mmun_arrival *arrival)
{
	long left = 0;

	if (hold->skip) {
		hold->skip--;
		return 0;
	}
	if (!mmun_arrival_is_exempt(arrival))
		left = mmun_held_begin(ctx->mm_data, arrival->cur_seq);
	arrival->wakes_waiters |= left || !hold->has_missed;
	if (left) {
		hold->count--;
		reinit_completion(&arrival->resumed);
		list_add_tail(&arrival->node, &hold->held);
		arrival->last_hold = hold->id;
		return clamp((long)(hold->deadline - jiffies), 1L, left);
	}
	if (!hold->has_missed)
		hold->missed = arrival->report;
	hold->has_missed = true;
	return 0;
}

/*
 * Find the next hold that stops the current task.  Returns the maximum wait in
 * jiffies, or 0 if no hold stops the task.
 */
static long mmun_arrival_enter_hold(struct mmun_ctx *ctx,
				    struct mmun_arrival *arrival)
{
	struct mmun_hold_obj *hold;
	long timeout = 0;

	arrival->wakes_waiters = false;
	spin_lock(&ctx->holds.lock);
	list_for_each_entry(hold, &ctx->holds.list, node) {
		if (mmun_hold_matches(ctx, hold, arrival))
			timeout = mmun_hold_stop(ctx, hold, arrival);
		if (timeout)
			break;
	}
	spin_unlock(&ctx->holds.lock);
	if (arrival->wakes_waiters)
		wake_up_all(&ctx->holds.wait);
	return timeout;
}

/*
 * Take the lock, because RESUME may still use @arrival, which is on the stack.
 */
static void mmun_arrival_leave_hold(struct mmun_ctx *ctx,
				    struct mmun_arrival *arrival)
{
	spin_lock(&ctx->holds.lock);
	list_del_init(&arrival->node);
	spin_unlock(&ctx->holds.lock);
	wake_up_all(&ctx->holds.wait);
	/*
	 * Call mmun_held_end() last, so that the time of the wake-ups does not
	 * count as time without a held task.
	 */
	mmun_held_end(ctx->mm_data, arrival->cur_seq);
}

/* Stop the current task at each hold that matches the task, one by one. */
static void mmun_point_stop(struct mmun_ctx *ctx, enum mmun_point point,
			    u32 range, const struct mmu_notifier_range *mnr,
			    unsigned long cur_seq)
{
	struct mmun_arrival arrival = {
		.task = current,
		.point = point,
		.mnr = mnr,
		.cur_seq = cur_seq,
		.newest_hold = READ_ONCE(ctx->holds.newest_id),
		.report = {
			.out_tid = task_pid_nr(current),
			.out_event = mmun_event_from_core(mnr->event),
			.out_id = range,
			.out_start = mnr->start,
			.out_end = mnr->end,
		},
	};
	long timeout;

	INIT_LIST_HEAD(&arrival.node);
	init_completion(&arrival.resumed);
	while ((timeout = mmun_arrival_enter_hold(ctx, &arrival))) {
		mmun_log_point(ctx, MMUN_RECORD_HELD, arrival.last_hold, mnr,
			       cur_seq);
		wait_for_completion_killable_timeout(&arrival.resumed, timeout);
		mmun_arrival_leave_hold(ctx, &arrival);
	}
}

/*
 * Stop the current task, which has reached @point in a callback, if a hold
 * matches.  @range is the ID of the range, or 0 at START and END.  The caller
 * must hold no lock of the driver.  If the context has no hold, this function
 * only loads one variable.
 */
static void mmun_point_pass(struct mmun_ctx *ctx, enum mmun_point point,
			    u32 range, const struct mmu_notifier_range *mnr,
			    unsigned long cur_seq)
{
	/* Pairs with the WRITE_ONCE in mmun_hold_add() and mmun_hold_remove() */
	if (unlikely(READ_ONCE(ctx->holds.nr)))
		mmun_point_stop(ctx, point, range, mnr, cur_seq);
}

/* The list of holds */

static struct mmun_hold_obj *mmun_hold_find(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_hold_obj *hold;

	lockdep_assert_held(&ctx->holds.lock);
	list_for_each_entry(hold, &ctx->holds.list, node)
		if (hold->id == id)
			return hold;
	return NULL;
}

/* Return whether a hold has stopped @task, or any task if @task is NULL. */
static bool mmun_task_is_held(struct mmun_ctx *ctx, struct task_struct *task)
{
	struct mmun_hold_obj *hold;
	struct mmun_arrival *arrival;

	lockdep_assert_held(&ctx->holds.lock);
	list_for_each_entry(hold, &ctx->holds.list, node)
		list_for_each_entry(arrival, &hold->held, node)
			if (!task || arrival->task == task)
				return true;
	return false;
}

/*
 * Add the hold to the list.  As soon as the hold is in the list, it stops
 * tasks, and other calls can find and free it.
 */
static int mmun_hold_add(struct mmun_ctx *ctx, struct mmun_hold_obj *hold,
			 u32 *id)
{
	struct mmun_holds *holds = &ctx->holds;

	if (hold->range && !xa_load(&ctx->table.ranges, hold->range))
		return -ENOENT;
	guard(spinlock)(&holds->lock);
	if (mmun_task_is_held(ctx, hold->task))
		return -EBUSY;
	if (holds->nr == MMUN_MAX_HOLDS || holds->newest_id == U32_MAX)
		return -ENOSPC;
	hold->id = holds->newest_id + 1;
	*id = hold->id;
	list_add_tail(&hold->node, &holds->list);
	/* Pairs with the READ_ONCE in mmun_point_stop() and mmun_point_pass() */
	WRITE_ONCE(holds->newest_id, hold->id);
	WRITE_ONCE(holds->nr, holds->nr + 1);
	return 0;
}

/* Resume all tasks that the hold has stopped.  Returns the number of tasks. */
static u32 mmun_hold_resume(struct mmun_ctx *ctx, struct mmun_hold_obj *hold)
{
	struct mmun_arrival *arrival, *next;
	u32 resumed = 0;

	lockdep_assert_held(&ctx->holds.lock);
	list_for_each_entry_safe(arrival, next, &hold->held, node) {
		list_del_init(&arrival->node);
		complete(&arrival->resumed);
		resumed++;
	}
	return resumed;
}

static void mmun_hold_free(struct mmun_hold_obj *hold)
{
	if (hold->task)
		put_task_struct(hold->task);
	mmun_free(hold);
}

/* Free the hold.  The caller must have resumed the tasks of the hold. */
static void mmun_hold_remove(struct mmun_ctx *ctx, struct mmun_hold_obj *hold)
{
	lockdep_assert_held(&ctx->holds.lock);
	list_del(&hold->node);
	/* Pairs with the READ_ONCE in mmun_point_pass() */
	WRITE_ONCE(ctx->holds.nr, ctx->holds.nr - 1);
	mmun_hold_free(hold);
}

/* Create a hold.  The time limit of the hold begins now. */
static struct mmun_hold_obj *mmun_hold_create(const struct mmun_hold *cmd)
{
	struct mmun_hold_obj *hold __free(mmun_object) =
		mmun_zalloc(sizeof(*hold));
	struct task_struct *task = NULL;

	if (!hold)
		return ERR_PTR(-ENOMEM);
	if (cmd->tid)
		task = mmun_thread_get(cmd->tid);
	if (IS_ERR(task))
		return ERR_CAST(task);
	INIT_LIST_HEAD(&hold->held);
	hold->task = task;
	hold->point = cmd->point;
	hold->range = cmd->id;
	hold->skip = cmd->skip;
	hold->count = cmd->count;
	hold->deadline = jiffies + msecs_to_jiffies(cmd->timeout_ms);
	return no_free_ptr(hold);
}

static void mmun_holds_init(struct mmun_holds *holds)
{
	spin_lock_init(&holds->lock);
	init_waitqueue_head(&holds->wait);
	INIT_LIST_HEAD(&holds->list);
}

/* Free all holds at the last close, while callbacks can still run. */
static void mmun_holds_close(struct mmun_ctx *ctx)
{
	struct mmun_hold_obj *hold, *next;

	guard(spinlock)(&ctx->holds.lock);
	list_for_each_entry_safe(hold, next, &ctx->holds.list, node) {
		mmun_hold_resume(ctx, hold);
		mmun_hold_remove(ctx, hold);
	}
}

/* Ioctls */

static int mmun_resume(struct mmun_ctx *ctx, struct mmun_resume *cmd)
{
	struct mmun_hold_obj *hold;

	if (cmd->flags & ~MMUN_RESUME_END)
		return -EOPNOTSUPP;
	scoped_guard(spinlock, &ctx->holds.lock) {
		hold = mmun_hold_find(ctx, cmd->hold);
		if (!hold)
			return -ENOENT;
		cmd->out_resumed = mmun_hold_resume(ctx, hold);
		hold->has_missed = false;
		if (cmd->flags || mmun_hold_is_over(hold))
			mmun_hold_remove(ctx, hold);
	}
	wake_up_all(&ctx->holds.wait);
	return 0;
}

/*
 * Add the hold and register the list notifier.  The time limit of the hold
 * includes the wait for mmap_lock.  After mmun_hold_add() another call can free
 * the hold, so from then on this function uses only the ID of the hold.
 */
static int mmun_hold_arm(struct mmun_ctx *ctx, struct mmun_hold *cmd,
			 struct mmun_hold_obj *hold)
{
	struct mmun_resume resume = { .flags = MMUN_RESUME_END };
	int ret = mmun_hold_add(ctx, hold, &cmd->out_hold);

	if (ret) {
		mmun_hold_free(hold);
		return ret;
	}
	if (cmd->point == MMUN_POINT_START || cmd->point == MMUN_POINT_END)
		ret = mmun_points_use(ctx);
	resume.hold = cmd->out_hold;
	if (ret)
		mmun_resume(ctx, &resume);
	return ret;
}

static int mmun_hold(struct mmun_ctx *ctx, struct mmun_hold *cmd)
{
	struct mmun_hold_obj *hold;

	if (cmd->point > MMUN_POINT_EXIT)
		return -EOPNOTSUPP;
	if (!cmd->count || !cmd->timeout_ms ||
	    cmd->timeout_ms > mmun_hold_limit_ms())
		return -EINVAL;
	hold = mmun_hold_create(cmd);
	return IS_ERR(hold) ? PTR_ERR(hold) : mmun_hold_arm(ctx, cmd, hold);
}

/* Report the state of the hold, and the task that it has stopped or missed. */
static void mmun_hold_report(struct mmun_hold_obj *hold,
			     struct mmun_wait_held *cmd)
{
	struct mmun_wait_held report = { .out_state = MMUN_HOLD_ARMED };
	struct mmun_arrival *arrival;

	arrival = list_first_entry_or_null(&hold->held, struct mmun_arrival,
					   node);
	if (arrival) {
		report = arrival->report;
		report.out_state = MMUN_HOLD_HELD;
	} else if (hold->has_missed) {
		report = hold->missed;
		report.out_state = MMUN_HOLD_MISSED;
	} else if (mmun_hold_is_over(hold)) {
		report.out_state = MMUN_HOLD_OVER;
	}
	report.size = cmd->size;
	report.hold = cmd->hold;
	report.timeout_ms = cmd->timeout_ms;
	*cmd = report;
}

/*
 * Return 0 if WAIT_HELD can return, or -ENOENT if the hold does not exist.  If
 * the state is MMUN_HOLD_ARMED, return the number of jiffies until the hold is
 * over.
 */
static long mmun_wait_held_check(struct mmun_ctx *ctx,
				 struct mmun_wait_held *cmd)
{
	struct mmun_hold_obj *hold;

	guard(spinlock)(&ctx->holds.lock);
	hold = mmun_hold_find(ctx, cmd->hold);
	if (!hold)
		return -ENOENT;
	mmun_hold_report(hold, cmd);
	if (cmd->out_state != MMUN_HOLD_ARMED)
		return 0;
	return max(1L, (long)(hold->deadline - jiffies));
}

static bool mmun_wait_is_done(struct mmun_ctx *ctx, struct mmun_wait_held *cmd,
			      long *left)
{
	*left = mmun_wait_held_check(ctx, cmd);
	return *left <= 0;
}

static int mmun_wait_held(struct mmun_ctx *ctx, struct mmun_wait_held *cmd)
{
	long timeout = msecs_to_jiffies(cmd->timeout_ms), left;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->timeout_ms > mmun_hold_limit_ms())
		return -EINVAL;
	/*
	 * One wait is enough, because the deadline of a hold does not change.
	 */
	if (!mmun_wait_is_done(ctx, cmd, &left) && timeout &&
	    wait_event_interruptible_timeout(ctx->holds.wait,
					     mmun_wait_is_done(ctx, cmd, &left),
					     min(left, timeout)) < 0)
		return -EINTR;
	return min(left, 0L);
}
