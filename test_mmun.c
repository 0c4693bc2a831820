// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/mmun: a test driver for mmu notifiers.
 *
 * The driver has one ioctl for each operation of a device with a shadow page
 * table.  A test can therefore run other code between two operations.  Other
 * ioctls stop an invalidation at a given point, inject failures, and verify the
 * shadow page table.  The driver logs each invalidation that hits one of its
 * ranges.  The data flows as follows:
 *
 *   ioctl -> dispatch -> range -> shadow <- invalidate() -> log -> read()
 *
 * Each file of mmun/ implements one kind of object.  The ioctls are documented
 * in test_mmun_uapi.h.  Documentation/mm/hmm.rst of the kernel documents the
 * collision-retry protocol that the ioctls follow.  In the comments, "the core"
 * means mm/mmu_notifier.c.
 */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>

#include "mmun/private.h"

/**
 * DOC: Locking
 *
 * mmun_range::lock
 *	The update lock of the collision-retry protocol, which hmm.rst calls
 *	driver->update.  The callback of a range holds it while it calls
 *	mmu_interval_set_seq() and drops shadow entries.  COMMIT and SNAPSHOT
 *	hold it while they check for a collision and publish.  VERIFY holds it
 *	while it checks for a collision and reads the shadow.
 *	ACCESS holds it while it reads the shadow.  It is a spinlock, because a
 *	callback that must not block can take a spinlock.  Code that allocates
 *	memory, faults or takes mmap_lock must not run under it.
 * mmun_log::lock
 *	Protects the ring of the log.  Callbacks and ioctls write records, and
 *	read() copies records.
 * mmun_log::read_lock
 *	Serializes read() and LOG_SETUP.  read() holds it while it copies to
 *	user space, which can fault.
 * mmun_holds::lock
 *	Protects the holds and the lists of the tasks that the holds have
 *	stopped.  A callback that takes this lock holds no other lock of the
 *	driver.  The callback releases this lock before it waits.
 * mmun_pins::lock
 *	Protects the list of threads that wait in PIN_MM.
 * mmun_probes::mutex
 *	Serializes CHECK_BALANCE.  CHECK_BALANCE holds it while it removes its
 *	probes, which can wait for an invalidation.  Two other locks have owners
 *	that can wait for an invalidation: mmun_log::read_lock, because read()
 *	can fault while it copies, and mmap_lock, if SNAPSHOT or a registration
 *	holds it for writing.
 * mmun_mm_data_mutex
 *	Protects the list of mmun_mm_data and the number of contexts of each mm.
 * mmun_mm_data::lock
 *	Protects the deadlines of the holds of one mm.
 * mmun_list::lock
 *	Protects the lookup, the counts and the clock of the ranges that a list
 *	notifier serves.  The callback of a range runs without this lock.
 * xa_lock of the tables of ranges and batches
 *	Makes two operations atomic: to find a range and take a reference, and
 *	to find a batch and take it out of the table.  A call that waits for an
 *	invalidation does not hold the lock.  Such a call has a reference to the
 *	range or owns the batch.
 *
 * The order of the locks::
 *
 *	mmap_lock -> mmun_range::lock -> xa_lock of mmun_range::shadow
 *	mmap_lock -> mmun_list::lock, mmun_log::lock, mmun_pins::lock
 *	mmap_lock -> mmun_holds::lock -> xa_lock, mmun_mm_data::lock
 *	mmun_log::read_lock -> mmap_lock, mmun_log::lock
 *	mmun_probes::mutex -> mmap_lock
 *
 * The protocol uses two sequences: mmu_notifier_subscriptions::invalidate_seq
 * of the mm and mmu_interval_notifier::invalidate_seq of each range.  The
 * sequence of a range is always odd.  The comments of mm/mmu_notifier.c explain
 * why the protocol is correct.  The protocol has these states:
 *
 *  - No invalidation is active.  The sequence of the mm is even.  read_begin
 *    does not wait.  read_retry returns true if an invalidation has hit the
 *    range since read_begin.
 *  - Invalidations are active, and none of them has hit a range.  The sequence
 *    of the mm is still even.  An insertion makes it odd.
 *  - An active invalidation has hit a range.  The sequence of the mm is odd.
 *    mmu_interval_set_seq() has set the sequence of that range to the same
 *    value, and read_begin of that range waits until no invalidation is active.
 *    Until then the core defers insertions and removals.
 */

