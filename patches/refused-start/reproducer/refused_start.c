// SPDX-License-Identifier: GPL-2.0
/*
 * The device registers an interval notifier and a list notifier for the mm of
 * the task that opens it.  The list notifier refuses each invalidation that must
 * not block.  A read() keeps the mm alive for three seconds, even after SIGKILL.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/slab.h>

struct both {
	struct mmu_interval_notifier interval;
	struct mmu_notifier list;
};

static bool invalidate(struct mmu_interval_notifier *mni,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	mmu_interval_set_seq(mni, cur_seq);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = {
	.invalidate = invalidate,
};

static int start(struct mmu_notifier *mn,
		 const struct mmu_notifier_range *range)
{
	return mmu_notifier_range_blockable(range) ? 0 : -EAGAIN;
}

static const struct mmu_notifier_ops list_ops = {
	.invalidate_range_start = start,
};

static int refused_start_open(struct inode *inode, struct file *file)
{
	struct both *both = kzalloc(sizeof(*both), GFP_KERNEL);
	int ret;

	if (!both)
		return -ENOMEM;
	both->list.ops = &list_ops;
	ret = mmu_notifier_register(&both->list, current->mm);
	if (ret)
		goto out_free;
	ret = mmu_interval_notifier_insert(&both->interval, current->mm, 0,
					   ULONG_MAX, &interval_ops);
	if (ret)
		goto out_unregister;
	file->private_data = both;
	return 0;

out_unregister:
	mmu_notifier_unregister(&both->list, both->list.mm);
out_free:
	kfree(both);
	return ret;
}

static ssize_t refused_start_read(struct file *file, char __user *buf,
				  size_t count, loff_t *pos)
{
	msleep(3000);
	return 0;
}

static int refused_start_release(struct inode *inode, struct file *file)
{
	struct both *both = file->private_data;

	mmu_interval_notifier_remove(&both->interval);
	mmu_notifier_unregister(&both->list, both->list.mm);
	kfree(both);
	return 0;
}

static const struct file_operations refused_start_fops = {
	.owner = THIS_MODULE,
	.open = refused_start_open,
	.read = refused_start_read,
	.release = refused_start_release,
};

static struct miscdevice refused_start_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "refused_start",
	.fops = &refused_start_fops,
};
module_misc_device(refused_start_misc);

MODULE_DESCRIPTION("An interval notifier, and a list notifier that refuses");
MODULE_LICENSE("GPL");
