// SPDX-License-Identifier: GPL-2.0
/*
 * Threads: who may be named by whom, and KICK.
 */

/* As kill(2) has it, with CAP_SYS_ADMIN in place of CAP_KILL */
static bool mmun_may_signal(struct task_struct *task)
{
	const struct cred *cred = current_cred(), *tcred = __task_cred(task);

	return same_thread_group(current, task) ||
	       uid_eq(cred->euid, tcred->suid) ||
	       uid_eq(cred->euid, tcred->uid) ||
	       uid_eq(cred->uid, tcred->suid) ||
	       uid_eq(cred->uid, tcred->uid) || capable(CAP_SYS_ADMIN);
}

/*
 * What a thread does in a system call is for those to know who share its memory
 * or could read it by other means: who became somebody else by a set-user-ID
 * program may be signalled, but not looked into.
 */
static bool mmun_may_look(struct task_struct *task)
{
	const struct cred *cred = current_cred(), *tcred = __task_cred(task);

	return same_thread_group(current, task) || capable(CAP_SYS_ADMIN) ||
	       (uid_eq(cred->uid, tcred->euid) &&
		uid_eq(cred->uid, tcred->suid) &&
		uid_eq(cred->uid, tcred->uid) &&
		gid_eq(cred->gid, tcred->egid) &&
		gid_eq(cred->gid, tcred->sgid) &&
		gid_eq(cred->gid, tcred->gid) &&
		cap_issubset(tcred->cap_permitted, cred->cap_permitted));
}

/* The caller holds rcu_read_lock(). */
static struct task_struct *mmun_task_find(struct pid *pid)
{
	struct task_struct *task = pid_task(pid, PIDTYPE_PID);

	if (!task || READ_ONCE(task->exit_state))
		return ERR_PTR(-ENOENT);
	/* Not even root gets at those: they may count on who wakes them. */
	if ((task->flags & PF_KTHREAD) || !mmun_may_signal(task))
		return ERR_PTR(-EPERM);
	return task;
}

/* A reference to the number of the thread */
static struct pid *mmun_task_pid(u32 tid)
{
	struct task_struct *task;
	struct pid *pid;

	rcu_read_lock();
	/* Not task_pid(): it is NULL, which is anybody, once the task is reaped. */
	pid = get_pid(find_vpid(tid));
	task = mmun_task_find(pid);
	rcu_read_unlock();
	if (!IS_ERR(task))
		return pid;
	put_pid(pid);
	return ERR_CAST(task);
}

static u32 mmun_task_kick(struct task_struct *task, u32 count)
{
	u32 woken = 0;

	while (count-- && !fatal_signal_pending(current)) {
		woken += wake_up_process(task);
		cond_resched();
	}
	return woken;
}

static int mmun_kick(struct mmun_ucmd *ucmd)
{
	struct mmun_kick *cmd = ucmd->cmd;
	struct task_struct *task;

	if (!cmd->count || cmd->count > MMUN_MAX_KICKS)
		return -EINVAL;
	rcu_read_lock();
	task = mmun_task_find(find_vpid(cmd->tid));
	if (!IS_ERR(task))
		get_task_struct(task);
	rcu_read_unlock();
	if (IS_ERR(task))
		return PTR_ERR(task);
	cmd->out_woken = mmun_task_kick(task, cmd->count);
	put_task_struct(task);
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}
