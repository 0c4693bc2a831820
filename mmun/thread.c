// SPDX-License-Identifier: GPL-2.0
/*
 * Look up the thread of HOLD and WAKE_THREAD, and wake a thread.
 */

#include <linux/pid.h>

#include "private.h"

/*
 * Return a reference to the thread @tid of the PID namespace of the caller.
 * Returns -ENOENT if there is no such thread, and -EPERM if the thread is a
 * kernel thread.
 */
static struct task_struct *mmun_thread_get(u32 tid)
{
	struct task_struct *task;

	guard(rcu)();
	task = pid_task(find_vpid(tid), PIDTYPE_PID);
	if (!task || READ_ONCE(task->exit_state))
		return ERR_PTR(-ENOENT);
	/*
	 * A kernel thread may not tolerate a spurious wake-up, and is never
	 * held.
	 */
	if (task->flags & PF_KTHREAD)
		return ERR_PTR(-EPERM);
	return get_task_struct(task);
}

static int mmun_wake_thread(struct mmun_ctx *ctx, struct mmun_wake_thread *cmd)
{
	struct task_struct *task;
	u32 left = cmd->count;

	if (!cmd->count || cmd->count > MMUN_MAX_WAKE_UPS)
		return -EINVAL;
	task = mmun_thread_get(cmd->tid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	cmd->out_woken = 0;
	while (left-- && !mmun_resched_killable())
		cmd->out_woken += wake_up_process(task);
	put_task_struct(task);
	return 0;
}
