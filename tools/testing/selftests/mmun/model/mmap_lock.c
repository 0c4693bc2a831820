// SPDX-License-Identifier: GPL-2.0
/* The specification of the mmap_lock */
#include <string.h>

#include "mmap_lock.h"

static bool waits_to_write(const struct model_mmap_lock *mmap, int i)
{
	return mmap->writers & 1 << mmap->queue[i];
}

/* Give the lock to waiter number @i.  Returns the mask of the waiter. */
static __u8 grant(struct model_mmap_lock *mmap, int i)
{
	const __u8 actor = 1 << mmap->queue[i];

	mmap->nr_queue--;
	memmove(&mmap->queue[i], &mmap->queue[i + 1],
		(mmap->nr_queue - i) * sizeof(mmap->queue[0]));
	mmap->queue[mmap->nr_queue] = 0;
	if (mmap->writers & actor)
		mmap->writer = 1;
	else
		mmap->readers++;
	mmap->writers &= ~actor;
	return actor;
}

/* If the first waiter is a reader, all waiting readers get the lock. */
static __u8 serve_queue(struct model_mmap_lock *mmap)
{
	__u8 actors = 0;

	if (!mmap->nr_queue || mmap->writer)
		return 0;
	if (waits_to_write(mmap, 0))
		return mmap->readers ? 0 : grant(mmap, 0);
	for (int i = mmap->nr_queue - 1; i >= 0; i--)
		if (!waits_to_write(mmap, i))
			actors |= grant(mmap, i);
	return actors;
}

__u8 mmap_lock_take(struct model_mmap_lock *mmap, int actor, bool write)
{
	mmap->queue[mmap->nr_queue++] = actor;
	mmap->writers |= write << actor;
	return mmap->nr_queue == 1 ? serve_queue(mmap) : 0;
}

__u8 mmap_lock_release(struct model_mmap_lock *mmap)
{
	if (mmap->writer)
		mmap->writer = 0;
	else
		mmap->readers--;
	return serve_queue(mmap);
}

__u8 mmap_lock_downgrade(struct model_mmap_lock *mmap)
{
	mmap->writer = 0;
	mmap->readers = 1;
	return serve_queue(mmap);
}
