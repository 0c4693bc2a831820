/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What older kernels lack.  test_mmun.c is written against the newest; this
 * header supplies the rest, is the only place that knows a version, and is
 * dropped, with its #include, when the driver goes into a kernel tree.
 */
#ifndef _TEST_MMUN_COMPAT_H
#define _TEST_MMUN_COMPAT_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "test_mmun needs Linux 6.1 or newer"
#endif

/* "mm/gup: reintroduce FOLL_NUMA as FOLL_HONOR_NUMA_FAULT", v6.6; before, GUP
 * always honoured it.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define FOLL_HONOR_NUMA_FAULT 0
#endif

/* "mm/gup: remove vmas parameter from get_user_pages_remote()", v6.5 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define get_user_pages_remote(mm, start, nr, flags, pages, locked) \
	get_user_pages_remote(mm, start, nr, flags, pages, NULL, locked)
#endif

/* "mm/hmm: add hmm_range_fault_unlocked_timeout()": 7.3 has it, 6.12 does not. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#define MMUN_HAS_HMM_UNLOCKED IS_ENABLED(CONFIG_HMM_MIRROR)
#else
#define MMUN_HAS_HMM_UNLOCKED false
#define hmm_range_fault_unlocked_timeout(range, timeout) (-EOPNOTSUPP)
#endif

#endif /* _TEST_MMUN_COMPAT_H */
