/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mmap_lock.  @writers is the mask of the actors that take the lock for
 * writing; the functions return the mask of the actors that are let in.
 */
#ifndef _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H
#define _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H

#include <linux/types.h>

#define MODEL_ACTORS 8

/**
 * struct model_mmap_lock - who holds it and who queues for it
 * @readers: holders for reading
 * @writer: 1: held for writing
 * @nr_queue: how many wait
 * @queue: they, first come first
 */
struct model_mmap_lock {
	__u8 readers;
	__u8 writer;
	__u8 nr_queue;
	__u8 queue[MODEL_ACTORS];
};

/* A reader that comes later queues behind a writer that waits. */
__u8 mmap_lock_take(struct model_mmap_lock *mmap, int actor, __u8 writers);
__u8 mmap_lock_release(struct model_mmap_lock *mmap, __u8 writers);
/* The writer becomes a reader. */
__u8 mmap_lock_downgrade(struct model_mmap_lock *mmap, __u8 writers);

#endif /* _SELFTESTS_MMUN_MODEL_MMAP_LOCK_H */
