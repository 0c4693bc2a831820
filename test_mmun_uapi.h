/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The private uAPI of /dev/mmun, the test driver for mmu notifiers.
 *
 * It serves the kselftest in tools/testing/selftests/mmun and people who want
 * to see what the mm tells its notifiers.  It is not a stable interface and
 * may change with any release; MMUN_INFO tells which version is loaded.
 */
#ifndef _TEST_MMUN_UAPI_H
#define _TEST_MMUN_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: Objects
 *
 * context
 *	One open of /dev/mmun, bound to the mm of the task that opened it.  It
 *	owns ranges, batches and the event log, and works through an inherited
 *	or passed file descriptor, still on the mm it is bound to.
 * range
 *	One subscription over [start, start + length) of that mm, byte granular,
 *	with a shadow page table: what a device would hold.
 * batch
 *	One read side critical section: the sequence that MMUN_READ_BEGIN
 *	returned and the pages collected under it.
 * hold
 *	A point in an invalidation at which a task stops until it is let go.
 * record
 *	One entry of the log, see &struct mmun_record.
 */

/**
 * DOC: General ioctl format
 *
 * Every argument struct starts with its own size, as user space knows it.  A
 * kernel that knows a longer struct takes the missing tail as zero; one that
 * knows a shorter struct wants the surplus to be zero.  Fields that begin with
 * ``out_`` are written by the kernel, when the call succeeds; the struct must be
 * writable, whether the call has such fields or not.  A length is in
 * bytes; an end is exclusive, as in struct mmu_notifier_range.
 *
 * Each errno has one meaning, whichever the call.  Checks come in this order:
 * the command (ENOTTY), the struct (EFAULT, EINVAL for its size, E2BIG), what
 * is not offered (EOPNOTSUPP), the values (EINVAL), IDs (EPERM, ENOENT), the
 * interval against the range (ERANGE); the rest is found on the way, user
 * buffers last.
 *
 *  - ENOTTY: The command is not known.
 *  - EFAULT: An argument or buffer cannot be read or written.  MMUN_ACCESS:
 *    or there is no valid (for a write: no writable) shadow entry at the first
 *    address.  MMUN_COLLECT, MMUN_SNAPSHOT: or there is nothing to fault in.
 *  - EINVAL: The size is less than the smallest this call ever had; or a field
 *    has a value that no state could make right: an unaligned address, a zero
 *    count, a number beyond a limit that MMUN_INFO reports.
 *  - E2BIG: The bytes beyond what the kernel knows are not zero, or the size
 *    is larger than a page.
 *  - EOPNOTSUPP: A reserved field is not zero; or a flag, a kind, a method or a
 *    type is not known or not offered by this kernel (see MMUN_INFO).
 *  - EPERM: open() needs CAP_SYS_ADMIN.  A call: the thread is a kernel thread.
 *  - ENOENT: There is no such range, batch, hold, thread or pinning thread; or
 *    another call works on the batch, which is there again when that returns.
 *  - ERANGE: The address interval is not inside the range, or it has the last
 *    page of the address space, which no walk can end at.
 *  - ENOSPC: A limit is reached: see MMUN_INFO; or 64 holds or probes of a
 *    context.  open(): the contexts of an mm.
 *  - ENOMEM: The kernel has no memory, or less than an eighth of it is left.  For a
 *    fault of MMUN_METHOD_HMM_FAULT kernels before 7.x return EFAULT.
 *  - ESRCH: The mm of the context is gone.
 *  - EOVERFLOW: MMUN_INSERT: the length is zero or the range wraps.
 *  - EINTR: A signal came first.  Nothing was changed.
 *  - EACCES: Write access was asked for where the mapping denies it.
 *  - EBUSY: The sequence of the batch is stale already: an invalidation came
 *    after MMUN_READ_BEGIN.  Begin again.  MMUN_HOLD: the thread is held now.
 *  - EAGAIN: read() on a log that is empty, with O_NONBLOCK.
 */

#define MMUN_ABI_VERSION 2
#define MMUN_IOCTL_TYPE 'J'

