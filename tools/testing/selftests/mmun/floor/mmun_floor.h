/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The private uAPI of /dev/mmun_floor, for mmun_bench and floor_test.  The
 * interface is not stable.
 *
 * Each ioctl calls mm/mmu_notifier.c or mm/hmm.c with as little code around the
 * calls as possible, and reports their cost.  mmun_bench compares the cost of
 * /dev/mmun with this cost.
 *
 * open() needs CAP_SYS_ADMIN, because the cost reveals what other tasks do.  An
 * open file has at most one set of subscriptions, which belongs to the mm of the
 * task that opened the file.  close() removes the set.
 *
 * The cost is the difference of two results of get_cycles().  On an emulated
 * machine whose clock counts instructions, the cost is a number of
 * instructions.  If the processor has no cycle counter, the cost is 0.
 *
 * All ioctls return these errors: EFAULT if the argument cannot be read or
 * written, EINVAL if a value is out of its bounds, ESRCH if the mm has no users,
 * EINTR if a signal arrived, ENOTTY if there is no such ioctl.
 */
#ifndef _MMUN_FLOOR_H
#define _MMUN_FLOOR_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MMUN_FLOOR_MAX_COUNT (4 * 1024 * 1024)
#define MMUN_FLOOR_MAX_PAGES 65536

#define MMUN_FLOOR_IOCTL_TYPE 'J'

/**
 * struct mmun_floor_cmd - the argument of each ioctl
 * @start: First address of the first subscription, or of the pages
 * @length: Number of bytes of each subscription, or of the pages
 * @stride: Bytes from the start of one subscription to the start of the next
 * @count: Number of subscriptions, 1 to MMUN_FLOOR_MAX_COUNT
 * @out_count: Subscriptions that were inserted or removed, or pages that are
 *	present
 * @out_cost: Cost of the calls of the core
 * @out_hits: Callbacks of all subscriptions since open()
 */
struct mmun_floor_cmd {
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 stride;
	__aligned_u64 count;
	__aligned_u64 out_count;
	__aligned_u64 out_cost;
	__aligned_u64 out_hits;
};

#define MMUN_FLOOR_CMD(nr) \
	_IOWR(MMUN_FLOOR_IOCTL_TYPE, nr, struct mmun_floor_cmd)

/*
 * Insert a set of subscriptions.  @out_cost is the cost of all calls of
 * mmu_interval_notifier_insert().  The ioctl stops at the first insert that
 * fails.  If this is the first insert, the ioctl returns the error.  If a later
 * insert fails, the ioctl succeeds, and @out_count is less than @count.  Each
 * callback sets the sequence, and is counted in @out_hits.
 *
 * EBUSY: There is a set already.  ENOMEM: The kernel has no memory.  EOVERFLOW:
 * The length is 0, or the first subscription wraps.
 */
#define MMUN_FLOOR_INSERT MMUN_FLOOR_CMD(0xc0)

/*
 * Remove the set, in the order of the inserts.  @out_cost is the cost of all
 * calls of mmu_interval_notifier_remove().
 *
 * ENOENT: There is no set.
 */
#define MMUN_FLOOR_REMOVE MMUN_FLOOR_CMD(0xc1)

/*
 * Read the page tables of 1 to MMUN_FLOOR_MAX_PAGES aligned pages once, under
 * the first subscription of the set.  @out_cost is the cost of
 * mmu_interval_read_begin(), hmm_range_fault() and mmu_interval_read_retry().
 * The ioctl faults no page in.
 *
 * EOPNOTSUPP: The kernel has no CONFIG_HMM_MIRROR.  ENOENT: There is no set.
 * ERANGE: The interval is not inside the first subscription.  EBUSY: An
 * invalidation collided.  ENOMEM: The kernel has no memory.
 */
#define MMUN_FLOOR_LOOK MMUN_FLOOR_CMD(0xc2)

#endif /* _MMUN_FLOOR_H */
