// SPDX-License-Identifier: GPL-2.0
/*
 * Plain notifiers: REGISTER, UNREGISTER.  INFO.
 */

#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "private.h"

#define MMUN_LIST_ALL_OPS (MMUN_LIST_BIT(MMUN_LIST_OPS) - 1)

/* Register a notifier with its own ops.  Returns 0 or an error. */
int mmun_list_register_with(struct mmun_list_notifier *notifier,
			    struct mm_struct *mm)
{
	int ret = -EINTR;

	mmun_list_set_ops(&notifier->ops, notifier->mask);
	notifier->mn.ops = &notifier->ops;
	if (!mmget_not_zero(mm))
		return -ESRCH;
	/* A held task can own the lock, so the wait is killable. */
	if (!mmap_write_lock_killable(mm)) {
		ret = __mmu_notifier_register(&notifier->mn, mm);
		mmap_write_unlock(mm);
	}
	if (!ret)
		atomic64_inc(&mmun_list_registered);
	mmput(mm);
	return ret;
}

int mmun_list_info(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	ucmd->info.out_ops = MMUN_LIST_ALL_OPS & ~MMUN_LIST_KERNEL_LACKS;
	ucmd->info.out_exclusive = MMUN_LIST_KERNEL_EXCLUSIVE;
	return 0;
}

static int mmun_list_register_check(const struct mmun_list_register *cmd)
{
	if ((cmd->ops & ~MMUN_LIST_ALL_OPS) || cmd->__reserved ||
	    (cmd->flags & ~(MMUN_LIST_READ | MMUN_LIST_FORCE)))
		return -EINVAL;
	if (cmd->ops & MMUN_LIST_KERNEL_LACKS)
		return -EOPNOTSUPP;
	if ((cmd->ops & MMUN_LIST_BIT(MMUN_LIST_SECONDARY_TLB)) &&
	    (cmd->ops & MMUN_LIST_KERNEL_EXCLUSIVE) &&
	    !(cmd->flags & MMUN_LIST_FORCE))
		return -EOPNOTSUPP;
	return 0;
}

static int mmun_list_register_new(struct mmun_list_ctx *ctx,
				  struct mmun_list_register *cmd,
				  struct mmun_list_use *use)
{
	struct mmun_list_notifier *notifier =
		mmun_list_notifier_alloc(ctx->mm, cmd->ops);
	int ret;

	if (!notifier)
		return -ENOMEM;
	notifier->flags = cmd->flags & MMUN_LIST_READ;
	cmd->out_id = notifier->id;
	ret = mmun_list_register_with(notifier, ctx->mm);
	if (!ret) {
		use->is_plain = true;
		raw_spin_lock_irq(&mmun_list_lock);
		mmun_list_use_add(ctx, use, notifier);
		raw_spin_unlock_irq(&mmun_list_lock);
	}
	/* The use has a reference of its own. */
	mmun_list_notifier_put(notifier);
	return ret;
}

int mmun_list_register(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_register *cmd = &ucmd->registration;
	struct mmun_list_use *use;
	int ret = mmun_list_register_check(cmd);

	if (ret)
		return ret;
	use = mmun_list_use_alloc(ctx);
	if (IS_ERR(use))
		return PTR_ERR(use);
	ret = mmun_list_register_new(ctx, cmd, use);
	if (ret) {
		cmd->out_id = 0;
		mmun_list_use_free(ctx, use);
	}
	return ret;
}

/*
 * Only one task may unregister the notifier.  Until it has returned, the
 * notifier can be found, so that STATE works during the wait.
 */
static struct mmun_list_use *mmun_list_leave(struct mmun_list_ctx *ctx, u32 id)
{
	struct mmun_list_use *use;

	raw_spin_lock_irq(&mmun_list_lock);
	use = mmun_list_use_find(ctx, id);
	if (use && (!use->is_plain || use->is_leaving))
		use = NULL;
	if (use)
		use->is_leaving = true;
	raw_spin_unlock_irq(&mmun_list_lock);
	return use;
}

int mmun_list_unregister(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_unregister *cmd = &ucmd->unregister;
	struct mmun_list_use *use;

	if (cmd->__reserved)
		return -EINVAL;
	use = mmun_list_leave(ctx, cmd->id);
	if (!use)
		return -ENOENT;
	mmu_notifier_unregister(&use->notifier->mn, ctx->mm);
	atomic64_dec(&mmun_list_registered);
	mmun_list_use_drop(ctx, use);
	return 0;
}
