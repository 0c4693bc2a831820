// SPDX-License-Identifier: GPL-2.0
/*
 * HOLD, WAIT_HELD, RELEASE: a task that comes to a point of an invalidation
 * stops there until it is let go.
 */

static bool mmun_trap_over(const struct mmun_trap *trap)
{
	return !trap->count || time_after_eq(jiffies, trap->deadline);
}

/* START and END: whether the invalidation meets the range, which may be gone */
static bool mmun_trap_meets(struct mmun_ctx *ctx, u32 id,
			    const struct mmu_notifier_range *mnr)
{
	struct mmun_range *range;
	bool meets;

	xa_lock(&ctx->table.ranges);
	range = xa_load(&ctx->table.ranges, id);
	meets = range && mnr->start <= mmun_range_last(range) &&
		mnr->end - 1 >= mmun_range_start(range);
	xa_unlock(&ctx->table.ranges);
	return meets;
}

static bool mmun_trap_matches(struct mmun_ctx *ctx,
			      const struct mmun_trap *trap,
			      enum mmun_point point,
			      const struct mmun_held *held)
{
	u32 range = held->what.out_id;

	if (trap->point != point || mmun_trap_over(trap) ||
	    (trap->pid && trap->pid != task_pid(current)))
		return false;
	if (!trap->range)
		return true;
	return range ? trap->range == range :
		       mmun_trap_meets(ctx, trap->range, held->mnr);
}

/* The callback must not block, or nobody may stop such a task. */
static bool mmun_held_must_pass(const struct mmun_held *held)
{
	return !mmu_notifier_range_blockable(held->mnr) ||
	       (current->flags & PF_KTHREAD);
}

static void mmun_trap_miss(struct mmun_trap *trap,
			   const struct mmun_held *held)
{
	trap->missed = held->what;
	trap->has_missed = true;
}

/*
 * The next trap that stops this passage, of those that were armed when it
 * began: others could keep the task for longer than any of them may.
 */
static struct mmun_trap *mmun_trap_next(struct mmun_ctx *ctx,
					enum mmun_point point,
					struct mmun_held *held)
{
	struct mmun_trap *trap;

	lockdep_assert_held(&ctx->hold_lock);
	list_for_each_entry(trap, &ctx->traps, node) {
		if (trap->id <= held->hold || trap->id > held->newest ||
		    !mmun_trap_matches(ctx, trap, point, held))
			continue;
		if (trap->skip) {
			trap->skip--;
		} else if (!mmun_held_must_pass(held)) {
			trap->count--;
			return trap;
		} else if (!trap->has_missed) {
			trap->missed = held->what;
			trap->has_missed = true;
		}
	}
	return NULL;
}

/* Take the place at the next trap, or return false. */
static bool mmun_held_enter(struct mmun_ctx *ctx, enum mmun_point point,
			    struct mmun_held *held, long *timeout)
{
	struct mmun_trap *trap;
	long left = 0;

	spin_lock(&ctx->hold_lock);
	trap = mmun_trap_next(ctx, point, held);
	if (trap)
		left = mmun_budget_enter(ctx->shared);
	if (trap && !left) {
		trap->count++;
		mmun_trap_miss(trap, held);
		trap = NULL;
	}
	if (trap) {
		reinit_completion(&held->released);
		list_add_tail(&held->node, &trap->held);
		held->hold = trap->id;
		*timeout = clamp((long)(trap->deadline - jiffies), 0L, left);
	}
	spin_unlock(&ctx->hold_lock);
	/* Held or missed, either is news. */
	wake_up_all(&ctx->hold_wait);
	return trap;
}

/* RELEASE may be at it, and be done when it gives up the lock. */
static void mmun_held_leave(struct mmun_ctx *ctx, struct mmun_held *held)
{
	spin_lock(&ctx->hold_lock);
	list_del_init(&held->node);
	mmun_budget_leave(ctx->shared);
	spin_unlock(&ctx->hold_lock);
	wake_up_all(&ctx->hold_wait);
}

static void mmun_log_point(struct mmun_ctx *ctx, enum mmun_record_type type,
			   u32 id, const struct mmu_notifier_range *mnr,
			   unsigned long cur_seq)
{
	struct mmun_record record;

	if (!mmun_record_begin(&ctx->log, &record, type, id))
		return;
	mmun_record_mnr(&record, mnr, cur_seq, mnr->start, mnr->end);
	mmun_record_end(&ctx->log, &record);
}

