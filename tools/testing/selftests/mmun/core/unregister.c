// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_CORE_UNREGISTER: whether mmu_notifier_unregister() calls ->release after
 * exit_mmap() has freed the pages of the process.  mmun_core.h has a drawing of
 * the steps.
 *
 * mmu_notifier_unregister() tests whether the notifier is in the list, and calls
 * __srcu_read_lock().  A kprobe delays the task when it enters
 * __srcu_read_lock().  The handler of a kprobe cannot sleep: it is busy, and
 * only for a limited time.  The handler may have interrupts disabled.  So the
 * process, and the work that kills the process, must run on another processor.
 */

#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/kprobes.h>
#include <linux/mmu_notifier.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "experiment.h"

/**
 * struct mmun_core_exit - what an execution of the experiment has observed
 * @mn: the notifier of the process
 * @mm: the mm of the process, to which @mn holds a reference (mm_count)
 * @pid: the process
 * @probe: calls the handler that delays the task
 * @killer: kills the process when the task is delayed
 * @limit: nanoseconds that the task is delayed at most
 * @task: the task inside mmu_notifier_unregister(), or NULL if the task has been
 *	delayed
 * @delayed: whether the task has been delayed
 * @freed: whether the pages were free when the delay ended
 * @returned: whether mmu_notifier_unregister() has returned
 * @releases: number of calls of ->release
 * @late: number of calls of ->release that began when the pages were free
 */
static struct mmun_core_exit {
	struct mmu_notifier mn;
	struct mm_struct *mm;
	struct pid *pid;
	struct kprobe probe;
	struct work_struct killer;
	u64 limit;
	struct task_struct *task;
	bool delayed;
	bool freed;
	bool returned;
	atomic_t releases;
	atomic_t late;
} mmun_core_exit;

/* exit_mmap() destroys the tree of VMAs after it has freed the pages. */
static bool mmun_core_is_freed(const struct mm_struct *mm)
{
	return !rcu_access_pointer(mm->mm_mt.ma_root);
}

static void mmun_core_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	atomic_inc(&mmun_core_exit.releases);
	if (mmun_core_is_freed(mm))
		atomic_inc(&mmun_core_exit.late);
}

static const struct mmu_notifier_ops mmun_core_exit_ops = {
	.release = mmun_core_release,
};

static int mmun_core_delay(struct kprobe *probe, struct pt_regs *regs)
{
	u64 end = ktime_get_mono_fast_ns() + mmun_core_exit.limit;

	if (READ_ONCE(mmun_core_exit.task) != current)
		return 0;
	WRITE_ONCE(mmun_core_exit.task, NULL);
	WRITE_ONCE(mmun_core_exit.delayed, true);
	while (!mmun_core_is_freed(mmun_core_exit.mm) &&
	       ktime_get_mono_fast_ns() < end)
		cpu_relax();
	mmun_core_exit.freed = mmun_core_is_freed(mmun_core_exit.mm);
	return 0;
}
NOKPROBE_SYMBOL(mmun_core_delay);

/*
 * The killer does not sleep until the task is delayed, because the processor of
 * the delayed task may be the one that advances the clock of the timers.
 */
static void mmun_core_kill(struct work_struct *work)
{
	while (!READ_ONCE(mmun_core_exit.delayed) &&
	       !READ_ONCE(mmun_core_exit.returned))
		cond_resched();
	kill_pid(mmun_core_exit.pid, SIGKILL, 1);
}

static int mmun_core_start_killer(unsigned int cpu)
{
	bool online;

	INIT_WORK(&mmun_core_exit.killer, mmun_core_kill);
	cpus_read_lock();
	online = cpu_online(cpu);
	if (online)
		schedule_work_on(cpu, &mmun_core_exit.killer);
	cpus_read_unlock();
	return online ? 0 : -ENODEV;
}

static int mmun_core_start_probe(void)
{
	int ret;

	mmun_core_exit.probe.symbol_name = "__srcu_read_lock";
	mmun_core_exit.probe.pre_handler = mmun_core_delay;
	/* Without CONFIG_SMP the function is inline. */
	ret = register_kprobe(&mmun_core_exit.probe);
	return ret == -ENOENT ? -EOPNOTSUPP : ret;
}

struct mm_struct *mmun_core_get_mm(struct pid *pid)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	struct mm_struct *mm;

	if (!task)
		return NULL;
	mm = get_task_mm(task);
	put_task_struct(task);
	return mm;
}

static int mmun_core_register(void)
{
	struct mm_struct *mm = mmun_core_get_mm(mmun_core_exit.pid);
	int ret;

	if (!mm)
		return -ESRCH;
	mmun_core_exit.mm = mm;
	mmun_core_exit.mn.ops = &mmun_core_exit_ops;
	ret = mmu_notifier_register(&mmun_core_exit.mn, mm);
	mmput(mm);
	return ret;
}

static void mmun_core_unregister_mn(void)
{
	mmu_notifier_unregister(&mmun_core_exit.mn, mmun_core_exit.mm);
}

/* Call mmu_notifier_unregister() while the process is being killed. */
static int mmun_core_collide(unsigned int cpu)
{
	int ret = mmun_core_start_killer(cpu);

	if (ret) {
		mmun_core_unregister_mn();
		return ret;
	}
	WRITE_ONCE(mmun_core_exit.task, current);
	mmun_core_unregister_mn();
	WRITE_ONCE(mmun_core_exit.task, NULL);
	WRITE_ONCE(mmun_core_exit.returned, true);
	flush_work(&mmun_core_exit.killer);
	return 0;
}

static int mmun_core_observe_exit(unsigned int cpu)
{
	int ret = mmun_core_start_probe();

	if (ret)
		return ret;
	ret = mmun_core_register();
	if (!ret)
		ret = mmun_core_collide(cpu);
	unregister_kprobe(&mmun_core_exit.probe);
	return ret;
}

int mmun_core_unregister(union mmun_core_cmd *ucmd)
{
	struct mmun_core_unregister *cmd = &ucmd->unregister;
	int ret;

	if (cmd->limit_ms > MMUN_CORE_MAX_MS || cmd->cpu >= nr_cpu_ids)
		return -EINVAL;
	memset(&mmun_core_exit, 0, sizeof(mmun_core_exit));
	mmun_core_exit.limit = cmd->limit_ms * (u64)NSEC_PER_MSEC;
	mmun_core_exit.pid = find_get_pid(cmd->pid);
	ret = mmun_core_observe_exit(cmd->cpu);
	put_pid(mmun_core_exit.pid);
	cmd->out_delayed = mmun_core_exit.delayed;
	cmd->out_freed = mmun_core_exit.freed;
	cmd->out_releases = atomic_read(&mmun_core_exit.releases);
	cmd->out_late = atomic_read(&mmun_core_exit.late);
	return ret;
}
