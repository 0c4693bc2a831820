/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of the driver, the limits of these objects, and the functions
 * that several files of mmun/ use.
 */
#ifndef _MMUN_PRIVATE_H
#define _MMUN_PRIVATE_H

#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mmu_notifier.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../test_mmun_compat.h"
#include "../test_mmun_uapi.h"
#include "entry.h"

static_assert(sizeof(unsigned long) == sizeof(u64));

/* clang-format would destroy the alignment of the values. */
/* clang-format off */

/*
 * Limits of one context.  MMUN_MAX_CONTEXTS is the maximum number of contexts
 * of one mm.
 */
#define MMUN_MAX_CONTEXTS	64
#define MMUN_MAX_RANGES		SZ_1M
#define MMUN_MAX_BATCHES	128
#define MMUN_MAX_BATCH_PAGES	SZ_64K
#define MMUN_MAX_LOG_RECORDS	SZ_64K
/* Shorter than the default timeout of the hung task detector, 120 s */
#define MMUN_MAX_PIN_MS		20000
#define MMUN_MAX_RETRIES	1000000
#define MMUN_MAX_HOLDS		64
#define MMUN_MAX_PROBES		64
#define MMUN_MAX_HOLD_MS	60000U	/* maximum of the module parameter */
#define MMUN_HOLD_IDLE_NS	NSEC_PER_MSEC
#define MMUN_HMM_TIMEOUT	HZ	/* jiffies per round of SNAPSHOT */

/*
 * A chunk is an array of at most MMUN_CHUNK_PAGES shadow entries.  All chunks
 * of a context can belong to one range.  The callback of that range then clears
 * all chunks under a spinlock, which takes some milliseconds.
 */
#define MMUN_MAX_CHUNKS		4096

/*
 * An allocation must not start the OOM killer.  The memory of the driver
 * belongs to no process, so the OOM killer could not free that memory.
 */
#define MMUN_GFP (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#define MMUN_CHUNK_PAGES	512UL
#define MMUN_WALK_PAGES		512UL	/* between two checks for signals */
#define MMUN_GUP_PAGES		32UL
#define MMUN_READ_RECORDS	64UL
#define MMUN_GROUP_SPANS	64U

/*
 * Internal flag of mmun_part_fill(), which no ioctl accepts: the caller holds
 * mmap_lock for writing.
 */
#define MMUN_IS_LOCKED		0x80000000U

/* clang-format on */

/**
 * struct mmun_log - the log of a context
 * @lock: protects @ring and all fields below @ring.  Callbacks take @lock.
 * @read_lock: serializes read() and LOG_SETUP, so that readers get the records
 *	in order
 * @wait: read() and poll() wait here for a record
 * @ring: array of @size records, or NULL if @size is 0
 * @size: number of records in @ring, a power of two, or 0
 * @types: mask of 1 << enum mmun_record_type.  Also read without @lock.
 * @head: sequence of the next record
 * @tail: sequence of the oldest record that is in the ring and was not read
 * @discarded: receives a record whose type LOG_SETUP has just disabled
 */
struct mmun_log {
	spinlock_t lock;
	struct mutex read_lock;
	wait_queue_head_t wait;
	struct mmun_record *ring;
	u32 size;
	u32 types;
	u64 head;
	u64 tail;
	struct mmun_record discarded;
};

/**
 * struct mmun_range_table - the ranges of a context
 * @ranges: maps an ID to a range, and owns one reference to the range
 * @newest_id: the last ID that was assigned.  If @newest_id exceeds U32_MAX, no
 *	ID is left.
 * @nr: number of ranges, including the ranges that INSERT has not yet added to
 *	@ranges
 */
struct mmun_range_table {
	struct xarray ranges;
	atomic64_t newest_id;
	atomic_t nr;
};

/**
 * struct mmun_holds - the holds of a context
 * @lock: protects the other fields and the holds.  Callbacks take @lock.
 * @wait: WAIT_HELD waits here
 * @list: list of mmun_hold_obj::node, in the order of their IDs
 * @nr: length of @list.  Callbacks also read @nr without @lock.
 * @newest_id: the last ID that was assigned.  Callbacks also read @newest_id
 *	without @lock.
 */
struct mmun_holds {
	spinlock_t lock;
	wait_queue_head_t wait;
	struct list_head list;
	u32 nr;
	u32 newest_id;
};

