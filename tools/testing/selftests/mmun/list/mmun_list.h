/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The private uAPI of /dev/mmun_list, a second driver that uses only list
 * notifiers (struct mmu_notifier).  The interface is not stable.
 *
 * An open file is a context.  The context belongs to the mm of the task that
 * opened the device, also if another process calls ioctl().  The last close
 * resumes the tasks that the context holds, unregisters the notifiers of the
 * context, and puts what the context has got.  open() needs CAP_SYS_ADMIN.
 *
 * A notifier has an ID.  No two notifiers of the module have the same ID.
 *
 *   plain notifier	REGISTER registers a notifier with the callbacks that the
 *			caller chooses.  UNREGISTER unregisters the notifier.
 *   object		GET returns the notifier of the mm and of a key.  The core
 *			counts the users, and frees the object after the last PUT.
 *   map notifier	MAP_GET and MAP_PUT do the same as GET and PUT, with a map
 *			that the module keeps itself, right or wrong.
 *
 * A callback writes a record to the log of each context of the mm.  read()
 * removes records.  A hold stops a task in a callback.
 *
 * Addresses and lengths are in bytes.  An interval includes its start and
 * excludes its end.  The fields out_* are output, also if the ioctl fails with
 * an error other than EFAULT and ENOTTY.  The ioctls may be called by several
 * threads at a time.  All ioctls return these errors:
 *
 *   EFAULT	the argument cannot be read or written
 *   EINVAL	a value is out of its bounds, or a flag is not known
 *   EINTR	a signal arrived
 *   ENOENT	the context has no notifier or hold with this ID
 *   ENOMEM	the kernel has no memory
 *   ENOSPC	the context has too many notifiers or holds
 *   ENOTTY	there is no such ioctl
 *   ESRCH	the mm has no users any more
 */
#ifndef _MMUN_LIST_H
#define _MMUN_LIST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MMUN_LIST_IOCTL_TYPE 'J'

/* The longest time of a hold */
#define MMUN_LIST_MAX_MS 10000

/* The number of records that the log of a context can hold */
#define MMUN_LIST_LOG_RECORDS 4096

/* The number of notifiers and holds that a context can have, each */
#define MMUN_LIST_MAX_NOTIFIERS 64
#define MMUN_LIST_MAX_HOLDS 64

/* The number of keys of GET and MAP_GET */
#define MMUN_LIST_KEYS 4

/* A count that ANSWER does not decrease */
#define MMUN_LIST_ALWAYS 0xffffffffU

/**
 * enum mmun_list_op - a callback, or another event that the log reports
 * @MMUN_LIST_RELEASE: release()
 * @MMUN_LIST_CLEAR_FLUSH_YOUNG: clear_flush_young()
 * @MMUN_LIST_CLEAR_YOUNG: clear_young()
 * @MMUN_LIST_TEST_YOUNG: test_young()
 * @MMUN_LIST_CHANGE_PTE: change_pte(), which only older kernels have
 * @MMUN_LIST_START: invalidate_range_start()
 * @MMUN_LIST_END: invalidate_range_end()
 * @MMUN_LIST_SECONDARY_TLB: arch_invalidate_secondary_tlbs(), which older
 *	kernels call invalidate_range()
 * @MMUN_LIST_ALLOC: alloc_notifier()
 * @MMUN_LIST_FREE: free_notifier()
 * @MMUN_LIST_MAP: a task has released the lock of the map inside of MAP_GET or
 *	MAP_PUT, and continues with the decision that it made under the lock.
 *	Only wrong maps have this point.
 */
enum mmun_list_op {
	MMUN_LIST_RELEASE,
	MMUN_LIST_CLEAR_FLUSH_YOUNG,
	MMUN_LIST_CLEAR_YOUNG,
	MMUN_LIST_TEST_YOUNG,
	MMUN_LIST_CHANGE_PTE,
	MMUN_LIST_START,
	MMUN_LIST_END,
	MMUN_LIST_SECONDARY_TLB,
	MMUN_LIST_ALLOC,
	MMUN_LIST_FREE,
	MMUN_LIST_MAP,
};

/* The callbacks that REGISTER accepts are the first MMUN_LIST_OPS values. */
#define MMUN_LIST_OPS 8

/* A mask of callbacks is the sum of these bits. */
#define MMUN_LIST_BIT(op) (1U << (op))

