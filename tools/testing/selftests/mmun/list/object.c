// SPDX-License-Identifier: GPL-2.0
/*
 * Objects, which the core counts: GET, PUT, SYNCHRONIZE, QUERY.
 */

#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "private.h"

/**
 * struct mmun_list_request - a task in mmu_notifier_get(), on its stack
 * @node: entry of mmun_list_requests
 * @task: the task
 * @fail: alloc_notifier() must fail
 * @allocs: number of calls of alloc_notifier() by the task
 * @frees: number of calls of free_notifier() by the task
 */
struct mmun_list_request {
	struct list_head node;
	const struct task_struct *task;
	bool fail;
	u32 allocs;
	u32 frees;
};

/* mmun_list_lock protects the list. */
static LIST_HEAD(mmun_list_requests);

static atomic64_t mmun_list_allocs;
static atomic64_t mmun_list_frees_begun;
static atomic64_t mmun_list_frees;
static DECLARE_WAIT_QUEUE_HEAD(mmun_list_freed);

static void mmun_list_request_begin(struct mmun_list_request *request)
{
	raw_spin_lock_irq(&mmun_list_lock);
	list_add(&request->node, &mmun_list_requests);
	raw_spin_unlock_irq(&mmun_list_lock);
}

static void mmun_list_request_end(struct mmun_list_request *request)
{
	raw_spin_lock_irq(&mmun_list_lock);
	list_del(&request->node);
	raw_spin_unlock_irq(&mmun_list_lock);
}

/*
 * The core does not pass an argument from mmu_notifier_get() to
 * alloc_notifier(), but calls it in the same task.  Counts the call, and returns
 * whether alloc_notifier() must fail.
 */
static bool mmun_list_request_count(bool is_free)
{
	struct mmun_list_request *request;
	unsigned long flags;
	bool fail = false;

	raw_spin_lock_irqsave(&mmun_list_lock, flags);
	list_for_each_entry(request, &mmun_list_requests, node) {
		if (request->task != current || !in_task())
			continue;
		request->allocs += !is_free;
		request->frees += is_free;
		fail = request->fail;
	}
	raw_spin_unlock_irqrestore(&mmun_list_lock, flags);
	return fail;
}

static struct mmu_notifier *mmun_list_alloc(struct mm_struct *mm, u32 mask)
{
	struct mmun_list_call call = {
		.mm = mm,
		.op = MMUN_LIST_ALLOC,
		.byte = -1,
	};
	struct mmun_list_notifier *notifier = NULL;

	if (!mmun_list_request_count(false))
		notifier = mmun_list_notifier_alloc(mm, mask);
	if (notifier)
		call.id = notifier->id;
	else
		call.answer = -ENOMEM;
	mmun_list_log(&call);
	if (!notifier)
		return ERR_PTR(-ENOMEM);
	atomic64_inc(&mmun_list_allocs);
	return &notifier->mn;
}

static struct mmu_notifier *mmun_list_alloc_both(struct mm_struct *mm)
{
	return mmun_list_alloc(mm, MMUN_LIST_KEY_OPS);
}

static struct mmu_notifier *mmun_list_alloc_refusing(struct mm_struct *mm)
{
	return mmun_list_alloc(mm, MMUN_LIST_REFUSING_OPS);
}

/*
 * The core calls this function in mmu_notifier_get() with mmap_lock, or as a
 * callback of SRCU with softirqs disabled.
 */
static void mmun_list_free(struct mmu_notifier *mn)
{
	struct mmun_list_notifier *notifier =
		container_of(mn, struct mmun_list_notifier, mn);
	const struct mmun_list_call call = {
		.mm = notifier->mm,
		.id = notifier->id,
		.op = MMUN_LIST_FREE,
		.byte = -1,
	};

	atomic64_inc(&mmun_list_frees_begun);
	mmun_list_request_count(true);
	mmun_list_log(&call);
	mmun_list_notifier_put(notifier);
	atomic64_inc(&mmun_list_frees);
	wake_up_all(&mmun_list_freed);
}

