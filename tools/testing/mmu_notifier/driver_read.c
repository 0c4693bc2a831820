// SPDX-License-Identifier: GPL-2.0
/* Right and wrong readers of drivers, see driver.h */
#include <linux/mmu_notifier.h>

#include "driver.h"
#include "mirror.h"
#include "mm.h"

struct reading {
	int tries;
	int before; /* the invalidations before the first try */
	unsigned long seq;
};

static unseen int invalidations(void)
{
	return mirror->invalidations;
}

static void publish(const unsigned long *page)
{
	for (int i = 0; i < PAGES; i++)
		mirror->spte[i] = page[i];
}

/*
 * A collision needs an invalidation after the begin.  So a reader that begins again
 * after each collision tries once, and once more for each invalidation.
 */
static void count_try(struct reading *reading)
{
	const int most = 1 + invalidations() - reading->before;

	if (++reading->tries > most)
		violate("a reader tries %d times after %d invalidations",
			reading->tries, most - 1);
}

static unsigned long begin(struct reading *reading)
{
	count_try(reading);
	return mmu_interval_read_begin(&mirror->sub);
}

static void read(bool (*attempt)(void *reading))
{
	struct reading reading = { .before = invalidations() };

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
	read(attempt);
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
	read(attempt_chunks);
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
	read(attempt_chunks_wrong);
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

static bool count_and_attempt_stale_seq(void *reading)
{
	count_try(reading);
	return attempt_stale_seq(reading);
}

void driver_count_stale_seq(void *role)
{
	struct reading reading = { .before = invalidations() };

	reading.seq = mmu_interval_read_begin(&mirror->sub);
	actor_repeat(count_and_attempt_stale_seq, &reading);
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
	read(attempt_one_seq_for_all);
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
	read(attempt_flag);
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
	read(attempt_without_lock);
}

static bool commit_mutex(unsigned long seq, const unsigned long *page)
{
	const bool retry = mmu_interval_read_retry(&mirror->sub, seq);

	if (!retry)
		publish(page);
	mutex_unlock(&mirror->mutex);
	return !retry;
}

static bool attempt_mutex(void *reading)
{
	const unsigned long seq = begin(reading);
	unsigned long page[PAGES];

	mm_walk(the_mm, 0, PAGES, page);
	mutex_lock(&mirror->mutex);
	return commit_mutex(seq, page);
}

void driver_read_mutex(void *role)
{
	read(attempt_mutex);
}

/* Begin waits for an invalidation, whose callback can wait for the lock. */
static bool attempt_begin_under_lock(void *reading)
{
	unsigned long page[PAGES], seq;

	mutex_lock(&mirror->mutex);
	seq = begin(reading);
	mm_walk(the_mm, 0, PAGES, page);
	return commit_mutex(seq, page);
}

void driver_read_begin_under_lock(void *role)
{
	read(attempt_begin_under_lock);
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
	read(attempt_test_before_lock);
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
	mirror_drop();
	spin_unlock(&mirror->lock);
	return false;
}

void driver_read_use_before_retry(void *role)
{
	read(attempt_use_before_retry);
}

/* An invalidation before the insert calls no callback. */
void driver_insert_after_walk(void *role)
{
	unsigned long page[PAGES];

	mm_walk(the_mm, 0, PAGES, page);
	mirror_insert();
	spin_lock(&mirror->lock);
	publish(page);
	spin_unlock(&mirror->lock);
}

void driver_insert_before_walk(void *role)
{
	mirror_insert();
	read(attempt);
}
