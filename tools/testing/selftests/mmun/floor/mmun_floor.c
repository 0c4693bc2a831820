// SPDX-License-Identifier: GPL-2.0
/*
 * The device /dev/mmun_floor calls the core (mm/mmu_notifier.c and mm/hmm.c)
 * with as little other code as possible. mmun_bench compares the cost of
 * /dev/mmun with the cost of the core. mmun_floor.h describes the ioctls.
 *
 *   ioctl() -> mmun_floor_execute() -> INSERT, REMOVE or LOOK -> the core
 */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/hmm.h>
#include <linux/interval_tree.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/uaccess.h>

#include "mmun_floor.h"

/* Older kernels lack this macro. */
#ifndef kzalloc_obj
#define kzalloc_obj(P, gfp) kzalloc(sizeof(P), gfp)
#endif

/* Number of subscriptions between two calls of cond_resched() */
#define MMUN_FLOOR_STEP 192ULL

/**
 * struct mmun_floor_sub - a subscription
 * @mni: the notifier that the core calls
 * @floor: the open file, which outlives the subscription
 */
struct mmun_floor_sub {
	struct mmu_interval_notifier mni;
	struct mmun_floor *floor;
};

/**
 * struct mmun_floor - an open file, and its set of subscriptions
 * @mm: the mm of the task that opened the file, with a reference (mm_count)
 * @mutex: guards @subs and @nr.  INSERT and LOOK acquire mmap_lock inside
 *	@mutex.
 * @subs: the array of subscriptions, or NULL if there is no set
 * @nr: number of inserted subscriptions in @subs
 * @hits: number of callbacks since open()
 */
struct mmun_floor {
	struct mm_struct *mm;
	struct mutex mutex; /* guards the set */
	struct mmun_floor_sub *subs;
	u64 nr;
	atomic_long_t hits;
};

/* This driver has no shadow page table, and so no lock that guards one. */
static bool mmun_floor_invalidate(struct mmu_interval_notifier *mni,
				  const struct mmu_notifier_range *range,
				  unsigned long cur_seq)
{
	struct mmun_floor_sub *sub =
		container_of(mni, struct mmun_floor_sub, mni);

	mmu_interval_set_seq(mni, cur_seq);
	atomic_long_inc(&sub->floor->hits);
	return true;
}

static const struct mmu_interval_notifier_ops mmun_floor_ops = {
	.invalidate = mmun_floor_invalidate,
};

/*
 * Remove the set of subscriptions, if there is one.  Returns the cost.  The
 * caller holds @floor->mutex, or no other task can use the file.
 */
static u64 mmun_floor_remove_set(struct mmun_floor *floor)
{
	u64 cost = 0, i = 0;

	while (i < floor->nr) {
		u64 end = min(i + MMUN_FLOOR_STEP, floor->nr);
		cycles_t began = get_cycles();

		for (; i < end; i++)
			mmu_interval_notifier_remove(&floor->subs[i].mni);
		cost += get_cycles() - began;
		cond_resched();
	}
	kvfree(floor->subs);
	floor->subs = NULL;
	floor->nr = 0;
	return cost;
}

/*
 * The ioctls.  The caller holds @floor->mutex and a reference to mm_users.
 * Between two calls of get_cycles(), only calls of the core and a loop execute.
 */

static int mmun_floor_insert_step(struct mmun_floor *floor,
				  struct mmun_floor_cmd *cmd)
{
	u64 nr = min(cmd->count - floor->nr, MMUN_FLOOR_STEP);
	u64 start = cmd->start + floor->nr * cmd->stride;
	int ret = fatal_signal_pending(current) ? -EINTR : 0;
	cycles_t began = get_cycles();

	for (; nr && !ret; nr--, start += cmd->stride) {
		struct mmun_floor_sub *sub = &floor->subs[floor->nr];

		sub->floor = floor;
		ret = mmu_interval_notifier_insert(&sub->mni, floor->mm, start,
						   cmd->length,
						   &mmun_floor_ops);
		floor->nr += !ret;
	}
	cmd->out_cost += get_cycles() - began;
	return ret;
}

static int mmun_floor_insert(struct mmun_floor *floor,
			     struct mmun_floor_cmd *cmd)
{
	int ret = 0;

	if (!cmd->count || cmd->count > MMUN_FLOOR_MAX_COUNT)
		return -EINVAL;
	if (floor->subs)
		return -EBUSY;
	floor->subs =
		kvcalloc(cmd->count, sizeof(*floor->subs), GFP_KERNEL_ACCOUNT);
	if (!floor->subs)
		return -ENOMEM;
	while (floor->nr < cmd->count && !ret) {
		cond_resched();
		ret = mmun_floor_insert_step(floor, cmd);
	}
	cmd->out_count = floor->nr;
	if (floor->nr)
		return 0;
	mmun_floor_remove_set(floor);
	return ret;
}

static int mmun_floor_remove(struct mmun_floor *floor,
			     struct mmun_floor_cmd *cmd)
{
	if (!floor->subs)
		return -ENOENT;
	cmd->out_count = floor->nr;
	cmd->out_cost = mmun_floor_remove_set(floor);
	return 0;
}

