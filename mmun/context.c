// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a context, from open() to the last close.  INFO, QUERY_CONTEXT.
 */

#include <linux/module.h>

#include "private.h"

static struct workqueue_struct *mmun_close_wq;

static int mmun_close_wq_create(void)
{
	mmun_close_wq =
		alloc_workqueue("mmun_close", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return mmun_close_wq ? 0 : -ENOMEM;
}

/* Undo mmun_ctx_init(). */
static void mmun_ctx_cleanup(struct mmun_ctx *ctx)
{
	u64 lost;

	/*
	 * The callback of a range that the core has not removed can still run,
	 * and must not use the freed log.
	 */
	mmun_log_reset(&ctx->log, 0, 0, &lost);
	mmun_mm_data_put(ctx->mm_data);
	mmdrop(ctx->mm);
}

/* Initialize the context.  Cannot fail. */
static void mmun_ctx_init(struct mmun_ctx *ctx, struct mmun_mm_data *mm_data)
{
	/* Pairs with the mmdrop() in mmun_ctx_cleanup() */
	mmgrab(mm_data->mm);
	ctx->mm = mm_data->mm;
	ctx->mm_data = mm_data;
	init_completion(&ctx->close_done);
	mmun_range_table_init(&ctx->table);
	mmun_batches_init(&ctx->batches);
	mmun_log_init(&ctx->log);
	mmun_holds_init(&ctx->holds);
	mmun_list_notifiers_init(ctx);
	mmun_pins_init(&ctx->pins);
	mmun_probes_init(&ctx->probes);
}

/* Create a context of @mm, which must be the mm of the caller. */
static struct mmun_ctx *mmun_ctx_create(struct mm_struct *mm)
{
	struct mmun_ctx *ctx __free(mmun_object) = mmun_zalloc(sizeof(*ctx));
	struct mmun_mm_data *mm_data;
	u64 lost;
	int ret;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	mm_data = mmun_mm_data_get(mm);
	if (IS_ERR(mm_data))
		return ERR_CAST(mm_data);
	mmun_ctx_init(ctx, mm_data);
	ret = mmun_log_reset(&ctx->log, MMUN_LOG_DEFAULT,
			     MMUN_LOG_TYPES_DEFAULT, &lost);
	if (!ret)
		return no_free_ptr(ctx);
	mmun_ctx_cleanup(ctx);
	return ERR_PTR(ret);
}

/*
 * Return whether all references to mm_count belong to this context.  Then no
 * task can use the mm, or the subscriptions of the mm, again.
 */
static bool mmun_ctx_owns_mm(struct mmun_ctx *ctx)
{
	int own = 1 + atomic_read(&ctx->table.nr) + ctx->probes.nr +
		  mmun_lists_held(ctx);

	/* Pairs with the mmdrop() of the last task that used the mm */
	return atomic_read_acquire(&ctx->mm->mm_count) == own;
}

/*
 * If the last CHECK_BALANCE found an invalidation that has not ended, wait
 * until the invalidation has ended, or until the mm is abandoned.  A wrong core
 * can forget to end an invalidation.  mmu_interval_notifier_remove() would then
 * wait for ever, and the workqueue could never be destroyed.  An idle CPU can
 * have a reference to the mm of the last process that ran there, until another
 * process runs there.
 */
static void mmun_ctx_wait_for_end(struct mmun_ctx *ctx)
{
	bool owns_mm;

	do {
		owns_mm = mmun_ctx_owns_mm(ctx);
		if (!mmun_probes_unbalanced(&ctx->probes))
			return;
		schedule_timeout_idle(HZ / 100);
	} while (!owns_mm);
	ctx->mm_abandoned = true;
}

/*
 * Do the part of the last close that waits for invalidations.  If the core
 * still has a range in its list of deferred changes, the context and the module
 * must not be freed.
 */
static void mmun_ctx_close_work(struct work_struct *work)
{
	struct mmun_ctx *ctx = container_of(work, struct mmun_ctx, close_work);

	mmun_list_notifiers_close(ctx);
	mmun_ctx_wait_for_end(ctx);
	mmun_probes_close(ctx);
	mmun_batches_close(&ctx->batches);
	mmun_range_table_close(&ctx->table);
	mmun_lists_close(ctx);
	mmun_ctx_cleanup(ctx);
	if (READ_ONCE(ctx->has_deferred))
		return;
	/* mmun_exit() waits until this function has returned. */
	module_put(THIS_MODULE);
	if (atomic_xchg(&ctx->first_done, 1))
		mmun_free(ctx);
	else
		complete(&ctx->close_done);
}

/*
 * Wait until mmun_ctx_close_work() is done.  Returns false if the wait takes
 * too long.  A kernel thread does not wait, because it can have more files to
 * close.  For example, a kernel thread closes all files that were in flight in
 * a UNIX socket.
 */
static bool mmun_ctx_wait_closed(struct mmun_ctx *ctx)
{
	if (current->flags & PF_KTHREAD)
		return false;
	if (wait_for_completion_timeout(&ctx->close_done,
					msecs_to_jiffies(mmun_hold_limit_ms())))
		return true;
	pr_warn("test_mmun: close() returns before the context is freed, because an invalidation is still active\n");
	return false;
}

/*
 * The last close.  No ioctl or read() of the file is running, but callbacks of
 * the ranges can run.  The task that runs a callback can be held by another
 * context, or can wait for a CPU.  Therefore mmun_ctx_close_work() waits for
 * the callbacks, and close() waits for mmun_ctx_close_work() for at most
 * out_max_hold_ms.  The later one of close() and mmun_ctx_close_work() frees
 * the context.
 */
static void mmun_ctx_close(struct mmun_ctx *ctx)
{
	mmun_holds_close(ctx);
	__module_get(THIS_MODULE);
	INIT_WORK(&ctx->close_work, mmun_ctx_close_work);
	queue_work(mmun_close_wq, &ctx->close_work);
	if (!mmun_ctx_wait_closed(ctx)) {
		if (!atomic_xchg(&ctx->first_done, 1))
			return;
		wait_for_completion(&ctx->close_done);
	}
	mmun_free(ctx);
}

static int mmun_info(struct mmun_ctx *ctx, struct mmun_info *cmd)
{
	if (cmd->__reserved || cmd->__reserved2)
		return -EOPNOTSUPP;
	cmd->out_abi = MMUN_ABI_VERSION;
	cmd->out_page_size = PAGE_SIZE;
	cmd->out_features =
		(IS_ENABLED(CONFIG_HMM_MIRROR) ? MMUN_FEATURE_HMM : 0) |
		(MMUN_HAS_HMM_UNLOCKED ? MMUN_FEATURE_HMM_UNLOCKED : 0);
	cmd->out_kinds = mmun_kinds_mask();
	cmd->out_max_contexts = MMUN_MAX_CONTEXTS;
	cmd->out_max_ranges = MMUN_MAX_RANGES;
	cmd->out_max_shadow_pages = MMUN_MAX_CHUNKS * MMUN_CHUNK_PAGES;
	cmd->out_max_batches = MMUN_MAX_BATCHES;
	cmd->out_max_batch_pages = MMUN_MAX_BATCH_PAGES;
	cmd->out_max_log_records = MMUN_MAX_LOG_RECORDS;
	cmd->out_max_retries = MMUN_MAX_RETRIES;
	cmd->out_max_hold_ms = mmun_hold_limit_ms();
	cmd->out_max_pin_ms = MMUN_MAX_PIN_MS;
	return 0;
}

static int mmun_query_context(struct mmun_ctx *ctx,
			      struct mmun_query_context *cmd)
{
	struct mmun_batch *batch;
	unsigned long id;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	cmd->out_ranges = atomic_read(&ctx->table.nr);
	cmd->out_batches = 0;
	xa_for_each(&ctx->batches, id, batch)
		cmd->out_batches++;
	cmd->out_mm_users = atomic_read(&ctx->mm->mm_users);
	cmd->out_mm_count = atomic_read(&ctx->mm->mm_count);
	cmd->out_objects = atomic_long_read(&mmun_nr_objects);
	cmd->out_lists = atomic_read(&mmun_nr_lists);
	cmd->out_shadow_pages = atomic_read(&ctx->nr_chunks) * MMUN_CHUNK_PAGES;
	return 0;
}
