// SPDX-License-Identifier: GPL-2.0
/*
 * PIN_MM and UNPIN_MM.  A thread waits in PIN_MM, and no signal wakes the
 * thread.  While the thread waits, its process therefore keeps the mm even if
 * the process is killed, so that process_mrelease(2) can reap the mm.
 */

#include "private.h"

/*
 * Take mmap_lock for writing if PIN_MM asks for it.  Only one thread may do
 * this, because the times of several threads would add up.
 */
static int mmun_pin_lock(struct mmun_ctx *ctx, const struct mmun_pin_mm *cmd)
{
	atomic_t *locks = &ctx->mm_data->pin_locks;
	int ret;

	if (!(cmd->flags & MMUN_WRITE_LOCK))
		return 0;
	if (!atomic_add_unless(locks, 1, 1))
		return -EBUSY;
	ret = mmun_write_lock(ctx->mm);
	if (ret)
		atomic_dec(locks);
	return ret;
}

static void mmun_pin_unlock(struct mmun_ctx *ctx, const struct mmun_pin_mm *cmd)
{
	if (!(cmd->flags & MMUN_WRITE_LOCK))
		return;
	mmun_write_unlock(ctx->mm);
	atomic_dec(&ctx->mm_data->pin_locks);
}

static void mmun_pins_init(struct mmun_pins *pins)
{
	spin_lock_init(&pins->lock);
	INIT_LIST_HEAD(&pins->list);
}

static void mmun_pin_add(struct mmun_ctx *ctx, struct mmun_pin *pin)
{
	scoped_guard(spinlock, &ctx->pins.lock)
		list_add_tail(&pin->node, &ctx->pins.list);
	if (!mmun_log_enabled(&ctx->log, MMUN_RECORD_PIN))
		return;
	mmun_record_begin(&ctx->log, MMUN_RECORD_PIN, 0, ktime_get_ns());
	mmun_record_end(&ctx->log);
}

static void mmun_pin_wait(struct mmun_ctx *ctx, struct mmun_pin_mm *cmd)
{
	struct mmun_pin pin = { .tid = task_pid_nr(current) };

	init_completion(&pin.unpinned);
	mmun_pin_add(ctx, &pin);
	wait_for_completion_timeout(&pin.unpinned,
				    msecs_to_jiffies(cmd->timeout_ms));

	/*
	 * Take the lock, because UNPIN_MM may still use @pin, which is on the
	 * stack.
	 */
	guard(spinlock)(&ctx->pins.lock);
	cmd->out_unpinned = list_empty(&pin.node);
	list_del(&pin.node);
}

static int mmun_pin_mm(struct mmun_ctx *ctx, struct mmun_pin_mm *cmd)
{
	int ret;

	if (cmd->flags & ~MMUN_WRITE_LOCK)
		return -EOPNOTSUPP;
	if (!cmd->timeout_ms || cmd->timeout_ms > MMUN_MAX_PIN_MS)
		return -EINVAL;
	ret = mmun_pin_lock(ctx, cmd);
	if (ret)
		return ret;
	mmun_pin_wait(ctx, cmd);
	mmun_pin_unlock(ctx, cmd);
	return 0;
}

static int mmun_unpin_mm(struct mmun_ctx *ctx, struct mmun_unpin_mm *cmd)
{
	struct mmun_pin *pin, *next;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	cmd->out_count = 0;
	guard(spinlock)(&ctx->pins.lock);
	list_for_each_entry_safe(pin, next, &ctx->pins.list, node) {
		if (cmd->tid && cmd->tid != pin->tid)
			continue;
		list_del_init(&pin->node);
		complete(&pin->unpinned);
		cmd->out_count++;
	}
	return cmd->out_count ? 0 : -ENOENT;
}