/*
 * Every call: its name, its argument without "struct mmun_", and the last field of
 * the first version of that struct, up to which a caller must know it.
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
	CALL(PIN_MM, pin_mm, __reserved)                \
	CALL(UNPIN_MM, unpin_mm, __reserved)

/* MMUN_CMD_INFO, ...: the numbers, from 0x80 on */
#define MMUN_CMD(NAME, name, last) MMUN_CMD_##NAME,
enum { MMUN_CMD_BASE = 0x7f, MMUN_CALLS(MMUN_CMD) MMUN_CMD_END };
#undef MMUN_CMD

/* MMUN_INFO, ...: the requests of ioctl() */
#define MMUN_REQUEST(NAME, name, last) \
	MMUN_##NAME = _IO(MMUN_IOCTL_TYPE, MMUN_CMD_##NAME),
enum { MMUN_CALLS(MMUN_REQUEST) };
#undef MMUN_REQUEST

/**
 * enum mmun_kind - which notifier scheme a range uses
 * @MMUN_KIND_INTERVAL: mmu_interval_notifier_insert() and its collision-retry
 *	lock.
 * @MMUN_KIND_NAIVE: The same callbacks and no sequence: read_begin never waits
 *	and read_retry never says yes.  Wrong on purpose: what every test of
 *	coherence must catch.  No MMUN_ACCESS (EOPNOTSUPP): its shadow may name
 *	pages that were freed.
 */
enum mmun_kind {
	MMUN_KIND_INTERVAL = 0,
	MMUN_KIND_NAIVE = 1,
};

/**
 * enum mmun_method - how pages are gathered
 * @MMUN_METHOD_HMM_FAULT: hmm_range_fault(), pages that are missing are faulted in.
 *	Needs MMUN_FEATURE_HMM.
 * @MMUN_METHOD_HMM_NOFAULT: hmm_range_fault() without HMM_PFN_REQ_FAULT: the page
 *	tables are read and not changed.  Needs MMUN_FEATURE_HMM.
 * @MMUN_METHOD_GUP: get_user_pages_remote().  The page references are dropped
 *	at once: it is the notifier that keeps a shadow entry true.  GUP does
 *	not tell permissions, so entries are writable exactly when MMUN_WRITE
 *	was asked for, and the order is 0.
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

/*
 * A page, as MMUN_SNAPSHOT and MMUN_VERIFY report it, in the layout that
 * hmm_range_fault() has on new kernels.  With neither VALID nor ERROR set
 * nothing is mapped.
 */

/* The formatter would take the values out of their column. */
/* clang-format off */
#define MMUN_PAGE_VALID		0x8000000000000000ULL	/* may be read */
#define MMUN_PAGE_WRITE		0x4000000000000000ULL	/* may be written */
#define MMUN_PAGE_ERROR		0x2000000000000000ULL	/* unusable */
#define MMUN_PAGE_ORDER_SHIFT	53		/* log2 of the pages that one */
#define MMUN_PAGE_ORDER_MASK	0x1fULL		/* page table entry maps */
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
 * @out_max_contexts: Contexts that one mm can have
 * @out_max_ranges: Ranges that one context can have
 * @out_max_shadow_pages: Pages that the shadows of one context can have
 * @out_max_batches: Batches that one context can have open
 * @out_max_batch_pages: Pages that one batch or snapshot can hold
 * @out_max_log_records: Largest log
 * @out_max_retries: Largest number of retries of MMUN_SNAPSHOT and MMUN_VERIFY
 * @out_max_hold_ms: Longest hold, and longest wait for one, in milliseconds
 * @out_max_pin_ms: Longest MMUN_PIN_MM, in milliseconds
 * @__reserved2: Must be 0
 *
 * What this kernel and module offer.  Tests skip on a feature bit, never on a
 * version.  Works on a context whose mm is gone.
 *
 * The limits bound the memory that a context can use, which is charged to the
 * memory cgroup of the task that makes the call.  The driver leaves an eighth of
 * the machine's memory to others.  Shadows have their pages in
 * chunks of 512, and a chunk counts as a whole.
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

/* The kernel has CONFIG_HMM_MIRROR: MMUN_METHOD_HMM_FAULT and _NOFAULT, MMUN_VERIFY */
#define MMUN_FEATURE_HMM 0x1
/* The kernel has hmm_range_fault_unlocked_timeout(), which SNAPSHOT uses */
#define MMUN_FEATURE_HMM_UNLOCKED 0x2

