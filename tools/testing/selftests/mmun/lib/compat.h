/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the headers of Debian 12 lack: constants, and arguments of ioctls.
 */
#ifndef _SELFTESTS_MMUN_COMPAT_H
#define _SELFTESTS_MMUN_COMPAT_H

#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Advice of madvise() */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/* Flag of memfd_create() */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* ioctls of userfaultfd and of /proc/PID/pagemap */
#ifndef UFFDIO_MOVE
#define UFFD_FEATURE_WP_ASYNC 0x8000
#define UFFD_FEATURE_MOVE 0x10000
struct uffdio_move {
	__u64 dst;
	__u64 src;
	__u64 len;
	__u64 mode;
	__s64 move;
};
#define UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct uffdio_move)
#endif

#ifndef PAGEMAP_SCAN
#define PAGE_IS_WRITTEN 0x2
#define PM_SCAN_WP_MATCHING 0x1
#define PM_SCAN_CHECK_WPASYNC 0x2
struct pm_scan_arg {
	__u64 size;
	__u64 flags;
	__u64 start;
	__u64 end;
	__u64 walk_end;
	__u64 vec;
	__u64 vec_len;
	__u64 max_pages;
	__u64 category_inverted;
	__u64 category_mask;
	__u64 category_anyof_mask;
	__u64 return_mask;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#endif

#endif /* _SELFTESTS_MMUN_COMPAT_H */
