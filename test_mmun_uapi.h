/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The private uAPI of /dev/mmun, the test driver for mmu notifiers.
 *
 * The kselftest in tools/testing/selftests/mmun uses this interface.  Other
 * programs can use the interface to observe the invalidations of an mm.  The
 * interface is not stable: it may change with every release.  MMUN_INFO reports
 * the version that the loaded module implements.
 */
#ifndef _TEST_MMUN_UAPI_H
#define _TEST_MMUN_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: Objects
 *
 * context
 *	One open of /dev/mmun.  A context is bound to the mm of the task that
 *	opened the device.  It owns ranges, batches, holds and the log.  A file
 *	descriptor that another process inherits or receives still refers to the
 *	mm of the task that opened the device.
 * range
 *	One subscription to the addresses [start, start + length) of that mm.
 *	The bounds are bytes and need no alignment.  A range has a shadow page
 *	table, which models the page table of a device.
 * batch
 *	One read side critical section: the sequence that MMUN_READ_BEGIN
 *	returned, and the pages that MMUN_COLLECT has collected in that section.
 * hold
 *	A request to stop tasks at a point of an invalidation until MMUN_RESUME.
 *	A held task is a task that a hold has stopped.
 * record
 *	One entry of the log, see &struct mmun_record.
 *
 * An invalidation is active from mmu_notifier_invalidate_range_start() to
 * mmu_notifier_invalidate_range_end().  An invalidation hits a range if the
 * addresses to invalidate overlap the addresses of the range.  For each range
 * that an invalidation hits, mmu_notifier_invalidate_range_start() calls the
 * callback of the range.
 */

/**
 * DOC: General ioctl format
 *
 * The first field of every argument struct is the size of the struct with which
 * the caller was compiled.  If the struct of the kernel is larger, the kernel
 * reads the missing fields as zero.  If the struct of the kernel is smaller,
 * the additional bytes must be zero.  If a call succeeds, the kernel writes the
 * fields whose names start with ``out_``.  Before a call changes anything, it
 * checks that its argument struct is writable.
 *
 * Lengths are in bytes.  The end of an interval is exclusive, as in struct
 * mmu_notifier_range.
 *
 * A call checks in this order:
 *
 *  - the number of the ioctl (ENOTTY)
 *  - the argument struct (EFAULT, EINVAL for its size, E2BIG)
 *  - what the kernel supports (EOPNOTSUPP)
 *  - the values of the fields (EINVAL)
 *  - the IDs (EPERM, ENOENT)
 *  - whether the interval is inside the range (ERANGE)
 *
 * A call returns any other error only after these six checks.
 *
 * Each errno has one meaning in all calls:
 *
 *  - ENOTTY: No ioctl has this number.
 *  - EFAULT: User memory is not accessible: the argument struct, an array or a
 *    buffer.  In MMUN_ACCESS, the shadow entry of the first page may not permit
 *    the access.  In MMUN_COLLECT and MMUN_SNAPSHOT, a page fault may fail.
 *  - EINVAL: A field has an invalid value.  Examples are a struct that is
 *    smaller than its first version, an unaligned address, a count of zero, and
 *    a number above a limit of MMUN_INFO.
 *  - E2BIG: The struct is too large: its size is more than a page, or a byte
 *    beyond the struct of the kernel is not zero.
 *  - EOPNOTSUPP: The kernel does not support the request.  A reserved field is
 *    not zero, or a flag, kind, method, point or type is unknown, or the kernel
 *    lacks a feature (see MMUN_INFO).
 *  - EPERM: The request is not permitted.  open() requires CAP_SYS_ADMIN.  In
 *    MMUN_HOLD and MMUN_WAKE_THREAD the thread must not be a kernel thread.
 *  - ENOENT: The range, batch, hold or thread does not exist.  While a call
 *    uses a batch, other calls cannot find the batch.
 *  - ERANGE: The interval is not inside the range.  MMUN_COLLECT and
 *    MMUN_SNAPSHOT also exclude the last page of the address space, because its
 *    end overflows to 0.
 *  - ENOSPC: A limit is reached.  MMUN_INFO reports the limits.  In addition, a
 *    context can have at most 64 holds, and at most 64 probes of
 *    MMUN_CHECK_BALANCE.
 *  - ENOMEM: The kernel has too little memory: an allocation failed, or less
 *    than an eighth of the memory of the machine is available.  If a page fault
 *    of MMUN_METHOD_HMM_FAULT finds no memory, Linux 7.3 returns ENOMEM, but
 *    Linux 6.1 returns EFAULT.
 *  - ESRCH: The mm of the context has exited.  In open(), the calling task has
 *    no mm.
 *  - EOVERFLOW: The length of a range is zero, or its last byte is beyond the
 *    end of the address space.
 *  - EINTR: A signal interrupted the call before the call had an effect.
 *  - EACCES: Write access was requested, and the mapping does not permit it.
 *  - EBUSY: The state of the object does not permit the call.  In MMUN_COLLECT,
 *    an invalidation has hit the range since MMUN_READ_BEGIN.  In MMUN_HOLD, a
 *    hold of this context has already stopped the thread.
 *  - EAGAIN: The file has O_NONBLOCK, and read() would have to wait.
 */

#define MMUN_ABI_VERSION 2
#define MMUN_IOCTL_TYPE 'J'

/*
 * The list of all ioctls.  Each row names an ioctl, its argument struct without
 * "mmun_", and the last field of the first version of that struct.  The size
 * that a caller passes must include all fields of the first version of the
 * struct.
 */
#define MMUN_CALLS(CALL)                                \
	CALL(INFO, info, __reserved2)                   \
	CALL(INSERT, insert, out_done)                  \
	CALL(REMOVE, remove, out_done)                  \
	CALL(READ_BEGIN, read_begin, out_seq)           \
	CALL(COLLECT, collect, __reserved)              \
	CALL(COMMIT, commit, out_published)             \
	CALL(ABANDON, abandon, batch)                   \
	CALL(SNAPSHOT, snapshot, out_valid)             \
	CALL(ACCESS, access, out_done)                  \
	CALL(VERIFY, verify, out_pte)                   \
	CALL(FAIL_NONBLOCK, fail_nonblock, out_left)    \
	CALL(QUERY_RANGE, query_range, out_collisions)  \
	CALL(QUERY_CONTEXT, query_context, out_objects) \
	CALL(LOG_SETUP, log_setup, out_lost)            \
	CALL(HOLD, hold, out_hold)                      \
	CALL(WAIT_HELD, wait_held, out_end)             \
	CALL(RESUME, resume, out_resumed)               \
	CALL(WAKE_THREAD, wake_thread, out_woken)       \
	CALL(CHECK_BALANCE, check_balance, out_seq)     \
	CALL(PIN_MM, pin_mm, flags)                     \
	CALL(UNPIN_MM, unpin_mm, __reserved)

/* The numbers of the ioctls: MMUN_CMD_INFO is 0x80, and so on */
#define MMUN_CMD(NAME, name, last) MMUN_CMD_##NAME,
enum { MMUN_CMD_BASE = 0x7f, MMUN_CALLS(MMUN_CMD) MMUN_CMD_END };
#undef MMUN_CMD