/**
 * struct mmun_span - one range of MMUN_INSERT or MMUN_REMOVE
 * @start: First address watched; read by MMUN_INSERT
 * @length: Number of bytes watched; read by MMUN_INSERT
 * @id: ID of the range, never 0: written by MMUN_INSERT, read by MMUN_REMOVE
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
 * @count: Its length, at least 1
 * @out_done: Ranges inserted, counted from the first
 *
 * Subscribe to [start, start + length) of each span, in order.  The addresses
 * need not be mapped, nor be aligned, and may overlap those of other ranges in
 * any way.  From the moment the ID is written every invalidation that meets the
 * range is seen.
 *
 * Stops at the first span that fails, which leaves nothing behind.  If others were
 * inserted before it, the call succeeds and @out_done is less than @count;
 * otherwise the call returns the error.  IDs are not used again.
 */
struct mmun_insert {
	__u32 size;
	__u32 kind;
	__aligned_u64 spans;
	__aligned_u64 count;
	__aligned_u64 out_done;
};

/**
 * struct mmun_remove - ioctl(MMUN_REMOVE)
 * @size: sizeof(struct mmun_remove)
 * @__reserved: Must be 0
 * @spans: Pointer to an array of &struct mmun_span, of which the IDs are read
 * @count: Its length, at least 1
 * @out_done: Ranges removed, counted from the first
 *
 * For each span, in order: drop the shadow of the range and unsubscribe.  Waits
 * for the invalidations that are in flight; afterwards no callback of the range
 * runs and none will.  A batch of the range that is still open fails its COMMIT
 * with ENOENT.  Stops at the first span that fails, as MMUN_INSERT does.
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
 * @id: The range
 * @out_batch: ID of the new batch, never 0
 * @__reserved: Must be 0
 * @out_seq: What mmu_interval_read_begin() returned
 *
 * Open a read side critical section and an empty batch for it.  Waits while an
 * invalidation that hit this range is active.  Any number of batches can be
 * open on a range at once, each with a sequence of its own.
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
 * @batch: The batch
 * @start: First address, page aligned
 * @length: Number of bytes, page aligned, not 0
 * @method: enum mmun_method
 * @flags: MMUN_WRITE: the pages must be writable; not with MMUN_METHOD_HMM_NOFAULT
 * @out_valid: Pages found valid
 * @__reserved: Must be 0
 *
 * Gather the pages of [@start, @start + @length) into the batch, holding no
 * lock that the callback takes.  The interval must lie inside the pages that
 * the range touches.  May be called more than once, for parts of the range in
 * any order.  Where parts overlap the later one counts.
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
 * @batch: The batch
 * @seq: What MMUN_READ_BEGIN returned for it; another value is EINVAL
 * @out_collided: 1: an invalidation hit the range since, nothing was published
 * @out_published: Valid pages published
 *
 * Take the update lock, ask mmu_interval_read_retry() and, if there was no
 * collision, publish the batch to the shadow page table of the range.  The
 * batch is gone when the call succeeds, with a collision or without, and when
 * it fails with ENOENT because its range was removed.
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
 * @batch: The batch
 *
 * Throw the batch away and publish nothing.
 */
struct mmun_abandon {
	__u32 size;
	__u32 batch;
};

