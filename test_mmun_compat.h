/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compatibility with older kernels.  The driver is written for the newest
 * kernel.  This header defines what older kernels lack.  No other file checks
 * the version of the kernel.  A driver in a kernel tree does not need this
 * header.
 */
#ifndef _TEST_MMUN_COMPAT_H
#define _TEST_MMUN_COMPAT_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "test_mmun needs Linux 6.1 or newer"
#endif

/*
 * v6.6 added FOLL_HONOR_NUMA_FAULT: "mm/gup: reintroduce FOLL_NUMA as
 * FOLL_HONOR_NUMA_FAULT".  Kernels before v6.6 always behave as if
 * FOLL_HONOR_NUMA_FAULT was set.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define FOLL_HONOR_NUMA_FAULT 0
#endif

/* v6.5 has "mm/gup: remove vmas parameter from get_user_pages_remote()". */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define get_user_pages_remote(mm, start, nr, flags, pages, locked) \
	get_user_pages_remote(mm, start, nr, flags, pages, NULL, locked)
#endif

/*
 * v7.3 has "mm/hmm: add hmm_range_fault_unlocked_timeout()", and v6.12 does
 * not.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#define MMUN_HAS_HMM_UNLOCKED IS_ENABLED(CONFIG_HMM_MIRROR)
#else
#define MMUN_HAS_HMM_UNLOCKED false
#define hmm_range_fault_unlocked_timeout(range, timeout) (-EOPNOTSUPP)
#endif

/*
 * v7.3 has "mm/mmu_notifier: Allow two-pass struct mmu_interval_notifiers", and
 * v6.12 does not.
 */
#define MMUN_HAS_TWO_PASS (LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0))

#endif /* _TEST_MMUN_COMPAT_H */