/* The callbacks of each map notifier, and of each object but one */
#define MMUN_LIST_KEY_OPS                                                    \
	(MMUN_LIST_BIT(MMUN_LIST_RELEASE) | MMUN_LIST_BIT(MMUN_LIST_START) | \
	 MMUN_LIST_BIT(MMUN_LIST_END))

/*
 * The objects of this key have no invalidate_range_end(), so that ANSWER can
 * make them refuse an invalidation.
 */
#define MMUN_LIST_REFUSING_KEY 3
#define MMUN_LIST_REFUSING_OPS \
	(MMUN_LIST_BIT(MMUN_LIST_RELEASE) | MMUN_LIST_BIT(MMUN_LIST_START))

/**
 * enum mmun_list_event - the reason of an invalidation
 * @MMUN_LIST_EVENT_UNMAP: MMU_NOTIFY_UNMAP
 * @MMUN_LIST_EVENT_CLEAR: MMU_NOTIFY_CLEAR
 * @MMUN_LIST_EVENT_PROTECTION_VMA: MMU_NOTIFY_PROTECTION_VMA
 * @MMUN_LIST_EVENT_PROTECTION_PAGE: MMU_NOTIFY_PROTECTION_PAGE
 * @MMUN_LIST_EVENT_SOFT_DIRTY: MMU_NOTIFY_SOFT_DIRTY
 * @MMUN_LIST_EVENT_RELEASE: MMU_NOTIFY_RELEASE
 * @MMUN_LIST_EVENT_MIGRATE: MMU_NOTIFY_MIGRATE
 * @MMUN_LIST_EVENT_EXCLUSIVE: MMU_NOTIFY_EXCLUSIVE
 * @MMUN_LIST_EVENT_UNKNOWN: another event
 * @MMUN_LIST_EVENT_NONE: the callback is not about an invalidation
 *
 * The values up to EXCLUSIVE are those of enum mmun_event of /dev/mmun.
 */
enum mmun_list_event {
	MMUN_LIST_EVENT_UNMAP,
	MMUN_LIST_EVENT_CLEAR,
	MMUN_LIST_EVENT_PROTECTION_VMA,
	MMUN_LIST_EVENT_PROTECTION_PAGE,
	MMUN_LIST_EVENT_SOFT_DIRTY,
	MMUN_LIST_EVENT_RELEASE,
	MMUN_LIST_EVENT_MIGRATE,
	MMUN_LIST_EVENT_EXCLUSIVE,
	MMUN_LIST_EVENT_UNKNOWN,
	MMUN_LIST_EVENT_NONE = 0xffffffff,
};

/* mmun_list_record::flags: the callback may block */
#define MMUN_LIST_RECORD_BLOCKABLE (1U << 0)
/* mmun_list_record::flags: ANSWER has made the callback refuse */
#define MMUN_LIST_RECORD_REFUSED (1U << 1)
/* mmun_list_record::flags: a kernel thread, or an interrupt, made the call */
#define MMUN_LIST_RECORD_KERNEL (1U << 2)

/**
 * struct mmun_list_record - a record that read() returns
 * @sequence: Number of the record in the log of the context, counted from 0.  A
 *	full log drops its oldest record, so a gap is a loss.
 * @time_ns: Time of the call (CLOCK_MONOTONIC)
 * @start: Start of the interval of the callback, or 0
 * @end: End of the interval of the callback, or 0.  test_young() and
 *	change_pte() are about the page at @start.
 * @id: ID of the notifier.  0: MMUN_LIST_ALLOC failed.
 * @op: enum mmun_list_op
 * @event: enum mmun_list_event
 * @flags: MMUN_LIST_RECORD_*
 * @answer: What the callback returned.  For the callbacks about young pages 0
 *	or 1, for MMUN_LIST_START 0 or -EAGAIN, for MMUN_LIST_ALLOC 0 or -ENOMEM.
 *	Otherwise 0.
 * @byte: For a notifier with MMUN_LIST_READ and for MMUN_LIST_START and
 *	MMUN_LIST_END: the first byte of the page at @start.  -1: There is no
 *	such page, or the task of the callback has another mm.
 * @tid: Thread that called, in the PID namespace of the initial process
 * @tgid: Process of @tid
 *
 * read() never waits.  It returns 0 if there is no record, and EINVAL if the
 * buffer is too small for one record.
 */
struct mmun_list_record {
	__u64 sequence;
	__u64 time_ns;
	__u64 start;
	__u64 end;
	__u32 id;
	__u32 op;
	__u32 event;
	__u32 flags;
	__s32 answer;
	__s32 byte;
	__u32 tid;
	__u32 tgid;
};

