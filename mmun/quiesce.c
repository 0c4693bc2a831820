// SPDX-License-Identifier: GPL-2.0
/*
 * QUIESCE: what threads do, as the scheduler knows it.
 */

/* In place of a count of context switches: it was running. */
#define MMUN_NO_SLEEP	U64_MAX

/* What was seen of them at the last look, and which of their sleeps it was */
struct mmun_looks {
	struct mmun_task tasks[MMUN_MAX_TASKS];
	u64 sleep[MMUN_MAX_TASKS];
};

static bool mmun_task_on_cpu(struct task_struct *task)
{
#ifdef CONFIG_SMP
	/* Pairs with the smp_store_release in finish_task() */
	return smp_load_acquire(&task->on_cpu);
#else
	return task == current;
#endif
}

/*
 * Whether the task runs, or would if a CPU were free.  One that goes to sleep
 * sets its state, leaves the queue, counts the switch, and leaves the CPU: with
 * that seen last the count is the one of this sleep.
 */
static bool mmun_task_runs(struct task_struct *task, unsigned int state)
{
	const unsigned int passing = TASK_WAKING | TASK_NEW | TASK_RTLOCK_WAIT;

	return state == TASK_RUNNING || (state & passing) ||
	       task_is_runnable(task) || mmun_task_on_cpu(task);
}

static u32 mmun_task_state(struct task_struct *task, bool held)
{
	unsigned int state = READ_ONCE(task->__state);

	if (READ_ONCE(task->exit_state))
		return MMUN_TASK_GONE;
	if (mmun_task_runs(task, state))
		return MMUN_TASK_RUNNING;
	if (held)
		return MMUN_TASK_HELD;
	if (state & TASK_UNINTERRUPTIBLE)
		return MMUN_TASK_BLOCKED;
	return MMUN_TASK_WAITING;
}

/*
 * The system call that the task sleeps in.  A module cannot take a reference to
 * the stack.  RCU keeps its memory, but a task that exits right now may have
 * given it away: then what was read is wrong, and forgotten.
 */
static void mmun_task_syscall(struct task_struct *task, struct mmun_task *now)
{
	unsigned long args[6];
	struct pt_regs regs;

	if ((task->flags & PF_KTHREAD) ||
	    copy_from_kernel_nofault(&regs, task_pt_regs(task), sizeof(regs)))
		return;
	now->syscall = syscall_get_nr(task, &regs);
	if (now->syscall < 0)
		return;
	syscall_get_arguments(task, &regs, args);
	now->arg = args[1];
	/* Its stack was its own if it is not seen to exit. */
	smp_rmb();
	if (READ_ONCE(task->exit_state)) {
		now->state = MMUN_TASK_GONE;
		now->syscall = -1;
		now->arg = 0;
	}
}

static void mmun_task_describe(struct mmun_ctx *ctx, struct task_struct *task,
			       struct mmun_task *now, u64 *switches)
{
	u32 hold;

	spin_lock(&ctx->holds.lock);
	hold = mmun_hold_of(ctx, task_pid(task));
	now->state = mmun_task_state(task, hold);
	spin_unlock(&ctx->holds.lock);

	*switches = READ_ONCE(task->nvcsw) + READ_ONCE(task->nivcsw);
	if (now->state == MMUN_TASK_HELD)
		now->hold = hold;
	if (now->state == MMUN_TASK_RUNNING)
		*switches = MMUN_NO_SLEEP;
	else if (now->state != MMUN_TASK_GONE)
		mmun_task_syscall(task, now);
}

/*
 * Returns 1 if the thread has slept since the last look, as it does now, or is
 * still gone; else 0 or an error.  In the first case what the last look found
 * is the truth: this one may be overtaken by a wake-up before it is finished.
 */
static int mmun_task_look(struct mmun_ctx *ctx, struct mmun_task *user,
			  u64 *sleep)
{
	struct mmun_task now = {
		.tid = user->tid,
		.state = MMUN_TASK_GONE,
		.syscall = -1,
	};
	struct task_struct *task;
	bool same;
	u64 switches = 0;

	rcu_read_lock();
	task = pid_task(find_vpid(now.tid), PIDTYPE_PID);
	if (task)
		mmun_task_describe(ctx, task, &now, &switches);
	rcu_read_unlock();

	same = switches != MMUN_NO_SLEEP && switches == *sleep &&
	       now.state == user->state;
	*sleep = switches;
	if (!same)
		*user = now;
	return same;
}

/* Look at all; returns how many were not seen so before, or an error. */
static int mmun_looks_pass(struct mmun_ctx *ctx, struct mmun_looks *looks,
			   u32 count)
{
	int ret, changed = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		ret = mmun_task_look(ctx, &looks->tasks[i], &looks->sleep[i]);
		if (ret < 0)
			return ret;
		changed += !ret;
	}
	return changed;
}

static int mmun_looks_repeat(struct mmun_ctx *ctx, struct mmun_looks *looks,
			     struct mmun_quiesce *cmd)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(cmd->timeout_ms);
	u32 round;
	int ret;

	/* The first look has nothing to compare with. */
	memset(looks->sleep, 0xff, sizeof(looks->sleep));
	for (round = 0;; round++) {
		ret = mmun_looks_pass(ctx, looks, cmd->count);
		cmd->out_quiet = !ret;
		if (ret <= 0)
			return ret;
		if (round && time_after_eq(jiffies, deadline))
			return 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (round)
			usleep_range(20, round < 100 ? 50 : 1000);
	}
}

static int mmun_quiesce(struct mmun_ucmd *ucmd)
{
	struct mmun_quiesce *cmd = ucmd->cmd;
	void __user *user = u64_to_user_ptr(cmd->tasks);
	struct mmun_looks *looks;
	size_t bytes;
	int ret;

	if (!cmd->count || cmd->count > MMUN_MAX_TASKS ||
	    cmd->timeout_ms > mmun_hold_limit())
		return -EINVAL;
	bytes = cmd->count * sizeof(looks->tasks[0]);
	looks = mmun_alloc(sizeof(*looks));
	if (!looks)
		return -ENOMEM;
	ret = -EFAULT;
	if (copy_from_user(looks->tasks, user, bytes))
		goto out_free;
	ret = mmun_looks_repeat(ucmd->ctx, looks, cmd);
	if (!ret && copy_to_user(user, looks->tasks, bytes))
		ret = -EFAULT;
	if (!ret)
		ret = mmun_ucmd_respond(ucmd, sizeof(*cmd));
out_free:
	mmun_free(looks);
	return ret;
}
