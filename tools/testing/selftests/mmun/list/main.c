// SPDX-License-Identifier: GPL-2.0
/*
 * The device /dev/mmun_list, and the table of its ioctls.  mmun_list.h describes
 * the ioctls, and private.h the objects of the module.
 */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "private.h"

/**
 * struct mmun_list_row - a row of the table of ioctls
 * @num: the number of the ioctl
 * @execute: executes the ioctl
 */
struct mmun_list_row {
	unsigned int num;
	int (*execute)(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
};

static const struct mmun_list_row mmun_list_table[] = {
	{ MMUN_LIST_INFO, mmun_list_info },
	{ MMUN_LIST_REGISTER, mmun_list_register },
	{ MMUN_LIST_UNREGISTER, mmun_list_unregister },
	{ MMUN_LIST_GET, mmun_list_get },
	{ MMUN_LIST_PUT, mmun_list_put },
	{ MMUN_LIST_SYNCHRONIZE, mmun_list_synchronize },
	{ MMUN_LIST_QUERY, mmun_list_query },
	{ MMUN_LIST_STATE, mmun_list_state },
	{ MMUN_LIST_ANSWER, mmun_list_answer },
	{ MMUN_LIST_HOLD, mmun_list_hold },
	{ MMUN_LIST_WAIT_HELD, mmun_list_wait_held },
	{ MMUN_LIST_RESUME, mmun_list_resume },
	{ MMUN_LIST_MAP_GET, mmun_list_map_get },
	{ MMUN_LIST_MAP_PUT, mmun_list_map_put },
};

static const struct mmun_list_row *mmun_list_row_of(unsigned int num)
{
	for (int i = 0; i < ARRAY_SIZE(mmun_list_table); i++)
		if (mmun_list_table[i].num == num)
			return &mmun_list_table[i];
	return NULL;
}

/* The argument is copied back after an error, too: mmun_list.h says so. */
static long mmun_list_fops_ioctl(struct file *filp, unsigned int num,
				 unsigned long arg)
{
	const struct mmun_list_row *row = mmun_list_row_of(num);
	void __user *user = (void __user *)arg;
	union mmun_list_cmd ucmd = {};
	int ret;

	if (!row)
		return -ENOTTY;
	/* An argument that is not writable must not have an effect. */
	if (copy_from_user(&ucmd, user, _IOC_SIZE(num)) ||
	    copy_to_user(user, &ucmd, _IOC_SIZE(num)))
		return -EFAULT;
	ret = row->execute(filp->private_data, &ucmd);
	if (copy_to_user(user, &ucmd, _IOC_SIZE(num)))
		ret = -EFAULT;
	return ret;
}

static ssize_t mmun_list_fops_read(struct file *filp, char __user *buf,
				   size_t count, loff_t *ppos)
{
	return mmun_list_log_read(filp->private_data, buf, count);
}

static int mmun_list_fops_open(struct inode *inode, struct file *filp)
{
	struct mmun_list_ctx *ctx;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!current->mm)
		return -ESRCH;
	ctx = mmun_list_ctx_create(current->mm);
	if (!ctx)
		return -ENOMEM;
	filp->private_data = ctx;
	return stream_open(inode, filp);
}

static int mmun_list_fops_release(struct inode *inode, struct file *filp)
{
	mmun_list_ctx_close(filp->private_data);
	return 0;
}

static const struct file_operations mmun_list_fops = {
	.owner = THIS_MODULE,
	.open = mmun_list_fops_open,
	.release = mmun_list_fops_release,
	.read = mmun_list_fops_read,
	.unlocked_ioctl = mmun_list_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice mmun_list_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mmun_list",
	.fops = &mmun_list_fops,
	.mode = 0600,
};

static int __init mmun_list_init(void)
{
	return misc_register(&mmun_list_misc);
}

static void __exit mmun_list_exit(void)
{
	misc_deregister(&mmun_list_misc);
	mmun_list_await_frees();
}

module_init(mmun_list_init);
module_exit(mmun_list_exit);

MODULE_AUTHOR("The test_mmun authors");
MODULE_DESCRIPTION("A second driver, with list notifiers, for list_*_test");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