/**
 * struct mmun_list_info - the argument of MMUN_LIST_INFO
 * @out_ops: Mask of the callbacks that this kernel has
 * @out_exclusive: Mask of the callbacks with which MMUN_LIST_SECONDARY_TLB must
 *	not be registered.  0: This kernel does not check.
 */
struct mmun_list_info {
	__u32 out_ops;
	__u32 out_exclusive;
};

#define MMUN_LIST_INFO _IOWR(MMUN_LIST_IOCTL_TYPE, 0xe0, struct mmun_list_info)

/*
 * mmun_list_register::flags: the notifier reads a byte of the first page in
 * invalidate_range_start() and invalidate_range_end(), see
 * mmun_list_record::byte.
 */
#define MMUN_LIST_READ (1U << 0)
/*
 * mmun_list_register::flags: call the core also with MMUN_LIST_SECONDARY_TLB
 * and a callback of mmun_list_info::out_exclusive.  The core warns.
 */
#define MMUN_LIST_FORCE (1U << 1)

/**
 * struct mmun_list_register - the argument of MMUN_LIST_REGISTER
 * @ops: Mask of callbacks.  The notifier has these callbacks and no other.
 * @flags: MMUN_LIST_READ, MMUN_LIST_FORCE
 * @out_id: ID of the notifier
 * @__reserved: Not used
 *
 * Registers a plain notifier: __mmu_notifier_register() under mmap_lock.  The
 * wait for mmap_lock is killable.
 *
 * EOPNOTSUPP: The kernel lacks a callback of @ops, or does not permit these
 * callbacks together.
 */
struct mmun_list_register {
	__u32 ops;
	__u32 flags;
	__u32 out_id;
	__u32 __reserved;
};

#define MMUN_LIST_REGISTER \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xe1, struct mmun_list_register)

/**
 * struct mmun_list_unregister - the argument of MMUN_LIST_UNREGISTER
 * @id: ID of a plain notifier.  Other calls find the notifier until the call
 *	returns.
 * @__reserved: Not used
 *
 * Calls mmu_notifier_unregister(), which waits until no callback runs: of all
 * list notifiers of the system, because they share one SRCU domain.  The mm may
 * have exited.
 *
 * ENOENT: There is no such plain notifier, or another thread unregisters it.
 */
struct mmun_list_unregister {
	__u32 id;
	__u32 __reserved;
};

#define MMUN_LIST_UNREGISTER \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xe2, struct mmun_list_unregister)

/*
 * mmun_list_get::flags: call mmu_notifier_get_locked().  The wait for mmap_lock
 * is killable.  Without the flag: mmu_notifier_get(), whose wait is not.
 */
#define MMUN_LIST_LOCKED (1U << 0)
/* mmun_list_get::flags: alloc_notifier() fails if it is called */
#define MMUN_LIST_FAIL_ALLOC (1U << 1)
/*
 * mmun_list_get::flags: release() of the object puts this use.  PUT does not
 * find this use.  The last close puts the use if release() was not called.
 */
#define MMUN_LIST_PUT_IN_RELEASE (1U << 2)

/**
 * struct mmun_list_get - the argument of MMUN_LIST_GET
 * @key: Less than MMUN_LIST_KEYS.  Each key has its own mmu_notifier_ops, with
 *	the callbacks MMUN_LIST_KEY_OPS or MMUN_LIST_REFUSING_OPS.
 * @flags: MMUN_LIST_LOCKED, MMUN_LIST_FAIL_ALLOC, MMUN_LIST_PUT_IN_RELEASE
 * @out_id: ID of the object.  All contexts of the mm get the same ID.
 * @out_users: Number of users that the core counted for the object at some time
 *	after the get.  The number is exact if no other task gets or puts.
 * @out_allocs: Number of calls of alloc_notifier() by this ioctl
 * @out_frees: Number of calls of free_notifier() by this ioctl.  The core calls
 *	free_notifier() if it could not register the object.
 *
 * EINTR: Also: a signal was pending when the core registered the object.
 * ENOMEM: Also: alloc_notifier() failed.
 */
struct mmun_list_get {
	__u32 key;
	__u32 flags;
	__u32 out_id;
	__u32 out_users;
	__u32 out_allocs;
	__u32 out_frees;
};

#define MMUN_LIST_GET _IOWR(MMUN_LIST_IOCTL_TYPE, 0xe3, struct mmun_list_get)

