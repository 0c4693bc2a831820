/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The collision-retry lock of mmu_interval_notifier, as lock.c specifies it.
 *
 * A state is a struct of small integers without padding: two states are the
 * same exactly when memcmp() says so.
 */
#ifndef _SELFTESTS_MMUN_MODEL_LOCK_H
#define _SELFTESTS_MMUN_MODEL_LOCK_H

#include <stdbool.h>
#include <linux/types.h>

/*
 * The memory: range i watches the pages i and i + 1, so the order of the
 * letters is that of the tree.  The last page is watched by nobody.
 *
 *   0   1   2   3   4   5
 *   |---A---|---C---|
 *       |---B---|---D---|
 */
#define MODEL_RANGES 4
#define MODEL_PAGES 6

/* The sequence of an mm that has seen no invalidation. */
#define MODEL_FIRST_SEQ 2

/**
 * struct model_sub - a subscription
 * @seq: mmu_interval_notifier::invalidate_seq
 * @in_tree: the core calls it
 * @known: it has an ID: inserted, and no remove has begun
 */
struct model_sub {
	__u8 seq;
	__u8 in_tree;
	__u8 known;
};

/**
 * struct model_lock - struct mmu_notifier_subscriptions
 * @seq: invalidate_seq
 * @active: active_invalidate_ranges
 * @nr_deferred: how many wait for the end of the invalidation
 * @deferred: they, the latest first
 * @sub: the subscriptions, in the tree or not
 */
struct model_lock {
	__u8 seq;
	__u8 active;
	__u8 nr_deferred;
	__u8 deferred[MODEL_RANGES];
	struct model_sub sub[MODEL_RANGES];
};

int lock_next(const struct model_lock *lock, int first, int last, int range);
int lock_start(struct model_lock *lock, int first, int last, __u8 *seq);
bool lock_end(struct model_lock *lock);
void lock_insert(struct model_lock *lock, int range);
int lock_remove(struct model_lock *lock, int range);
bool lock_begin(const struct model_lock *lock, int range, __u8 *seq);
bool lock_retry(const struct model_lock *lock, int range, __u8 seq);

#endif /* _SELFTESTS_MMUN_MODEL_LOCK_H */