/**
 * struct mmun_pins - the threads that wait in PIN_MM
 * @lock: protects @list
 * @list: list of mmun_pin::node
 */
struct mmun_pins {
	spinlock_t lock;
	struct list_head list;
};

/**
 * struct mmun_probes - the subscriptions of CHECK_BALANCE
 * @mutex: serializes CHECK_BALANCE and protects the other fields
 * @list: list of mmun_probe::node, the oldest first.  All probes in the list
 *	have been inserted.
 * @nr: length of @list
 * @seq_broken: a probe had an even sequence, which a correct core never assigns
 */
struct mmun_probes {
	struct mutex mutex;
	struct list_head list;
	u32 nr;
	bool seq_broken;
};

/**
 * struct mmun_list_notifier - a list notifier of a context
 * @mn: the subscription
 * @ctx: the context
 * @registered: @mn is registered.  This flag is written under mmap_lock of the
 *	mm.
 */
struct mmun_list_notifier {
	struct mmu_notifier mn;
	struct mmun_ctx *ctx;
	bool registered;
};

/**
 * enum mmun_list_form - the forms of the object of a list notifier, see
 *	kinds/list.c
 * @MMUN_LIST_RANGES: MMUN_KIND_LIST
 * @MMUN_LIST_MM: MMUN_KIND_LIST_MM
 * @MMUN_LIST_INVLOCK: MMUN_KIND_INVLOCK
 * @MMUN_LIST_TREE: MMUN_KIND_NAIVE_TREE
 * @MMUN_LIST_LINEAR: MMUN_KIND_NAIVE_LINEAR
 * @MMUN_NR_LISTS: number of forms
 */
enum mmun_list_form {
	MMUN_LIST_RANGES,
	MMUN_LIST_MM,
	MMUN_LIST_INVLOCK,
	MMUN_LIST_TREE,
	MMUN_LIST_LINEAR,
	MMUN_NR_LISTS,
};

/**
 * struct mmun_ctx - one open of /dev/mmun
 * @mm: the mm of the task that opened the device; one reference on mm_count
 * @mm_data: the data that all contexts of @mm share
 * @table: the ranges
 * @nr_chunks: number of shadow chunks of all ranges
 * @batches: maps an ID to a batch.  The value is XA_ZERO_ENTRY while a call
 *	uses the batch.
 * @log: the log
 * @holds: the holds
 * @points: list notifier of @mm, for the points START and END
 * @points_used: HOLD has armed a hold at START or END
 * @refuser: list notifier of @mm, for FAIL_NONBLOCK
 * @refusals: number of failures of @refuser that are left to inject
 * @lists: the objects of the ranges of list notifiers, one reference each, or
 *	NULL.  Written under mmap_lock of the mm.
 * @pins: the threads that wait in PIN_MM
 * @probes: the subscriptions of CHECK_BALANCE
 * @close_work: work item of the last close
 * @close_done: completed when @close_work is done while close() still waits for
 *	@close_work
 * @first_done: set when the first of close() and @close_work finishes.  The
 *	other one then frees the context.
 * @has_deferred: the core still has a range in its list of deferred changes.
 *	The context and the module must stay.
 * @mm_abandoned: an invalidation of @mm never ended, and no other reference to
 *	@mm is left.  The core cannot remove the ranges and the probes.
 */
struct mmun_ctx {
	struct mm_struct *mm;
	struct mmun_mm_data *mm_data;
	struct mmun_range_table table;
	atomic_t nr_chunks;
	struct xarray batches;
	struct mmun_log log;
	struct mmun_holds holds;
	struct mmun_list_notifier points;
	bool points_used;
	struct mmun_list_notifier refuser;
	atomic_t refusals;
	struct mmun_list *lists[MMUN_NR_LISTS];
	struct mmun_pins pins;
	struct mmun_probes probes;
	struct work_struct close_work;
	struct completion close_done;
	atomic_t first_done;
	bool has_deferred;
	bool mm_abandoned;
};

/**
 * struct mmun_activity - counts invalidations
 * @active: number of active invalidations
 * @ended: number of times that @active has become 0, modulo 2^32
 */
struct mmun_activity {
	u32 active;
	u32 ended;
};

