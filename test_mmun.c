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
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hmm.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/memremap.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "test_mmun_compat.h"
#include "test_mmun_uapi.h"
#include "mmun/types.h"

/**
 * DOC: Locking
 *
 * mmun_range::lock is the update lock of the collision-retry protocol, as
 * Documentation/mm/hmm.rst calls it: held for mmu_interval_set_seq(), for
 * mmu_interval_read_retry(), and for every look at the shadow page table.  It
 * is a spinlock, so that an invalidation that must not sleep never fails by
 * accident.  Nothing that allocates, faults or takes mmap_lock runs under it.
 *
 * mmun_batch::mutex makes the calls on one batch take turns.  COLLECT holds it
 * while it takes mmap_lock; no callback takes it.
 *
 * mmun_log::lock guards the ring, mmun_log::read_lock makes readers take turns,
 * mmun_ctx::parked_lock guards the list of parked threads, mmun_holds::lock
 * the holds and the tasks that they hold.  The callback takes the latter with no
 * other lock of ours, and sleeps with none.  mmun_ctx::probe_mutex makes probers
 * take turns.
 *
 *	mmun_batch::mutex -> mmap_lock -> mmun_range::lock
 *	mmun_log::read_lock -> mmun_log::lock
 *	mmun_ctx::probe_mutex -> mmap_lock
 *	mmap_lock -> mmun_holds::lock -> xa_lock, mmun_mm::lock
 *
 * A reference and never a lock spans a wait for the mm: IDs are looked up under
 * xa_lock, which guards the table's own reference.
 */

/**
 * DOC: Lifetimes
 *
 * The open file owns the context and its reference to mm_struct (mm_count, so
 * that the mm can exit).  The ID tables own one reference per range and batch,
 * a call in flight owns another, and a batch owns one to its range.  REMOVE
 * takes the range out of the table and unsubscribes at once; the last put only
 * frees memory, and gives back the place in its block, which goes when it is
 * empty.  release() runs when no call is in flight.
 *
 * A hold is found by its ID under mmun_holds::lock and never referenced from
 * outside.  A task that is held has a struct on its stack; RELEASE, or the task
 * itself, takes it off the hold under the lock.  The context outlives all
 * callbacks: release() releases the tasks, then removes the list notifier and the
 * ranges, which waits for callbacks to return.
 */

/*
 * One noun a file, each below those it uses.  They are parts of this one and
 * not objects of their own, so that everything stays static.
 */
#include "mmun/memory.c"

static int mmun_ucmd_respond(struct mmun_ucmd *ucmd, size_t cmd_size)
{
	size_t size = min_t(size_t, ucmd->user_size, cmd_size);

	return copy_to_user(ucmd->ubuffer, ucmd->cmd, size) ? -EFAULT : 0;
}

#include "mmun/entry.c"
#include "mmun/log.c"
#include "mmun/shadow.c"
#include "mmun/task.c"
#include "mmun/mm.c"
#include "mmun/hold.c"
#include "mmun/list_notifier.c"
#include "mmun/notifier.c"
#include "mmun/range.c"
#include "mmun/range_table.c"
#include "mmun/collect.c"
#include "mmun/section.c"
#include "mmun/batch.c"
#include "mmun/snapshot.c"
#include "mmun/access.c"
#include "mmun/verify.c"
#include "mmun/park.c"
#include "mmun/probe.c"

/* Context: INFO and STATE */

