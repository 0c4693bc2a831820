/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads and writes files of /sys and /proc, and gets properties of the kernel
 * from these files.
 */
#ifndef _SELFTESTS_MMUN_SYSFS_H
#define _SELFTESTS_MMUN_SYSFS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/types.h>

/* Returns 0, or -1 with errno. */
static inline int mmun_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

static inline int mmun_read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, size - 1);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -1 : 0;
}

/* Returns the number in the file, or -1. */
static inline long mmun_read_number(const char *path)
{
	char text[32];

	return mmun_read_file(path, text, sizeof(text)) ? -1 : atol(text);
}

static inline int mmun_write_number(const char *path, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	return mmun_write_file(path, text);
}

/*
 * Returns whether the kernel is User-Mode Linux, which has a coarse clock and
 * no counter of cycles.
 */
static inline bool mmun_is_uml(void)
{
	char text[256] = "";

	mmun_read_file("/proc/cpuinfo", text, sizeof(text));
	return strstr(text, "User Mode Linux");
}

#define HPAGE_SIZE_FILE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

/*
 * Returns the size of a huge page, which one PMD maps.  A kernel without huge
 * pages does not report this size, and the function calculates the size.
 */
static inline size_t mmun_huge_size(void)
{
	static long size;
	const long page = sysconf(_SC_PAGESIZE);

	if (!size)
		size = mmun_read_number(HPAGE_SIZE_FILE);
	return size > 0 ? size : page * (page / sizeof(__u64));
}

#define HUGE_SIZE mmun_huge_size()

#endif /* _SELFTESTS_MMUN_SYSFS_H */
