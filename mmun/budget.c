// SPDX-License-Identifier: GPL-2.0
/*
 * How long tasks can be held: the limit, and what of it an mm has used up.
 */

/* The module parameter; it can change at any time. */
static unsigned int mmun_max_hold_ms = 10000;

static unsigned int mmun_hold_limit(void)
{
	return READ_ONCE(mmun_max_hold_ms);
}

/*
 * Holds that overlap, or follow each other, add up for whoever waits for the mm
 * or for the SRCU of the notifiers, whichever contexts they are of.  So the mm
 * has a budget: one limit, which is refilled while nobody is held.
 */
#define MMUN_REFILL	1000

static void mmun_budget_update(struct mmun_mm *budget)
{
	u64 now = ktime_get_ns(), passed = now - budget->changed;

	lockdep_assert_held(&budget->lock);
	if (budget->nr_held)
		budget->spent += passed;
	else
		budget->spent -= min(budget->spent, passed * MMUN_REFILL);
	budget->changed = now;
}

/* Returns how many jiffies the task may be held, or 0. */
static long mmun_budget_enter(struct mmun_mm *budget)
{
	u64 limit = mmun_hold_limit() * (u64)NSEC_PER_MSEC;
	long left = 0;

	spin_lock(&budget->lock);
	mmun_budget_update(budget);
	if (budget->spent < limit)
		left = nsecs_to_jiffies(limit - budget->spent);
	if (left)
		budget->nr_held++;
	spin_unlock(&budget->lock);
	return left;
}

static void mmun_budget_leave(struct mmun_mm *budget)
{
	spin_lock(&budget->lock);
	mmun_budget_update(budget);
	budget->nr_held--;
	spin_unlock(&budget->lock);
}