/**
 * struct mmun_snapshot - ioctl(MMUN_SNAPSHOT)
 * @size: sizeof(struct mmun_snapshot)
 * @id: The range
 * @start: First address, page aligned
 * @length: Number of bytes, page aligned, not 0
 * @method: enum mmun_method
 * @flags: MMUN_WRITE as in MMUN_COLLECT; MMUN_OWN_LOOP: do not use
 *	hmm_range_fault_unlocked_timeout()
 * @max_retries: How often to begin again after a collision
 * @out_retries: How often it was needed
 * @pages: Pointer to an array of __u64, one per page, see MMUN_PAGE_*; or 0
 * @out_collided: 1: the retries were used up, nothing was published or written
 * @out_valid: Pages found valid
 *
 * The whole loop: begin, collect, commit, and again after each collision.  What
 * is reported was all mapped at one instant.  Using up the retries is an answer
 * and not an error.
 *
 * With MMUN_FEATURE_HMM_UNLOCKED, and without MMUN_OWN_LOOP, the methods that use
 * HMM leave beginning and collecting to hmm_range_fault_unlocked_timeout(), which
 * begins again after a collision for a second at most.  These retries are not
 * counted; a collision of the commit is, and so is a second that was not enough.
 * A range of kind NAIVE always has the driver's own loop.
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
};

/**
 * struct mmun_access - ioctl(MMUN_ACCESS)
 * @size: sizeof(struct mmun_access)
 * @id: The range
 * @flags: MMUN_WRITE: from the buffer to the pages; else the other way
 * @__reserved: Must be 0
 * @addr: First address, inside the range
 * @length: Number of bytes, not 0, all inside the range
 * @buffer: Pointer to as many bytes
 * @out_done: Bytes moved
 *
 * Read or write user memory through the shadow page table, as a device would,
 * without looking at the page tables.  Stops at the first page that has no
 * valid (for a write: no writable) shadow entry; EFAULT if that is the first.
 * A buffer that cannot be read changes nothing; of one that is taken away while
 * it is read a part may have been written.  If the buffer is a part of the pages
 * that are accessed, and at another place in them, what is moved is undefined.
 * Works on a context whose mm is gone: there it finds no shadow entry.
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
 * @id: The range
 * @max_retries: How often to begin again after a collision, for each 512 pages
 * @out_result: enum mmun_verify_result
 * @out_checked: Valid shadow entries that were compared
 * @out_addr: MMUN_VERIFY_DIFFERS: the first address where they differ
 * @out_shadow: MMUN_VERIFY_DIFFERS: the shadow entry, see MMUN_PAGE_*
 * @out_pte: MMUN_VERIFY_DIFFERS: what the page tables have, see MMUN_PAGE_*
 *
 * Compare the shadow with the page tables, under the collision-retry lock and
 * without faulting: each valid shadow entry must name the page that is mapped,
 * and be writable only if the mapping is.  Takes mmap_lock for writing.  Needs
 * MMUN_FEATURE_HMM.
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
 * enum mmun_verify_result - the answer of MMUN_VERIFY
 * @MMUN_VERIFY_AGREES: No valid shadow entry disagrees with the page tables
 * @MMUN_VERIFY_DIFFERS: One does: a notification was missed
 * @MMUN_VERIFY_COLLIDED: The retries were used up before an answer was found
 */
enum mmun_verify_result {
	MMUN_VERIFY_AGREES = 0,
	MMUN_VERIFY_DIFFERS = 1,
	MMUN_VERIFY_COLLIDED = 2,
};

/**
 * struct mmun_fail_nonblock - ioctl(MMUN_FAIL_NONBLOCK)
 * @size: sizeof(struct mmun_fail_nonblock)
 * @id: The range
 * @count: The next @count callbacks that must not block return false; 0: none
 * @out_left: How many of an earlier request were left
 *
 * Make the range behave like a driver that would have had to sleep.  A callback
 * that fails advances the sequence and keeps the shadow: nothing was unmapped.
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
 * @timeout_ms: How long at most, in milliseconds, 1 to out_max_pin_ms
 * @out_unpinned: 1: MMUN_UNPIN_MM ended it; 0: the time-out did
 * @__reserved: Must be 0
 *
 * This thread waits, and no signal wakes it, not even SIGKILL, so that a dying
 * process keeps its mm for as long as process_mrelease(2) needs it.  A record
 * of type MMUN_RECORD_PIN is logged first: from then on MMUN_UNPIN_MM finds the
 * thread.
 */
struct mmun_pin_mm {
	__u32 size;
	__u32 timeout_ms;
	__u32 out_unpinned;
	__u32 __reserved;
};