/* The core compares the addresses of the ops, so each key has its own. */
#define MMUN_LIST_OBJECT_OPS(_alloc)                                       \
	{                                                                  \
		.release = mmun_list_release,                              \
		.invalidate_range_start = mmun_list_start,                 \
		.invalidate_range_end = mmun_list_end,                     \
		.alloc_notifier = _alloc, .free_notifier = mmun_list_free, \
	}

static const struct mmu_notifier_ops mmun_list_keys[MMUN_LIST_KEYS] = {
	MMUN_LIST_OBJECT_OPS(mmun_list_alloc_both),
	MMUN_LIST_OBJECT_OPS(mmun_list_alloc_both),
	MMUN_LIST_OBJECT_OPS(mmun_list_alloc_both),
	[MMUN_LIST_REFUSING_KEY] = {
		.release = mmun_list_release,
		.invalidate_range_start = mmun_list_start,
		.alloc_notifier = mmun_list_alloc_refusing,
		.free_notifier = mmun_list_free,
	},
};

static u64 mmun_list_objects(void)
{
	const u64 frees = atomic64_read(&mmun_list_frees);

	/* The frees are read first, so that the difference is not negative. */
	smp_rmb();
	return atomic64_read(&mmun_list_allocs) - frees;
}

/*
 * Wait at the exit of the module until the core calls no function of the module
 * any more.  mmu_notifier_synchronize() need not wait for a free_notifier() on
 * another processor, so the module waits for its own count.  The last
 * free_notifier() has softirqs disabled until it returns, so synchronize_rcu()
 * waits for its return.
 */
void mmun_list_await_frees(void)
{
	mmu_notifier_synchronize();
	while (!wait_event_timeout(mmun_list_freed, !mmun_list_objects(),
				   20 * HZ))
		WARN_ONCE(1, "%llu objects were not freed\n",
			  mmun_list_objects());
	synchronize_rcu();
	WARN_ON(atomic64_read(&mmun_list_registered));
}

/* GET */

static struct mmu_notifier *mmun_list_get_locked(struct mm_struct *mm, u32 key)
{
	struct mmu_notifier *mn = ERR_PTR(-EINTR);

	if (!mmap_write_lock_killable(mm)) {
		mn = mmu_notifier_get_locked(&mmun_list_keys[key], mm);
		mmap_write_unlock(mm);
	}
	return mn;
}

/* Returns the object of the core, and counts the calls of the callbacks. */
static struct mmu_notifier *mmun_list_get_object(struct mm_struct *mm,
						 struct mmun_list_get *cmd)
{
	struct mmun_list_request request = {
		.task = current,
		.fail = cmd->flags & MMUN_LIST_FAIL_ALLOC,
	};
	struct mmu_notifier *mn;

	mmun_list_request_begin(&request);
	if (cmd->flags & MMUN_LIST_LOCKED)
		mn = mmun_list_get_locked(mm, cmd->key);
	else
		mn = mmu_notifier_get(&mmun_list_keys[cmd->key], mm);
	mmun_list_request_end(&request);
	cmd->out_allocs = request.allocs;
	cmd->out_frees = request.frees;
	return mn;
}

/* Returns whether the context has no need of @spare. */
static bool mmun_list_count_get(struct mmun_list_ctx *ctx,
				struct mmun_list_use *spare,
				struct mmun_list_notifier *notifier,
				bool put_in_release)
{
	struct mmun_list_use *use;

	raw_spin_lock_irq(&mmun_list_lock);
	use = mmun_list_use_add(ctx, spare, notifier);
	if (put_in_release)
		use->release_gets++;
	else
		use->gets++;
	raw_spin_unlock_irq(&mmun_list_lock);
	if (put_in_release)
		atomic_inc(&notifier->release_puts);
	return use != spare;
}

/* The caller has a reference to the mm (mm_users), so release() cannot run. */
static int mmun_list_get_of(struct mmun_list_ctx *ctx,
			    struct mmun_list_get *cmd)
{
	struct mmun_list_use *spare = mmun_list_use_alloc(ctx);
	struct mmun_list_notifier *notifier;
	struct mmu_notifier *mn;

