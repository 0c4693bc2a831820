// SPDX-License-Identifier: GPL-2.0
/* Right and wrong drivers: callbacks, setup and teardown, see driver.h */
#include <linux/mmu_notifier.h>

#include "driver.h"
#include "interval.h"
#include "mirror.h"
#include "mm.h"
#include "refine.h"

/* The setup creates the mirror, so each schedule has the mirror at one address. */
struct mirror *mirror;

static unseen void count_invalidation(void)
{
	mirror->invalidations++;
}

static void set_seq(struct mmu_interval_notifier *sub, unsigned long seq)
{
	mmu_interval_set_seq(sub, seq);
	count_invalidation();
}

static bool invalidate_right(struct mmu_interval_notifier *sub,
			     const struct mmu_notifier_range *event,
			     unsigned long seq)
{
	spin_lock(&mirror->lock);
	set_seq(sub, seq);
	mirror_drop();
	spin_unlock(&mirror->lock);
	return true;
}

/* A reader can publish its pages between the drop and the new sequence. */
static bool invalidate_late_seq(struct mmu_interval_notifier *sub,
				const struct mmu_notifier_range *event,
				unsigned long seq)
{
	spin_lock(&mirror->lock);
	mirror_drop();
	spin_unlock(&mirror->lock);
	set_seq(sub, seq);
	return true;
}

/* A reader can publish its pages after it has tested the old sequence. */
static bool invalidate_unlocked(struct mmu_interval_notifier *sub,
				const struct mmu_notifier_range *event,
				unsigned long seq)
{
	set_seq(sub, seq);
	mirror_drop();
	return true;
}

static bool invalidate_mutex(struct mmu_interval_notifier *sub,
			     const struct mmu_notifier_range *event,
			     unsigned long seq)
{
	mutex_lock(&mirror->mutex);
	set_seq(sub, seq);
	mirror_drop();
	mutex_unlock(&mirror->mutex);
	return true;
}

/* If the callback drops the last user of the mm, the mm exits in the callback. */
static bool invalidate_put(struct mmu_interval_notifier *sub,
			   const struct mmu_notifier_range *event,
			   unsigned long seq)
{
	const bool put = !mirror->put;

	invalidate_right(sub, event, seq);
	mirror->put = true;
	if (put)
		mmput(the_mm);
	return true;
}

/* Before there were sequences, a flag told readers that their pages are valid. */
static bool invalidate_flag(struct mmu_interval_notifier *sub,
			    const struct mmu_notifier_range *event,
			    unsigned long seq)
{
	spin_lock(&mirror->lock);
	set_seq(sub, seq);
	mirror->valid = false;
	mirror_drop();
	spin_unlock(&mirror->lock);
	return true;
}

/* A reader can be about to publish the first pages. */
static bool invalidate_if_mapped(struct mmu_interval_notifier *sub,
				 const struct mmu_notifier_range *event,
				 unsigned long seq)
{
	spin_lock(&mirror->lock);
	if (mirror->spte[0] || mirror->spte[1])
		set_seq(sub, seq);
	mirror_drop();
	spin_unlock(&mirror->lock);
	return true;
}

