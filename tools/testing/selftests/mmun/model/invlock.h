/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rules of the mm-wide lock of MMUN_KIND_INVLOCK, with the state of struct
 * model_lock.  The mm has one sequence, which is always odd, and the ranges have
 * no sequences.
 */
#ifndef _SELFTESTS_MMUN_MODEL_INVLOCK_H
#define _SELFTESTS_MMUN_MODEL_INVLOCK_H

#include "lock.h"

/*
 * The functions of an invalidation, see lock.h.  invlock_release() is the start
 * of the callback release() at exit.
 */
int invlock_start(struct model_lock *lock, int first, int last);
int invlock_release(struct model_lock *lock, int first, int last);
bool invlock_invalidate(struct model_lock *lock, int range, __u8 seq,
			bool refuses);
bool invlock_end(struct model_lock *lock);

/*
 * The callback of a range begins and ends.  invlock_leave() returns whether the
 * removal of the range can go on.
 */
void invlock_enter(struct model_lock *lock, int range);
bool invlock_leave(struct model_lock *lock, int range);

/* invlock_remove() returns the number of callbacks that the caller must await. */
void invlock_insert(struct model_lock *lock, int range);
int invlock_remove(struct model_lock *lock, int range);

/* invlock_begin() returns whether the caller must wait, see invlock_wakes(). */
bool invlock_begin(const struct model_lock *lock, int range, __u8 *seq);
bool invlock_retry(const struct model_lock *lock, int range, __u8 seq);
/* Returns the sequence with which invlock_retry() compares. */
__u8 invlock_clock(const struct model_lock *lock, int range);
/* Returns whether the wait of a reader, or of a removal, is over. */
bool invlock_wakes(const struct model_lock *lock, int range, bool removes,
		   __u8 *seq);

#endif /* _SELFTESTS_MMUN_MODEL_INVLOCK_H */
