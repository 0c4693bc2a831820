// SPDX-License-Identifier: GPL-2.0
/*
 * Right and wrong drivers with a list notifier that maps page 0, as KVM does: start
 * counts an invalidation that runs, and end gives a new sequence, see driver.h.
 */
#include <linux/mmu_notifier.h>

#include "driver.h"
#include "mm.h"

struct counter {
	struct mmu_notifier sub;
	spinlock_t lock; /* the update lock */
	unsigned long spte; /* a page, or 0 */
	unsigned long seq; /* the invalidations that have ended */
	unsigned long running; /* the invalidations that have not ended */
};

/* The setup creates the counter, so each schedule has the counter at one address. */
static struct counter *counter;

static unseen void check_spte(const char *when)
{
	if (counter->spte && counter->spte != the_mm->page[0])
		violate("%s, the driver maps an old page 0", when);
}

static int start(struct mmu_notifier *sub,
		 const struct mmu_notifier_range *event)
{
	spin_lock(&counter->lock);
	counter->running++;
	counter->spte = 0;
	spin_unlock(&counter->lock);
	return 0;
}

static void end(struct mmu_notifier *sub,
		const struct mmu_notifier_range *event)
{
	spin_lock(&counter->lock);
	check_spte("when an invalidation ends");
	counter->seq++;
	counter->running--;
	spin_unlock(&counter->lock);
}

static const struct mmu_notifier_ops counter_ops = {
	.invalidate_range_start = start,
	.invalidate_range_end = end,
};

void driver_setup_counter(void)
{
	int ret;

	counter = kzalloc(sizeof(*counter), GFP_KERNEL);
	counter->sub.ops = &counter_ops;
	ret = mmu_notifier_register(&counter->sub, the_mm);
	if (ret)
		violate("register returned %d", ret);
}

/* The caller holds the lock, and has tested for collisions. */
static bool publish_if(bool valid, unsigned long page)
{
	if (valid) {
		counter->spte = page;
		check_spte("when a reader publishes");
	}
	spin_unlock(&counter->lock);
	return valid;
}

/*
 * The count covers an invalidation that runs at the test, and the sequence an
 * invalidation that has ended since the walk began.
 */
static bool attempt_count_and_seq(void *unused)
{
	const unsigned long seq = READ_ONCE(counter->seq);
	unsigned long page;

	mm_walk(the_mm, 0, 1, &page);
	spin_lock(&counter->lock);
	return publish_if(!counter->running && counter->seq == seq, page);
}

void driver_read_count_and_seq(void *role)
{
	actor_repeat(attempt_count_and_seq, NULL);
}

/* An invalidation can begin and end between the walk and the test. */
static bool attempt_count(void *unused)
{
	unsigned long page;

	mm_walk(the_mm, 0, 1, &page);
	spin_lock(&counter->lock);
	return publish_if(!counter->running, page);
}

void driver_read_count(void *role)
{
	actor_repeat(attempt_count, NULL);
}

/* An invalidation that has begun before the walk may not have ended at the test. */
static bool attempt_seq(void *unused)
{
	const unsigned long seq = READ_ONCE(counter->seq);
	unsigned long page;

	mm_walk(the_mm, 0, 1, &page);
	spin_lock(&counter->lock);
	return publish_if(counter->seq == seq, page);
}

void driver_read_seq(void *role)
{
	actor_repeat(attempt_seq, NULL);
}
