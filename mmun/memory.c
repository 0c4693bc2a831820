// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: objects are charged to the memory cgroup of the caller and counted, so
 * that a leak is seen when the module is unloaded.
 */

#include "private.h"

/* Number of objects of all contexts, ranges included. */
static atomic_long_t mmun_nr_objects;

/*
 * An eighth of the memory is for others.  What the driver has is in no process, so
 * that the OOM killer would take one after the other and gain nothing.
 */
static bool mmun_memory_is_low(void)
{
	return si_mem_available() < (long)(totalram_pages() / 8);
}

/* Allocate an object, whose contents the caller writes.  May sleep. */
static void *mmun_alloc(size_t size)
{
	void *object = NULL;

	if (!mmun_memory_is_low())
		object = kvmalloc(size, MMUN_GFP);
	if (object)
		atomic_long_inc(&mmun_nr_objects);
	return object;
}

/* The same with zeros in it, byte by byte on some processors: for small ones */
static void *mmun_zalloc(size_t size)
{
	void *object = mmun_alloc(size);

	if (object)
		memset(object, 0, size);
	return object;
}

static void mmun_free(const void *object)
{
	if (!object)
		return;
	atomic_long_dec(&mmun_nr_objects);
	kvfree(object);
}
