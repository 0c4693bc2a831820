// SPDX-License-Identifier: GPL-2.0
/* A driver with list notifiers */
#include <linux/mmu_notifier.h>

#include "interval.h"
#include "list.h"
#include "mm.h"
#include "refine.h"

struct listener {
	struct mmu_notifier sub;
	spinlock_t lock; /* for the counts */
	int open; /* invalidations that started and did not end */
	int index;
	int releasing; /* calls of release() that run */
	bool released; /* a call of release() has ended */
	bool gone; /* The exit took the notifier from the list before unregister. */
};

static struct listener *listener_at(int index)
{
	return refine_listener_object(index);
}

static int list_start(struct mmu_notifier *sub,
		      const struct mmu_notifier_range *event)
{
	struct listener *listener = container_of(sub, struct listener, sub);

	spin_lock(&listener->lock);
	listener->open++;
	spin_unlock(&listener->lock);
	return 0;
}

static int list_refuse(struct mmu_notifier *sub,
		       const struct mmu_notifier_range *event)
{
	if (mmu_notifier_range_blockable(event))
		return 0;
	if (!me->atomic)
		violate("a callback that must not block can sleep");
	refine_list_refuses();
	return -EAGAIN;
}

static void list_end(struct mmu_notifier *sub,
		     const struct mmu_notifier_range *event)
{
	struct listener *listener = container_of(sub, struct listener, sub);

	spin_lock(&listener->lock);
	if (!listener->open)
		violate("a list notifier gets an end without a start");
	listener->open--;
	spin_unlock(&listener->lock);
}

/*
 * Unregister tests whether the notifier is on the list before its SRCU section.
 * So unregister can call release() when the exit has done so, and has taken the
 * notifier from the list.  The exit does not wait for such a late call.
 */
static unseen bool is_late(const struct listener *listener)
{
	return !listener->sub.hlist.pprev && listener->released;
}

/* Exit and unregister may call release() at the same time. */
static void list_release(struct mmu_notifier *sub, struct mm_struct *mm)
{
	struct listener *listener = container_of(sub, struct listener, sub);
	const bool late = is_late(listener);

	if (listener->gone)
		violate("release() is called after the exit has called it");
	spin_lock(&listener->lock);
	listener->releasing += !late;
	spin_unlock(&listener->lock);
	spin_lock(&listener->lock);
	listener->releasing -= !late;
	listener->released = true;
	spin_unlock(&listener->lock);
}

static struct mmu_notifier *list_alloc(struct mm_struct *mm)
{
	struct listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL);

	return listener ? &listener->sub : ERR_PTR(-ENOMEM);
}

static void list_free(struct mmu_notifier *sub)
{
	struct listener *listener = container_of(sub, struct listener, sub);

	if (refine_listener_object(0) == listener)
		refine_listener(0, NULL);
	kfree(listener);
}

static const struct mmu_notifier_ops pair_ops = {
	.invalidate_range_start = list_start,
	.invalidate_range_end = list_end,
	.release = list_release,
	.alloc_notifier = list_alloc,
	.free_notifier = list_free,
};

static const struct mmu_notifier_ops refusing_ops = {
	.invalidate_range_start = list_refuse,
	.release = list_release,
};

static struct listener *list_register(int index,
				      const struct mmu_notifier_ops *ops)
{
	struct listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	int ret;

	listener->index = index;
	listener->sub.ops = ops;
	ret = mmu_notifier_register(&listener->sub, the_mm);
	if (ret)
		violate("register returned %d", ret);
	refine_listener(index, listener);
	return listener;
}

static void list_unregister(struct listener *listener)
{
	listener->gone = hlist_unhashed(&listener->sub.hlist);
	mmu_notifier_unregister(&listener->sub, the_mm);
	if (!listener->released)
		violate("unregister returned, and release() was not called");
	refine_listener(listener->index, NULL);
	kfree(listener);
}

void list_setup(int index, int refuses)
{
	list_register(index, refuses ? &refusing_ops : &pair_ops);
}

void registrar(void *arg)
{
	const struct role *role = arg;

	list_register(role->range, &pair_ops);
}

void unregistrar(void *arg)
{
	const struct role *role = arg;

	list_unregister(listener_at(role->range));
}

void register_and_unregister(void *arg)
{
	const struct role *role = arg;

	list_unregister(list_register(role->range, &pair_ops));
}

void get_and_put(void *role)
{
	struct mmu_notifier *sub = mmu_notifier_get(&pair_ops, the_mm);

	if (IS_ERR(sub))
		violate("get returned %ld", PTR_ERR(sub));
	refine_listener(0, container_of(sub, struct listener, sub));
	mmu_notifier_put(sub);
}

void aging(void *role)
{
	mmu_notifier_clear_flush_young(the_mm, BASE, BASE + 1);
	mmu_notifier_clear_young(the_mm, BASE, BASE + 1);
	mmu_notifier_test_young(the_mm, BASE);
}

static unseen bool is_released(const struct listener *listener)
{
	footprint_sync(&listener->released, false);
	footprint_sync(&listener->releasing, false);
	return listener->released && !listener->releasing;
}

void list_check_released(void)
{
	for (int i = 0; i < LISTENERS; i++)
		if (listener_at(i) && !is_released(listener_at(i)))
			violate("the pages go, and release() has not ended");
}

unseen void list_check_closed(void)
{
	for (int i = 0; i < LISTENERS; i++)
		if (listener_at(i) && listener_at(i)->open)
			violate("a list notifier got a start without an end");
}
