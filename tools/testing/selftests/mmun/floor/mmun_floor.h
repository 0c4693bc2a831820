/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The private uAPI of /dev/mmun_floor, for mmun_bench and floor_test.  The
 * interface is not stable.
 *
 * Each ioctl calls the core (mm/mmu_notifier.c and mm/hmm.c) with as little
 * other code as possible, and reports the cost of the calls. mmun_bench
 * compares the cost of /dev/mmun with this cost.
 *
 * open() needs CAP_SYS_ADMIN, because the reported cost reveals what other
 * tasks do.  An open file has at most one set of subscriptions, which belongs
 * to the mm of the task that opened the file. close() removes the set.
 *
 * The cost is the difference of two results of get_cycles().  On an emulated
 * machine whose clock counts instructions, the cost is a number of
 * instructions.  If the processor has no cycle counter, the cost is 0.
 *
 * All ioctls return these errors:
 *
 *   EFAULT	the argument cannot be read or written
 *   EINVAL	a value is out of its bounds
 *   ESRCH	the mm has no users
 *   EINTR	a signal arrived
 *   ENOTTY	there is no such ioctl
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
 * @start: First address of the first subscription, or of the pages of LOOK
 * @length: Bytes of each subscription, or of all pages of LOOK together
 * @stride: Bytes from the start of one subscription to the start of the next
 * @count: Number of subscriptions, 1 to MMUN_FLOOR_MAX_COUNT
 * @out_count: Number of subscriptions that were inserted or removed, or of
 *	pages that are present
 * @out_cost: Cost of the calls of the core
 * @out_hits: Number of callbacks of all subscriptions since open()
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
 * mmu_interval_notifier_insert().  If the first insert fails, the ioctl returns
 * the error.  If a later insert fails, the ioctl inserts no more subscriptions
 * and succeeds, and @out_count is less than @count.  Each callback calls
 * mmu_interval_set_seq(), and is counted in @out_hits.
 *
 * EBUSY: The open file has a set already.  ENOMEM: The kernel has no memory.
 * EOVERFLOW: @length is 0, or the end of the first subscription overflows.
 */
#define MMUN_FLOOR_INSERT MMUN_FLOOR_CMD(0xc0)

/*
 * Remove the subscriptions of the set, in the order of their insertion.
 * @out_cost is the cost of all calls of mmu_interval_notifier_remove().
 *
 * ENOENT: There is no set.
 */
#define MMUN_FLOOR_REMOVE MMUN_FLOOR_CMD(0xc1)

/*
 * Read the page tables of [@start, @start + @length) once, under the first
 * subscription of the set.  The interval has 1 to MMUN_FLOOR_MAX_PAGES pages,
 * and is page aligned.  @out_cost is the cost of mmu_interval_read_begin(),
 * hmm_range_fault() and mmu_interval_read_retry().  The ioctl causes no page
 * fault.
 *
 * EOPNOTSUPP: The kernel has no CONFIG_HMM_MIRROR.  ENOENT: There is no set.
 * ERANGE: The pages are not inside the first subscription.  EBUSY: An
 * invalidation collided with the read.  ENOMEM: The kernel has no memory.
 */
#define MMUN_FLOOR_LOOK MMUN_FLOOR_CMD(0xc2)

#endif /* _MMUN_FLOOR_H */