/* The request codes for ioctl(): MMUN_INFO and so on */
#define MMUN_REQUEST(NAME, name, last) \
	MMUN_##NAME = _IO(MMUN_IOCTL_TYPE, MMUN_CMD_##NAME),
enum { MMUN_CALLS(MMUN_REQUEST) };
#undef MMUN_REQUEST

/**
 * enum mmun_kind - the notifier scheme of a range
 * @MMUN_KIND_INTERVAL: mmu_interval_notifier_insert() with its collision-retry
 *	lock.
 * @MMUN_KIND_NAIVE: The same callbacks without the collision-retry lock.
 *	read_begin() never waits and read_retry() always returns false.  This
 *	scheme is wrong on purpose, and every test of coherence must detect the
 *	error.  MMUN_ACCESS returns EOPNOTSUPP for such a range, because its
 *	shadow can refer to freed pages.
 * @MMUN_KIND_TWO_PASS: An interval notifier whose callback has two passes,
 *	invalidate_start() and invalidate_finish().  The first pass sets the
 *	sequence, and the second pass drops the shadow entries.  If the driver
 *	has too few finish objects, the callback has one pass.  Linux 6.12 and
 *	older kernels lack this kind.
 * @MMUN_KIND_LIST: A list notifier, which mmu_notifier_get() counts, with its
 *	own interval tree and no interval notifier.  Each range counts the
 *	active invalidations that hit the range, and MMUN_READ_BEGIN waits only
 *	for these.
 * @MMUN_KIND_LIST_MM: As MMUN_KIND_LIST, but the mm has one count of active
 *	invalidations, so that MMUN_READ_BEGIN waits for every invalidation of
 *	the mm.
 * @MMUN_KIND_INVLOCK: As MMUN_KIND_LIST_MM, but the mm also has one sequence,
 *	so that every invalidation of the mm makes a section collide.
 *	MMUN_SNAPSHOT can take mmap_lock for writing, see MMUN_WRITE_LOCK.
 * @MMUN_KIND_NAIVE_TREE: A list notifier with its own interval tree, which
 *	ignores the protocol like MMUN_KIND_NAIVE.
 * @MMUN_KIND_NAIVE_LINEAR: As MMUN_KIND_NAIVE_TREE, but a linear list has the
 *	ranges, so that an invalidation looks at all ranges.
 *
 * out_kinds of MMUN_INFO reports which kinds the kernel has.  All kinds permit
 * the same calls, with these exceptions, which return EOPNOTSUPP:
 *
 *  - MMUN_ACCESS of a range of the three naive kinds,
 *  - a policy for a range of these kinds,
 *  - MMUN_WRITE_LOCK in MMUN_SNAPSHOT, which only MMUN_KIND_INVLOCK permits,
 *  - MMUN_FAIL_NONBLOCK of a range of a list notifier, because a list notifier
 *    with invalidate_range_end() must not fail.
 *
 * MMUN_ACCESS, MMUN_SNAPSHOT and MMUN_FAIL_NONBLOCK find the kind through the ID
 * of the range, so they check the ID first.
 */
enum mmun_kind {
	MMUN_KIND_INTERVAL = 0,
	MMUN_KIND_NAIVE = 1,
	MMUN_KIND_TWO_PASS = 2,
	MMUN_KIND_LIST = 3,
	MMUN_KIND_LIST_MM = 4,
	MMUN_KIND_INVLOCK = 5,
	MMUN_KIND_NAIVE_TREE = 6,
	MMUN_KIND_NAIVE_LINEAR = 7,
};

#define MMUN_NR_KINDS 8

/* Number of finish objects that all ranges of MMUN_KIND_TWO_PASS share */
#define MMUN_MAX_FINISHES 64

/**
 * enum mmun_method - how to collect pages
 * @MMUN_METHOD_HMM_FAULT: hmm_range_fault() with HMM_PFN_REQ_FAULT.  Missing
 *	pages are faulted in.  Requires MMUN_FEATURE_HMM.
 * @MMUN_METHOD_HMM_NOFAULT: hmm_range_fault() without HMM_PFN_REQ_FAULT.  The
 *	page tables are read and not changed.  Requires MMUN_FEATURE_HMM.
 * @MMUN_METHOD_GUP: get_user_pages_remote().  The driver drops the page
 *	references at once, because the callback of the range drops a shadow
 *	entry before its page is freed.  GUP reports neither permissions nor
 *	page sizes: an entry is writable if and only if MMUN_WRITE was
 *	requested, and its order is 0.
 */
enum mmun_method {
	MMUN_METHOD_HMM_FAULT = 0,
	MMUN_METHOD_HMM_NOFAULT = 1,
	MMUN_METHOD_GUP = 2,
};

/* Flag of MMUN_COLLECT, MMUN_SNAPSHOT and MMUN_ACCESS */
#define MMUN_WRITE 0x1
/* Flag of MMUN_SNAPSHOT */
#define MMUN_OWN_LOOP 0x2
/* Flag of MMUN_SNAPSHOT and MMUN_PIN_MM: take mmap_lock for writing */
#define MMUN_WRITE_LOCK 0x4

/*
 * The policy of a range is a mask of these bits.  The policy selects what the
 * callback of the range does for each event of an invalidation: keep entries, or
 * free the memory of the shadow page table.  Without a policy, each callback
 * drops all entries of the invalidated pages, and the memory of the shadow page
 * table is freed with the range.
 *
 * SOFT_DIRTY and PROTECTION_PAGE: If the invalidation has this event, keep the
 * entries and only remove their write permission.
 *
 * FREE_ON_UNMAP: If the invalidation has the event UNMAP, free each array of
 * 512 entries in which the callback leaves no entry.
 *
 * FREE_ALWAYS: As FREE_ON_UNMAP, for each event except RELEASE.  Drivers did
 * this before invalidations had events.
 */
#define MMUN_POLICY_SOFT_DIRTY 0x1
#define MMUN_POLICY_PROTECTION_PAGE 0x2
#define MMUN_POLICY_FREE_ON_UNMAP 0x4
#define MMUN_POLICY_FREE_ALWAYS 0x8
#define MMUN_POLICY_ALL 0xf

/*
 * An entry describes one page.  MMUN_SNAPSHOT and MMUN_VERIFY report entries.
 * An entry has the same layout as an entry of hmm_range_fault() in current
 * kernels.  If neither VALID nor ERROR is set, no page is mapped.  The order is
 * the binary logarithm of the number of pages that the page table entry maps.
 */

/* clang-format would destroy the alignment of the values. */
/* clang-format off */
#define MMUN_PAGE_VALID		0x8000000000000000ULL	/* may be read */
#define MMUN_PAGE_WRITE		0x4000000000000000ULL	/* may be written */
#define MMUN_PAGE_ERROR		0x2000000000000000ULL	/* not accessible */
#define MMUN_PAGE_ORDER_SHIFT	53
#define MMUN_PAGE_ORDER_MASK	0x1fULL
#define MMUN_PAGE_PFN_MASK	0x0000ffffffffffffULL
/* clang-format on */