static int mmun_floor_walk(struct mmun_floor *floor, struct mmun_floor_cmd *cmd,
			   unsigned long *pages)
{
	struct mmu_interval_notifier *mni = &floor->subs[0].mni;
	struct hmm_range range = {
		.notifier = mni,
		.start = cmd->start,
		.end = cmd->start + cmd->length,
		.hmm_pfns = pages,
	};
	cycles_t began = get_cycles();
	int ret;

	range.notifier_seq = mmu_interval_read_begin(mni);
	if (mmap_read_lock_killable(floor->mm))
		return -EINTR;
	ret = IS_ENABLED(CONFIG_HMM_MIRROR) ? hmm_range_fault(&range) :
					      -EOPNOTSUPP;
	mmap_read_unlock(floor->mm);
	if (!ret && mmu_interval_read_retry(mni, range.notifier_seq))
		ret = -EBUSY;
	cmd->out_cost = get_cycles() - began;
	return ret;
}

/* Returns whether the pages of @cmd are inside the first subscription. */
static bool mmun_floor_covers(const struct mmun_floor *floor,
			      const struct mmun_floor_cmd *cmd)
{
	const struct interval_tree_node *tree =
		&floor->subs[0].mni.interval_tree;

	return cmd->start >= tree->start && cmd->start <= tree->last &&
	       cmd->length - 1 <= tree->last - cmd->start;
}

static int mmun_floor_look(struct mmun_floor *floor, struct mmun_floor_cmd *cmd)
{
	u64 nr = cmd->length >> PAGE_SHIFT;
	unsigned long *pages;
	int ret;

	if (!nr || nr > MMUN_FLOOR_MAX_PAGES ||
	    !PAGE_ALIGNED(cmd->start | cmd->length))
		return -EINVAL;
	if (!floor->subs)
		return -ENOENT;
	if (!mmun_floor_covers(floor, cmd))
		return -ERANGE;
	pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	ret = mmun_floor_walk(floor, cmd, pages);
	while (nr--)
		cmd->out_count += !!(pages[nr] & HMM_PFN_VALID);
	kvfree(pages);
	return ret;
}

typedef int (*mmun_floor_call)(struct mmun_floor *floor,
			       struct mmun_floor_cmd *cmd);

static mmun_floor_call mmun_floor_call_of(unsigned int num)
{
	switch (num) {
	case MMUN_FLOOR_INSERT:
		return mmun_floor_insert;
	case MMUN_FLOOR_REMOVE:
		return mmun_floor_remove;
	case MMUN_FLOOR_LOOK:
		return mmun_floor_look;
	default:
		return NULL;
	}
}

static int mmun_floor_execute(struct mmun_floor *floor, mmun_floor_call call,
			      struct mmun_floor_cmd *cmd)
{
	int ret = -EINTR;

	cmd->out_count = 0;
	cmd->out_cost = 0;
	if (!mmget_not_zero(floor->mm))
		return -ESRCH;
	if (!mutex_lock_interruptible(&floor->mutex)) {
		ret = call(floor, cmd);
		mutex_unlock(&floor->mutex);
	}
	cmd->out_hits = atomic_long_read(&floor->hits);
	mmput(floor->mm);
	return ret;
}

static long mmun_floor_fops_ioctl(struct file *filp, unsigned int num,
				  unsigned long arg)
{
	mmun_floor_call call = mmun_floor_call_of(num);
	void __user *user = (void __user *)arg;
	struct mmun_floor_cmd cmd;
	int ret;

	if (!call)
		return -ENOTTY;
	if (num == MMUN_FLOOR_LOOK && !IS_ENABLED(CONFIG_HMM_MIRROR))
		return -EOPNOTSUPP;
	if (copy_from_user(&cmd, user, sizeof(cmd)))
		return -EFAULT;
	ret = mmun_floor_execute(filp->private_data, call, &cmd);
	if (!ret && copy_to_user(user, &cmd, sizeof(cmd)))
		ret = -EFAULT;
	return ret;
}

/* The file */

static int mmun_floor_fops_open(struct inode *inode, struct file *filp)
{
	struct mmun_floor *floor;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!current->mm)
		return -ESRCH;
	floor = kzalloc_obj(*floor, GFP_KERNEL_ACCOUNT);
	if (!floor)
		return -ENOMEM;
	mutex_init(&floor->mutex);
	/* Pairs with the mmdrop() in mmun_floor_fops_release(). */
	mmgrab(current->mm);
	floor->mm = current->mm;
	filp->private_data = floor;
	return nonseekable_open(inode, filp);
}

static int mmun_floor_fops_release(struct inode *inode, struct file *filp)
{
	struct mmun_floor *floor = filp->private_data;

	mmun_floor_remove_set(floor);
	mmdrop(floor->mm);
	kfree(floor);
	return 0;
}

static const struct file_operations mmun_floor_fops = {
	.owner = THIS_MODULE,
	.open = mmun_floor_fops_open,
	.release = mmun_floor_fops_release,
	.unlocked_ioctl = mmun_floor_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice mmun_floor_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mmun_floor",
	.fops = &mmun_floor_fops,
	.mode = 0600,
};
module_misc_device(mmun_floor_misc);

MODULE_AUTHOR("The test_mmun authors");
MODULE_DESCRIPTION("The cost of the calls of mmu notifiers, for mmun_bench");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
