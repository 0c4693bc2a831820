/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Maps and writes the memory of a test, and reads the entries of its pages in
 * /proc/PID/pagemap.
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
 * Reserve an arena of @pages pages without access, and one page on either side.
 * The kernel then cannot merge a mapping in the arena with a mapping outside.
 */
static inline char *mmun_arena(size_t pages)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, (pages + 2) * page, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p + page;
}

/*
 * Reserve an arena of @length bytes that starts at a multiple of @align bytes.
 */
static inline char *mmun_arena_aligned(size_t length, size_t align)
{
	char *p = mmun_arena((length + align) / sysconf(_SC_PAGESIZE));

	return p ? p + (-(uintptr_t)p & (align - 1)) : NULL;
}

/*
 * Map the file @fd, or anonymous memory if @fd is -1, at the address @at.  The
 * mapping is not populated, and has no huge pages.
 */
static inline char *mmun_map_file(char *at, size_t length, int flags, int fd)
{
	char *p = mmap(at, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		       fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, length, MADV_NOHUGEPAGE);
	return p;
}

/* Map anonymous private memory at the address @at: see mmun_map_file(). */
static inline char *mmun_map(char *at, size_t length)
{
	return mmun_map_file(at, length, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* Set all bytes of each page to the number of the page, counted from 1. */
static inline void mmun_fill(char *at, size_t pages)
{
	size_t i, page = sysconf(_SC_PAGESIZE);

	for (i = 0; i < pages; i++)
		memset(at + i * page, (int)(i + 1), page);
}

/* mmun_map(), then mmun_fill() */
static inline char *mmun_map_filled(char *at, size_t pages)
{
	char *p = mmun_map(at, pages * sysconf(_SC_PAGESIZE));

	if (p)
		mmun_fill(p, pages);
	return p;
}

/* The compiler can neither drop nor move these accesses to memory. */
static inline char mmun_load(const char *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void mmun_store(char *p, char c)
{
	__atomic_store_n(p, c, __ATOMIC_SEQ_CST);
}

/*
 * Returns a memfd of @length bytes, or -1.  If the sysctl vm.memfd_noexec is 2,
 * memfd_create() needs MFD_NOEXEC_SEAL.  Kernels before 6.3 lack this flag.
 */
static inline int mmun_memfd_sized(size_t length, unsigned int flags)
{
	int fd = memfd_create("mmun", flags | MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("mmun", flags | MFD_CLOEXEC);
	return fd >= 0 && ftruncate(fd, length) ? -1 : fd;
}

#define MMUN_NO_COLLAPSE "no MADV_COLLAPSE: set CONFIG_TRANSPARENT_HUGEPAGE"

/* Collapse the pages at @p.  Returns NULL, or the reason for the failure. */
static inline const char *mmun_collapse(char *p)
{
	if (!madvise(p, HUGE_SIZE, MADV_COLLAPSE))
		return NULL;
	return errno == EINVAL ? MMUN_NO_COLLAPSE :
				 "no memory for a huge page: boot with MEM=1G";
}

/* The bits of the PFN in an entry of /proc/PID/pagemap */
#define PAGEMAP_PFN ((1ULL << 55) - 1)

/* Read the entry of /proc/PID/pagemap for the page at @p.  Returns 0 or -1. */
static inline int mmun_pagemap_of(pid_t pid, const char *p, __u64 *entry)
{
	off_t at = (uintptr_t)p / sysconf(_SC_PAGESIZE) * sizeof(*entry);
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = pread(fd, entry, sizeof(*entry), at);
	close(fd);
	return n == sizeof(*entry) ? 0 : -1;
}

/* Returns the entry of /proc/self/pagemap for the page at @p, or 0. */
static inline __u64 mmun_pagemap(const char *p)
{
	__u64 entry;

	return mmun_pagemap_of(getpid(), p, &entry) ? 0 : entry;
}

/*
 * Run the caller only on this CPU.  A new page is first in a batch of this CPU,
 * and later in the LRU list.  While the page is in the batch, other CPUs cannot
 * isolate the page, and see an extra reference to the page.
 */
static inline int mmun_stay_on_this_cpu(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	return sched_setaffinity(0, sizeof(here), &here);
}

/* Write pages, which MADV_PAGEOUT can then free at once, without swap. */
static inline int mmun_write_lazily_freed(char *at, size_t length)
{
	if (mmun_stay_on_this_cpu() || madvise(at, length, MADV_DONTNEED))
		return -1;
	memset(at, 1, length);
	return madvise(at, length, MADV_FREE);
}

#endif /* _SELFTESTS_MMUN_MEMORY_H */