/**
 * struct mmun_info - ioctl(MMUN_INFO)
 * @size: sizeof(struct mmun_info)
 * @__reserved: Must be 0
 * @out_abi: MMUN_ABI_VERSION of the loaded module
 * @out_page_size: PAGE_SIZE
 * @out_features: Mask of MMUN_FEATURE_*
 * @out_kinds: Mask of 1 << enum mmun_kind
 * @out_max_contexts: Maximum number of contexts of one mm
 * @out_max_ranges: Maximum number of ranges of one context
 * @out_max_shadow_pages: Maximum number of shadow entries of one context
 * @out_max_batches: Maximum number of open batches of one context
 * @out_max_batch_pages: Maximum number of pages of one batch or snapshot
 * @out_max_log_records: Maximum size of the log, in records
 * @out_max_retries: Maximum of max_retries in MMUN_SNAPSHOT and MMUN_VERIFY
 * @out_max_hold_ms: Maximum time of a hold, and of a wait for a hold, in
 *	milliseconds
 * @out_max_pin_ms: Maximum time of MMUN_PIN_MM, in milliseconds.  After this
 *	time MMUN_SNAPSHOT begins no new round under mmap_lock.
 * @__reserved2: Must be 0
 *
 * Report what this kernel and this module support.  A test that needs a feature
 * must check its bit in @out_features, and must not compare kernel versions.
 * MMUN_INFO also works if the mm of the context has exited.
 *
 * The limits bound the kernel memory of a context.  The memory of an object is
 * charged to the memory cgroup of the task that creates the object.  The driver
 * allocates shadow entries in arrays of 512 entries.  Each array counts as 512
 * entries towards @out_max_shadow_pages, even if the range needs fewer entries.
 */
struct mmun_info {
	__u32 size;
	__u32 __reserved;
	__u32 out_abi;
	__u32 out_page_size;
	__aligned_u64 out_features;
	__aligned_u64 out_kinds;
	__u32 out_max_contexts;
	__u32 out_max_ranges;
	__u32 out_max_shadow_pages;
	__u32 out_max_batches;
	__u32 out_max_batch_pages;
	__u32 out_max_log_records;
	__u32 out_max_retries;
	__u32 out_max_hold_ms;
	__u32 out_max_pin_ms;
	__u32 __reserved2;
};

/*
 * The kernel has CONFIG_HMM_MIRROR, so MMUN_METHOD_HMM_* and MMUN_VERIFY work.
 */
#define MMUN_FEATURE_HMM 0x1
/*
 * The kernel has hmm_range_fault_unlocked_timeout(), and MMUN_SNAPSHOT uses it.
 */
#define MMUN_FEATURE_HMM_UNLOCKED 0x2

/**
 * struct mmun_span - one range in MMUN_INSERT or MMUN_REMOVE
 * @start: First address of the range.  MMUN_INSERT reads it.
 * @length: Length of the range in bytes.  MMUN_INSERT reads it.
 * @id: ID of the range, never 0.  MMUN_INSERT writes the ID, and MMUN_REMOVE
 *	reads it.
 * @__reserved: Must be 0
 */
struct mmun_span {
	__aligned_u64 start;
	__aligned_u64 length;
	__u32 id;
	__u32 __reserved;
};

/**
 * struct mmun_insert - ioctl(MMUN_INSERT)
 * @size: sizeof(struct mmun_insert)
 * @kind: enum mmun_kind
 * @spans: Pointer to an array of &struct mmun_span
 * @count: Number of elements of @spans, at least 1
 * @out_done: Number of ranges inserted, counted from the first span
 * @policy: Mask of MMUN_POLICY_*.  Must be 0 for MMUN_KIND_NAIVE and the other
 *	naive kinds.
 * @__reserved: Must be 0
 *
 * Subscribe to the addresses [start, start + length) of each span, in the order
 * of @spans.  The addresses need not be mapped or aligned, and may overlap the
 * addresses of other ranges.  After MMUN_INSERT has written the ID of a range,
 * each new invalidation that hits the range runs the callback of the range.
 * For a range of MMUN_KIND_LIST, MMUN_INSERT waits until no invalidation of the
 * mm is active, and a fatal signal ends the wait (EINTR).
 *
 * MMUN_INSERT stops at the first span that fails, and inserts no range for that
 * span.  If the first span of @spans fails, MMUN_INSERT returns the error of
 * that span.  If a later span fails, MMUN_INSERT succeeds, but @out_done is
 * less than @count.  An ID is never reused.
 */
struct mmun_insert {
	__u32 size;
	__u32 kind;
	__aligned_u64 spans;
	__aligned_u64 count;
	__aligned_u64 out_done;
	__u32 policy;
	__u32 __reserved;
};

/**
 * struct mmun_remove - ioctl(MMUN_REMOVE)
 * @size: sizeof(struct mmun_remove)
 * @__reserved: Must be 0
 * @spans: Pointer to an array of &struct mmun_span.  Only the IDs are read.
 * @count: Number of elements of @spans, at least 1
 * @out_done: Number of ranges removed, counted from the first span
 *
 * Drop the shadow page table of each range and unsubscribe the range, in the
 * order of @spans.  If an active invalidation has hit any range of the mm,
 * MMUN_REMOVE waits until no invalidation is active.  If the range uses a list
 * notifier, MMUN_REMOVE waits only until no callback of the range runs.  After
 * MMUN_REMOVE has returned, no callback of the range runs.
 *
 * If the range of a batch was removed, MMUN_COMMIT of the batch returns ENOENT.
 * MMUN_REMOVE stops at the first span that fails, as MMUN_INSERT does.
 */
struct mmun_remove {
	__u32 size;
	__u32 __reserved;
	__aligned_u64 spans;
	__aligned_u64 count;
	__aligned_u64 out_done;
};

/**
 * struct mmun_read_begin - ioctl(MMUN_READ_BEGIN)
 * @size: sizeof(struct mmun_read_begin)
 * @id: ID of the range
 * @out_batch: ID of the new batch, never 0
 * @__reserved: Must be 0
 * @out_seq: Sequence of the section.  For an interval notifier, this is the
 *	return value of mmu_interval_read_begin().  0 for the naive kinds.
 *
 * Begin a read side critical section, and create an empty batch for it.  If an
 * active invalidation has hit the range @id, MMUN_READ_BEGIN waits until no
 * invalidation of the mm is active.  MMUN_READ_BEGIN also waits for an
 * invalidation that was active when the range was inserted, because that
 * invalidation may overlap the range.
 *
 * For ranges of list notifiers, enum mmun_kind describes for which
 * invalidations MMUN_READ_BEGIN waits.  SIGKILL ends this wait.
 *
 * A range can have several open batches, and each batch has its own sequence.
 */
struct mmun_read_begin {
	__u32 size;
	__u32 id;
	__u32 out_batch;
	__u32 __reserved;
	__aligned_u64 out_seq;
};

