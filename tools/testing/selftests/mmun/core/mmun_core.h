/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The private uAPI of /dev/mmun_core, for core_test.  The interface is not
 * stable.
 *
 * Each ioctl is an experiment with the core (mm/mmu_notifier.c and mm/hmm.c).
 * An experiment calls the core as a driver would, and reports what the core
 * did.  The test decides whether the core is correct.
 *
 * open() needs CAP_SYS_ADMIN, because an experiment can keep a processor busy.
 * The mm of an experiment is the mm of the task that calls ioctl(), unless the
 * experiment has another process as an argument.  Only one experiment executes
 * at a time.  When an ioctl returns, the core has no more calls of the module
 * outstanding.
 *
 * All ioctls return these errors:
 *
 *   EFAULT	the argument cannot be read or written
 *   EINVAL	a value is out of its bounds
 *   EINTR	a signal arrived
 *   ENOMEM	the kernel has no memory
 *   ENOTTY	there is no such ioctl
 */
#ifndef _MMUN_CORE_H
#define _MMUN_CORE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MMUN_CORE_IOCTL_TYPE 'J'

/* The longest time that a callback keeps a processor busy */
#define MMUN_CORE_MAX_MS 2000

/**
 * struct mmun_core_synchronize - the argument of MMUN_CORE_SYNCHRONIZE
 * @cpu: Processor that calls mmu_notifier_put()
 * @limit_ms: Milliseconds that free_notifier() waits for the return of
 *	mmu_notifier_synchronize(), at most MMUN_CORE_MAX_MS.  0: free_notifier()
 *	does not wait.
 * @out_left: Number of calls of free_notifier() that had not returned when
 *	mmu_notifier_synchronize() returned.  The core promises 0.
 * @out_inside: Number of calls of free_notifier() inside mmu_notifier_put()
 * @out_allocs: Number of calls of alloc_notifier()
 * @out_frees: Number of calls of free_notifier()
 */
struct mmun_core_synchronize {
	__u32 cpu;
	__u32 limit_ms;
	__u32 out_left;
	__u32 out_inside;
	__u32 out_allocs;
	__u32 out_frees;
};

/*
 * Does mmu_notifier_synchronize() wait for free_notifier()?
 *
 *   this task				processor @cpu
 *   mmu_notifier_get(): subject 1
 *					mmu_notifier_put(): subject 1
 *					free_notifier(): subject 1
 *   mmu_notifier_get(): subject 2	  busy, until this task releases it
 *   mmu_notifier_put(): subject 2	  or @limit_ms have passed
 *   mmu_notifier_synchronize()
 *   read @out_left
 *   release free_notifier()		  return
 *   wait for both free_notifier()
 *
 * SRCU may call free_notifier() on the processor of this task.  Then this task
 * continues after @limit_ms.
 *
 * ENODEV: The processor @cpu is offline.  EBUSY: The second mmu_notifier_get()
 * returned the first subject.
 */
#define MMUN_CORE_SYNCHRONIZE \
	_IOWR(MMUN_CORE_IOCTL_TYPE, 0xd0, struct mmun_core_synchronize)

/**
 * struct mmun_core_unregister - the argument of MMUN_CORE_UNREGISTER
 * @pid: Process that the ioctl kills
 * @cpu: Processor on which the process runs
 * @limit_ms: Milliseconds that mmu_notifier_unregister() is delayed at most, and
 *	at most MMUN_CORE_MAX_MS
 * @out_delayed: 1 if mmu_notifier_unregister() was delayed, otherwise 0
 * @out_freed: 1 if the pages of the process were free when the delay ended,
 *	otherwise 0
 * @out_releases: Number of calls of ->release
 * @out_late: Number of calls of ->release that began when the pages of the
 *	process were free.  The core promises 0.
 */
struct mmun_core_unregister {
	__u32 pid;
	__u32 cpu;
	__u32 limit_ms;
	__u32 out_delayed;
	__u32 out_freed;
	__u32 out_releases;
	__u32 out_late;
};

/*
 * Does mmu_notifier_unregister() call ->release before the pages are freed?
 *
 *   this task				process @pid, on the processor @cpu
 *   mmu_notifier_register() for @pid
 *   mmu_notifier_unregister()
 *     __srcu_read_lock(): busy, until
 *     the pages of the process are	killed
 *     free, or @limit_ms have passed	exit_mmap() calls ->release
 *					exit_mmap() frees the pages
 *     ->release?
 *
 * This task must not run on the processor @cpu.
 *
 * EOPNOTSUPP: The kernel has no CONFIG_KPROBES.  ESRCH: There is no process
 * @pid, or it has no mm.  ENODEV: The processor @cpu is offline.
 */
