/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory that tests play with.
 */
#ifndef _SELFTESTS_MMUN_MEMORY_H
#define _SELFTESTS_MMUN_MEMORY_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/types.h>

#include "compat.h"
#include "sysfs.h"

/*
 * An arena is @pages pages of PROT_NONE between two more of them, so that what
 * is mapped into it has no neighbours and never merges.
 */
static inline char *mmun_arena(size_t pages)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, (pages + 2) * page, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p + page;
}

/* Anonymous private memory at a fixed place; not populated, never huge. */
static inline char *mmun_map(char *at, size_t length)
{
	char *p = mmap(at, length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, length, MADV_NOHUGEPAGE);
	return p;
}

/* As mmun_map(), each page written with its own number, counted from 1. */
static inline char *mmun_map_filled(char *at, size_t pages)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmun_map(at, pages * page);
	size_t i;

	for (i = 0; p && i < pages; i++)
		memset(p + i * page, (int)(i + 1), page);
	return p;
}

/*
 * With vm.memfd_noexec=2 a memfd must not be executable.  Kernels before 6.3
 * do not have the flag.
 */
static inline int mmun_memfd(unsigned int flags)
{
	int fd = memfd_create("mmun", flags | MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("mmun", flags | MFD_CLOEXEC);
	return fd;
}

#define MMUN_NO_COLLAPSE "no MADV_COLLAPSE: set CONFIG_TRANSPARENT_HUGEPAGE"

/* Make a huge page at @p.  Returns why that cannot be done, or NULL. */
static inline const char *mmun_collapse(char *p)
{
	if (!madvise(p, HUGE_SIZE, MADV_COLLAPSE))
		return NULL;
	return errno == EINVAL ? MMUN_NO_COLLAPSE :
				 "no memory for a huge page: boot with MEM=1G";
}

/* The PFN in an entry of /proc/PID/pagemap */
#define PAGEMAP_PFN ((1ULL << 55) - 1)

/* The entry of /proc/self/pagemap for the page at @p, or 0. */
static inline __u64 mmun_pagemap(const char *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry = 0;

	if (pread(fd, &entry, sizeof(entry),
		  (uintptr_t)p / sysconf(_SC_PAGESIZE) * sizeof(entry)) !=
	    sizeof(entry))
		entry = 0;
	close(fd);
	return entry;
}

/*
 * For MADV_PAGEOUT of a page that is touched after this.  A page comes to the LRU by
 * way of a list of the CPU that touched it first; another CPU cannot take it from
 * there.
 */
static inline int mmun_stay_on_this_cpu(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	return sched_setaffinity(0, sizeof(here), &here);
}

/* Write pages that MADV_PAGEOUT can take at once, without swap. */
static inline int mmun_write_lazily_freed(char *at, size_t length)
{
	if (mmun_stay_on_this_cpu() || madvise(at, length, MADV_DONTNEED))
		return -1;
	memset(at, 1, length);
	return madvise(at, length, MADV_FREE);
}

#endif /* _SELFTESTS_MMUN_MEMORY_H */
