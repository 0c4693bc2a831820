// SPDX-License-Identifier: GPL-2.0
/*
 * A test driver for mmu notifiers: /dev/mmun.
 *
 * It is the smallest driver that does everything a device with a shadow page
 * table does, one ioctl for each step, so that a program can put anything
 * between the steps, and it logs what the mm tells it.  The data flows
 *
 *   ioctl -> dispatch -> range -> shadow <- invalidate() -> log -> read()
 *
 * and each file of mmun/ is one station.  test_mmun_uapi.h tells what the calls
 * do, Documentation/mm/hmm.rst of the kernel why they do it so.
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
 *	The update lock of the collision-retry protocol, as hmm.rst calls it.  The
 *	callback of the range writes under it: mmu_interval_set_seq(), then it drops
 *	shadow entries.  COMMIT and SNAPSHOT read under it
 *	(mmu_interval_read_retry()) and publish; ACCESS and VERIFY read the shadow.
 *	A spinlock, so that a callback that must not sleep never fails by accident.
 *	Nothing that allocates, faults or takes mmap_lock runs under it.
 * mmun_log::lock, mmun_log::read_lock
 *	The first guards the ring: callbacks and calls write, read() reads.  The
 *	second makes readers take turns, and LOG_SETUP with them.
 * mmun_holds::lock
 *	Guards the holds and the tasks that they hold.  The callback takes it with
 *	no other lock of the driver, and sleeps without it.
 * mmun_pins::lock, mmun_mm_data::lock
 *	Guard a list and a deadline.
 * mmun_probes::mutex
 *	Makes callers of CHECK_BALANCE take turns.
 * xa_lock of the tables
 *	Guards the table's own reference to a range: looking up an ID and taking a
 *	reference are one step.  To take a batch is one step too.  A reference, or a
 *	batch that was taken, and never a lock spans a wait for the mm.
 *
 * The order::
 *
 *	mmap_lock -> mmun_range::lock
 *	mmun_log::read_lock -> mmap_lock, mmun_log::lock
 *	mmun_probes::mutex -> mmap_lock
 *	mmap_lock -> mmun_holds::lock -> xa_lock, mmun_mm_data::lock
 *
 * The states of an mm's lock, by the fields that a range can see
 * (mm/mmu_notifier.c has the proof):
 *
 *  - no invalidation: invalidate_seq of the mm is even, that of each range is odd.
 *    read_begin returns at once; read_retry is true for a reader that began before
 *    the last invalidation of the range.
 *  - an invalidation that hit no range: still even.  A new range makes it odd.
 *  - an invalidation that hit a range: odd, and the range's invalidate_seq is the
 *    same from mmu_interval_set_seq() on.  read_begin of that range waits; inserts
 *    and removes are deferred to its end.
 */

/**
 * DOC: Lifetimes
 *
 * The open file owns the context and its reference to mm_struct (mm_count, so
 * that the mm can exit).  The ID table owns one reference to each range, a call in
 * flight another, and a batch one to its range.  REMOVE takes the range out of the
 * table and unsubscribes at once; the last put only frees memory.  A batch belongs
 * to its table, or to the one call that has taken it out.  release() runs when no
 * call is in flight.
 *
 * A hold is found by its ID under mmun_holds::lock and never referenced from
 * outside.  It has a reference to the task that it names, until RESUME or the close
 * frees it.  A task that is held has a struct on its stack; RESUME, or the task
 * itself, takes it off the hold under the lock.  The context outlives all
 * callbacks: release() releases the tasks, then has the reaper remove the list
 * notifier, the probes and the ranges, which waits for callbacks to return.  The
 * reaper holds a reference to the module.
 */

/*
 * The parts, a noun each.  kbuild makes test_mmun.o from the file of that name, so
 * this file includes them and everything stays static: see
 * kernel/sched/build_policy.c for another that does.
 */
#include "mmun/memory.c"
#include "mmun/log.c"
#include "mmun/shadow.c"
#include "mmun/thread.c"
#include "mmun/mm.c"
#include "mmun/list_notifier.c"
#include "mmun/hold.c"
#include "mmun/notifier.c"
#include "mmun/readside.c"
#include "mmun/range.c"
#include "mmun/range_table.c"
#include "mmun/collect.c"
#include "mmun/batch.c"
#include "mmun/snapshot.c"
#include "mmun/access.c"
#include "mmun/verify.c"
#include "mmun/balance.c"
#include "mmun/pin.c"
#include "mmun/context.c"

/* Calls: MMUN_CALLS makes the union, the wrappers and the table. */

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

/* Copy the argument as far as user space knows it. */
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
	/* What is not writable is refused before anything is done. */
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
	/* The tail is looked at byte by byte. */
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	return mmun_ioctl_run(filp->private_data, op, user, user_size);
}

/* File */

static int mmun_fops_open(struct inode *inode, struct file *filp)
{
	struct mmun_ctx *ctx;

	/* The only check: a descriptor that is passed on is a deliberate gift. */
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
MODULE_PARM_DESC(max_hold_ms, "Longest hold in ms, 1 to 60000 (default 10000)");

static void mmun_module_cleanup(void)
{
	if (mmun_reaper)
		destroy_workqueue(mmun_reaper);
	kmem_cache_destroy(mmun_range_cache);
}

static int __init mmun_init(void)
{
	int ret = mmun_range_cache_create();

	if (!ret)
		ret = mmun_reaper_create();
	if (!ret)
		ret = misc_register(&mmun_misc);
	if (ret)
		mmun_module_cleanup();
	return ret;
}

static void __exit mmun_exit(void)
{
	misc_deregister(&mmun_misc);
	mmun_module_cleanup();
	WARN_ON(atomic_long_read(&mmun_nr_objects));
}

module_init(mmun_init);
module_exit(mmun_exit);

MODULE_AUTHOR("The test_mmun authors");
MODULE_DESCRIPTION("Test driver for mmu notifiers");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