	if (IS_ERR(spare))
		return PTR_ERR(spare);
	mn = mmun_list_get_object(ctx->mm, cmd);
	if (IS_ERR(mn)) {
		mmun_list_use_free(ctx, spare);
		return PTR_ERR(mn);
	}
	notifier = container_of(mn, struct mmun_list_notifier, mn);
	cmd->out_id = notifier->id;
	/* Racy: the core changes the number under a lock of its own. */
	cmd->out_users = data_race(mn->users);
	if (mmun_list_count_get(ctx, spare, notifier,
				cmd->flags & MMUN_LIST_PUT_IN_RELEASE))
		mmun_list_use_free(ctx, spare);
	return 0;
}

int mmun_list_get(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_get *cmd = &ucmd->get;
	const u32 flags = MMUN_LIST_LOCKED | MMUN_LIST_FAIL_ALLOC |
			  MMUN_LIST_PUT_IN_RELEASE;
	int ret;

	if (cmd->key >= MMUN_LIST_KEYS || (cmd->flags & ~flags))
		return -EINVAL;
	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	ret = mmun_list_get_of(ctx, cmd);
	mmput(ctx->mm);
	return ret;
}

/* PUT */

static bool mmun_list_use_is_idle(const struct mmun_list_use *use)
{
	return !use->gets && !use->release_gets;
}

/*
 * Decrease the count of a use.  Returns the notifier, which exists until the
 * caller puts the user of the count, or NULL.  Another task can free the use as
 * soon as the lock is released, unless this was the last count.  Then the caller
 * must free the use @idle.
 */
static struct mmun_list_notifier *
mmun_list_count_put(struct mmun_list_ctx *ctx, struct mmun_list_put *cmd,
		    struct mmun_list_use **idle)
{
	struct mmun_list_notifier *notifier = NULL;
	struct mmun_list_use *use;

	raw_spin_lock_irq(&mmun_list_lock);
	use = mmun_list_use_find(ctx, cmd->id);
	if (use && !use->gets)
		use = NULL;
	if (use) {
		notifier = use->notifier;
		cmd->out_left = --use->gets;
		*idle = mmun_list_use_is_idle(use) ? use : NULL;
		/* No other task may find the use, because this task frees it. */
		if (*idle)
			list_del_init(&use->node);
	}
	raw_spin_unlock_irq(&mmun_list_lock);
	return notifier;
}

int mmun_list_put(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_notifier *notifier;
	struct mmun_list_use *idle;

	notifier = mmun_list_count_put(ctx, &ucmd->put, &idle);
	if (!notifier)
		return -ENOENT;
	mmu_notifier_put(&notifier->mn);
	if (idle)
		mmun_list_use_drop(ctx, idle);
	return 0;
}

/* The last close puts the uses that neither PUT nor release() has put. */
void mmun_list_use_close(struct mmun_list_use *use)
{
	struct mmun_list_notifier *notifier = use->notifier;

	for (; use->gets; use->gets--)
		mmu_notifier_put(&notifier->mn);
	for (; use->release_gets; use->release_gets--)
		if (atomic_add_unless(&notifier->release_puts, -1, 0))
			mmu_notifier_put(&notifier->mn);
}

/* Counts */

static void mmun_list_count(struct mmun_list_ctx *ctx,
			    struct mmun_list_counts *counts)
{
	counts->out_objects = mmun_list_objects();
	counts->out_frees = atomic64_read(&mmun_list_frees);
	counts->out_frees_begun = atomic64_read(&mmun_list_frees_begun);
	counts->out_allocs = atomic64_read(&mmun_list_allocs);
	counts->out_registered = atomic64_read(&mmun_list_registered);
	raw_spin_lock_irq(&mmun_list_lock);
	counts->out_lost = ctx->lost;
	raw_spin_unlock_irq(&mmun_list_lock);
}

int mmun_list_query(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	mmun_list_count(ctx, &ucmd->counts);
	return 0;
}

int mmun_list_synchronize(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	mmu_notifier_synchronize();
	return mmun_list_query(ctx, ucmd);
}
