// SPDX-License-Identifier: GPL-2.0
/* Right and wrong list notifiers of drivers that hold a lock, see driver.h */
#include <linux/mmu_notifier.h>

#include "driver.h"
#include "mm.h"

struct locker {
	struct mmu_notifier sub;
	struct mutex lock; /* of the driver, between start and end */
	int uses; /* by the task that puts */
};

static struct mutex *lock_of(struct mmu_notifier *sub)
{
	return &container_of(sub, struct locker, sub)->lock;
}

/* Returns whether the caller holds the lock. */
static bool take(struct mmu_notifier *sub,
		 const struct mmu_notifier_range *event)
{
	if (!mmu_notifier_range_blockable(event))
		return mutex_trylock(lock_of(sub));
	mutex_lock(lock_of(sub));
	return true;
}

static int start_and_hold(struct mmu_notifier *sub,
			  const struct mmu_notifier_range *event)
{
	return take(sub, event) ? 0 : -EAGAIN;
}

static void end_and_drop(struct mmu_notifier *sub,
			 const struct mmu_notifier_range *event)
{
	mutex_unlock(lock_of(sub));
}

/* The work of an invalidation that may block, for which the driver has the lock */
static int work(struct mmu_notifier *sub,
		const struct mmu_notifier_range *event)
{
	if (!mmu_notifier_range_blockable(event))
		return -EAGAIN;
	mutex_unlock(lock_of(sub));
	return 0;
}

/* The kernel does not call the end of a notifier that refuses. */
static int start_wrong(struct mmu_notifier *sub,
		       const struct mmu_notifier_range *event)
{
	return take(sub, event) ? work(sub, event) : -EAGAIN;
}

static int start_right(struct mmu_notifier *sub,
		       const struct mmu_notifier_range *event)
{
	int ret = -EAGAIN;

	if (take(sub, event)) {
		ret = work(sub, event);
		if (ret)
			mutex_unlock(lock_of(sub));
	}
	return ret;
}

static int refuse(struct mmu_notifier *sub,
		  const struct mmu_notifier_range *event)
{
	return mmu_notifier_range_blockable(event) ? 0 : -EAGAIN;
}

static const struct mmu_notifier_ops hold_ops = {
	.invalidate_range_start = start_and_hold,
	.invalidate_range_end = end_and_drop,
};

static const struct mmu_notifier_ops wrong_ops = {
	.invalidate_range_start = start_wrong,
};

static const struct mmu_notifier_ops right_ops = {
	.invalidate_range_start = start_right,
};

static const struct mmu_notifier_ops refusing_ops = {
	.invalidate_range_start = refuse,
};

static struct mmu_notifier *alloc(struct mm_struct *mm)
{
	struct locker *locker = kzalloc(sizeof(*locker), GFP_KERNEL);

	return &locker->sub;
}

static void release_memory(struct mmu_notifier *sub)
{
	kfree(container_of(sub, struct locker, sub));
}

static const struct mmu_notifier_ops got_ops = {
	.alloc_notifier = alloc,
	.free_notifier = release_memory,
};

/* The setup gets the notifier, so each schedule has the notifier at one address. */
static struct mmu_notifier *got;

void driver_setup_got(void)
{
	got = mmu_notifier_get(&got_ops, the_mm);
}

void driver_use_and_put(void *role)
{
	container_of(got, struct locker, sub)->uses++;
	mmu_notifier_put(got);
}

/* The last put frees the notifier as soon as no SRCU reader is left. */
void driver_put_and_use(void *role)
{
	mmu_notifier_put(got);
	container_of(got, struct locker, sub)->uses++;
}

/* What two tasks share until the second frees it */
struct job {
	spinlock_t lock; /* for @done */
	bool done;
	unsigned long entry; /* of a task that maps pages until the job is done */
	struct rcu_head rcu; /* of the callback that finishes the job */
};

static struct job *job;

void driver_setup_job(void)
{
	job = kzalloc(sizeof(*job), GFP_KERNEL);
}

void driver_finish_job(void *role)
{
	spin_lock(&job->lock);
	WRITE_ONCE(job->done, true);
	spin_unlock(&job->lock);
}

/* The job can be done between the test and the entry. */
void driver_map_unless_done(void *role)
{
	if (!READ_ONCE(job->done))
		WRITE_ONCE(job->entry, 1);
}

void driver_finish_and_drop(void *role)
{
	WRITE_ONCE(job->done, true);
	spin_lock(&job->lock);
	WRITE_ONCE(job->entry, 0);
	if (READ_ONCE(job->entry))
		violate("the driver maps a page after the job");
	spin_unlock(&job->lock);
}

/* The other task can be about to release the lock. */
void driver_free_done(void *role)
{
	if (READ_ONCE(job->done))
		kfree(job);
}

void driver_lock_and_free_done(void *role)
{
	bool done;

	spin_lock(&job->lock);
	done = job->done;
	spin_unlock(&job->lock);
	if (done)
		kfree(job);
}

static bool is_done(void *unused)
{
	bool done;

	spin_lock(&job->lock);
	done = job->done;
	spin_unlock(&job->lock);
	return done;
}

DEFINE_STATIC_SRCU(srcu);

static void finish_later(struct rcu_head *unused)
{
	driver_finish_job(NULL);
}

void driver_free_after_barrier(void *role)
{
	call_srcu(&srcu, &job->rcu, finish_later);
	srcu_barrier(&srcu);
	kfree(job);
}

/* The readers have ended, and the callback can still run. */
void driver_free_after_synchronize(void *role)
{
	call_srcu(&srcu, &job->rcu, finish_later);
	synchronize_srcu(&srcu);
	kfree(job);
}

void driver_poll(void *role)
{
	actor_repeat(is_done, NULL);
}

/* The setup creates the batch, so each schedule has the batch at one address. */
struct batch {
	struct mutex lock; /* of the task that runs the batch */
	bool runs; /* as long as a task holds the lock */
};

static struct batch *batch;

void driver_setup_batch(void)
{
	batch = kzalloc(sizeof(*batch), GFP_KERNEL);
}

void driver_run_batch(void *role)
{
	mutex_lock(&batch->lock);
	WRITE_ONCE(batch->runs, true);
	WRITE_ONCE(batch->runs, false);
	mutex_unlock(&batch->lock);
}

static void expect_batch(void)
{
	if (!READ_ONCE(batch->runs))
		violate("a task holds the lock, and no batch runs");
}

/* The other task can be between the lock and the flag. */
void driver_try_and_expect_batch(void *role)
{
	if (mutex_trylock(&batch->lock))
		mutex_unlock(&batch->lock);
	else
		expect_batch();
}

static void setup(const struct mmu_notifier_ops *ops)
{
	struct locker *locker = kzalloc(sizeof(*locker), GFP_KERNEL);
	int ret;

	locker->sub.ops = ops;
	ret = mmu_notifier_register(&locker->sub, the_mm);
	if (ret)
		violate("register returned %d", ret);
}

void driver_setup_lock_until_end(void)
{
	setup(&hold_ops);
	setup(&refusing_ops);
}

void driver_setup_lock_kept(void)
{
	setup(&wrong_ops);
}

void driver_setup_lock_dropped(void)
{
	setup(&right_ops);
}
