// SPDX-License-Identifier: GPL-2.0
/* Right and wrong loops of drivers, see driver.h */
#include <linux/mmu_notifier.h>

#include "driver.h"
#include "interval.h"
#include "mm.h"
#include "refine.h"

#define PAGES 2

struct mirror {
	struct mmu_interval_notifier sub;
	spinlock_t lock; /* the update lock */
	struct mutex
		mutex; /* the update lock of a driver whose callback sleeps */
	unsigned long spte[PAGES]; /* a page, or 0 */
	unsigned long seq; /* of a driver with one sequence for all readers */
	bool valid; /* of a driver with a flag instead of a sequence */
	bool put; /* The callback has dropped its user of the mm. */
};

/* The setup creates the mirror, so each schedule has the mirror at one address. */
static struct mirror *mirror;

/* A reader, and how often it has begun */
struct reading {
	int begun;
	int most; /* A reader begins once, and again after each invalidation. */
	unsigned long seq;
};

static void drop(void)
{
	for (int i = 0; i < PAGES; i++)
		mirror->spte[i] = 0;
}

static void publish(const unsigned long *page)
{
	for (int i = 0; i < PAGES; i++)
		mirror->spte[i] = page[i];
}

static bool invalidate_right(struct mmu_interval_notifier *sub,
			     const struct mmu_notifier_range *event,
			     unsigned long seq)
{
	spin_lock(&mirror->lock);
	mmu_interval_set_seq(sub, seq);
	drop();
	spin_unlock(&mirror->lock);
	return true;
}

/* A reader can publish its pages between the drop and the new sequence. */
static bool invalidate_late_seq(struct mmu_interval_notifier *sub,
				const struct mmu_notifier_range *event,
				unsigned long seq)
{
	spin_lock(&mirror->lock);
	drop();
	spin_unlock(&mirror->lock);
	mmu_interval_set_seq(sub, seq);
	return true;
}

/* A reader can publish its pages after it has tested the old sequence. */
static bool invalidate_unlocked(struct mmu_interval_notifier *sub,
				const struct mmu_notifier_range *event,
				unsigned long seq)
{
	mmu_interval_set_seq(sub, seq);
	drop();
	return true;
}

