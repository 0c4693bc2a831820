/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pool of hugetlb pages.
 */
#ifndef _SELFTESTS_MMUN_HUGETLB_H
#define _SELFTESTS_MMUN_HUGETLB_H

#include "setting.h"
#include "sysfs.h"

#define POOL_PAGES 5
#define NO_POOL \
	"no pool of five huge pages: set CONFIG_HUGETLBFS, boot with MEM=1G"

/* Select hugetlb pages of HUGE_SIZE.  The default size may differ. */
#define HUGETLB(flag) ((flag) | __builtin_ctzl(HUGE_SIZE) << MAP_HUGE_SHIFT)

/* The size of the memory that one table of huge pages maps */
#define TABLE_SIZE (HUGE_SIZE / sysconf(_SC_PAGESIZE) * HUGE_SIZE)

/* Fill the pool.  Returns whether the pool then has @pages huge pages. */
static inline bool fill_pool(struct setting *pool, int pages)
{
	static char path[80];

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages",
		 HUGE_SIZE / 1024);
	if (setting_keep(pool, path) || mmun_write_number(path, pages))
		return false;
	return mmun_read_number(path) >= pages;
}

#endif /* _SELFTESTS_MMUN_HUGETLB_H */