/**
 * struct mmun_collect - ioctl(MMUN_COLLECT)
 * @size: sizeof(struct mmun_collect)
 * @batch: ID of the batch
 * @start: First address, page aligned
 * @length: Length in bytes, page aligned, not 0
 * @method: enum mmun_method
 * @flags: MMUN_WRITE: the pages must be writable.  Not permitted with
 *	MMUN_METHOD_HMM_NOFAULT.
 * @out_valid: Number of valid pages
 * @__reserved: Must be 0
 *
 * Collect the pages of [@start, @start + @length) into the batch.  The range
 * must overlap each page of [@start, @start + @length).  While the driver
 * collects pages, it holds no lock that the callback of the range takes.  The
 * HMM methods return EBUSY if an invalidation has hit the range since
 * MMUN_READ_BEGIN.  MMUN_METHOD_GUP does not check whether an invalidation has
 * hit the range.
 *
 * A batch can collect several intervals, in any order.  If intervals overlap,
 * MMUN_COMMIT uses the entries of the later MMUN_COLLECT.
 */
struct mmun_collect {
	__u32 size;
	__u32 batch;
	__aligned_u64 start;
	__aligned_u64 length;
	__u32 method;
	__u32 flags;
	__u32 out_valid;
	__u32 __reserved;
};

/**
 * struct mmun_commit - ioctl(MMUN_COMMIT)
 * @size: sizeof(struct mmun_commit)
 * @batch: ID of the batch
 * @seq: Must be the sequence that MMUN_READ_BEGIN returned for this batch.
 *	Otherwise the call returns EINVAL.
 * @out_collided: 1: an invalidation has hit the range since MMUN_READ_BEGIN,
 *	and nothing was published.  0: the batch was published.
 * @out_published: Number of valid pages that were published
 *
 * Take the update lock of the range and check whether the section has collided:
 * for an interval notifier, call mmu_interval_read_retry().  If there was no
 * collision, publish the batch: copy the collected entries to the shadow page
 * table.
 *
 * If MMUN_COMMIT succeeds, it frees the batch, even after a collision.
 * MMUN_COMMIT also frees the batch if it returns ENOENT because the range was
 * removed.  After any other error of MMUN_COMMIT the batch stays open.
 */
struct mmun_commit {
	__u32 size;
	__u32 batch;
	__aligned_u64 seq;
	__u32 out_collided;
	__u32 out_published;
};

/**
 * struct mmun_abandon - ioctl(MMUN_ABANDON)
 * @size: sizeof(struct mmun_abandon)
 * @batch: ID of the batch
 *
 * Free the batch and publish nothing.
 */
struct mmun_abandon {
	__u32 size;
	__u32 batch;
};

/**
 * struct mmun_snapshot - ioctl(MMUN_SNAPSHOT)
 * @size: sizeof(struct mmun_snapshot)
 * @id: ID of the range
 * @start: First address, page aligned
 * @length: Length in bytes, page aligned, not 0
 * @method: enum mmun_method
 * @flags: MMUN_WRITE: as in MMUN_COLLECT.  MMUN_OWN_LOOP: do not use
 *	hmm_range_fault_unlocked_timeout().  MMUN_WRITE_LOCK: take mmap_lock for
 *	writing after @lock_after collisions.  Requires MMUN_KIND_INVLOCK.
 * @max_retries: Maximum number of retries after a collision
 * @out_retries: Number of retries
 * @pages: Pointer to an array with one __u64 for each page, see MMUN_PAGE_*.
 *	0: report no pages.
 * @out_collided: 1: the last round collided, and nothing was published or
 *	written to @pages.  0: the pages were published.
 * @out_valid: Number of valid pages
 * @lock_after: With MMUN_WRITE_LOCK, the number of collisions after which the
 *	next rounds hold mmap_lock, at most out_max_retries.  0: all rounds.
 *	Without MMUN_WRITE_LOCK, must be 0.
 * @out_locked: 1: the last round held mmap_lock for writing; otherwise 0
 *
 * Do the work of MMUN_READ_BEGIN, MMUN_COLLECT and MMUN_COMMIT in one call.
 * One execution of begin, collect and commit is a round.  If a round collides,
 * MMUN_SNAPSHOT starts a new round, at most @max_retries times.  All pages that
 * MMUN_SNAPSHOT reports were mapped at the same time.  If the last round
 * collides, MMUN_SNAPSHOT succeeds and sets @out_collided.
 *
 * MMUN_SNAPSHOT uses hmm_range_fault_unlocked_timeout() if
 *
 *  - the kernel has MMUN_FEATURE_HMM_UNLOCKED,
 *  - the range has the kind MMUN_KIND_INTERVAL or MMUN_KIND_TWO_PASS,
 *  - @method is an HMM method, and
 *  - MMUN_OWN_LOOP is not set.
 *
 * hmm_range_fault_unlocked_timeout() begins a critical section, collects the
 * pages, and retries after a collision for at most one second.  @out_retries
 * does not include the retries of hmm_range_fault_unlocked_timeout().  A round
 * collides if an invalidation hits the range before the commit, or if the
 * retries of hmm_range_fault_unlocked_timeout() have taken one second.
 *
 * While MMUN_SNAPSHOT holds mmap_lock for writing, the mm cannot exit, and an
 * invalidation that requires mmap_lock cannot begin.  Other invalidations can
 * begin, and so can the invalidations of the page faults of MMUN_SNAPSHOT
 * itself.  They make a round collide as usual.  If MMUN_SNAPSHOT has held
 * mmap_lock for out_max_pin_ms, the next collision is the last one, whatever
 * @max_retries is.  This time does not limit the wait of a round for active
 * invalidations.  SIGKILL ends that wait.
 */
struct mmun_snapshot {
	__u32 size;
	__u32 id;
	__aligned_u64 start;
	__aligned_u64 length;
	__u32 method;
	__u32 flags;
	__u32 max_retries;
	__u32 out_retries;
	__aligned_u64 pages;
	__u32 out_collided;
	__u32 out_valid;
	__u32 lock_after;
	__u32 out_locked;
};

/**
 * struct mmun_access - ioctl(MMUN_ACCESS)
 * @size: sizeof(struct mmun_access)
 * @id: ID of the range
 * @flags: MMUN_WRITE: copy from @buffer to the pages.  Otherwise copy from the
 *	pages to @buffer.
 * @__reserved: Must be 0
 * @addr: First address, inside the range
 * @length: Length in bytes, not 0.  The last byte of the access must be inside
 *	the range.
 * @buffer: Pointer to a buffer of @length bytes
 * @out_done: Number of bytes copied
 *
 * Read or write user memory through the shadow page table, as a device does.
 * MMUN_ACCESS does not read the page tables of the mm.  MMUN_ACCESS stops at
 * the first page whose shadow entry does not permit the access.  A shadow entry
 * permits an access if it is valid and, with MMUN_WRITE, writable.  If the
 * shadow entry of the first page does not permit the access, MMUN_ACCESS
 * returns EFAULT.  After the mm has exited, no shadow entry is valid.
 *
 * MMUN_ACCESS copies one page after the other.  If MMUN_ACCESS cannot read all
 * bytes of @buffer for a page, it does not change that page.  If another thread
 * unmaps @buffer while MMUN_ACCESS writes to a page, only a part of that page
 * may change.  If @buffer and the accessed bytes overlap in memory and do not
 * start at the same byte, the result is undefined.
 */