/* Stop at every trap that there is for this passage. */
static void mmun_hold_stop(struct mmun_ctx *ctx, enum mmun_point point,
			   u32 range, const struct mmu_notifier_range *mnr,
			   unsigned long cur_seq)
{
	struct mmun_held held = {
		.task = current,
		.mnr = mnr,
		.newest = READ_ONCE(ctx->newest_hold),
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
	init_completion(&held.released);
	while (mmun_held_enter(ctx, point, &held, &timeout)) {
		mmun_log_point(ctx, MMUN_RECORD_HELD, held.hold, mnr, cur_seq);
		wait_for_completion_killable_timeout(&held.released, timeout);
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
	/* Pairs with the WRITE_ONCE in mmun_trap_arm() and mmun_trap_free() */
	if (unlikely(READ_ONCE(ctx->nr_traps)))
		mmun_hold_stop(ctx, point, range, mnr, cur_seq);
}

/*
 * The list notifier: what comes after all callbacks of an invalidation.  The
 * core tells the scheduler not to sleep in one that must not block; RT's
 * spinlocks, which are no harm, would be taken for that.
 */
static void mmun_listener_pass(struct mmun_ctx *ctx,
			       const struct mmu_notifier_range *mnr,
			       enum mmun_record_type type,
			       enum mmun_point point)
{
	bool watched = IS_ENABLED(CONFIG_PREEMPT_RT) &&
		       !mmu_notifier_range_blockable(mnr);

	if (watched)
		non_block_end();
	mmun_log_point(ctx, type, 0, mnr, 0);
	mmun_hold_pass(ctx, point, 0, mnr, 0);
	if (watched)
		non_block_start();
}

static int mmun_listener_start(struct mmu_notifier *listener,
			       const struct mmu_notifier_range *mnr)
{
	struct mmun_ctx *ctx = container_of(listener, struct mmun_ctx,
					    listener);

	mmun_listener_pass(ctx, mnr, MMUN_RECORD_START, MMUN_POINT_START);
	/* Were it to refuse the core would never end what it began. */
	return 0;
}

static void mmun_listener_end(struct mmu_notifier *listener,
			      const struct mmu_notifier_range *mnr)
{
	struct mmun_ctx *ctx = container_of(listener, struct mmun_ctx,
					    listener);

	mmun_listener_pass(ctx, mnr, MMUN_RECORD_END, MMUN_POINT_END);
}

static const struct mmu_notifier_ops mmun_listener_ops = {
	.invalidate_range_start = mmun_listener_start,
	.invalidate_range_end = mmun_listener_end,
};

/*
 * mmap_lock, which the registration needs anyway, lets only one caller do it.
 * A held task may have it: wait killable.
 */
static int mmun_ctx_register(struct mmun_ctx *ctx)
{
	int ret = 0;

	if (mmap_write_lock_killable(ctx->mm))
		return -EINTR;
	if (!ctx->listening) {
		ctx->listener.ops = &mmun_listener_ops;
		ret = __mmu_notifier_register(&ctx->listener, ctx->mm);
		/* Pairs with the READ_ONCE in mmun_ctx_listen() */
		WRITE_ONCE(ctx->listening, !ret);
	}
	mmap_write_unlock(ctx->mm);
	return ret;
}

/* Register the list notifier if that was not done before. */
static int mmun_ctx_listen(struct mmun_ctx *ctx)
{
	int ret = 0;

	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	/* Pairs with the WRITE_ONCE in mmun_ctx_register() */
	if (!READ_ONCE(ctx->listening))
		ret = mmun_ctx_register(ctx);
	mmput(ctx->mm);
	return ret;
}

/* Traps */

static void mmun_trap_free(struct mmun_trap *trap)
{
	put_pid(trap->pid);
	mmun_free(trap);
}

/* Takes over the reference to @pid if it succeeds. */
static struct mmun_trap *mmun_trap_alloc(const struct mmun_hold *cmd,
					 struct pid *pid)
{
	struct mmun_trap *trap = mmun_alloc(sizeof(*trap));

	if (!trap)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&trap->held);
	trap->pid = pid;
	trap->point = cmd->point;
	trap->range = cmd->id;
	trap->skip = cmd->skip;
	trap->count = cmd->count;
	return trap;
}

static struct mmun_trap *mmun_trap_find(struct mmun_ctx *ctx, u32 id)
{
	struct mmun_trap *trap;

	lockdep_assert_held(&ctx->hold_lock);
	list_for_each_entry(trap, &ctx->traps, node)
		if (trap->id == id)
			return trap;
	return NULL;
}

/* ID of the hold at which the thread, or with no @pid anybody, is now, or 0 */
static u32 mmun_hold_of(struct mmun_ctx *ctx, const struct pid *pid)
{
	struct mmun_trap *trap;
	struct mmun_held *held;

	lockdep_assert_held(&ctx->hold_lock);
	list_for_each_entry(trap, &ctx->traps, node)
		list_for_each_entry(held, &trap->held, node)
			if (!pid || task_pid(held->task) == pid)
				return trap->id;
	return 0;
}

/* Put the trap up; its time begins.  From then on anybody can release it. */
static int mmun_trap_arm(struct mmun_ctx *ctx, struct mmun_trap *trap,
			 struct mmun_hold *cmd)
{
	int ret = 0;

	spin_lock(&ctx->hold_lock);
	if (mmun_hold_of(ctx, trap->pid)) {
		ret = -EBUSY;
	} else if (ctx->nr_traps == MMUN_MAX_HOLDS ||
		   ctx->newest_hold == U32_MAX) {
		ret = -ENOSPC;
	} else {
		trap->deadline = jiffies + msecs_to_jiffies(cmd->timeout_ms);
		trap->id = ctx->newest_hold + 1;
		cmd->out_hold = trap->id;
		list_add_tail(&trap->node, &ctx->traps);
		/* Pair with the READ_ONCE in mmun_hold_pass() and _stop() */
		WRITE_ONCE(ctx->newest_hold, trap->id);
		WRITE_ONCE(ctx->nr_traps, ctx->nr_traps + 1);
	}
	spin_unlock(&ctx->hold_lock);
	return ret;
}

/* Let go of all that are held; returns how many. */
static u32 mmun_trap_open(struct mmun_ctx *ctx, struct mmun_trap *trap)
{
	struct mmun_held *held, *next;
	u32 released = 0;

	lockdep_assert_held(&ctx->hold_lock);
	list_for_each_entry_safe(held, next, &trap->held, node) {
		list_del_init(&held->node);
		complete(&held->released);
		released++;
	}
	return released;
}

/* Nobody comes to the trap any more; the caller may free it. */
static void mmun_trap_remove(struct mmun_ctx *ctx, struct mmun_trap *trap)
{
	lockdep_assert_held(&ctx->hold_lock);
	list_del(&trap->node);
	/* Pairs with the READ_ONCE in mmun_hold_pass() */
	WRITE_ONCE(ctx->nr_traps, ctx->nr_traps - 1);
}

/* -ENOENT if there is no such hold. */
static int mmun_hold_release(struct mmun_ctx *ctx, u32 id, bool end,
			     u32 *released)
{
	struct mmun_trap *trap;

	spin_lock(&ctx->hold_lock);
	trap = mmun_trap_find(ctx, id);
	if (!trap) {
		spin_unlock(&ctx->hold_lock);
		return -ENOENT;
	}
	*released = mmun_trap_open(ctx, trap);
	trap->has_missed = false;
	end = end || mmun_trap_over(trap);
	if (end)
		mmun_trap_remove(ctx, trap);
	spin_unlock(&ctx->hold_lock);

	wake_up_all(&ctx->hold_wait);
	if (end)
		mmun_trap_free(trap);
	return 0;
}

static void mmun_hold_init(struct mmun_ctx *ctx)
{
	spin_lock_init(&ctx->hold_lock);
	init_waitqueue_head(&ctx->hold_wait);
	INIT_LIST_HEAD(&ctx->traps);
}

/* The last close: no call is in flight, but callbacks are. */
static void mmun_hold_close(struct mmun_ctx *ctx)
{
	struct mmun_trap *trap, *next;
	LIST_HEAD(traps);

	spin_lock(&ctx->hold_lock);
	list_for_each_entry_safe(trap, next, &ctx->traps, node) {
		mmun_trap_open(ctx, trap);
		mmun_trap_remove(ctx, trap);
		list_add(&trap->node, &traps);
	}
	spin_unlock(&ctx->hold_lock);

	list_for_each_entry_safe(trap, next, &traps, node)
		mmun_trap_free(trap);
	/* Waits for callbacks; works on an mm that has exited, too. */
	if (ctx->listening)
		mmu_notifier_unregister(&ctx->listener, ctx->mm);
}

/* The reference to @pid is for the trap, or returned. */
static int mmun_hold_arm(struct mmun_ctx *ctx, struct mmun_hold *cmd,
			 struct pid *pid)
{
	struct mmun_trap *trap = mmun_trap_alloc(cmd, pid);
	int ret;

	if (IS_ERR(trap)) {
		put_pid(pid);
		return PTR_ERR(trap);
	}
	ret = mmun_trap_arm(ctx, trap, cmd);
	if (ret)
		mmun_trap_free(trap);
	return ret;
}

static int mmun_hold(struct mmun_ucmd *ucmd)
{
	struct mmun_hold *cmd = ucmd->cmd;
	struct mmun_ctx *ctx = ucmd->ctx;
	struct pid *pid = NULL;
	u32 released;
	int ret;

	if (cmd->point > MMUN_POINT_EXIT)
		return -EOPNOTSUPP;
	if (!cmd->count || !cmd->timeout_ms ||
	    cmd->timeout_ms > mmun_hold_limit())
		return -EINVAL;
	if (cmd->tid)
		pid = mmun_task_pid(cmd->tid);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	if (cmd->id && !xa_load(&ctx->table.ranges, cmd->id)) {
		put_pid(pid);
		return -ENOENT;
	}
	ret = mmun_hold_arm(ctx, cmd, pid);
	if (ret)
		return ret;
	/* The time of the hold runs already: the wait here counts, too. */
	if (cmd->point == MMUN_POINT_START || cmd->point == MMUN_POINT_END)
		ret = mmun_ctx_listen(ctx);
	if (!ret)
		ret = mmun_ucmd_respond(ucmd, sizeof(*cmd));
	if (ret)
		mmun_hold_release(ctx, cmd->out_hold, true, &released);
	return ret;
}

static void mmun_wait_held_say(struct mmun_wait_held *cmd, u32 state,
			       const struct mmun_wait_held *what)
{
	cmd->out_state = state;
	cmd->out_tid = what->out_tid;
	cmd->out_event = what->out_event;
	cmd->out_id = what->out_id;
	cmd->out_start = what->out_start;
	cmd->out_end = what->out_end;
}

/*
 * Fill in what there is to tell.  Returns 0 if it is an answer, the number of
 * jiffies until the hold's time is over if it is still armed, or -ENOENT.
 */
static long mmun_wait_held_look(struct mmun_ctx *ctx,
				struct mmun_wait_held *cmd)
{
	static const struct mmun_wait_held nothing;
	struct mmun_trap *trap;
	struct mmun_held *held;
	long left = 0;

	spin_lock(&ctx->hold_lock);
	trap = mmun_trap_find(ctx, cmd->hold);
	if (!trap) {
		spin_unlock(&ctx->hold_lock);
		return -ENOENT;
	}
	held = list_first_entry_or_null(&trap->held, struct mmun_held, node);
	if (held) {
		mmun_wait_held_say(cmd, MMUN_HOLD_HELD, &held->what);
	} else if (trap->has_missed) {
		mmun_wait_held_say(cmd, MMUN_HOLD_MISSED, &trap->missed);
	} else if (mmun_trap_over(trap)) {
		mmun_wait_held_say(cmd, MMUN_HOLD_OVER, &nothing);
	} else {
		mmun_wait_held_say(cmd, MMUN_HOLD_ARMED, &nothing);
		left = max(1L, (long)(trap->deadline - jiffies));
	}
	spin_unlock(&ctx->hold_lock);
	return left;
}

static bool mmun_answers(struct mmun_ctx *ctx, struct mmun_wait_held *cmd)
{
	return mmun_wait_held_look(ctx, cmd) <= 0;
}

/* Wait for an answer, or for @deadline.  Returns as mmun_wait_held_look(). */
static long mmun_wait_held_until(struct mmun_ctx *ctx,
				 struct mmun_wait_held *cmd,
				 unsigned long deadline)
{
	long armed, left;

	while ((armed = mmun_wait_held_look(ctx, cmd)) > 0) {
		left = min(armed, (long)(deadline - jiffies));
		if (left <= 0)
			break;
		left = wait_event_interruptible_timeout(ctx->hold_wait,
							mmun_answers(ctx, cmd),
							left);
		if (left < 0)
			return -EINTR;
	}
	return armed;
}

static int mmun_wait_held(struct mmun_ucmd *ucmd)
{
	struct mmun_wait_held *cmd = ucmd->cmd;
	long ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->timeout_ms > mmun_hold_limit())
		return -EINVAL;
	ret = mmun_wait_held_until(ucmd->ctx, cmd,
				   jiffies + msecs_to_jiffies(cmd->timeout_ms));
	return ret < 0 ? ret : mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_release(struct mmun_ucmd *ucmd)
{
	struct mmun_release *cmd = ucmd->cmd;
	int ret;

	if (cmd->flags & ~MMUN_RELEASE_END)
		return -EOPNOTSUPP;
	ret = mmun_hold_release(ucmd->ctx, cmd->hold,
				cmd->flags & MMUN_RELEASE_END,
				&cmd->out_released);
	return ret ?: mmun_ucmd_respond(ucmd, sizeof(*cmd));
}