static int mmun_info(struct mmun_ucmd *ucmd)
{
	struct mmun_info *cmd = ucmd->cmd;

	if (cmd->__reserved || cmd->__reserved2)
		return -EOPNOTSUPP;
	cmd->out_abi = MMUN_ABI_VERSION;
	cmd->out_page_size = PAGE_SIZE;
	cmd->out_features = 0;
	if (IS_ENABLED(CONFIG_HMM_MIRROR))
		cmd->out_features |= MMUN_FEATURE_HMM;
	cmd->out_kinds = BIT_ULL(ARRAY_SIZE(mmun_kinds)) - 1;
	cmd->out_max_contexts = MMUN_MAX_CONTEXTS;
	cmd->out_max_ranges = MMUN_MAX_RANGES;
	cmd->out_max_shadow_pages = MMUN_MAX_CHUNKS * MMUN_CHUNK_PAGES;
	cmd->out_max_batches = MMUN_MAX_BATCHES;
	cmd->out_max_batch_pages = MMUN_MAX_BATCH_PAGES;
	cmd->out_max_log_records = MMUN_MAX_LOG_RECORDS;
	cmd->out_max_retries = MMUN_MAX_RETRIES;
	cmd->out_max_hold_ms = mmun_hold_limit();
	cmd->out_max_park_ms = MMUN_MAX_PARK_MS;
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_state(struct mmun_ucmd *ucmd)
{
	struct mmun_state *cmd = ucmd->cmd;
	struct mmun_ctx *ctx = ucmd->ctx;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	cmd->out_ranges = atomic_read(&ctx->table.nr);
	cmd->out_batches = atomic_read(&ctx->nr_batches);
	cmd->out_mm_users = atomic_read(&ctx->mm->mm_users);
	cmd->out_mm_count = atomic_read(&ctx->mm->mm_count);
	cmd->out_objects = atomic_long_read(&mmun_objects);
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

/* Dispatch: one struct, one handler, one row each */

union mmun_ucmd_buffer {
	struct mmun_info info;
	struct mmun_insert insert;
	struct mmun_remove remove;
	struct mmun_read_begin read_begin;
	struct mmun_collect collect;
	struct mmun_commit commit;
	struct mmun_abandon abandon;
	struct mmun_check_retry check_retry;
	struct mmun_snapshot snapshot;
	struct mmun_access access;
	struct mmun_verify verify;
	struct mmun_refuse refuse;
	struct mmun_park park;
	struct mmun_unpark unpark;
	struct mmun_log_setup log_setup;
	struct mmun_state state;
	struct mmun_counters counters;
	struct mmun_hold hold;
	struct mmun_wait_held wait_held;
	struct mmun_release release;
	struct mmun_kick kick;
	struct mmun_probe probe;
	struct mmun_subscription subscription;
};

struct mmun_ioctl_op {
	unsigned int size;
	unsigned int min_size;
	unsigned int ioctl_num;
	int (*execute)(struct mmun_ucmd *ucmd);
};

/* _last is the last field of the struct's first version */
#define MMUN_IOCTL_OP(_ioctl, _name, _last)                                   \
	[_IOC_NR(_ioctl) - MMUN_CMD_INFO] = {                                 \
		.size = sizeof(struct _name) +                                \
			BUILD_BUG_ON_ZERO(sizeof(union mmun_ucmd_buffer) <    \
					  sizeof(struct _name)),              \
		.min_size = offsetofend(struct _name, _last),                 \
		.ioctl_num = _ioctl,                                          \
		.execute = _name,                                             \
	}

static const struct mmun_ioctl_op mmun_ioctl_ops[] = {
	MMUN_IOCTL_OP(MMUN_INFO, mmun_info, __reserved2),
	MMUN_IOCTL_OP(MMUN_INSERT, mmun_insert, out_done),
	MMUN_IOCTL_OP(MMUN_REMOVE, mmun_remove, out_done),
	MMUN_IOCTL_OP(MMUN_READ_BEGIN, mmun_read_begin, out_seq),
	MMUN_IOCTL_OP(MMUN_COLLECT, mmun_collect, __reserved),
	MMUN_IOCTL_OP(MMUN_COMMIT, mmun_commit, out_published),
	MMUN_IOCTL_OP(MMUN_ABANDON, mmun_abandon, batch),
	MMUN_IOCTL_OP(MMUN_CHECK_RETRY, mmun_check_retry, __reserved),
	MMUN_IOCTL_OP(MMUN_SNAPSHOT, mmun_snapshot, out_valid),
	MMUN_IOCTL_OP(MMUN_ACCESS, mmun_access, out_done),
	MMUN_IOCTL_OP(MMUN_VERIFY, mmun_verify, out_pte),
	MMUN_IOCTL_OP(MMUN_REFUSE, mmun_refuse, out_left),
	MMUN_IOCTL_OP(MMUN_PARK, mmun_park, __reserved),
	MMUN_IOCTL_OP(MMUN_UNPARK, mmun_unpark, __reserved),
	MMUN_IOCTL_OP(MMUN_LOG_SETUP, mmun_log_setup, out_lost),
	MMUN_IOCTL_OP(MMUN_STATE, mmun_state, out_objects),
	MMUN_IOCTL_OP(MMUN_COUNTERS, mmun_counters, out_collisions),
	MMUN_IOCTL_OP(MMUN_HOLD, mmun_hold, out_hold),
	MMUN_IOCTL_OP(MMUN_WAIT_HELD, mmun_wait_held, out_end),
	MMUN_IOCTL_OP(MMUN_RELEASE, mmun_release, out_released),
	MMUN_IOCTL_OP(MMUN_KICK, mmun_kick, out_woken),
	MMUN_IOCTL_OP(MMUN_PROBE, mmun_probe, out_seq),
	MMUN_IOCTL_OP(MMUN_SUBSCRIPTION, mmun_subscription, __reserved),
};

static long mmun_fops_ioctl(struct file *filp, unsigned int num,
			    unsigned long arg)
{
	struct mmun_ucmd ucmd = {
		.ctx = filp->private_data,
		.ubuffer = (void __user *)arg,
	};
	unsigned int nr = _IOC_NR(num) - MMUN_CMD_INFO;
	const struct mmun_ioctl_op *op;
	union mmun_ucmd_buffer buffer;
	int ret;

	if (nr >= ARRAY_SIZE(mmun_ioctl_ops) ||
	    mmun_ioctl_ops[nr].ioctl_num != num)
		return -ENOTTY;
	op = &mmun_ioctl_ops[nr];
	if (get_user(ucmd.user_size, (u32 __user *)ucmd.ubuffer))
		return -EFAULT;
	if (ucmd.user_size < op->min_size)
		return -EINVAL;
	/* The tail is looked at byte by byte. */
	if (ucmd.user_size > PAGE_SIZE)
		return -E2BIG;
	ucmd.cmd = &buffer;
	ret = copy_struct_from_user(ucmd.cmd, op->size, ucmd.ubuffer,
				    ucmd.user_size);
	/* What is not writable is refused before anything is done. */
	return ret ?: mmun_ucmd_respond(&ucmd, op->size) ?: op->execute(&ucmd);
}

/* File */

static void mmun_ctx_free(struct mmun_ctx *ctx)
{
	u64 lost;

	mmun_log_resize(&ctx->log, 0, 0, &lost);
	xa_destroy(&ctx->batches);
	mmun_mm_put(ctx->shared);
	mmdrop(ctx->mm);
	mmun_free(ctx);
}

static struct mmun_ctx *mmun_ctx_alloc(void)
{
	struct mmun_ctx *ctx = mmun_alloc(sizeof(*ctx));

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->shared = mmun_mm_get(current->mm);
	if (IS_ERR(ctx->shared)) {
		struct mmun_mm *error = ctx->shared;

		mmun_free(ctx);
		return ERR_CAST(error);
	}
	mmun_range_table_init(&ctx->table);
	xa_init_flags(&ctx->batches, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	mmun_log_init(&ctx->log);
	spin_lock_init(&ctx->parked_lock);
	INIT_LIST_HEAD(&ctx->parked);
	mmun_holds_init(&ctx->holds);
	mmun_probe_init(ctx);
	/* pairs with mmdrop in mmun_ctx_free() */
	mmgrab(current->mm);
	ctx->mm = current->mm;
	return ctx;
}

static int mmun_fops_open(struct inode *inode, struct file *filp)
{
	struct mmun_ctx *ctx;
	u64 lost;
	int ret;

	/* The only check: a descriptor that is passed on is a deliberate gift. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!current->mm)
		return -ESRCH;
	ctx = mmun_ctx_alloc();
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	ret = mmun_log_resize(&ctx->log, MMUN_LOG_DEFAULT,
			      MMUN_LOG_TYPES_DEFAULT, &lost);
	if (ret) {
		mmun_ctx_free(ctx);
		return ret;
	}
	filp->private_data = ctx;
	return stream_open(inode, filp);
}

static int mmun_fops_release(struct inode *inode, struct file *filp)
{
	struct mmun_ctx *ctx = filp->private_data;
	struct mmun_batch *batch;
	unsigned long id;

	/*
	 * The last close: no call is in flight and none can come.  But there
	 * can be callbacks, held, and what removes a range waits for them.
	 */
	mmun_holds_close(ctx);
	mmun_list_notifier_close(ctx);
	mmun_probe_close(ctx);
	xa_for_each(&ctx->batches, id, batch) {
		mmun_batch_put(batch);
		cond_resched();
	}
	mmun_range_table_close(&ctx->table);
	mmun_ctx_free(ctx);
	return 0;
}

static ssize_t mmun_fops_read(struct file *filp, char __user *buf, size_t count,
			      loff_t *ppos)
{
	struct mmun_record __user *user = (struct mmun_record __user *)buf;
	struct mmun_ctx *ctx = filp->private_data;
	unsigned long nr = count / sizeof(struct mmun_record), done = 0;
	bool nonblock = filp->f_flags & O_NONBLOCK;
	struct mmun_record *bounce;
	ssize_t ret;

	if (!nr)
		return -EINVAL;
	bounce = mmun_alloc(min(nr, MMUN_READ_RECORDS) * sizeof(*bounce));
	if (!bounce)
		return -ENOMEM;
	do {
		ret = 0;
		if (!done)
			ret = mmun_log_wait(&ctx->log, nonblock);
		if (!ret)
			ret = mmun_log_read(&ctx->log, bounce, user + done,
					    nr - done, nonblock);
		if (ret > 0)
			done += ret;
	} while (done < nr && (ret > 0 || (!ret && !done)));
	mmun_free(bounce);
	return done ? done * sizeof(*bounce) : ret;
}

static __poll_t mmun_fops_poll(struct file *filp, poll_table *wait)
{
	struct mmun_ctx *ctx = filp->private_data;

	poll_wait(filp, &ctx->log.wait, wait);
	return mmun_log_empty(&ctx->log) ? 0 : EPOLLIN | EPOLLRDNORM;
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

static int mmun_set_max_hold_ms(const char *value,
				const struct kernel_param *kp)
{
	return param_set_uint_minmax(value, kp, 1, MMUN_MAX_HOLD_MS);
}

static const struct kernel_param_ops mmun_max_hold_ms_ops = {
	.set = mmun_set_max_hold_ms,
	.get = param_get_uint,
};

module_param_cb(max_hold_ms, &mmun_max_hold_ms_ops, &mmun_max_hold_ms, 0644);
MODULE_PARM_DESC(max_hold_ms, "milliseconds that a hold can last, 1 to 60000 (default: 10000)");

static int __init mmun_init(void)
{
	int ret;

	ret = mmun_range_cache_create();
	if (ret)
		return ret;
	ret = misc_register(&mmun_misc);
	if (ret)
		kmem_cache_destroy(mmun_range_cache);
	return ret;
}

static void __exit mmun_exit(void)
{
	misc_deregister(&mmun_misc);
	kmem_cache_destroy(mmun_range_cache);
	WARN_ON(atomic_long_read(&mmun_objects));
}

module_init(mmun_init);
module_exit(mmun_exit);

MODULE_AUTHOR("The test_mmun authors");
MODULE_DESCRIPTION("Test driver for mmu notifiers");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
