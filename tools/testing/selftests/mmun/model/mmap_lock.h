/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mmap_lock.  @writers is the mask of the actors that take the lock for
 * writing.  The functions return the mask of the actors that get the lock.
 */
#ifndef _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H
#define _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H

#include <linux/types.h>

#define MODEL_ACTORS 8

/**
 * struct model_mmap_lock - the holders and the waiters
 * @readers: number of actors that hold the lock for reading
 * @writer: 1: an actor holds the lock for writing
 * @nr_queue: number of waiters
 * @queue: the waiters, the earliest first
 */
struct model_mmap_lock {
	__u8 readers;
	__u8 writer;
	__u8 nr_queue;
	__u8 queue[MODEL_ACTORS];
};

/* A later reader queues behind a writer that waits. */
__u8 mmap_lock_take(struct model_mmap_lock *mmap, int actor, __u8 writers);
__u8 mmap_lock_release(struct model_mmap_lock *mmap, __u8 writers);
/* The writer becomes a reader. */
__u8 mmap_lock_downgrade(struct model_mmap_lock *mmap, __u8 writers);

#endif /* _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H */