/**
 * DOC: Lifetimes
 *
 * context
 *	The open file owns the context.  The context has a reference to the
 *	mm_struct (mm_count).  It does not hold mm_users, because the mm must be
 *	able to exit.
 * range
 *	The table of ranges owns one reference to each range.  Each call that
 *	uses the range and each batch of the range own another reference.
 *	REMOVE takes the range out of the table and unsubscribes the range.  The
 *	last put of a reference only frees memory.
 * list
 *	The object of the ranges of a list notifier, see mmun/kinds/list.h.
 *	mmu_notifier_get() counts the references.  Each context with such ranges
 *	has one reference until the last close.  The core frees the object after
 *	the last reference was put and a grace period has passed.  The module
 *	exits only after all objects are freed.
 * batch
 *	The table owns the batch.  A call that uses the batch takes it out of
 *	the table, and is then the only owner.
 * hold
 *	The list of holds owns the hold.  Each access finds the hold in that
 *	list under mmun_holds::lock.  There are no references to a hold.  The
 *	hold has a reference to the task that MMUN_HOLD named.  RESUME or the
 *	last close frees the hold.
 * arrival
 *	A struct mmun_arrival is on the stack of a task that has reached a
 *	point.  A hold that stops the task adds the arrival to the list of the
 *	hold.  RESUME, the last close or the task itself removes the arrival
 *	from the list under mmun_holds::lock.  The task always takes that lock
 *	before it continues.
 *
 * While release() of the device runs, no ioctl and no read() of the file runs,
 * but callbacks of the ranges can run.  The function release() resumes all held
 * tasks and queues mmun_ctx::close_work.  The work item removes the list
 * notifiers, the probes and the ranges, and puts the objects of list notifiers.
 * Each removal waits until no callback of the removed object runs.  The work
 * item frees the context after all removals, or leaves that to release().  The
 * work item has a reference to the module.
 */

/*
 * A module that is linked from several object files cannot have the name of one
 * of its object files.  Therefore this file includes the files of mmun/, like
 * kernel/sched/build_policy.c.  All functions in mmun/ are static.
 */
#include "mmun/memory.c"
#include "mmun/log.c"
#include "mmun/shadow.c"
#include "mmun/thread.c"
#include "mmun/mm.c"
#include "mmun/non_block.c"
#include "mmun/list_notifier.c"
#include "mmun/hold.c"
#include "mmun/policy.c"
#include "mmun/notifier.c"
#include "mmun/kinds/interval.c"
#include "mmun/kinds/two_pass.c"
#include "mmun/kinds/list_object.c"
#include "mmun/kinds/list_lookup.c"
#include "mmun/kinds/list.c"
#include "mmun/kinds/list_range.c"
#include "mmun/kinds/table.c"
#include "mmun/readside.c"
#include "mmun/range.c"
#include "mmun/range_table.c"
#include "mmun/collect.c"
#include "mmun/batch.c"
#include "mmun/snapshot.c"
#include "mmun/access.c"
#include "mmun/verify.c"
#include "mmun/balance.c"
#include "mmun/write_lock.c"
#include "mmun/pin.c"
#include "mmun/context.c"

/* Ioctls.  MMUN_CALLS generates a union, wrappers and a table of all ioctls. */

#define MMUN_MEMBER(NAME, name, last) struct mmun_##name name;
union mmun_argument {
	MMUN_CALLS(MMUN_MEMBER)
};

#define MMUN_WRAPPER(NAME, name, last)                              \
	static int mmun_ioctl_##name(struct mmun_ctx *ctx,          \
				     union mmun_argument *argument) \
	{                                                           \
		return mmun_##name(ctx, &argument->name);           \
	}
MMUN_CALLS(MMUN_WRAPPER)

/**
 * struct mmun_ioctl_op - a row of the table of ioctls
 * @size: size of the argument struct
 * @min_size: size of the first version of the argument struct
 * @request: request code
 * @execute: runs the ioctl on a copy of the argument struct
 */
struct mmun_ioctl_op {
	unsigned int size;
	unsigned int min_size;
	unsigned int request;
	int (*execute)(struct mmun_ctx *ctx, union mmun_argument *argument);
};