struct mmun_access {
	__u32 size;
	__u32 id;
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 buffer;
	__aligned_u64 out_done;
};

/**
 * struct mmun_verify - ioctl(MMUN_VERIFY)
 * @size: sizeof(struct mmun_verify)
 * @id: ID of the range
 * @max_retries: Maximum number of retries after collisions, for each 512 pages
 * @out_result: enum mmun_verify_result
 * @out_checked: Number of valid shadow entries that were compared
 * @out_addr: The first address where the entries differ.  The fields from here
 *	on are 0 unless @out_result is MMUN_VERIFY_DIFFERS.
 * @out_shadow: The shadow entry of the page at @out_addr, see MMUN_PAGE_*
 * @out_pte: The entry of the page tables at @out_addr, see MMUN_PAGE_*
 *
 * Compare the shadow page table with the page tables of the mm.  MMUN_VERIFY
 * follows the collision-retry protocol and does not fault in pages.  A valid
 * shadow entry must refer to the page that is mapped at its address.  A shadow
 * entry may be writable only if the mapping is writable.
 *
 * MMUN_VERIFY takes mmap_lock for writing, and requires MMUN_FEATURE_HMM.
 */
struct mmun_verify {
	__u32 size;
	__u32 id;
	__u32 max_retries;
	__u32 out_result;
	__aligned_u64 out_checked;
	__aligned_u64 out_addr;
	__aligned_u64 out_shadow;
	__aligned_u64 out_pte;
};

/**
 * enum mmun_verify_result - result of MMUN_VERIFY
 * @MMUN_VERIFY_AGREES: All valid shadow entries agree with the page tables
 * @MMUN_VERIFY_DIFFERS: A shadow entry is stale, because no invalidation
 *	dropped it
 * @MMUN_VERIFY_COLLIDED: The last retry collided, so MMUN_VERIFY has no result
 */
enum mmun_verify_result {
	MMUN_VERIFY_AGREES = 0,
	MMUN_VERIFY_DIFFERS = 1,
	MMUN_VERIFY_COLLIDED = 2,
};

/**
 * struct mmun_fail_nonblock - ioctl(MMUN_FAIL_NONBLOCK)
 * @size: sizeof(struct mmun_fail_nonblock)
 * @id: ID of the range; 0: a list notifier of the context
 * @count: Number of failures to inject; 0: stop injecting
 * @out_left: Number of failures that an earlier call requested and that are
 *	left
 *
 * A real driver returns false from a callback that must not block but would
 * have to sleep.  MMUN_FAIL_NONBLOCK injects @count failures.  Each failure
 * makes one callback of the range return false.  Only a callback that must not
 * block can fail.  A callback that returns false sets the sequence of the
 * range.  A callback that returns false drops no shadow entries, because the mm
 * unmaps nothing after the failure.
 *
 * If @id is 0, each failure makes one callback invalidate_range_start() of a
 * list notifier return -EAGAIN.  The first call with the @id 0 registers this
 * list notifier.  The list notifier has no invalidate_range_end(), because a
 * list notifier that has this callback must not fail.  The registration takes
 * mmap_lock for writing, and returns ESRCH if the mm has no users.  EBUSY: The
 * mm has another context.  On a kernel that does not end the invalidation, only
 * the context with the last references to the mm can be freed.  A later open()
 * does not check for such a list notifier.
 */
struct mmun_fail_nonblock {
	__u32 size;
	__u32 id;
	__u32 count;
	__u32 out_left;
};

/**
 * struct mmun_pin_mm - ioctl(MMUN_PIN_MM)
 * @size: sizeof(struct mmun_pin_mm)
 * @timeout_ms: Maximum wait in milliseconds, 1 to out_max_pin_ms
 * @out_unpinned: 1: MMUN_UNPIN_MM ended the wait.  0: the time expired.
 * @flags: MMUN_WRITE_LOCK: take mmap_lock of the mm of the context for writing,
 *	and release mmap_lock after the wait
 *
 * Make the calling thread wait.  No signal ends MMUN_PIN_MM, not even SIGKILL.
 * Therefore a process that is killed during MMUN_PIN_MM keeps its mm, and
 * process_mrelease(2) can reap that mm.
 *
 * The driver logs a record of type MMUN_RECORD_PIN before the thread waits.  As
 * soon as the log has the record of a thread, MMUN_UNPIN_MM finds the thread.
 *
 * With MMUN_WRITE_LOCK the thread takes mmap_lock and a reference to mm_users
 * before it logs the record.  The wait for mmap_lock is killable (EINTR).  All
 * other tasks that need mmap_lock wait until the time of the thread is over.
 * EBUSY: Another thread has called MMUN_PIN_MM with MMUN_WRITE_LOCK for this mm.
 */
struct mmun_pin_mm {
	__u32 size;
	__u32 timeout_ms;
	__u32 out_unpinned;
	__u32 flags;
};

/**
 * struct mmun_unpin_mm - ioctl(MMUN_UNPIN_MM)
 * @size: sizeof(struct mmun_unpin_mm)
 * @tid: mmun_record::tid of the thread; 0: all threads that wait in this
 *	context
 * @out_count: Number of threads that were woken
 * @__reserved: Must be 0
 *
 * End MMUN_PIN_MM of a thread.  Returns -ENOENT if no thread that @tid selects
 * waits in MMUN_PIN_MM.
 */
struct mmun_unpin_mm {
	__u32 size;
	__u32 tid;
	__u32 out_count;
	__u32 __reserved;
};

/**
 * struct mmun_log_setup - ioctl(MMUN_LOG_SETUP)
 * @size: sizeof(struct mmun_log_setup)
 * @records: Size of the log in records, a power of two; 0: log nothing
 * @types: Types of the records to log, a mask of 1 << enum mmun_record_type
 * @__reserved: Must be 0
 * @out_lost: Number of unread records that were dropped
 *
 * Replace the log with an empty log of @records records.  The first record of
 * the new log continues the sequence of the old log.  A new context has a log
 * of MMUN_LOG_DEFAULT records and logs MMUN_LOG_TYPES_DEFAULT.
 */
struct mmun_log_setup {
	__u32 size;
	__u32 records;
	__u32 types;
	__u32 __reserved;
	__aligned_u64 out_lost;
};

/**
 * struct mmun_query_context - ioctl(MMUN_QUERY_CONTEXT)
 * @size: sizeof(struct mmun_query_context)
 * @__reserved: Must be 0
 * @out_ranges: Number of ranges of this context
 * @out_batches: Number of open batches of this context, without the batches
 *	that a call is using
 * @out_mm_users: mm_users of the mm; 0: the mm has exited
 * @out_mm_count: mm_count of the mm, which includes lazy TLB references
 * @out_objects: Number of kernel objects of all contexts together
 * @out_lists: Number of objects of list notifiers that the core has not yet
 *	freed, of all contexts together.  @out_objects includes these.
 * @out_shadow_pages: Number of shadow entries of all ranges of this context, as
 *	counted for out_max_shadow_pages
 *
 * Report counters with which a test can detect leaks.  The context and each of
 * its ranges hold one reference on mm_count, and no reference on mm_users.  More
 * references belong to:
 *
 *  - the object of each kind of list notifier, which all contexts of the mm
 *    share,
 *  - the list notifier of the points START and END, which the first HOLD at
 *    these points and the first range of a list notifier register,
 *  - the list notifier of MMUN_FAIL_NONBLOCK with the ID 0,
 *  - the probes that MMUN_CHECK_BALANCE keeps.
 */
