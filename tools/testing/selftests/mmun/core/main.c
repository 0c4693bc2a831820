// SPDX-License-Identifier: GPL-2.0
/*
 * The device /dev/mmun_core, and the table of its experiments.  mmun_core.h
 * describes the ioctls, and experiment.h describes how to add one.
 *
 *   ioctl() -> mmun_core_execute() -> an experiment -> the core
 */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include "experiment.h"

/**
 * struct mmun_core_call - a row of the table of experiments
 * @num: the number of the ioctl
 * @execute: the experiment
 */
struct mmun_core_call {
	unsigned int num;
	int (*execute)(union mmun_core_cmd *ucmd);
};

static const struct mmun_core_call mmun_core_calls[] = {
	{ MMUN_CORE_SYNCHRONIZE, mmun_core_synchronize },
	{ MMUN_CORE_UNREGISTER, mmun_core_unregister },
	{ MMUN_CORE_HUGETLB, mmun_core_hugetlb },
	{ MMUN_CORE_DEVICE_PART, mmun_core_device_part },
	{ MMUN_CORE_DEAD, mmun_core_dead },
};

/* Guards the static variables of all experiments */
static DEFINE_MUTEX(mmun_core_mutex);

static const struct mmun_core_call *mmun_core_call_of(unsigned int num)
{
	for (int i = 0; i < ARRAY_SIZE(mmun_core_calls); i++)
		if (mmun_core_calls[i].num == num)
			return &mmun_core_calls[i];
	return NULL;
}

static int mmun_core_execute(const struct mmun_core_call *call,
			     union mmun_core_cmd *ucmd)
{
	int ret;

	if (mutex_lock_interruptible(&mmun_core_mutex))
		return -EINTR;
	ret = call->execute(ucmd);
	mutex_unlock(&mmun_core_mutex);
	return ret;
}

static long mmun_core_fops_ioctl(struct file *filp, unsigned int num,
				 unsigned long arg)
{
	const struct mmun_core_call *call = mmun_core_call_of(num);
	void __user *user = (void __user *)arg;
	union mmun_core_cmd ucmd = {};
	int ret;

	if (!call)
		return -ENOTTY;
	if (copy_from_user(&ucmd, user, _IOC_SIZE(num)))
		return -EFAULT;
	ret = mmun_core_execute(call, &ucmd);
	if (!ret && copy_to_user(user, &ucmd, _IOC_SIZE(num)))
		ret = -EFAULT;
	return ret;
}

static int mmun_core_fops_open(struct inode *inode, struct file *filp)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return nonseekable_open(inode, filp);
}

static const struct file_operations mmun_core_fops = {
	.owner = THIS_MODULE,
	.open = mmun_core_fops_open,
	.unlocked_ioctl = mmun_core_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice mmun_core_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mmun_core",
	.fops = &mmun_core_fops,
	.mode = 0600,
};
module_misc_device(mmun_core_misc);

MODULE_AUTHOR("The test_mmun authors");
MODULE_DESCRIPTION("Experiments with the core of mmu notifiers, for core_test");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