/**
 * struct mmun_range - one subscription and its shadow page table
 * @mni: the subscription.  Its interval_tree holds the first and last
 *	address.  A range of a list notifier uses only interval_tree, mm and
 *	invalidate_seq, and the core never sees its @mni.
 * @ctx: the context, which outlives the range
 * @kind: the notifier scheme
 * @list: the object of a range of a list notifier.  Its lock protects
 *	@activity, @callbacks and @removing.
 * @activity: MMUN_KIND_LIST: the invalidations that hit the range
 * @callbacks: number of callbacks of a range of a list notifier that run now
 * @removing: the removal of a range of a list notifier has begun.  No
 *	invalidation calls or counts the range.
 * @refs: one reference of the table until REMOVE, one of each batch, and one of
 *	each call that uses the range
 * @id: ID of the range, also in the records of the log
 * @policy: mask of MMUN_POLICY_*, which never changes
 * @fail_nonblock: number of failures that are left to inject
 * @invalidations: number of callbacks
 * @failed: number of callbacks that returned false
 * @commits: number of batches and snapshots that were published
 * @collisions: number of read side critical sections that collided
 * @kept: number of entries that callbacks kept because of @policy
 * @kept_accesses: number of kept entries that ACCESS has used, modulo 2^32
 * @kept_chunks: number of chunks that callbacks emptied and kept because of
 *	@policy, modulo 2^32
 * @disabled: REMOVE has begun.  Nothing may be published.
 * @unsubscribed: REMOVE has unsubscribed the range.  A later callback of the
 *	range is a bug.
 * @lock: the update lock.  mmu_interval_set_seq() and mmu_interval_read_retry()
 *	must be called under @lock.  It protects the counters, @disabled, and
 *	the entries of @shadow.
 * @shadow: the shadow page table, in chunks of MMUN_CHUNK_PAGES entries.  The
 *	index of a chunk is mmun_range_index() / MMUN_CHUNK_PAGES.  entry.h has
 *	the format of an entry.  Chunks are added without @lock.  A chunk is
 *	freed with the range, or under @lock because of @policy.  An entry has
 *	no reference to its page, because the callback drops the entry before
 *	the page can be freed.
 *
 * An mm can have a million ranges, so a range must be small: 208 bytes without
 * the debugging of locks.
 */
struct mmun_range {
	struct mmu_interval_notifier mni;
	struct mmun_ctx *ctx;
	const struct mmun_kind_ops *kind;
	struct mmun_list *list;
	struct mmun_activity activity;
	u64 invalidations;
	u64 commits;
	u64 collisions;
	u64 kept;
	u32 callbacks;
	refcount_t refs;
	u32 id;
	u32 policy;
	u32 fail_nonblock;
	u32 failed;
	u32 kept_accesses;
	u32 kept_chunks;
	bool removing;
	bool disabled;
	bool unsubscribed;
	/* mmun_range_ctor() initializes the following fields. */
	spinlock_t lock;
	struct xarray shadow;
};

