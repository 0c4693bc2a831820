// SPDX-License-Identifier: GPL-2.0
/*
 * Memory allocation.  Objects are charged to the memory cgroup of the caller.
 * The driver counts its objects, and warns about leaked objects when the module
 * is unloaded.
 */

#include "private.h"

/* Number of objects of all contexts, including ranges */
static atomic_long_t mmun_nr_objects;

/*
 * Return true if less than an eighth of the memory of the machine is available.
 * The driver then allocates nothing.  The memory of the driver belongs to no
 * process, so the OOM killer could kill all processes without freeing any of
 * that memory.
 */
static bool mmun_memory_is_low(void)
{
	return si_mem_available() < (long)(totalram_pages() / 8);
}

/* Allocate an object and do not initialize it.  May sleep. */
static void *mmun_alloc(size_t size)
{
	void *object = NULL;

	if (!mmun_memory_is_low())
		object = kvmalloc(size, MMUN_GFP);
	if (object)
		atomic_long_inc(&mmun_nr_objects);
	return object;
}

/*
 * Allocate an object of zeros.  May sleep.  Use this function for small objects
 * only, because memset() is slow on some processors.
 */
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
