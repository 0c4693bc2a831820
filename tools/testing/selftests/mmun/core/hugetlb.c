// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_CORE_HUGETLB: whether hmm_range_fault() calls hugetlb_fault() while it
 * holds the lock of a hugetlb VMA.  hugetlb_fault() acquires the lock again, and
 * then waits for ever if a writer has come in between.
 *
 * The handler of a kprobe at hugetlb_fault() looks at the lock.  The experiment
 * adds no delay, and no task of the experiment is a writer.  So the experiment
 * cannot deadlock.
 */

#include <linux/hmm.h>
#include <linux/hugetlb.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "experiment.h"

/* hmm_range_fault() returns EBUSY if an invalidation collides with it. */
#define MMUN_CORE_MAX_TRIES 100

/**
 * struct mmun_core_walk - what an execution of the experiment has observed
 * @mni: covers the page that hmm_range_fault() faults in
 * @probe: calls the handler that looks at the lock
 * @task: the task inside hmm_range_fault()
 * @faults: number of calls of hugetlb_fault() by @task
 * @locked: number of calls with the lock of the VMA held
 */
static struct mmun_core_walk {
	struct mmu_interval_notifier mni;
	struct kprobe probe;
	struct task_struct *task;
	u32 faults;
	u32 locked;
} mmun_core_walk;

#if defined(CONFIG_KPROBES) && defined(CONFIG_HUGETLB_PAGE)
/* Only the task of the experiment uses the VMA, so only that task can hold it. */
static bool mmun_core_is_locked(const struct vm_area_struct *vma)
{
	struct hugetlb_vma_lock *lock = vma->vm_private_data;

	return (vma->vm_flags & VM_MAYSHARE) && lock &&
	       rwsem_is_locked(&lock->rw_sema);
}

static int mmun_core_look(struct kprobe *probe, struct pt_regs *regs)
{
	const struct vm_area_struct *vma;

	if (READ_ONCE(mmun_core_walk.task) != current)
		return 0;
	vma = (const void *)regs_get_kernel_argument(regs, 1);
	mmun_core_walk.faults++;
	mmun_core_walk.locked += mmun_core_is_locked(vma);
	return 0;
}
#else
static int mmun_core_look(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}
#endif
NOKPROBE_SYMBOL(mmun_core_look);

static int mmun_core_walk_once(unsigned long start)
{
	unsigned long pfn = 0;
	struct hmm_range range = {
		.notifier = &mmun_core_walk.mni,
		.start = start,
		.end = start + PAGE_SIZE,
		.hmm_pfns = &pfn,
		.default_flags = HMM_PFN_REQ_FAULT,
	};
	int ret;

	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	mmap_read_lock(current->mm);
	ret = IS_ENABLED(CONFIG_HMM_MIRROR) ? hmm_range_fault(&range) :
					      -EOPNOTSUPP;
	mmap_read_unlock(current->mm);
	return ret;
}

static int mmun_core_walk_page(unsigned long start)
{
	int ret = mmu_interval_notifier_insert(&mmun_core_walk.mni, current->mm,
					       start, PAGE_SIZE,
					       &mmun_core_interval_ops);

	if (ret)
		return ret;
	WRITE_ONCE(mmun_core_walk.task, current);
	for (int i = 0; i < MMUN_CORE_MAX_TRIES; i++) {
		ret = mmun_core_walk_once(start);
		if (ret != -EBUSY)
			break;
	}
	WRITE_ONCE(mmun_core_walk.task, NULL);
	mmu_interval_notifier_remove(&mmun_core_walk.mni);
	return ret;
}

int mmun_core_hugetlb(union mmun_core_cmd *ucmd)
{
	struct mmun_core_hugetlb *cmd = &ucmd->hugetlb;
	int ret;

	if (!IS_ENABLED(CONFIG_HUGETLB_PAGE))
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(cmd->start) ||
	    (unsigned long)cmd->start != cmd->start)
		return -EINVAL;
	memset(&mmun_core_walk, 0, sizeof(mmun_core_walk));
	mmun_core_walk.probe.symbol_name = "hugetlb_fault";
	mmun_core_walk.probe.pre_handler = mmun_core_look;
	ret = register_kprobe(&mmun_core_walk.probe);
	if (ret)
		return ret;
	ret = mmun_core_walk_page(cmd->start);
	unregister_kprobe(&mmun_core_walk.probe);
	cmd->out_faults = mmun_core_walk.faults;
	cmd->out_locked = mmun_core_walk.locked;
	return ret;
}
