/* SPDX-License-Identifier: GPL-2.0 */
/* The model of the mmap_lock: a fair queue of readers and writers */
#ifndef _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H
#define _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H

#include <stdbool.h>
#include <linux/types.h>

#define MODEL_ACTORS 8

struct model_mmap_lock {
	__u8 readers; /* number of actors that hold the lock for reading */
	__u8 writer; /* 1: An actor holds the lock for writing. */
	__u8 writers; /* mask of the actors that wait for writing */
	__u8 nr_queue; /* number of waiters */
	__u8 queue[MODEL_ACTORS]; /* the waiters, the earliest first */
};

/*
 * Each function returns the mask of the actors that get the lock.  A new reader
 * waits if another actor waits.  A downgrade turns the writer into a reader.
 */
__u8 mmap_lock_take(struct model_mmap_lock *mmap, int actor, bool write);
__u8 mmap_lock_release(struct model_mmap_lock *mmap);
__u8 mmap_lock_downgrade(struct model_mmap_lock *mmap);

#endif /* _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H */