#define MMUN_ROW(NAME, name, last)                                 \
	{                                                          \
		.size = sizeof(struct mmun_##name),                \
		.min_size = offsetofend(struct mmun_##name, last), \
		.request = MMUN_##NAME,                            \
		.execute = mmun_ioctl_##name,                      \
	},
static const struct mmun_ioctl_op mmun_ioctl_ops[] = { MMUN_CALLS(MMUN_ROW) };

static const struct mmun_ioctl_op *mmun_ioctl_op_find(unsigned int request)
{
	unsigned int nr = _IOC_NR(request) - MMUN_CMD_BASE - 1;

	if (nr >= ARRAY_SIZE(mmun_ioctl_ops) ||
	    mmun_ioctl_ops[nr].request != request)
		return NULL;
	return &mmun_ioctl_ops[nr];
}

/*
 * Copy the argument struct to user space, up to the size that the caller
 * passed.
 */
static int mmun_ioctl_reply(const struct mmun_ioctl_op *op, void __user *user,
			    u32 user_size, const union mmun_argument *argument)
{
	u32 size = min(user_size, op->size);

	return copy_to_user(user, argument, size) ? -EFAULT : 0;
}

static int mmun_ioctl_run(struct mmun_ctx *ctx, const struct mmun_ioctl_op *op,
			  void __user *user, u32 user_size)
{
	union mmun_argument argument;
	int ret;

	ret = copy_struct_from_user(&argument, op->size, user, user_size);
	/*
	 * If the struct is not writable, the call must fail without any effect.
	 */
	if (!ret)
		ret = mmun_ioctl_reply(op, user, user_size, &argument);
	if (!ret)
		ret = op->execute(ctx, &argument);
	return ret ?: mmun_ioctl_reply(op, user, user_size, &argument);
}

static long mmun_fops_ioctl(struct file *filp, unsigned int request,
			    unsigned long arg)
{
	const struct mmun_ioctl_op *op = mmun_ioctl_op_find(request);
	void __user *user = (void __user *)arg;
	u32 user_size;

	if (!op)
		return -ENOTTY;
	if (get_user(user_size, (u32 __user *)user))
		return -EFAULT;
	if (user_size < op->min_size)
		return -EINVAL;
	/* Limit the number of bytes that copy_struct_from_user() reads. */
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	return mmun_ioctl_run(filp->private_data, op, user, user_size);
}

/* File operations */

static int mmun_fops_open(struct inode *inode, struct file *filp)
{
	struct mmun_ctx *ctx;

	/*
	 * Only open() checks privileges.  Any process that gets the file
	 * descriptor may use it.
	 */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!current->mm)
		return -ESRCH;
	ctx = mmun_ctx_create(current->mm);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	filp->private_data = ctx;
	return stream_open(inode, filp);
}

static int mmun_fops_release(struct inode *inode, struct file *filp)
{
	mmun_ctx_close(filp->private_data);
	return 0;
}

static ssize_t mmun_fops_read(struct file *filp, char __user *buf, size_t count,
			      loff_t *ppos)
{
	struct mmun_ctx *ctx = filp->private_data;
	unsigned long nr = count / sizeof(struct mmun_record);

	if (!nr)
		return -EINVAL;
	return mmun_log_read(&ctx->log, (struct mmun_record __user *)buf, nr,
			     filp->f_flags & O_NONBLOCK);
}

static __poll_t mmun_fops_poll(struct file *filp, poll_table *wait)
{
	struct mmun_ctx *ctx = filp->private_data;

	poll_wait(filp, &ctx->log.wait, wait);
	return mmun_log_is_empty(&ctx->log) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static const struct file_operations mmun_fops = {
	.owner = THIS_MODULE,
	.open = mmun_fops_open,
	.release = mmun_fops_release,
	.read = mmun_fops_read,
	.poll = mmun_fops_poll,
	.unlocked_ioctl = mmun_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* Module */

static struct miscdevice mmun_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mmun",
	.fops = &mmun_fops,
};

static int mmun_max_hold_ms_set(const char *value,
				const struct kernel_param *kp)
{
	return param_set_uint_minmax(value, kp, 1, MMUN_MAX_HOLD_MS);
}

static const struct kernel_param_ops mmun_max_hold_ms_ops = {
	.set = mmun_max_hold_ms_set,
	.get = param_get_uint,
};

module_param_cb(max_hold_ms, &mmun_max_hold_ms_ops, &mmun_max_hold_ms, 0644);
MODULE_PARM_DESC(max_hold_ms,
		 "Maximum time of a hold in ms, 1 to 60000 (default 10000)");

static void mmun_module_cleanup(void)
{
	if (mmun_close_wq)
		destroy_workqueue(mmun_close_wq);
	kmem_cache_destroy(mmun_range_cache);
}

static int __init mmun_init(void)
{
	int ret = mmun_range_cache_create();

	if (!ret)
		ret = mmun_close_wq_create();
	if (!ret)
		ret = misc_register(&mmun_misc);
	if (ret)
		mmun_module_cleanup();
	return ret;
}

static void __exit mmun_exit(void)
{
	misc_deregister(&mmun_misc);
	mmun_lists_synchronize();
	mmun_module_cleanup();
	WARN_ON(atomic_long_read(&mmun_nr_objects));
}

module_init(mmun_init);
module_exit(mmun_exit);

MODULE_AUTHOR("The test_mmun authors");
MODULE_DESCRIPTION("Test driver for mmu notifiers");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