/**
 * struct mmun_unpin_mm - ioctl(MMUN_UNPIN_MM)
 * @size: sizeof(struct mmun_unpin_mm)
 * @tid: The thread, as its record names it; 0: all that wait in this context
 * @out_count: Number of threads that were woken
 * @__reserved: Must be 0
 *
 * ENOENT if there is none.
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
 * @records: Room for that many records, a power of two; 0: log nothing
 * @types: Mask of 1 << enum mmun_record_type: what to log
 * @__reserved: Must be 0
 * @out_lost: Records that were in the log, unread, and are dropped
 *
 * Give the context a new, empty log.  The sequence goes on where it was.
 * A context starts with MMUN_LOG_DEFAULT records of MMUN_LOG_TYPES_DEFAULT.
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
 * @out_ranges: Ranges of this context
 * @out_batches: Open batches of this context, except those that a call works on
 * @out_mm_users: Users of the bound mm; 0: it is gone
 * @out_mm_count: References to its struct, lazy TLB users included
 * @out_objects: Objects in the kernel's memory, of all contexts together
 *
 * For tests that nothing is left behind.  Each range holds one reference to the
 * mm's struct, the context one more, and neither is a user.
 */
struct mmun_query_context {
	__u32 size;
	__u32 __reserved;
	__u32 out_ranges;
	__u32 out_batches;
	__u32 out_mm_users;
	__u32 out_mm_count;
	__aligned_u64 out_objects;
};

/**
 * struct mmun_query_range - ioctl(MMUN_QUERY_RANGE)
 * @size: sizeof(struct mmun_query_range)
 * @id: The range
 * @seq: What MMUN_READ_BEGIN returned for it, for @out_retry
 * @out_seq: mmu_interval_notifier::invalidate_seq: of the last invalidation
 *	that hit the range, or of its insertion
 * @out_in_tree: 1: the core has it in its tree; 0: its insert is deferred
 * @out_retry: What mmu_interval_check_retry(@seq) returned: the advisory form of
 *	the question that COMMIT asks, without the update lock.  1 is final; 0 can
 *	be outdated at once.
 * @out_invalidations: Callbacks since the insertion, failed ones included
 * @out_failed: Callbacks that returned false
 * @out_commits: Batches and snapshots published
 * @out_collisions: Batches and snapshots that collided
 *
 * What the core and the driver know of a range.  @out_seq and @out_in_tree are
 * read without the core's lock: they are exact only while there is no
 * invalidation, insertion or removal in the mm.
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
};

/**
 * enum mmun_point - where a task can be held
 * @MMUN_POINT_ENTER: On entry of the callback of a range, nothing done yet
 * @MMUN_POINT_LEAVE: On its way out: the sequence is set, the shadow dropped,
 *	the record written
 * @MMUN_POINT_START: All callbacks of the ranges of the mm have returned and
 *	the invalidation is not over.  Reached even if it meets no range, and so
 *	the only way to an invalidation that is active while the sequence is
 *	even.
 * @MMUN_POINT_END: The invalidation is over: what was deferred is done, who
 *	waited is woken
 * @MMUN_POINT_EXIT: On entry of the callback for MMUN_EVENT_RELEASE, which is
 *	neither an ENTER nor a LEAVE
 *
 * START and END are reached through a list notifier on the mm.  The mm drops
 * it at RELEASE, so the UNMAP that follows passes neither.
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
 * @id: The range: only its callbacks (START, END: only invalidations that meet
 *	it); 0: any range of the context (START, END: any invalidation)
 * @tid: The thread to stop, as the caller's PID namespace numbers it; 0: any
 * @skip: So many passages are let through first
 * @count: So many passages are stopped after that, at least 1
 * @timeout_ms: The hold is over so long after this call whatever happens, 1 to
 *	out_max_hold_ms
 * @out_hold: ID of the hold, never 0
 *
 * Arrange that a task stops when it comes to a point.  It waits until
 * MMUN_RESUME, until SIGKILL, until the hold's time is over or until the
 * context is closed.  (SIGKILL does not wake a task that is exiting already:
 * there the others remain.)  Where several holds have the same passage the task
 * stops at one after the other, in the order of their IDs.
 *
 * These are not stopped: a kernel thread; a task that reclaims memory or owns a
 * transaction of a file system (PF_MEMALLOC, PF_MEMALLOC_NOFS,
 * PF_MEMALLOC_NOIO); a callback that must not block; and any task while the mm
 * has used up its time (below).  Such a passage uses up none of @count, and is
 * reported as MMUN_HOLD_MISSED.
 *
 * The thread must exist (ENOENT) and must not be a kernel thread (EPERM).
 * Returns -EBUSY if this context already holds the thread (@tid 0: any thread).
 * A task stops only at holds that were armed before it came to the point.
 *
 * A held task keeps all that it holds: mmap_lock, page locks, and inside START
 * and END the one SRCU read section of all mmu notifiers.  Other tasks wait for
 * them.  So that holds do not add up, those in the callbacks of an mm share one
 * deadline, in all contexts, and those at START and END another one.  A deadline is
 * set to out_max_hold_ms when a task is held, and anew when no task has been held
 * for a millisecond, but not within the callbacks of one invalidation.  One
 * invalidation is thus held for at most three times out_max_hold_ms: in its
 * callbacks, at START, and at END.
 *
 * The first hold at START or END of a context registers its list notifier,
 * which takes mmap_lock for writing: it waits for whoever has it (EINTR, ENOMEM,
 * ESRCH).
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
 * enum mmun_hold_state - what became of a hold
 * @MMUN_HOLD_HELD: A task is held by it now
 * @MMUN_HOLD_MISSED: A passage could not be stopped, see MMUN_HOLD
 * @MMUN_HOLD_OVER: Its time is over or its passages are used up, nobody is held
 * @MMUN_HOLD_ARMED: None of that yet
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
 * @hold: The hold
 * @timeout_ms: How long to wait, at most out_max_hold_ms; 0: just look
 * @out_state: enum mmun_hold_state
 * @out_tid: HELD, MISSED: the thread, in the initial PID namespace; else 0
 * @out_event: HELD, MISSED: enum mmun_event; else 0
 * @out_id: HELD, MISSED: at ENTER, LEAVE and EXIT the range; else 0
 * @__reserved: Must be 0
 * @out_start: HELD, MISSED: first address of the whole invalidation; else 0
 * @out_end: Its end, exclusive
 *
 * Wait until a task is held, a passage was missed, or the hold is over; return
 * MMUN_HOLD_ARMED when the time is up first.  HELD has precedence over MISSED,
 * and MISSED, which lasts until MMUN_RESUME, over OVER.  With several tasks
 * held it tells of the one that came first.
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
 * @hold: The hold
 * @flags: MMUN_RESUME_END: the hold is gone, whatever passages it has left
 * @out_resumed: Number of tasks that were held and go on
 *
 * Let the tasks go on that are held.  Without the flag a hold that is not over
 * stays armed for the passages it has left; otherwise it is gone and so is its ID.
 */