/**
 * struct mmun_list_put - the argument of MMUN_LIST_PUT
 * @id: ID of an object that the context has got
 * @out_left: Number of uses of the object that the context still has
 *
 * Calls mmu_notifier_put(), which does not wait.  If @out_left is 0, the context
 * does not find the object any more.  The mm may have exited.
 */
struct mmun_list_put {
	__u32 id;
	__u32 out_left;
};

#define MMUN_LIST_PUT _IOWR(MMUN_LIST_IOCTL_TYPE, 0xe4, struct mmun_list_put)

/**
 * struct mmun_list_counts - the argument of MMUN_LIST_SYNCHRONIZE, MMUN_LIST_QUERY
 * @out_allocs: Number of objects that alloc_notifier() has returned
 * @out_frees_begun: Number of calls of free_notifier()
 * @out_frees: Number of calls of free_notifier() that have returned
 * @out_objects: Number of objects for which free_notifier() has not returned
 * @out_registered: Number of plain notifiers and map notifiers
 * @out_lost: Number of records that the log of this context has dropped
 *
 * The counts are those of the whole module since it was loaded, except
 * @out_lost.
 */
struct mmun_list_counts {
	__u64 out_allocs;
	__u64 out_frees_begun;
	__u64 out_frees;
	__u64 out_objects;
	__u64 out_registered;
	__u64 out_lost;
};

/* Call mmu_notifier_synchronize(), then count. */
#define MMUN_LIST_SYNCHRONIZE \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xe5, struct mmun_list_counts)

/* Count. */
#define MMUN_LIST_QUERY \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xe6, struct mmun_list_counts)

/**
 * struct mmun_list_state - the argument of MMUN_LIST_STATE
 * @id: ID of a notifier
 * @out_users: Number of users that the core counts.  1 for a plain notifier.
 * @out_hashed: Whether the notifier is in the list of the mm
 * @out_active: Number of invalidations that have called
 *	invalidate_range_start(), were not refused by this notifier, and have
 *	not called invalidate_range_end().  Less than 0: there were more ends.
 *	The count is kept only for a notifier that has both callbacks.
 * @out_unpaired: Number of calls of invalidate_range_end() with an interval,
 *	event or thread for which invalidate_range_start() was not called.  The
 *	notifier remembers 16 active invalidations.
 * @__reserved: Not used
 * @out_calls: Number of calls of each callback, indexed by enum mmun_list_op
 */
struct mmun_list_state {
	__u32 id;
	__u32 out_users;
	__u32 out_hashed;
	__s32 out_active;
	__u32 out_unpaired;
	__u32 __reserved;
	__u64 out_calls[MMUN_LIST_OPS];
};

#define MMUN_LIST_STATE \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xe7, struct mmun_list_state)

/**
 * struct mmun_list_answer - the argument of MMUN_LIST_ANSWER
 * @id: ID of a notifier
 * @op: MMUN_LIST_CLEAR_FLUSH_YOUNG, MMUN_LIST_CLEAR_YOUNG,
 *	MMUN_LIST_TEST_YOUNG: the next @count calls return 1, later calls
 *	return 0.  MMUN_LIST_START: the next @count calls that must not block
 *	return -EAGAIN, all other calls return 0.
 * @count: Number of calls.  MMUN_LIST_ALWAYS: all calls.
 * @out_left: Number of calls that were left of an earlier ANSWER
 *
 * EOPNOTSUPP: No other answer is possible for @op.  A notifier with
 * invalidate_range_end() must not refuse.
 */
struct mmun_list_answer {
	__u32 id;
	__u32 op;
	__u32 count;
	__u32 out_left;
};

#define MMUN_LIST_ANSWER \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xe8, struct mmun_list_answer)

/**
 * struct mmun_list_hold - the argument of MMUN_LIST_HOLD
 * @id: ID of a notifier.  0 if @op is MMUN_LIST_MAP.
 * @op: MMUN_LIST_RELEASE, MMUN_LIST_START, MMUN_LIST_END, MMUN_LIST_MAP
 * @tid: Thread to stop, in the PID namespace of the initial process.  0: any
 *	thread
 * @timeout_ms: Time after which the task continues, and after which the hold
 *	stops no task, 1 to MMUN_LIST_MAX_MS, counted from this call
 * @out_hold: ID of the hold
 * @__reserved: Not used
 *
 * The next task that enters the callback stops, after the record was written to
 * the log, until RESUME.  The hold stops one task.  A task that is killed
 * continues, but a task that exits stays in release() until RESUME or until the
 * time is over.  These tasks do not stop: kernel threads, tasks that reclaim
 * memory, and tasks in an invalidation that must not block.  The hold belongs to
 * the context, and RESUME finds the hold when the notifier is gone.
 *
 * EOPNOTSUPP: A task cannot be stopped in @op: the core calls it under a
 * spinlock, or from an interrupt.  EINVAL: Also: the notifier has no such
 * callback.
 */
