// SPDX-License-Identifier: GPL-2.0
/*
 * The map from an mm and a key to a notifier, as drivers kept it before
 * mmu_notifier_get() existed: MAP_GET, MAP_PUT.  Two modes repeat errors that
 * such a map can have.  The errors concern the map only: each notifier is
 * registered and unregistered once, and has references.
 */

#include <linux/mm.h>
#include <linux/sched.h>

#include "private.h"

static DEFINE_MUTEX(mmun_list_map_mutex);
static LIST_HEAD(mmun_list_map);

/* Returns the newest notifier of the map, or NULL. */
static struct mmun_list_notifier *mmun_list_map_find(const struct mm_struct *mm,
						     u32 key)
{
	struct mmun_list_notifier *notifier;

	lockdep_assert_held(&mmun_list_map_mutex);
	list_for_each_entry(notifier, &mmun_list_map, map_node)
		if (notifier->mm == mm && notifier->key == key)
			return notifier;
	return NULL;
}

static u32 mmun_list_map_count(const struct mm_struct *mm, u32 key)
{
	struct mmun_list_notifier *notifier;
	u32 nr = 0;

	lockdep_assert_held(&mmun_list_map_mutex);
	list_for_each_entry(notifier, &mmun_list_map, map_node)
		nr += notifier->mm == mm && notifier->key == key &&
		      !notifier->is_leaving;
	return nr;
}

/* The point between two critical sections of a wrong map */
static void mmun_list_map_pass(const struct mmun_list_ctx *ctx)
{
	const struct mmun_list_call call = {
		.mm = ctx->mm,
		.op = MMUN_LIST_MAP,
		.byte = -1,
	};

	mmun_list_log(&call);
	mmun_list_stop(&call);
}

static void mmun_list_map_report(const struct mmun_list_notifier *notifier,
				 struct mmun_list_map *cmd)
{
	cmd->out_id = notifier->id;
	cmd->out_users = notifier->map_users;
	cmd->out_same = mmun_list_map_count(notifier->mm, notifier->key);
}

/* Register a notifier, and add it to the map. */
static struct mmun_list_notifier *mmun_list_map_add(struct mmun_list_ctx *ctx,
						    u32 key)
{
	struct mmun_list_notifier *notifier =
		mmun_list_notifier_alloc(ctx->mm, MMUN_LIST_KEY_OPS);
	int ret;

	lockdep_assert_held(&mmun_list_map_mutex);
	if (!notifier)
		return ERR_PTR(-ENOMEM);
	notifier->key = key;
	ret = mmun_list_register_with(notifier, ctx->mm);
	if (ret) {
		mmun_list_notifier_put(notifier);
		return ERR_PTR(ret);
	}
	list_add(&notifier->map_node, &mmun_list_map);
	return notifier;
}

/* Count the user.  Returns whether the context has no need of @spare. */
static bool mmun_list_map_use(struct mmun_list_ctx *ctx,
			      struct mmun_list_use *spare,
			      struct mmun_list_notifier *notifier)
{
	struct mmun_list_use *use;

	notifier->map_users++;
	raw_spin_lock_irq(&mmun_list_lock);
	use = mmun_list_use_add(ctx, spare, notifier);
	use->map_gets++;
	raw_spin_unlock_irq(&mmun_list_lock);
	return use != spare;
}

/*
 * MMUN_LIST_MAP_TWO_LOOKUPS is the error: what was looked up need not be true
 * any more when the mutex is acquired again.
 */
static int mmun_list_map_get_with(struct mmun_list_ctx *ctx,
				  struct mmun_list_map *cmd,
				  struct mmun_list_use **spare)
{
	struct mmun_list_notifier *notifier;

	notifier = mmun_list_map_find(ctx->mm, cmd->key);
	if (!notifier && cmd->mode == MMUN_LIST_MAP_TWO_LOOKUPS) {
		mutex_unlock(&mmun_list_map_mutex);
		mmun_list_map_pass(ctx);
		mutex_lock(&mmun_list_map_mutex);
	}
	if (!notifier)
		notifier = mmun_list_map_add(ctx, cmd->key);
	if (IS_ERR(notifier))
		return PTR_ERR(notifier);
	if (!mmun_list_map_use(ctx, *spare, notifier))
		*spare = NULL;
	mmun_list_map_report(notifier, cmd);
	return 0;
}