struct mmun_query_context {
	__u32 size;
	__u32 __reserved;
	__u32 out_ranges;
	__u32 out_batches;
	__u32 out_mm_users;
	__u32 out_mm_count;
	__aligned_u64 out_objects;
	__aligned_u64 out_lists;
	__aligned_u64 out_shadow_pages;
};

/**
 * struct mmun_query_range - ioctl(MMUN_QUERY_RANGE)
 * @size: sizeof(struct mmun_query_range)
 * @id: ID of the range
 * @seq: A sequence that MMUN_READ_BEGIN returned, for @out_retry
 * @out_seq: mmu_interval_notifier::invalidate_seq of the range.  The last
 *	invalidation that hit the range has set this value.  If there was none,
 *	the insertion has set it.  For a range of MMUN_KIND_INVLOCK, the
 *	sequence of the last invalidation of the mm.
 * @out_in_tree: 1: the range is in the interval tree of the mm.  0: the mm has
 *	deferred its insertion, or the range has MMUN_KIND_NAIVE_LINEAR.
 * @out_retry: Return value of mmu_interval_check_retry() for @seq.  The call
 *	does not take the update lock, so a 0 can be outdated at once, but a 1
 *	is final.
 * @out_invalidations: Number of callbacks, including those that failed
 * @out_failed: Number of callbacks that returned false
 * @out_commits: Number of batches and snapshots that were published
 * @out_collisions: Number of batches and rounds of MMUN_SNAPSHOT that collided
 * @out_kept: Number of valid entries that callbacks kept because of the policy
 *	of the range.  An entry counts each time a callback keeps it.
 * @out_kept_accesses: Number of times that MMUN_ACCESS was the first to use an
 *	entry since a callback kept the entry, modulo 2^32.  Without the policy,
 *	each of these accesses would have needed a new walk of the page tables.
 * @out_kept_tables: Number of times that MMUN_POLICY_FREE_ON_UNMAP kept an
 *	array of 512 entries that an invalidation has emptied and
 *	MMUN_POLICY_FREE_ALWAYS would have freed, modulo 2^32.  Only arrays
 *	whose addresses are all invalidated count.
 *
 * Report the state of a range in mm/mmu_notifier.c and in the driver.
 * MMUN_QUERY_RANGE reads @out_seq and @out_in_tree without the lock of
 * mm/mmu_notifier.c.  The values of @out_seq and @out_in_tree are exact only if
 * no invalidation, insertion or removal runs in the mm at the same time.
 */
struct mmun_query_range {
	__u32 size;
	__u32 id;
	__aligned_u64 seq;
	__aligned_u64 out_seq;
	__u32 out_in_tree;
	__u32 out_retry;
	__aligned_u64 out_invalidations;
	__aligned_u64 out_failed;
	__aligned_u64 out_commits;
	__aligned_u64 out_collisions;
	__aligned_u64 out_kept;
	__aligned_u64 out_kept_accesses;
	__aligned_u64 out_kept_tables;
};

/**
 * enum mmun_point - a point of an invalidation at which a task can be held
 * @MMUN_POINT_ENTER: The callback of a range begins.  It has done nothing yet.
 * @MMUN_POINT_LEAVE: The callback of a range is about to return.  It has set
 *	the sequence, dropped the shadow entries and logged the record.
 * @MMUN_POINT_START: All callbacks of ranges have returned, and the
 *	invalidation is still active.  An invalidation reaches this point even
 *	if it hits no range.  In that case the sequence of the mm can be even.
 * @MMUN_POINT_END: The invalidation is no longer active.  If no other
 *	invalidation is active, the mm has done the deferred insertions and
 *	removals and has woken the tasks that wait for the end of the
 *	invalidation.
 * @MMUN_POINT_EXIT: The callback of a range begins for MMUN_EVENT_RELEASE.  A
 *	callback for this event reaches neither ENTER nor LEAVE.
 *
 * A task reaches START and END in the callbacks of a list notifier (struct
 * mmu_notifier).  The core calls the newest list notifier first.  The first
 * range of a list notifier in the context therefore registers this list
 * notifier before the list notifier of the range.  If another context of the mm
 * had such a range before, START can come before callbacks of these ranges, and
 * END before the end that their readers await.
 *
 * The mm drops its list notifiers at MMUN_EVENT_RELEASE.  At
 * the exit of the mm, MMUN_EVENT_UNMAP comes after MMUN_EVENT_RELEASE and
 * therefore reaches neither START nor END.
 */
enum mmun_point {
	MMUN_POINT_ENTER = 0,
	MMUN_POINT_LEAVE = 1,
	MMUN_POINT_START = 2,
	MMUN_POINT_END = 3,
	MMUN_POINT_EXIT = 4,
};

/**
 * struct mmun_hold - ioctl(MMUN_HOLD)
 * @size: sizeof(struct mmun_hold)
 * @point: enum mmun_point
 * @id: ID of the range; 0: any range.  At ENTER, LEAVE and EXIT, only callbacks
 *	of this range match.  At START and END, only invalidations that hit this
 *	range match.
 * @tid: The thread to stop, in the PID namespace of the caller; 0: any thread
 * @skip: Number of arrivals to ignore before the hold stops a task
 * @count: Number of arrivals to stop after the first @skip arrivals, at least 1
 * @timeout_ms: Time after which the hold is over, in milliseconds from this
 *	call, 1 to out_max_hold_ms
 * @out_hold: ID of the hold, never 0
 *
 * Stop tasks that reach a point of an invalidation.  Each time a task reaches
 * the point and matches @id and @tid, the hold counts one arrival.  A stopped
 * task waits until MMUN_RESUME, until SIGKILL, until the hold is over, or until
 * the context is closed.  SIGKILL does not wake a task that is already exiting.
 * A hold stops only tasks that reach the point after the hold was created.  If
 * several holds match a task, the task stops at one hold after the other, in
 * the order of the IDs of the holds.
 *
 * The thread @tid must exist (ENOENT) and must not be a kernel thread (EPERM).
 * Returns -EBUSY while a hold of this context holds the thread @tid.  If @tid
 * is 0, returns -EBUSY while a hold of this context holds any thread.  The
 * first hold of a context at START or END registers the list notifier of the
 * context.  The registration of the list notifier takes mmap_lock for writing,
 * and can fail with EINTR, ENOMEM or ESRCH.
 *
 * The driver does not stop:
 *
 *  - a kernel thread,
 *  - a task that reclaims memory (PF_MEMALLOC),
 *  - a task that owns a file system transaction (PF_MEMALLOC_NOFS or
 *    PF_MEMALLOC_NOIO),
 *  - a task in a callback that must not block,
 *  - any task after the deadline that all holds of the mm share, see below.
 *
 * MMUN_WAIT_HELD reports MMUN_HOLD_MISSED if the hold matches a task that the
 * driver does not stop.  The arrival of a task that the driver does not stop
 * does not count towards @count.
 *
 * A held task keeps its locks: mmap_lock, page locks and, in the callback of a
 * list notifier, the SRCU read lock of all list notifiers.  Other tasks that
 * need a lock of a held task must wait.  To bound the time that other tasks
 * wait, the holds of all contexts of an mm share two deadlines.  One deadline
 * is for ENTER, LEAVE and EXIT, and the other one is for START and END.  When
 * the driver holds the first task, it sets the deadline, which is
 * out_max_hold_ms in the future.  If no task was held for a millisecond, the
 * next held task sets a new deadline.  The driver sets no new deadline between
 * two callbacks of interval notifiers.  Therefore holds can delay one
 * invalidation by at most three times out_max_hold_ms: in its callbacks, at
 * START and at END.  The callbacks of each kind of list notifier can delay it
 * by out_max_hold_ms more, because their sequences differ.  If several contexts
 * of the mm have ranges of list notifiers, or if invalidations overlap in time,
 * START, END and each callback of a list notifier can delay it again.
 */