struct mmun_resume {
	__u32 size;
	__u32 hold;
	__u32 flags;
	__u32 out_resumed;
};

/* Largest number of wake-ups of one MMUN_WAKE_THREAD */
#define MMUN_MAX_WAKE_UPS 1000000

/**
 * struct mmun_wake_thread - ioctl(MMUN_WAKE_THREAD)
 * @size: sizeof(struct mmun_wake_thread)
 * @tid: The thread, in the caller's PID namespace
 * @count: Number of wake-ups, one after the other, 1 to MMUN_MAX_WAKE_UPS
 * @out_woken: How many found it asleep
 *
 * Wake the thread for no reason, as wake_up_process() does.  Every wait of the
 * kernel has to cope with that.  The thread must exist (ENOENT) and must not be a
 * kernel thread (EPERM).  Stops early at a fatal signal.
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
 * @timeout_ms: How long an invalidation that is in flight may take to end, at
 *	most out_max_hold_ms; 0: just look
 * @out_balanced: 1: there was a moment, during this call, at which every
 *	invalidation that had begun had ended; 0: none was seen
 * @out_odd: Not balanced: 1: the sequence is odd: readers of a range that was
 *	hit, and removers, wait until it is even
 * @out_seq: mmu_interval_notifier::invalidate_seq of the probe: odd, and 1 less
 *	than the sequence of an idle mm
 *
 * Check whether the beginnings and ends of the mm's invalidations are in balance.
 * Some subscriptions to the last byte of the address space, which no invalidation
 * meets, are inserted and looked at; the call never waits for one.  If the mm is
 * balanced they are removed.  Otherwise the context keeps them until a later call
 * or its close finds the balance; if that never comes they stay for ever, and the
 * module with them.  A new context starts without any.
 *
 * As every insert does, a probe makes the sequence of an active invalidation
 * odd, and the first on an mm takes mmap_lock for writing.
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
 * read() returns whole records, oldest first, as many as fit and are there::
 *
 *	+----------------+----------------+-- ... --+----------------+
 *	| sequence n     | sequence n + 1 |         | sequence n + k |
 *	+----------------+----------------+-- ... --+----------------+
 *
 * A buffer too small for one record is EINVAL.  With nothing to return read()
 * waits, or returns EAGAIN with O_NONBLOCK; poll() reports POLLIN.  When the
 * log is full the oldest record is overwritten: a gap in the sequence counts
 * the records lost, and the first gap can be before the first record.
 */