int mmun_list_map_get(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_map *cmd = &ucmd->map;
	struct mmun_list_use *spare;
	int ret = -EINTR;

	if (cmd->key >= MMUN_LIST_KEYS ||
	    cmd->mode > MMUN_LIST_MAP_LATE_REMOVAL)
		return -EINVAL;
	spare = mmun_list_use_alloc(ctx);
	if (IS_ERR(spare))
		return PTR_ERR(spare);
	if (!mutex_lock_interruptible(&mmun_list_map_mutex)) {
		ret = mmun_list_map_get_with(ctx, cmd, &spare);
		mutex_unlock(&mmun_list_map_mutex);
	}
	if (spare)
		mmun_list_use_free(ctx, spare);
	return ret;
}

/* The first task that finds the notifier without users unregisters it. */
static void mmun_list_map_remove(struct mmun_list_ctx *ctx,
				 struct mmun_list_notifier *notifier)
{
	lockdep_assert_held(&mmun_list_map_mutex);
	if (notifier->is_leaving)
		return;
	notifier->is_leaving = true;
	list_del_init(&notifier->map_node);
	mmu_notifier_unregister(&notifier->mn, ctx->mm);
	atomic64_dec(&mmun_list_registered);
	/* The reference of the map */
	mmun_list_notifier_put(notifier);
}

/* MAP_PUT of a right map */
void mmun_list_map_drop(struct mmun_list_ctx *ctx,
			struct mmun_list_notifier *notifier)
{
	mutex_lock(&mmun_list_map_mutex);
	if (!--notifier->map_users)
		mmun_list_map_remove(ctx, notifier);
	mutex_unlock(&mmun_list_map_mutex);
}

/*
 * MMUN_LIST_MAP_LATE_REMOVAL is the error: another task can get the notifier
 * between the two critical sections.
 */
static void mmun_list_map_put_with(struct mmun_list_ctx *ctx,
				   struct mmun_list_map *cmd,
				   struct mmun_list_notifier *notifier)
{
	bool is_last = !--notifier->map_users;

	if (is_last && cmd->mode == MMUN_LIST_MAP_LATE_REMOVAL) {
		mutex_unlock(&mmun_list_map_mutex);
		mmun_list_map_pass(ctx);
		mutex_lock(&mmun_list_map_mutex);
	}
	if (is_last)
		mmun_list_map_remove(ctx, notifier);
	mmun_list_map_report(notifier, cmd);
}

/* Returns a reference to the notifier, or NULL. */
static struct mmun_list_notifier *mmun_list_map_unuse(struct mmun_list_ctx *ctx,
						      u32 id)
{
	struct mmun_list_notifier *notifier = NULL;
	struct mmun_list_use *use, *idle = NULL;

	raw_spin_lock_irq(&mmun_list_lock);
	use = mmun_list_use_find(ctx, id);
	if (use && use->map_gets) {
		notifier = use->notifier;
		kref_get(&notifier->ref);
		if (!--use->map_gets)
			idle = use;
		if (idle)
			list_del_init(&idle->node);
	}
	raw_spin_unlock_irq(&mmun_list_lock);
	if (idle)
		mmun_list_use_drop(ctx, idle);
	return notifier;
}

int mmun_list_map_put(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_map *cmd = &ucmd->map;
	struct mmun_list_notifier *notifier;

	if (cmd->mode > MMUN_LIST_MAP_LATE_REMOVAL)
		return -EINVAL;
	if (mutex_lock_killable(&mmun_list_map_mutex))
		return -EINTR;
	notifier = mmun_list_map_unuse(ctx, cmd->id);
	if (notifier)
		mmun_list_map_put_with(ctx, cmd, notifier);
	mutex_unlock(&mmun_list_map_mutex);
	if (!notifier)
		return -ENOENT;
	mmun_list_notifier_put(notifier);
	return 0;
}