struct mmun_list_hold {
	__u32 id;
	__u32 op;
	__u32 tid;
	__u32 timeout_ms;
	__u32 out_hold;
	__u32 __reserved;
};

#define MMUN_LIST_HOLD _IOWR(MMUN_LIST_IOCTL_TYPE, 0xe9, struct mmun_list_hold)

/**
 * enum mmun_list_hold_state - the state of a hold
 * @MMUN_LIST_ARMED: the hold has stopped no task
 * @MMUN_LIST_HELD: a task is stopped
 * @MMUN_LIST_OVER: the task has continued, or the time is over
 */
enum mmun_list_hold_state {
	MMUN_LIST_ARMED,
	MMUN_LIST_HELD,
	MMUN_LIST_OVER,
};

/**
 * struct mmun_list_wait_held - the argument of MMUN_LIST_WAIT_HELD
 * @hold: ID of a hold
 * @timeout_ms: Time to wait while the hold is armed, at most MMUN_LIST_MAX_MS
 * @out_state: enum mmun_list_hold_state
 * @out_tid: Thread that the hold has stopped, or 0
 * @out_start: Start of the interval of the callback in which the thread stopped
 * @out_end: End of the interval
 * @out_event: enum mmun_list_event
 * @__reserved: Not used
 */
struct mmun_list_wait_held {
	__u32 hold;
	__u32 timeout_ms;
	__u32 out_state;
	__u32 out_tid;
	__u64 out_start;
	__u64 out_end;
	__u32 out_event;
	__u32 __reserved;
};

#define MMUN_LIST_WAIT_HELD \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xea, struct mmun_list_wait_held)

/**
 * struct mmun_list_resume - the argument of MMUN_LIST_RESUME
 * @hold: ID of a hold.  The hold ends.
 * @out_resumed: Number of tasks that continue: 0 or 1
 */
struct mmun_list_resume {
	__u32 hold;
	__u32 out_resumed;
};

#define MMUN_LIST_RESUME \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xeb, struct mmun_list_resume)

/**
 * enum mmun_list_map_mode - how MAP_GET and MAP_PUT keep the map
 * @MMUN_LIST_MAP_RIGHT: one critical section looks up, counts and registers,
 *	and another one counts, takes the notifier out and unregisters
 * @MMUN_LIST_MAP_TWO_LOOKUPS: MAP_GET releases the lock between the lookup and
 *	the registration, and does not look up again: two tasks can register two
 *	notifiers
 * @MMUN_LIST_MAP_LATE_REMOVAL: MAP_PUT releases the lock between the last count
 *	and the removal from the map: another task can get a notifier that is
 *	about to be unregistered
 */
enum mmun_list_map_mode {
	MMUN_LIST_MAP_RIGHT,
	MMUN_LIST_MAP_TWO_LOOKUPS,
	MMUN_LIST_MAP_LATE_REMOVAL,
};

/**
 * struct mmun_list_map - the argument of MMUN_LIST_MAP_GET and MMUN_LIST_MAP_PUT
 * @key: MAP_GET: less than MMUN_LIST_KEYS
 * @mode: enum mmun_list_map_mode
 * @id: MAP_PUT: ID of a map notifier that the context has got
 * @out_id: ID of the map notifier that MAP_GET or MAP_PUT used
 * @out_same: Number of notifiers of the module with the same mm and key that
 *	are registered when the call returns.  A right map has at most one.
 * @out_users: Number of users that the map counts for the notifier
 *
 * The map from an mm and a key to a notifier, which drivers kept themselves
 * before mmu_notifier_get() existed.  A context may use only one mode at a time
 * for a key.
 */
struct mmun_list_map {
	__u32 key;
	__u32 mode;
	__u32 id;
	__u32 out_id;
	__u32 out_same;
	__u32 out_users;
};

#define MMUN_LIST_MAP_GET \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xec, struct mmun_list_map)
#define MMUN_LIST_MAP_PUT \
	_IOWR(MMUN_LIST_IOCTL_TYPE, 0xed, struct mmun_list_map)

#endif /* _MMUN_LIST_H */
