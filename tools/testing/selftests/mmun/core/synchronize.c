// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_CORE_SYNCHRONIZE: whether mmu_notifier_synchronize() waits for a
 * free_notifier() that mmu_notifier_put() queued on another processor.
 * mmun_core.h has a drawing of the steps.
 *
 * SRCU calls free_notifier() with softirqs disabled.  free_notifier() therefore
 * cannot sleep: it is busy, and only for a limited time.
 */

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/container_of.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/mmu_notifier.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "experiment.h"

/* The number of grace periods after which SRCU has a list for each CPU */
#define MMUN_CORE_PERIODS 10

/* Older kernels lack this macro. */
#ifndef kzalloc_obj
#define kzalloc_obj(P, gfp) kzalloc(sizeof(P), gfp)
#endif

/**
 * struct mmun_core_subject - the object that mmu_notifier_put() frees
 * @mn: the notifier that the core calls
 * @limit: nanoseconds that free_notifier() is busy until it may return
 */
struct mmun_core_subject {
	struct mmu_notifier mn;
	s64 limit;
};

/**
 * struct mmun_core_run - what an execution of the experiment has observed
 * @started: completed by the free_notifier() of the first subject
 * @freed: completed by each free_notifier()
 * @may_return: whether the free_notifier() of the first subject may return
 * @putter: the task inside mmu_notifier_put(), or NULL
 * @inside: number of calls of free_notifier() inside mmu_notifier_put()
 * @allocs: number of calls of alloc_notifier()
 * @frees: number of calls of free_notifier()
 */
static struct mmun_core_run {
	struct completion started;
	struct completion freed;
	bool may_return;
	struct task_struct *putter;
	atomic_t inside;
	atomic_t allocs;
	atomic_t frees;
} mmun_core_run;

static struct mmu_notifier *mmun_core_alloc_notifier(struct mm_struct *mm)
{
	struct mmun_core_subject *subject =
		kzalloc_obj(*subject, GFP_KERNEL_ACCOUNT);

	if (!subject)
		return ERR_PTR(-ENOMEM);
	atomic_inc(&mmun_core_run.allocs);
	return &subject->mn;
}

static void mmun_core_stay_busy(s64 limit)
{
	ktime_t end = ktime_add_ns(ktime_get(), limit);

	while (!READ_ONCE(mmun_core_run.may_return) &&
	       ktime_before(ktime_get(), end))
		cpu_relax();
}

static void mmun_core_free_notifier(struct mmu_notifier *mn)
{
	struct mmun_core_subject *subject =
		container_of(mn, struct mmun_core_subject, mn);

	if (READ_ONCE(mmun_core_run.putter) == current)
		atomic_inc(&mmun_core_run.inside);
	if (subject->limit) {
		complete(&mmun_core_run.started);
		mmun_core_stay_busy(subject->limit);
	}
	kfree(subject);
	atomic_inc(&mmun_core_run.frees);
	complete(&mmun_core_run.freed);
}

static const struct mmu_notifier_ops mmun_core_ops = {
	.alloc_notifier = mmun_core_alloc_notifier,
	.free_notifier = mmun_core_free_notifier,
};

static const struct mmu_notifier_ops mmun_core_empty_ops = {};

/*
 * With srcutree.convert_to_big=1, SRCU of some kernels begins with one list of
 * callbacks, and changes to a list for each CPU in steps, one for each grace
 * period.  mmu_notifier_unregister() waits for a grace period.
 * mmu_notifier_synchronize() is under test, and may not wait for one.
 */
static int mmun_core_pass_periods(void)
{
	struct mmu_notifier mn = { .ops = &mmun_core_empty_ops };
	int ret = 0;

	for (int i = 0; i < MMUN_CORE_PERIODS && !ret; i++) {
		ret = mmu_notifier_register(&mn, current->mm);
		if (!ret)
			mmu_notifier_unregister(&mn, current->mm);
	}
	return ret;
}

static void mmun_core_begin(void)
{
	memset(&mmun_core_run, 0, sizeof(mmun_core_run));
	init_completion(&mmun_core_run.started);
	init_completion(&mmun_core_run.freed);
}

static struct mmun_core_subject *mmun_core_get(s64 limit)
{
	struct mmu_notifier *mn = mmu_notifier_get(&mmun_core_ops, current->mm);
	struct mmun_core_subject *subject;

	if (IS_ERR(mn))
		return ERR_CAST(mn);
	subject = container_of(mn, struct mmun_core_subject, mn);
	subject->limit = limit;
	return subject;
}

/* The core may have freed the subject when mmu_notifier_put() returns. */
static long mmun_core_put(void *arg)
{
	struct mmun_core_subject *subject = arg;

	WRITE_ONCE(mmun_core_run.putter, current);
	mmu_notifier_put(&subject->mn);
	WRITE_ONCE(mmun_core_run.putter, NULL);
	return 0;
}

static int mmun_core_put_on(unsigned int cpu, struct mmun_core_subject *subject)
{
	int ret = -ENODEV;

	cpus_read_lock();
	if (cpu_online(cpu))
		ret = work_on_cpu(cpu, mmun_core_put, subject);
	cpus_read_unlock();
	return ret;
}

/*
 * If mmu_notifier_put() failed to unhash the first subject, the second
 * mmu_notifier_get() returns the first subject, and calls no alloc_notifier().
 */
static int mmun_core_put_second(void)
{
	struct mmun_core_subject *second = mmun_core_get(0);

	if (IS_ERR(second))
		return PTR_ERR(second);
	mmun_core_put(second);
	return atomic_read(&mmun_core_run.allocs) == 2 ? 0 : -EBUSY;
}

/*
 * Wait until no CPU executes code of the module.  SRCU calls free_notifier()
 * with softirqs disabled, so synchronize_rcu() waits until free_notifier() has
 * returned.  mmu_notifier_synchronize() is under test, and may not wait.
 */
static void mmun_core_end(void)
{
	WRITE_ONCE(mmun_core_run.may_return, true);
	for (int i = atomic_read(&mmun_core_run.allocs); i; i--)
		wait_for_completion(&mmun_core_run.freed);
	synchronize_rcu();
}

static int mmun_core_observe(struct mmun_core_synchronize *cmd)
{
	int ret;

	if (cmd->limit_ms)
		wait_for_completion(&mmun_core_run.started);
	ret = mmun_core_put_second();
	mmu_notifier_synchronize();
	cmd->out_left = atomic_read(&mmun_core_run.allocs) -
			atomic_read(&mmun_core_run.frees);
	mmun_core_end();
	cmd->out_inside = atomic_read(&mmun_core_run.inside);
	cmd->out_allocs = atomic_read(&mmun_core_run.allocs);
	cmd->out_frees = atomic_read(&mmun_core_run.frees);
	return ret;
}

int mmun_core_synchronize(union mmun_core_cmd *ucmd)
{
	struct mmun_core_synchronize *cmd = &ucmd->synchronize;
	struct mmun_core_subject *first;
	int ret;

	if (cmd->limit_ms > MMUN_CORE_MAX_MS || cmd->cpu >= nr_cpu_ids)
		return -EINVAL;
	ret = mmun_core_pass_periods();
	if (ret)
		return ret;
	mmun_core_begin();
	first = mmun_core_get(cmd->limit_ms * (s64)NSEC_PER_MSEC);
	if (IS_ERR(first))
		return PTR_ERR(first);
	ret = mmun_core_put_on(cmd->cpu, first);
	if (!ret)
		return mmun_core_observe(cmd);
	mmun_core_put(first);
	mmun_core_end();
	return ret;
}