struct mmun_hold {
	__u32 size;
	__u32 point;
	__u32 id;
	__u32 tid;
	__u32 skip;
	__u32 count;
	__u32 timeout_ms;
	__u32 out_hold;
};

/**
 * enum mmun_hold_state - state of a hold
 * @MMUN_HOLD_HELD: The hold has stopped a task, and the task still waits
 * @MMUN_HOLD_MISSED: A matching task reached the point and was not stopped, for
 *	a reason that &struct mmun_hold lists
 * @MMUN_HOLD_OVER: The hold is over, because its time has expired or because it
 *	has stopped mmun_hold::count arrivals, and no task is held now
 * @MMUN_HOLD_ARMED: None of the above
 */
enum mmun_hold_state {
	MMUN_HOLD_HELD = 0,
	MMUN_HOLD_MISSED = 1,
	MMUN_HOLD_OVER = 2,
	MMUN_HOLD_ARMED = 3,
};

/**
 * struct mmun_wait_held - ioctl(MMUN_WAIT_HELD)
 * @size: sizeof(struct mmun_wait_held)
 * @hold: ID of the hold
 * @timeout_ms: Maximum wait in milliseconds, at most out_max_hold_ms; 0: do not
 *	wait
 * @out_state: enum mmun_hold_state
 * @out_tid: The thread, in the initial PID namespace
 * @out_event: enum mmun_event
 * @out_id: ID of the range at ENTER, LEAVE and EXIT; 0 at START and END
 * @__reserved: Must be 0
 * @out_start: First address of the invalidation
 * @out_end: End of the invalidation, exclusive
 *
 * Wait until the state of the hold is not MMUN_HOLD_ARMED, or until @timeout_ms
 * has passed.  If several states apply, MMUN_WAIT_HELD reports the first of
 * HELD, MISSED and OVER.  In the states HELD and MISSED, the fields @out_tid to
 * @out_end describe the task and its invalidation.  In the states OVER and
 * ARMED, the fields @out_tid to @out_end are 0.  If several tasks are held,
 * MMUN_WAIT_HELD reports the task that stopped first.  The state MISSED of a
 * hold lasts until MMUN_RESUME.
 */
struct mmun_wait_held {
	__u32 size;
	__u32 hold;
	__u32 timeout_ms;
	__u32 out_state;
	__u32 out_tid;
	__u32 out_event;
	__u32 out_id;
	__u32 __reserved;
	__aligned_u64 out_start;
	__aligned_u64 out_end;
};

/* Flag of MMUN_RESUME */
#define MMUN_RESUME_END 0x1

/**
 * struct mmun_resume - ioctl(MMUN_RESUME)
 * @size: sizeof(struct mmun_resume)
 * @hold: ID of the hold
 * @flags: MMUN_RESUME_END frees the hold, even if it could stop more tasks
 * @out_resumed: Number of held tasks that this call has resumed
 *
 * Resume all tasks that the hold has stopped.  Free the hold if it is over or
 * if MMUN_RESUME_END is set.  A hold that is not freed can stop more tasks.
 */
struct mmun_resume {
	__u32 size;
	__u32 hold;
	__u32 flags;
	__u32 out_resumed;
};

/* Maximum number of wake-ups of one MMUN_WAKE_THREAD */
#define MMUN_MAX_WAKE_UPS 1000000

/**
 * struct mmun_wake_thread - ioctl(MMUN_WAKE_THREAD)
 * @size: sizeof(struct mmun_wake_thread)
 * @tid: The thread, in the PID namespace of the caller
 * @count: Number of wake-ups in a row, 1 to MMUN_MAX_WAKE_UPS
 * @out_woken: Number of wake-ups that found the thread asleep
 *
 * Wake the thread without a reason, by wake_up_process().  Every wait in the
 * kernel must tolerate a wake-up without a reason.  The thread must exist
 * (ENOENT) and must not be a kernel thread (EPERM).  A fatal signal ends
 * MMUN_WAKE_THREAD early.
 */
struct mmun_wake_thread {
	__u32 size;
	__u32 tid;
	__u32 count;
	__u32 out_woken;
};

/**
 * struct mmun_check_balance - ioctl(MMUN_CHECK_BALANCE)
 * @size: sizeof(struct mmun_check_balance)
 * @timeout_ms: Maximum time for active invalidations to end, in milliseconds,
 *	at most out_max_hold_ms; 0: do not wait
 * @out_balanced: 1: at some time during this call, no invalidation was active.
 *	0: the call has found no such time.
 * @out_odd: 1: @out_balanced is 0 and the sequence of the mm is odd.  Then
 *	MMUN_REMOVE waits, and MMUN_READ_BEGIN waits if an active invalidation
 *	has hit its range.  Otherwise 0.
 * @out_seq: mmu_interval_notifier::invalidate_seq of the first probe, which is
 *	odd.  If no invalidation was active, the sequence of the mm was @out_seq
 *	+ 1.
 *
 * Check whether each invalidation of the mm that has started has also ended.
 * MMUN_CHECK_BALANCE inserts probes: subscriptions to the last byte of the
 * address space, which no invalidation hits.  The sequence of a probe shows
 * whether an invalidation was active.  MMUN_CHECK_BALANCE waits at most
 * @timeout_ms for active invalidations to end.
 *
 * If @out_balanced is 1, MMUN_CHECK_BALANCE removes its probes.  The removal of
 * the probes can wait for invalidations that began in the meantime.  If
 * @out_balanced is 0, the context keeps the probes until a later call or the
 * last close removes them.  If an invalidation never ends, the context and the
 * module are never freed.
 *
 * The insertion of a probe has the same side effects as the insertion of a
 * range.  If an invalidation is active, the insertion makes the sequence of the
 * mm odd.  The first insertion of a probe or range into an mm takes mmap_lock
 * for writing.
 */