/**
 * enum mmun_record_type - what a record tells
 * @MMUN_RECORD_INVALIDATE: A callback ran; written when it returns
 * @MMUN_RECORD_PIN: A thread begins to wait in MMUN_PIN_MM
 * @MMUN_RECORD_INSERT: A range is about to be inserted; every invalidation of
 *	it comes after
 * @MMUN_RECORD_REMOVE: A range was removed, or its insertion failed; every
 *	invalidation of it came before
 * @MMUN_RECORD_BEGIN: MMUN_READ_BEGIN or a round of MMUN_SNAPSHOT
 * @MMUN_RECORD_COMMIT: A batch was published
 * @MMUN_RECORD_COLLIDE: A batch had collided
 * @MMUN_RECORD_HELD: A task stops at a hold; from then on MMUN_WAIT_HELD finds
 *	it
 * @MMUN_RECORD_START: An invalidation of the mm came to MMUN_POINT_START
 * @MMUN_RECORD_END: One came to MMUN_POINT_END
 *
 * START and END are recorded from the first hold on at one of the two.
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
 * enum mmun_event - why an invalidation happens, as enum mmu_notifier_event
 * @MMUN_EVENT_UNMAP: munmap() or mremap(): the range is gone
 * @MMUN_EVENT_CLEAR: page table entries are cleared, for many reasons
 * @MMUN_EVENT_PROTECTION_VMA: the protection of the VMA changes
 * @MMUN_EVENT_PROTECTION_PAGE: the protection of pages changes
 * @MMUN_EVENT_SOFT_DIRTY: soft dirty accounting
 * @MMUN_EVENT_RELEASE: the mm goes away
 * @MMUN_EVENT_MIGRATE: migration by a driver
 * @MMUN_EVENT_EXCLUSIVE: a device wants exclusive access
 * @MMUN_EVENT_UNKNOWN: none that the driver knows
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

/* struct mmun_record::flags; the first for all that are of an invalidation */
#define MMUN_RECORD_BLOCKABLE 0x1 /* the callback could sleep */
#define MMUN_RECORD_FAILED 0x2 /* it returned false */

/**
 * struct mmun_record - one entry of the log
 * @sequence: Counts all records of the context, written or lost, from 0
 * @time_ns: CLOCK_MONOTONIC when it began
 * @duration_ns: How long the callback took; 0 for the other types
 * @cur_seq: INVALIDATE, and HELD but at START and END: the sequence of the
 *	invalidation, odd; BEGIN, COMMIT, COLLIDE: the sequence of the batch;
 *	else 0
 * @start: INVALIDATE, HELD, START, END: first address of the whole
 *	invalidation; else of the range
 * @end: Its end, exclusive; 0 if the last byte is that of the address space
 * @clip_start: The part of it that is inside the range: first address.  HELD,
 *	START, END: as @start
 * @clip_end: Its end, exclusive
 * @id: The range; HELD: the hold; 0 for PIN, START and END
 * @type: enum mmun_record_type
 * @flags: MMUN_RECORD_BLOCKABLE, MMUN_RECORD_FAILED
 * @event: INVALIDATE, HELD, START, END: enum mmun_event; else 0
 * @tid: The thread that caused it, in the initial PID namespace
 * @tgid: Its thread group
 * @__reserved: 0
 * @comm: Its name
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
