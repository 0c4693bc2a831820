// SPDX-License-Identifier: GPL-2.0
/*
 * The mmap_lock as a queue: who takes the lock, who waits, and who is let in.
 */
#include <string.h>

#include "mmap_lock.h"

static __u8 let_in(struct model_mmap_lock *mmap, int i, __u8 writers)
{
	const int actor = mmap->queue[i];

	mmap->nr_queue--;
	memmove(mmap->queue + i, mmap->queue + i + 1, mmap->nr_queue - i);
	mmap->queue[mmap->nr_queue] = 0;
	if (writers & 1 << actor)
		mmap->writer = 1;
	else
		mmap->readers++;
	return 1 << actor;
}

/* The first of the queue is let in; if it reads, so is everybody who reads. */
static __u8 serve_queue(struct model_mmap_lock *mmap, __u8 writers)
{
	__u8 actors = 0;
	int i = 0;

	if (!mmap->nr_queue || mmap->writer)
		return 0;
	if (writers & 1 << mmap->queue[0])
		return mmap->readers ? 0 : let_in(mmap, 0, writers);
	while (i < mmap->nr_queue) {
		if (writers & 1 << mmap->queue[i])
			i++;
		else
			actors |= let_in(mmap, i, writers);
	}
	return actors;
}

__u8 mmap_lock_take(struct model_mmap_lock *mmap, int actor, __u8 writers)
{
	mmap->queue[mmap->nr_queue++] = actor;
	return mmap->nr_queue == 1 ? serve_queue(mmap, writers) : 0;
}

__u8 mmap_lock_release(struct model_mmap_lock *mmap, __u8 writers)
{
	if (mmap->writer)
		mmap->writer = 0;
	else
		mmap->readers--;
	return serve_queue(mmap, writers);
}

__u8 mmap_lock_downgrade(struct model_mmap_lock *mmap, __u8 writers)
{
	mmap->writer = 0;
	mmap->readers = 1;
	return serve_queue(mmap, writers);
}
