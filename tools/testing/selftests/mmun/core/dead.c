// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_CORE_DEAD: what mmu_interval_notifier_insert() returns for an mm that has
 * no users.  mmun_core.h has the steps.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mmu_notifier.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "experiment.h"

/* Kill the process, and wait until the mm has no users. */
static int mmun_core_end(struct pid *pid, struct mm_struct *mm, u32 limit_ms)
{
	const unsigned long end = jiffies + msecs_to_jiffies(limit_ms);

	kill_pid(pid, SIGKILL, 1);
	while (atomic_read(&mm->mm_users)) {
		if (time_after_eq(jiffies, end))
			return -ETIMEDOUT;
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(50, 500);
	}
	return 0;
}

static int mmun_core_insert(struct mmu_interval_notifier *mni,
			    struct mm_struct *mm,
			    const struct mmun_core_dead *cmd)
{
	return mmu_interval_notifier_insert(mni, mm, cmd->start, PAGE_SIZE,
					    &mmun_core_interval_ops);
}

/* The caller has a reference to the mm (mm_count), but must not have a user. */
static int mmun_core_insert_late(struct pid *pid, struct mm_struct *mm,
				 struct mmun_core_dead *cmd)
{
	struct mmu_interval_notifier late;
	int ret = mmun_core_end(pid, mm, cmd->limit_ms);

	if (ret)
		return ret;
	cmd->out_second = mmun_core_insert(&late, mm, cmd);
	if (!cmd->out_second)
		mmu_interval_notifier_remove(&late);
	return 0;
}

static int mmun_core_insert_twice(struct pid *pid, struct mm_struct *mm,
				  struct mmun_core_dead *cmd)
{
	struct mmu_interval_notifier early;
	int ret;

	cmd->out_first = mmun_core_insert(&early, mm, cmd);
	mmput(mm);
	if (cmd->out_first)
		return 0;
	ret = mmun_core_insert_late(pid, mm, cmd);
	mmu_interval_notifier_remove(&early);
	return ret;
}

int mmun_core_dead(union mmun_core_cmd *ucmd)
{
	struct mmun_core_dead *cmd = &ucmd->dead;
	struct mm_struct *mm = NULL;
	struct pid *pid;
	int ret = -ESRCH;

	if (cmd->limit_ms > MMUN_CORE_MAX_MS)
		return -EINVAL;
	pid = find_get_pid(cmd->pid);
	if (pid)
		mm = mmun_core_get_mm(pid);
	if (mm) {
		mmgrab(mm);
		ret = mmun_core_insert_twice(pid, mm, cmd);
		mmdrop(mm);
	}
	put_pid(pid);
	return ret;
}