#define MMUN_CORE_UNREGISTER \
	_IOWR(MMUN_CORE_IOCTL_TYPE, 0xd1, struct mmun_core_unregister)

/**
 * struct mmun_core_hugetlb - the argument of MMUN_CORE_HUGETLB
 * @start: Address of a page in a shared mapping of hugetlb
 * @out_faults: Number of calls of hugetlb_fault() by hmm_range_fault()
 * @out_locked: Number of these calls with the lock of the VMA held.  The core
 *	must not hold the lock, because hugetlb_fault() acquires the lock.
 */
struct mmun_core_hugetlb {
	__aligned_u64 start;
	__u32 out_faults;
	__u32 out_locked;
};

/*
 * Does hmm_range_fault() hold the lock of a hugetlb VMA when it faults in a page?
 * No other task may use the mapping.
 *
 * EOPNOTSUPP: The kernel lacks CONFIG_KPROBES, CONFIG_HUGETLB_PAGE or
 * CONFIG_HMM_MIRROR.  EFAULT: The page cannot be faulted in.  EBUSY:
 * Invalidations collided with hmm_range_fault() again and again.
 */
#define MMUN_CORE_HUGETLB \
	_IOWR(MMUN_CORE_IOCTL_TYPE, 0xd2, struct mmun_core_hugetlb)

/**
 * struct mmun_core_device_part - the argument of MMUN_CORE_DEVICE_PART
 * @addr: Start of a huge page of anonymous memory
 * @first: First page of the part, counted from the start of the huge page
 * @nr: Number of pages in the part
 * @out_valid: Number of pages of the part that hmm_range_fault() reports as
 *	valid
 * @out_right: Number of pages of the part whose PFN is right
 * @out_order: Order that hmm_range_fault() reports for the first page
 * @__reserved: Not used
 * @out_distance: PFN of the first page of the part, as hmm_range_fault()
 *	reports the PFN, minus the PFN of the huge page.  This is @first if
 *	hmm_range_fault() is correct.
 */
struct mmun_core_device_part {
	__u64 addr;
	__u32 first;
	__u32 nr;
	__u32 out_valid;
	__u32 out_right;
	__u32 out_order;
	__u32 __reserved;
	__s64 out_distance;
};

/*
 * Which PFNs does hmm_range_fault() report for a part of a huge page in
 * device-private memory?
 *
 *   plug a device with memory for one huge page
 *   migrate the huge page at @addr to the memory of the device
 *   hmm_range_fault() of the pages [@first, @first + @nr), as the owner of the
 *     memory, and without page faults
 *   munmap() of the huge page
 *   unplug the device
 *
 * No other thread of the process may use the page or fork meanwhile: a child
 * would keep the page, and the call would wait for the child.
 *
 * EAGAIN: There is no huge page at @addr, or the page could not be migrated.
 * EFAULT: There is no mapping at @addr.  EBUSY: munmap() failed, for example
 * because the mapping is sealed; the device and the module stay for ever.
 * EOPNOTSUPP: The kernel has no huge pages in device-private memory.
 */
#define MMUN_CORE_DEVICE_PART \
	_IOWR(MMUN_CORE_IOCTL_TYPE, 0xd3, struct mmun_core_device_part)

/**
 * struct mmun_core_dead - the argument of MMUN_CORE_DEAD
 * @start: Address of a page
 * @pid: A process, which is killed
 * @limit_ms: Time to wait for the exit of the process, at most
 *	MMUN_CORE_MAX_MS
 * @out_first: What the insertion before the exit returned
 * @out_second: What the insertion after the exit returned
 */
struct mmun_core_dead {
	__aligned_u64 start;
	__u32 pid;
	__u32 limit_ms;
	__s32 out_first;
	__s32 out_second;
};

/*
 * What does mmu_interval_notifier_insert() return for an mm that has no users?
 * The core warns.
 *
 *   insert an interval notifier for @pid
 *   kill @pid, and wait until its mm has no users
 *   insert another interval notifier for the mm
 *   remove what was inserted
 *
 * ESRCH: There is no process @pid, or it has no mm.  ETIMEDOUT: The process did
 * not exit in time.
 */
#define MMUN_CORE_DEAD _IOWR(MMUN_CORE_IOCTL_TYPE, 0xd4, struct mmun_core_dead)

#endif /* _MMUN_CORE_H */