static bool invalidate_mutex(struct mmu_interval_notifier *sub,
			     const struct mmu_notifier_range *event,
			     unsigned long seq)
{
	mutex_lock(&mirror->mutex);
	mmu_interval_set_seq(sub, seq);
	drop();
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
	mmu_interval_set_seq(sub, seq);
	mirror->valid = false;
	drop();
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

static void insert(const struct mmu_interval_notifier_ops *ops)
{
	const int ret = mmu_interval_notifier_insert(&mirror->sub, the_mm, BASE,
						     PAGES, ops);

	if (ret)
		violate("an insert returned %d", ret);
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

/* Begin, and test that each collision needed an invalidation of its own. */
static unsigned long begin(struct reading *reading)
{
	if (++reading->begun > reading->most)
		violate("a reader begins %d times, and there are %d invalidations",
			reading->begun, reading->most - 1);
	return mmu_interval_read_begin(&mirror->sub);
}

static void read(bool (*attempt)(void *reading), const void *arg)
{
	const struct role *role = arg;
	struct reading reading = { .most = 1 + role->last };

	actor_repeat(attempt, &reading);
}

/* Test the sequence and publish the pages, under the update lock. */
static bool commit(unsigned long seq, const unsigned long *page)
{
	bool retry;

	spin_lock(&mirror->lock);
	retry = mmu_interval_read_retry(&mirror->sub, seq);
	if (!retry)
		publish(page);
	spin_unlock(&mirror->lock);
	return !retry;
}

static bool attempt(void *reading)
{
	const unsigned long seq = begin(reading);
	unsigned long page[PAGES];

	mm_walk(the_mm, 0, PAGES, page);
	return commit(seq, page);
}

void driver_read(void *role)
{
	read(attempt, role);
}

static bool attempt_chunks(void *reading)
{
	const unsigned long seq = begin(reading);
	unsigned long page[PAGES];

	for (int i = 0; i < PAGES; i++)
		mm_walk(the_mm, i, 1, &page[i]);
	return commit(seq, page);
}

void driver_read_chunks(void *role)
{
	read(attempt_chunks, role);
}

/* The sequence of the last chunk does not tell that an earlier chunk is stale. */
static bool attempt_chunks_wrong(void *reading)
{
	unsigned long page[PAGES], seq = 0;

	for (int i = 0; i < PAGES; i++) {
		seq = mmu_interval_read_begin(&mirror->sub);
		mm_walk(the_mm, i, 1, &page[i]);
	}
	return commit(seq, page);
}

void driver_read_chunks_wrong(void *role)
{
	read(attempt_chunks_wrong, role);
}

static bool attempt_stale_seq(void *arg)
{
	struct reading *reading = arg;
	unsigned long page[PAGES];

	mm_walk(the_mm, 0, PAGES, page);
	return commit(reading->seq, page);
}

/* The old sequence collides for ever. */
void driver_read_stale_seq(void *role)
{
	struct reading reading = {};

	reading.seq = mmu_interval_read_begin(&mirror->sub);
	actor_repeat(attempt_stale_seq, &reading);
}

/* Another reader stores its sequence over the sequence of this reader. */
static bool attempt_one_seq_for_all(void *reading)
{
	unsigned long page[PAGES];

	mirror->seq = mmu_interval_read_begin(&mirror->sub);
	mm_walk(the_mm, 0, PAGES, page);
	return commit(mirror->seq, page);
}

void driver_read_one_seq_for_all(void *role)
{
	read(attempt_one_seq_for_all, role);
}

static void set_valid(bool valid)
{
	spin_lock(&mirror->lock);
	mirror->valid = valid;
	spin_unlock(&mirror->lock);
}

/* Another reader sets the flag again that an invalidation has cleared. */
static bool attempt_flag(void *reading)
{
	unsigned long page[PAGES];
	bool valid;

	mmu_interval_read_begin(&mirror->sub);
	set_valid(true);
	mm_walk(the_mm, 0, PAGES, page);
	spin_lock(&mirror->lock);
	valid = mirror->valid;
	if (valid)
		publish(page);
	spin_unlock(&mirror->lock);
	return valid;
}

void driver_read_flag(void *role)
{
	read(attempt_flag, role);
}

static bool attempt_without_lock(void *reading)
{
	const unsigned long seq = begin(reading);
	unsigned long page[PAGES];

	mm_walk(the_mm, 0, PAGES, page);
	if (mmu_interval_read_retry(&mirror->sub, seq))
		return false;
	publish(page);
	return true;
}

void driver_read_without_lock(void *role)
{
	read(attempt_without_lock, role);
}

static bool attempt_test_before_lock(void *reading)
{
	const unsigned long seq = begin(reading);
	unsigned long page[PAGES];

	mm_walk(the_mm, 0, PAGES, page);
	if (mmu_interval_check_retry(&mirror->sub, seq))
		return false;
	spin_lock(&mirror->lock);
	publish(page);
	spin_unlock(&mirror->lock);
	return true;
}

void driver_read_test_before_lock(void *role)
{
	read(attempt_test_before_lock, role);
}

/* The device uses the pages until the test tells that they are stale. */
static bool attempt_use_before_retry(void *reading)
{
	const unsigned long seq = begin(reading);
	unsigned long page[PAGES];

	mm_walk(the_mm, 0, PAGES, page);
	spin_lock(&mirror->lock);
	publish(page);
	spin_unlock(&mirror->lock);
	if (commit(seq, page))
		return true;
	spin_lock(&mirror->lock);
	drop();
	spin_unlock(&mirror->lock);
	return false;
}

void driver_read_use_before_retry(void *role)
{
	read(attempt_use_before_retry, role);
}

/* An invalidation before the insert calls no callback. */
void driver_insert_after_walk(void *role)
{
	unsigned long page[PAGES];

	mm_walk(the_mm, 0, PAGES, page);
	insert(&right_ops);
	spin_lock(&mirror->lock);
	publish(page);
	spin_unlock(&mirror->lock);
}

void driver_insert_before_walk(void *role)
{
	insert(&right_ops);
	read(attempt, role);
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
