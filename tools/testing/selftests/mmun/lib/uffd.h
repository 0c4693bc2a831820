/* SPDX-License-Identifier: GPL-2.0 */
/*
 * userfaultfd(2), and PAGEMAP_SCAN, which protects pages that a userfaultfd
 * has registered.
 */
#ifndef _SELFTESTS_MMUN_UFFD_H
#define _SELFTESTS_MMUN_UFFD_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compat.h"
#include "ioctl.h"

#define NO_UFFD "no userfaultfd: set CONFIG_USERFAULTFD"
#define NO_UFFD_WP \
	"no uffd-wp: set CONFIG_USERFAULTFD, CONFIG_HAVE_ARCH_USERFAULTFD_WP"
#define NO_UFFD_MOVE \
	"no UFFDIO_MOVE: use Linux 6.8 or later, with CONFIG_USERFAULTFD"
#define NO_SCAN                                                                 \
	"no PAGEMAP_SCAN: use Linux 6.7 or later, with CONFIG_USERFAULTFD and " \
	"CONFIG_HAVE_ARCH_USERFAULTFD_WP"

/* Returns a userfaultfd without a range, or -1. */
static inline int uffd_open(__u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	return uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ? -1 : uffd;
}

static inline int uffd_register(int uffd, char *at, size_t length, __u64 mode)
{
	struct uffdio_register reg = {
		.range = { mmun_u64(at), length },
		.mode = mode,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &reg);
}

/* Returns a userfaultfd of the range, or -1. */
static inline int uffd_create(char *at, size_t length, __u64 features,
			      __u64 mode)
{
	int uffd = uffd_open(features);

	return uffd < 0 || uffd_register(uffd, at, length, mode) ? -1 : uffd;
}

/* Protect the pages against writes, or end the protection. */
static inline int uffd_protect(int uffd, char *at, size_t length, bool on)
{
	struct uffdio_writeprotect wp = {
		.range = { mmun_u64(at), length },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(uffd, UFFDIO_WRITEPROTECT, &wp);
}

/* Move the pages at @from to @to, a range of @uffd that has no pages. */
static inline int uffd_move(int uffd, char *to, char *from, size_t length)
{
	struct uffdio_move move = {
		.dst = mmun_u64(to),
		.src = mmun_u64(from),
		.len = length,
	};

	return ioctl(uffd, UFFDIO_MOVE, &move);
}

/* Protect the pages that were written, as a migration of a VM does. */
static inline int pagemap_scan(char *at, size_t length)
{
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		.start = mmun_u64(at),
		.end = mmun_u64(at) + length,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int ret = ioctl(fd, PAGEMAP_SCAN, &scan);

	close(fd);
	return ret;
}

#endif /* _SELFTESTS_MMUN_UFFD_H */