static bool invalidate_table(struct mmu_interval_notifier *sub,
			     const struct mmu_notifier_range *event,
			     unsigned long seq)
{
	spin_lock(&mirror->lock);
	set_seq(sub, seq);
	mirror->table[0] = 0;
	spin_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops right_ops = {
	.invalidate = invalidate_right,
};

static const struct mmu_interval_notifier_ops late_seq_ops = {
	.invalidate = invalidate_late_seq,
};

static const struct mmu_interval_notifier_ops unlocked_ops = {
	.invalidate = invalidate_unlocked,
};

static const struct mmu_interval_notifier_ops mutex_ops = {
	.invalidate = invalidate_mutex,
};

static const struct mmu_interval_notifier_ops put_ops = {
	.invalidate = invalidate_put,
};

static const struct mmu_interval_notifier_ops flag_ops = {
	.invalidate = invalidate_flag,
};

static const struct mmu_interval_notifier_ops if_mapped_ops = {
	.invalidate = invalidate_if_mapped,
};

static const struct mmu_interval_notifier_ops table_ops = {
	.invalidate = invalidate_table,
};

static void insert(const struct mmu_interval_notifier_ops *ops)
{
	const int ret = mmu_interval_notifier_insert(&mirror->sub, the_mm, BASE,
						     PAGES, ops);

	if (ret)
		violate("an insert returned %d", ret);
}

void mirror_insert(void)
{
	insert(&right_ops);
}

void driver_forget(void)
{
	mirror = NULL;
}

void driver_setup_not_inserted(void)
{
	mirror = kzalloc(sizeof(*mirror), GFP_KERNEL);
}

static void setup(const struct mmu_interval_notifier_ops *ops)
{
	driver_setup_not_inserted();
	insert(ops);
}

void driver_setup(void)
{
	setup(&right_ops);
}

void driver_setup_late_seq(void)
{
	setup(&late_seq_ops);
}

void driver_setup_unlocked_callback(void)
{
	setup(&unlocked_ops);
}

void driver_setup_mutex(void)
{
	setup(&mutex_ops);
}

void driver_setup_put(void)
{
	setup(&put_ops);
}

void driver_setup_flag(void)
{
	setup(&flag_ops);
}

void driver_setup_if_mapped(void)
{
	setup(&if_mapped_ops);
}

void driver_setup_table(void)
{
	setup(&table_ops);
	mirror->table = kzalloc(sizeof(*mirror->table), GFP_KERNEL);
}

void driver_remove(void *role)
{
	mmu_interval_notifier_remove(&mirror->sub);
}

/* The callback waits for the lock, and remove waits for the callback. */
void driver_remove_under_lock(void *role)
{
	mutex_lock(&mirror->mutex);
	mmu_interval_notifier_remove(&mirror->sub);
	mutex_unlock(&mirror->mutex);
}

void driver_remove_and_free(void *role)
{
	mmu_interval_notifier_remove(&mirror->sub);
	kfree(mirror->table);
}

/* The callback can be called until remove returns. */
void driver_free_and_remove(void *role)
{
	kfree(mirror->table);
	mmu_interval_notifier_remove(&mirror->sub);
}

/* A driver whose insert failed must not remove. */
void driver_remove_inserted(void *role)
{
	if (mirror->sub.mm)
		mmu_interval_notifier_remove(&mirror->sub);
}

/* A worker drops the user of the mm that the driver holds. */
void driver_put_later(void *role)
{
	mmput(the_mm);
}

/* A driver that keeps the mm longer than its user needs a reference. */
void driver_put_and_drop(void *role)
{
	mmgrab(the_mm);
	mmput(the_mm);
	mmdrop(the_mm);
}

void driver_drop_too_often(void *role)
{
	mmput(the_mm);
	mmdrop(the_mm);
}

static void event_init(struct mmu_notifier_range *event)
{
#ifdef RANGE_HAS_VMA
	mmu_notifier_range_init(event, MMU_NOTIFY_CLEAR, 0, NULL, the_mm, BASE,
				BASE + PAGES);
#else
	mmu_notifier_range_init(event, MMU_NOTIFY_CLEAR, 0, the_mm, BASE,
				BASE + PAGES);
#endif
}

static void invalidate_pages(bool blockable)
{
	struct mmu_notifier_range event;
	int ret = 0;

	event_init(&event);
	if (blockable)
		mmu_notifier_invalidate_range_start(&event);
	else
		ret = mmu_notifier_invalidate_range_start_nonblock(&event);
	if (ret)
		return;
	mm_zap(the_mm, 0, PAGES - 1);
	mmu_notifier_invalidate_range_end(&event);
}

/* The first insert waits for tasks that hold the lock of a VMA. */
void driver_invalidate(void *role)
{
	down_read(&the_mm->vma_lock);
	invalidate_pages(true);
	up_read(&the_mm->vma_lock);
}

void driver_reap(void *role)
{
	down_read(&the_mm->vma_lock);
	invalidate_pages(false);
	up_read(&the_mm->vma_lock);
}

unseen void driver_check_page(int page)
{
	if (mirror && page < PAGES && mirror->spte[page])
		violate("page %d is unmapped, and the driver maps the page",
			page);
}

unseen void driver_check_end(void)
{
	for (int i = 0; mirror && i < PAGES; i++)
		if (mirror->spte[i] && mirror->spte[i] != the_mm->page[i])
			violate("the driver maps an old page %d for ever", i);
}