/* Reschedule.  Returns -EINTR if a fatal signal is pending, otherwise 0. */
static inline int mmun_resched_killable(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static void mmun_range_put(struct mmun_range *range);
DEFINE_FREE(mmun_range, struct mmun_range *, mmun_range_put(_T))

static inline unsigned long mmun_range_start(const struct mmun_range *range)
{
	return range->mni.interval_tree.start;
}

static inline unsigned long mmun_range_last(const struct mmun_range *range)
{
	return range->mni.interval_tree.last;
}

/*
 * Return the index of the page of @addr, counted from the first page of the
 * range.
 */
static inline unsigned long mmun_range_index(const struct mmun_range *range,
					     unsigned long addr)
{
	return (addr >> PAGE_SHIFT) - (mmun_range_start(range) >> PAGE_SHIFT);
}

static inline unsigned long mmun_range_addr(const struct mmun_range *range,
					    unsigned long index)
{
	return (mmun_range_start(range) & PAGE_MASK) + (index << PAGE_SHIFT);
}

/*
 * Return the number of entries of a chunk.  The last chunk of a range can have
 * fewer than MMUN_CHUNK_PAGES entries.
 */
static inline unsigned long mmun_chunk_pages(const struct mmun_range *range,
					     unsigned long number)
{
	unsigned long last = mmun_range_index(range, mmun_range_last(range));

	return min(last - number * MMUN_CHUNK_PAGES + 1, MMUN_CHUNK_PAGES);
}

/*
 * Return the sequence of a subscription.  The last invalidation that hit the
 * subscription has set the sequence.  If no invalidation has hit the
 * subscription, the insertion has set the sequence.
 */
static inline unsigned long
mmun_subscription_seq(const struct mmu_interval_notifier *mni)
{
	/* Pairs with the WRITE_ONCE in mmu_interval_set_seq() */
	return READ_ONCE(mni->invalidate_seq);
}

/* Return false if the core has deferred the insertion. */
static inline bool
mmun_subscription_in_tree(const struct mmu_interval_notifier *mni)
{
	/*
	 * Racy: the core changes the tree under a lock that drivers cannot
	 * take.
	 */
	return !data_race(RB_EMPTY_NODE(&mni->interval_tree.rb));
}

/**
 * struct mmun_span_group - a group of spans that one step of INSERT or
 *	REMOVE handles
 * @ctx: the context
 * @kind: INSERT: the notifier scheme of the ranges
 * @policy: INSERT: mask of MMUN_POLICY_*
 * @user: user space address of the first span of the group
 * @nr: number of spans.  If a span fails, @nr becomes the number of spans
 *	before the failed span.
 * @ret: the error of the span that failed, or 0
 * @spans: copy of the spans
 * @ranges: the ranges of @spans
 */
struct mmun_span_group {
	struct mmun_ctx *ctx;
	const struct mmun_kind_ops *kind;
	u32 policy;
	struct mmun_span __user *user;
	unsigned int nr;
	int ret;
	struct mmun_span spans[MMUN_GROUP_SPANS];
	struct mmun_range *ranges[MMUN_GROUP_SPANS];
};

/**
 * struct mmun_kind_ops - the operations of a notifier scheme
 * @coherent: the scheme detects collisions, so that a device may use the shadow
 *	entries
 * @hmm_loop: hmm_range_fault_unlocked_timeout() may begin the read side
 *	critical sections, because the lock of the scheme is the lock of the
 *	interval notifiers
 * @can_refuse: a callback that must not block may return false
 * @can_write_lock: SNAPSHOT may take mmap_lock for writing
 * @mm_sequence: the sections of all ranges have the sequence of the mm
 * @list: the form of the object of a list notifier
 * @insert: subscribes the range.  The caller must hold a reference on mm_users.
 *	Returns 0, -EINTR, -ENOMEM, or -EOVERFLOW.
 * @remove: unsubscribes the range.  Waits until no callback of the range runs.
 * @read_begin: begins a read side critical section and stores its sequence.
 *	May wait for an invalidation.  Returns 0, or -EINTR if a fatal signal
 *	ended the wait.
 * @read_retry: returns true if an invalidation has hit the range since
 *	read_begin.  The caller must hold mmun_range::lock.
 */
struct mmun_kind_ops {
	bool coherent;
	bool hmm_loop;
	bool can_refuse;
	bool can_write_lock;
	bool mm_sequence;
	enum mmun_list_form list;
	int (*insert)(struct mmun_range *range);
	void (*remove)(struct mmun_range *range);
	int (*read_begin)(struct mmun_range *range, unsigned long *seq);
	bool (*read_retry)(struct mmun_range *range, unsigned long seq);
};

/**
 * struct mmun_callback - a callback of a range that runs now
 * @range: the range
 * @mnr: the invalidation
 * @cur_seq: sequence of the invalidation
 * @start_ns: time when the callback began (CLOCK_MONOTONIC), if @logged is set
 * @logged: the callback writes a record
 */
struct mmun_callback {
	struct mmun_range *range;
	const struct mmu_notifier_range *mnr;
	unsigned long cur_seq;
	u64 start_ns;
	bool logged;
};

/**
 * struct mmun_part - the entries of consecutive pages that were collected
 *	together
 * @node: entry of mmun_batch::parts
 * @first: index of the first page, counted from the first page of the range
 * @nr: number of pages
 * @valid: number of valid pages
 * @entries: one entry per page, in the format of a shadow entry
 */
struct mmun_part {
	struct list_head node;
	unsigned long first;
	unsigned long nr;
	u32 valid;
	u64 entries[];
};

/**
 * struct mmun_batch - a read side critical section and its pages
 * @range: the range, one reference
 * @seq: the sequence that read_begin returned
 * @nr_pages: number of pages in all parts
 * @parts: list of mmun_part::node, the oldest first
 *
 * A batch has no lock.  The owner of a batch is the table of batches, or the
 * call that has taken the batch out of the table.
 */
struct mmun_batch {
	struct mmun_range *range;
	unsigned long seq;
	unsigned long nr_pages;
	struct list_head parts;
};

/*
 * A thread that waits in PIN_MM.  A struct mmun_pin is on the stack of that
 * thread.
 */
struct mmun_pin {
	struct list_head node; /* entry of mmun_pins::list, until UNPIN_MM */
	struct completion unpinned;
	u32 tid;
};

/**
 * struct mmun_hold_obj - a hold
 * @node: entry of mmun_holds::list
 * @held: list of mmun_arrival::node, in the order in which the tasks stopped
 * @task: the thread to stop, one reference; NULL: any thread
 * @id: ID of the hold
 * @point: enum mmun_point
 * @range: ID of the range; 0: any range.  There is no reference to the range,
 *	so that it can be removed.
 * @skip: number of arrivals at @point to ignore from now on
 * @count: number of arrivals at @point to stop after the next @skip arrivals
 * @deadline: the hold is over at this time, in jiffies
 * @has_missed: a matching task was not stopped since the last RESUME
 * @missed: the report about the first matching task that was not stopped
 *
 * mmun_holds::lock protects all fields.  When a hold is freed, @held must be
 * empty.
 */
struct mmun_hold_obj {
	struct list_head node;
	struct list_head held;
	struct task_struct *task;
	u32 id;
	u32 point;
	u32 range;
	u32 skip;
	u32 count;
	unsigned long deadline;
	bool has_missed;
	struct mmun_wait_held missed;
};

/**
 * struct mmun_arrival - a task that has reached a point of an invalidation
 * @node: entry of mmun_hold_obj::held, in the list until RESUME
 * @resumed: completed by RESUME
 * @task: the task.  The struct mmun_arrival is on the stack of this task.
 * @point: the point
 * @mnr: the invalidation
 * @cur_seq: sequence of the invalidation.  It is 0 at START and END, because a
 *	list notifier does not get the sequence.
 * @last_hold: ID of the last hold that stopped the task at @point, or 0
 * @newest_hold: ID of the newest hold when the task reached the point.  Newer
 *	holds do not stop the task at this point.
 * @wakes_waiters: the task has changed the state of a hold, so the threads in
 *	WAIT_HELD must be woken
 * @report: what WAIT_HELD returns if it reports this task
 */
struct mmun_arrival {
	struct list_head node;
	struct completion resumed;
	struct task_struct *task;
	enum mmun_point point;
	const struct mmu_notifier_range *mnr;
	unsigned long cur_seq;
	u32 last_hold;
	u32 newest_hold;
	bool wakes_waiters;
	struct mmun_wait_held report;
};

/**
 * struct mmun_hold_time - the deadline that several holds share
 * @nr_held: number of tasks that are held now
 * @deadline_ns: no task is held after this time (CLOCK_MONOTONIC)
 * @idle_since_ns: the time when @nr_held became 0 (CLOCK_MONOTONIC)
 * @last_seq: sequence of the last invalidation in which a task was held
 */
struct mmun_hold_time {
	u32 nr_held;
	u64 deadline_ns;
	u64 idle_since_ns;
	unsigned long last_seq;
};

/**
 * struct mmun_mm_data - the data that all contexts of an mm share
 * @node: entry of mmun_mm_data_list
 * @mm: the mm, only for comparison.  The contexts have the references to the
 *	mm.
 * @contexts: number of contexts, protected by mmun_mm_data_mutex.  Also read
 *	without the mutex.
 * @has_subscriptions: an insertion into the mm has succeeded.  The next
 *	insertion does not take mmap_lock.
 * @pin_locks: number of threads in PIN_MM that hold mmap_lock or wait for it,
 *	at most 1
 * @lock: protects @callback_time and @list_time
 * @callback_time: the deadline of holds at ENTER, LEAVE and EXIT
 * @list_time: the deadline of holds at START and END
 */
struct mmun_mm_data {
	struct list_head node;
	struct mm_struct *mm;
	u32 contexts;
	bool has_subscriptions;
	atomic_t pin_locks;
	spinlock_t lock;
	struct mmun_hold_time callback_time;
	struct mmun_hold_time list_time;
};

/* A subscription of CHECK_BALANCE to the last byte of the address space */
struct mmun_probe {
	struct mmu_interval_notifier mni;
	struct list_head node; /* entry of mmun_probes::list */
	bool was_deferred; /* the core deferred the insertion */
};

/*
 * The functions that several files use, grouped by the file that defines them.
 * All functions are static, because test_mmun.c includes the files of mmun/.
 */

/* memory.c */
static bool mmun_memory_is_low(void);
static void *mmun_alloc(size_t size);
static void *mmun_zalloc(size_t size);
static void mmun_free(const void *object);
DEFINE_FREE(mmun_object, void *, mmun_free(_T))

/* log.c */
static void mmun_log_init(struct mmun_log *log);
static int mmun_log_reset(struct mmun_log *log, u32 size, u32 types, u64 *lost);
static bool mmun_log_enabled(struct mmun_log *log, enum mmun_record_type type);
static struct mmun_record *mmun_record_begin(struct mmun_log *log,
					     enum mmun_record_type type, u32 id,
					     u64 time) __acquires(&log->lock);
static void mmun_record_end(struct mmun_log *log) __releases(&log->lock);
static enum mmun_event mmun_event_from_core(enum mmu_notifier_event event);
static void mmun_record_set_invalidation(struct mmun_record *record,
					 const struct mmu_notifier_range *mnr,
					 unsigned long cur_seq);
static void mmun_log_range(struct mmun_range *range, enum mmun_record_type type,
			   unsigned long seq);

/* shadow.c */
static int mmun_shadow_reserve(struct mmun_range *range, unsigned long first,
			       unsigned long nr);
static u64 *mmun_shadow_entry(struct mmun_range *range, unsigned long index);
static void mmun_shadow_drop(struct mmun_range *range, unsigned long start,
			     unsigned long last);
static u64 mmun_shadow_write_protect(struct mmun_range *range,
				     unsigned long start, unsigned long last);
static void mmun_shadow_free_empty(struct mmun_range *range,
				   unsigned long start, unsigned long last);
static u64 mmun_shadow_count_emptied(struct mmun_range *range,
				     unsigned long start, unsigned long last);
static void mmun_shadow_publish(struct mmun_range *range,
				const struct mmun_part *part);
static void mmun_shadow_free(struct mmun_range *range);

/* thread.c */
static struct task_struct *mmun_thread_get(u32 tid);

/* mm.c */
static struct mmun_mm_data *mmun_mm_data_get(struct mm_struct *mm);
static void mmun_mm_data_put(struct mmun_mm_data *mm_data);
static unsigned int mmun_hold_limit_ms(void);
static long mmun_held_begin(struct mmun_mm_data *mm_data,
			    unsigned long cur_seq);
static void mmun_held_end(struct mmun_mm_data *mm_data, unsigned long cur_seq);

/* non_block.c */
static bool mmun_non_block_leave(void);
static void mmun_non_block_return(bool left);

/* list_notifier.c */
static void mmun_list_notifiers_init(struct mmun_ctx *ctx);
static int mmun_list_notifier_register(struct mmun_list_notifier *ln);
static int mmun_points_use(struct mmun_ctx *ctx);
static int mmun_list_notifier_refuse(struct mmun_ctx *ctx,
				     struct mmun_fail_nonblock *cmd);
static void mmun_list_notifiers_close(struct mmun_ctx *ctx);

/* hold.c */
static void mmun_log_point(struct mmun_ctx *ctx, enum mmun_record_type type,
			   u32 id, const struct mmu_notifier_range *mnr,
			   unsigned long cur_seq);
static void mmun_point_pass(struct mmun_ctx *ctx, enum mmun_point point,
			    u32 range, const struct mmu_notifier_range *mnr,
			    unsigned long cur_seq);
static void mmun_holds_init(struct mmun_holds *holds);
static void mmun_holds_close(struct mmun_ctx *ctx);

/* notifier.c */
static bool mmun_invalidate(struct mmu_interval_notifier *mni,
			    const struct mmu_notifier_range *mnr,
			    unsigned long cur_seq);
static int mmun_range_subscribe_to(struct mmun_range *range,
				   const struct mmu_interval_notifier_ops *ops);
static int mmun_subscribe(struct mmun_ctx *ctx,
			  struct mmu_interval_notifier *mni,
			  unsigned long start, unsigned long length,
			  const struct mmu_interval_notifier_ops *ops);
static void mmun_unsubscribe(struct mmun_ctx *ctx,
			     struct mmu_interval_notifier *mni);

/* kinds/interval.c */
static void mmun_interval_remove(struct mmun_range *range);
static int mmun_interval_read_begin(struct mmun_range *range,
				    unsigned long *seq);
static bool mmun_interval_read_retry(struct mmun_range *range,
				     unsigned long seq);
static int mmun_naive_read_begin(struct mmun_range *range, unsigned long *seq);
static bool mmun_naive_read_retry(struct mmun_range *range, unsigned long seq);
static const struct mmun_kind_ops mmun_interval_kind, mmun_naive_kind;

/* kinds/two_pass.c */
static const struct mmun_kind_ops mmun_two_pass_kind;

/* kinds/list_range.c */
static struct mmu_interval_notifier *mmun_range_clock(struct mmun_range *range);
static const struct mmun_kind_ops mmun_list_kind, mmun_list_mm_kind;
static const struct mmun_kind_ops mmun_invlock_kind;
static const struct mmun_kind_ops mmun_naive_tree_kind, mmun_naive_linear_kind;

/* kinds/list_object.c */
static unsigned int mmun_lists_held(const struct mmun_ctx *ctx);
static void mmun_lists_close(struct mmun_ctx *ctx);
static void mmun_lists_synchronize(void);

/* kinds/table.c */
static const struct mmun_kind_ops *const mmun_kinds[MMUN_NR_KINDS];
static bool mmun_kind_is_known(u32 kind);
static u64 mmun_kinds_mask(void);

/* readside.c */
static int mmun_section_begin(struct mmun_range *range, unsigned long *seq);
static void mmun_collision_record(struct mmun_range *range, unsigned long seq);
static int mmun_section_commit(struct mmun_range *range, unsigned long seq,
			       struct list_head *parts, u32 *published);

/* range.c */
static bool mmun_ranges_alloc(struct mmun_range **ranges, unsigned int nr);
static void mmun_ranges_free(struct mmun_range **ranges, unsigned int nr);
static void mmun_range_init(struct mmun_range *range,
			    const struct mmun_span_group *group,
			    const struct mmun_span *span);
static int mmun_range_subscribe(struct mmun_range *range);
static bool mmun_range_unsubscribe(struct mmun_range *range);
static bool mmun_range_covers_pages(const struct mmun_range *range, u64 start,
				    u64 length);

/* range_table.c */
static void mmun_range_table_init(struct mmun_range_table *table);
static struct mmun_range *mmun_range_get(struct mmun_ctx *ctx, u32 id);
static void mmun_range_table_close(struct mmun_range_table *table);

/* collect.c */
static int mmun_part_walk(struct mmun_range *range, unsigned long seq,
			  struct mmun_part *part, unsigned long from,
			  unsigned long nr, unsigned long req_flags);
static void mmun_part_convert(struct mmun_part *part);
static int mmun_part_fill(struct mmun_range *range, unsigned long *seq,
			  struct mmun_part *part, u32 method, u32 flags);
static struct mmun_part *mmun_part_alloc(struct mmun_range *range, u64 start,
					 u64 length);
static int mmun_collect_check_args(u64 start, u64 length, u32 method, u32 flags,
				   u32 known_flags);

/* batch.c */
static void mmun_batches_init(struct xarray *batches);
static void mmun_batches_close(struct xarray *batches);

/* balance.c */
static void mmun_probes_init(struct mmun_probes *probes);
static bool mmun_probes_unbalanced(const struct mmun_probes *probes);
static void mmun_probes_close(struct mmun_ctx *ctx);

/* policy.c */
static void mmun_policy_apply(const struct mmun_callback *cb);

/* write_lock.c */
static int mmun_write_lock(struct mm_struct *mm);
static void mmun_write_unlock(struct mm_struct *mm);

/* pin.c */
static void mmun_pins_init(struct mmun_pins *pins);

#endif /* _MMUN_PRIVATE_H */