struct mmun_check_balance {
	__u32 size;
	__u32 timeout_ms;
	__u32 out_balanced;
	__u32 out_odd;
	__aligned_u64 out_seq;
};

/**
 * DOC: The log
 *
 * read() returns whole records, the oldest first.  It returns all records of
 * the log, or as many records as the buffer has room for::
 *
 *	+----------------+----------------+-- ... --+----------------+
 *	| sequence n     | sequence n + 1 |         | sequence n + k |
 *	+----------------+----------------+-- ... --+----------------+
 *
 * If the buffer is smaller than one record, read() returns EINVAL.  If the log
 * is empty, read() waits, or returns EAGAIN with O_NONBLOCK.  poll() reports
 * POLLIN if the log is not empty.
 *
 * If the log is full, a new record overwrites the oldest one.  A gap in the
 * sequence of the records shows how many records were lost.  There can also be
 * a gap before the first record that read() returns.
 */

/**
 * enum mmun_record_type - type of a record
 * @MMUN_RECORD_INVALIDATE: A callback of a range has run.  The driver writes
 *	the record when the callback returns.
 * @MMUN_RECORD_PIN: A thread begins to wait in MMUN_PIN_MM
 * @MMUN_RECORD_INSERT: A range is about to be inserted.  All records of its
 *	invalidations come later.
 * @MMUN_RECORD_REMOVE: A range was removed, or its insertion failed.  All
 *	records of its invalidations came earlier.
 * @MMUN_RECORD_BEGIN: MMUN_READ_BEGIN or a round of MMUN_SNAPSHOT has begun a
 *	read side critical section
 * @MMUN_RECORD_COMMIT: A batch or a snapshot was published to the shadow page
 *	table
 * @MMUN_RECORD_COLLIDE: A batch or a round of MMUN_SNAPSHOT collided
 * @MMUN_RECORD_HELD: A hold has stopped a task.  From now on MMUN_WAIT_HELD
 *	reports the task.
 * @MMUN_RECORD_START: An invalidation of the mm has reached MMUN_POINT_START
 * @MMUN_RECORD_END: An invalidation of the mm has reached MMUN_POINT_END
 *
 * The driver logs START and END only after the first MMUN_HOLD of the context
 * at START or END, which registers the list notifier.
 */
enum mmun_record_type {
	MMUN_RECORD_INVALIDATE = 0,
	MMUN_RECORD_PIN = 1,
	MMUN_RECORD_INSERT = 2,
	MMUN_RECORD_REMOVE = 3,
	MMUN_RECORD_BEGIN = 4,
	MMUN_RECORD_COMMIT = 5,
	MMUN_RECORD_COLLIDE = 6,
	MMUN_RECORD_HELD = 7,
	MMUN_RECORD_START = 8,
	MMUN_RECORD_END = 9,
};

#define MMUN_LOG_TYPES_ALL 0x3ff
#define MMUN_LOG_TYPES_DEFAULT \
	((1U << MMUN_RECORD_INVALIDATE) | (1U << MMUN_RECORD_PIN))
#define MMUN_LOG_DEFAULT 256

/**
 * enum mmun_event - cause of an invalidation, as in enum mmu_notifier_event
 * @MMUN_EVENT_UNMAP: munmap() or mremap() removes a mapping
 * @MMUN_EVENT_CLEAR: Page table entries are cleared, for one of many reasons
 * @MMUN_EVENT_PROTECTION_VMA: The protection of a VMA changes
 * @MMUN_EVENT_PROTECTION_PAGE: The protection of pages changes
 * @MMUN_EVENT_SOFT_DIRTY: Soft dirty bits are cleared
 * @MMUN_EVENT_RELEASE: The mm exits
 * @MMUN_EVENT_MIGRATE: A driver migrates pages
 * @MMUN_EVENT_EXCLUSIVE: A device requests exclusive access
 * @MMUN_EVENT_UNKNOWN: An event that this driver does not know
 */
enum mmun_event {
	MMUN_EVENT_UNMAP = 0,
	MMUN_EVENT_CLEAR = 1,
	MMUN_EVENT_PROTECTION_VMA = 2,
	MMUN_EVENT_PROTECTION_PAGE = 3,
	MMUN_EVENT_SOFT_DIRTY = 4,
	MMUN_EVENT_RELEASE = 5,
	MMUN_EVENT_MIGRATE = 6,
	MMUN_EVENT_EXCLUSIVE = 7,
	MMUN_EVENT_UNKNOWN = 255,
};

/*
 * Flags of struct mmun_record.  BLOCKABLE: the invalidation may block.  FAILED:
 * the callback returned false.  FINISH: the callback had two passes.
 */
#define MMUN_RECORD_BLOCKABLE 0x1
#define MMUN_RECORD_FAILED 0x2
#define MMUN_RECORD_FINISH 0x4

/**
 * struct mmun_record - one entry of the log
 * @sequence: Number of the record in this context, counted from 0.  Lost
 *	records are counted too.
 * @time_ns: Time at the start of the event, from CLOCK_MONOTONIC
 * @duration_ns: Duration of the callback in a record of type INVALIDATE, from
 *	the first to the second pass if there are two; otherwise 0
 * @cur_seq: Sequence of the invalidation in records of type INVALIDATE, and of
 *	type HELD at ENTER, LEAVE and EXIT.  This sequence is odd.  Sequence of
 *	the critical section in records of type BEGIN, COMMIT and COLLIDE.
 *	Otherwise 0.
 * @start: First address of the invalidation in records of type INVALIDATE,
 *	HELD, START and END.  First address of the range in records of type
 *	INSERT, REMOVE, BEGIN, COMMIT and COLLIDE.  0 in records of type PIN.
 * @end: End of the interval that begins at @start, exclusive.  0 if the
 *	interval includes the last byte of the address space.
 * @clip_start: In records of type INVALIDATE, the first address that is inside
 *	both the invalidation and the range.  Otherwise the same as @start.
 * @clip_end: End of the interval that begins at @clip_start, exclusive
 * @id: ID of the hold in records of type HELD, 0 in records of type PIN, START
 *	and END.  Otherwise ID of the range.
 * @type: enum mmun_record_type
 * @flags: MMUN_RECORD_BLOCKABLE, MMUN_RECORD_FAILED, MMUN_RECORD_FINISH
 * @event: enum mmun_event in records of type INVALIDATE, HELD, START and END;
 *	otherwise 0
 * @tid: The thread that caused the record, in the initial PID namespace
 * @tgid: The thread group of @tid, in the initial PID namespace
 * @__reserved: 0
 * @comm: Name of the thread
 */
struct mmun_record {
	__aligned_u64 sequence;
	__aligned_u64 time_ns;
	__aligned_u64 duration_ns;
	__aligned_u64 cur_seq;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 clip_start;
	__aligned_u64 clip_end;
	__u32 id;
	__u16 type;
	__u16 flags;
	__u32 event;
	__u32 tid;
	__u32 tgid;
	__u32 __reserved;
	char comm[16];
};

#endif /* _TEST_MMUN_UAPI_H */
