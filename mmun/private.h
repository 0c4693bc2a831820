/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of /dev/mmun, their limits, and what its parts offer to each other.
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

/* The formatter would take the values out of their column. */
/* clang-format off */

/* Limits of one context, but MMUN_MAX_CONTEXTS, which is of one mm. */
#define MMUN_MAX_CONTEXTS	64
#define MMUN_MAX_RANGES		SZ_1M
#define MMUN_MAX_BATCHES	128
#define MMUN_MAX_BATCH_PAGES	SZ_64K
#define MMUN_MAX_LOG_RECORDS	SZ_64K
#define MMUN_MAX_PIN_MS		20000	/* no hung task detector is so quick */
#define MMUN_MAX_RETRIES	1000000
#define MMUN_MAX_HOLDS		64
#define MMUN_MAX_PROBES		64
#define MMUN_MAX_HOLD_MS	60000U	/* what the parameter may ask for */
#define MMUN_HOLD_IDLE_NS	NSEC_PER_MSEC
#define MMUN_HMM_TIMEOUT	HZ	/* of a round of SNAPSHOT, in jiffies */

/* One range may have them all, and drops them under a spinlock: milliseconds. */
#define MMUN_MAX_CHUNKS		4096

/* Its memory is in no process, so an OOM kill would not help. */
#define MMUN_GFP (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#define MMUN_CHUNK_PAGES	512UL
#define MMUN_WALK_PAGES		512UL	/* between two looks at signals */
#define MMUN_GUP_PAGES		32UL
#define MMUN_READ_RECORDS	64UL
#define MMUN_GROUP_SPANS	64U

/* clang-format on */

/**
 * struct mmun_log - the event log of a context
 * @lock: guards the ring and its fields; taken in callbacks
 * @read_lock: one reader at a time, so that records leave in order
 * @wait: readers and pollers
 * @ring: @size records, or NULL when @size is 0
 * @size: a power of two, or 0
 * @types: mask of 1 << enum mmun_record_type; read without @lock
 * @head: sequence of the next record
 * @tail: sequence of the oldest record that is there and was not read
 * @discarded: where a record goes that LOG_SETUP overtook
 */
struct mmun_log {
	spinlock_t lock; /* guards the ring */
	struct mutex read_lock; /* one reader at a time */
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
 * @ranges: by ID; one reference to each
 * @newest_id: the last ID that was given out; beyond U32_MAX no range gets one
 * @nr: number of ranges, in the table or about to be
 */
struct mmun_range_table {
	struct xarray ranges;
	atomic64_t newest_id;
	atomic_t nr;
};

/**
 * struct mmun_holds - the holds of a context
 * @lock: guards the rest, and the holds; taken in callbacks
 * @wait: WAIT_HELD
 * @list: list of mmun_hold_obj::node, the oldest first
 * @nr: its length; callbacks read it without @lock
 * @newest_id: ID of the newest hold there ever was
 */
struct mmun_holds {
	spinlock_t lock; /* guards the holds */
	wait_queue_head_t wait;
	struct list_head list;
	u32 nr;
	u32 newest_id;
};

/**
 * struct mmun_pins - the threads that pin the mm of a context
 * @lock: guards @list
 * @list: list of mmun_pin::node
 */
struct mmun_pins {
	spinlock_t lock; /* guards @list */
	struct list_head list;
};

/**
 * struct mmun_probes - the subscriptions of MMUN_CHECK_BALANCE
 * @mutex: one caller at a time; guards the rest
 * @list: list of mmun_probe::node: what is still inserted, in order
 * @nr: its length
 * @seq_broken: they showed what no invalidation in flight explains
 */
struct mmun_probes {
	struct mutex mutex; /* one caller at a time */
	struct list_head list;
	u32 nr;
	bool seq_broken;
};

/**
 * struct mmun_ctx - one open of /dev/mmun
 * @mm: the mm of the task that opened it; one mm_count reference
 * @mm_data: what all contexts of the mm share
 * @table: its ranges
 * @nr_chunks: number of chunks in the shadows of its ranges
 * @batches: its batches, by ID, except those that a call has taken out
 * @log: what happened
 * @holds: where its tasks stop
 * @list_notifier: brings them to START and END
 * @list_registered: whether @list_notifier is; mmap_lock of the mm guards it
 * @pins: the threads that keep the mm
 * @probes: the subscriptions of MMUN_CHECK_BALANCE
 * @reap: what the reaper does for it
 * @reaped: completed when that is done, if close() waits still
 * @first_done: 1: the reaper has done it, or close() waits no more
 * @has_deferred: the core still has a range that was removed
 */
struct mmun_ctx {
	struct mm_struct *mm;
	struct mmun_mm_data *mm_data;
	struct mmun_range_table table;
	atomic_t nr_chunks;
	struct xarray batches;
	struct mmun_log log;
	struct mmun_holds holds;
	struct mmu_notifier list_notifier;
	bool list_registered;
	struct mmun_pins pins;
	struct mmun_probes probes;
	struct work_struct reap;
	struct completion reaped;
	atomic_t first_done;
	bool has_deferred;
};

/**
 * struct mmun_range - one subscription and its shadow page table
 * @mni: the subscription; the addresses watched are in its interval_tree
 * @ctx: the context, which outlives the range
 * @kind: the scheme by which it is read
 * @refs: one for the ID table, until REMOVE; one per batch and call in flight
 * @id: for the records
 * @fail_nonblock: so many callbacks that must not block are to return false
 * @invalidations: callbacks
 * @failed: callbacks that returned false
 * @commits: batches published
 * @collisions: batches that collided
 * @disabled: REMOVE has begun: nothing may be published any more
 * @unsubscribed: REMOVE has ended: no callback may come any more
 * @lock: the update lock of mmu_interval_set_seq() and mmu_interval_read_retry();
 *	guards all from @fail_nonblock on but @unsubscribed
 * @shadow: chunks of the shadow page table, by index of the page, see
 *	mmun_range_index(), / MMUN_CHUNK_PAGES: arrays of entries in the format
 *	of entry.h.  Chunks come without @lock and go with the range.  Their
 *	entries are under @lock, and hold no page reference, because the notifier
 *	keeps them true.
 */
struct mmun_range {
	struct mmu_interval_notifier mni;
	struct mmun_ctx *ctx;
	const struct mmun_kind_ops *kind;
	refcount_t refs;
	u32 id;
	u32 fail_nonblock;
	u64 invalidations;
	u64 failed;
	u64 commits;
	u64 collisions;
	bool disabled;
	bool unsubscribed;
	/* From here on what mmun_range_ctor() makes. */
	spinlock_t lock; /* the update lock */
	struct xarray shadow;
};

/* Between two steps of a long call: returns 0, or why to stop. */
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

/* The index of a page counts from the first page that the range touches. */
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

/* Return the number of entries of a chunk; the last one of a range is shorter. */
static inline unsigned long mmun_chunk_pages(const struct mmun_range *range,
					     unsigned long number)
{
	unsigned long last = mmun_range_index(range, mmun_range_last(range));

	return min(last - number * MMUN_CHUNK_PAGES + 1, MMUN_CHUNK_PAGES);
}

/* The sequence of the last invalidation that hit it, or of its birth */
static inline unsigned long
mmun_subscription_seq(const struct mmu_interval_notifier *mni)
{
	/* Pairs with the WRITE_ONCE in mmu_interval_set_seq() */
	return READ_ONCE(mni->invalidate_seq);
}

/* Whether it is in the core's tree, and not deferred */
static inline bool
mmun_subscription_in_tree(const struct mmu_interval_notifier *mni)
{
	/* The core writes it under its own lock. */
	return !data_race(RB_EMPTY_NODE(&mni->interval_tree.rb));
}

/**
 * struct mmun_span_group - a part of INSERT or REMOVE
 * @ctx: the context
 * @kind: INSERT: enum mmun_kind
 * @user: the array of user space, from the first span of the step on
 * @nr: number of spans; less when one is found that cannot be done
 * @ret: why that one cannot, or 0
 * @spans: what @user has
 * @ranges: the ranges of the spans
 */
struct mmun_span_group {
	struct mmun_ctx *ctx;
	u32 kind;
	struct mmun_span __user *user;
	unsigned int nr;
	int ret;
	struct mmun_span spans[MMUN_GROUP_SPANS];
	struct mmun_range *ranges[MMUN_GROUP_SPANS];
};

/**
 * struct mmun_kind_ops - how a range is read
 * @coherent: it does what the protocol is for: the shadow may be trusted
 * @read_begin: begin a read side critical section; may wait
 * @read_retry: whether it collided; under the update lock
 */
struct mmun_kind_ops {
	bool coherent;
	unsigned long (*read_begin)(struct mmun_range *range);
	bool (*read_retry)(struct mmun_range *range, unsigned long seq);
};

/**
 * struct mmun_part - the result of one COLLECT
 * @node: for mmun_batch::parts
 * @first: index of the first page
 * @nr: number of pages
 * @valid: number of valid pages
 * @entries: in the format of a shadow entry
 */
struct mmun_part {
	struct list_head node;
	unsigned long first;
	unsigned long nr;
	u32 valid;
	u64 entries[];
};

/**
 * struct mmun_batch - one read side critical section
 * @range: one reference
 * @seq: what read_begin() returned
 * @nr_pages: sum of the parts
 * @parts: list of mmun_part::node, oldest first
 *
 * It belongs to the table, or to the one call that has taken it.
 */
struct mmun_batch {
	struct mmun_range *range;
	unsigned long seq;
	unsigned long nr_pages;
	struct list_head parts;
};

/* A thread in MMUN_PIN_MM, on its stack */
struct mmun_pin {
	struct list_head node; /* for mmun_pins::list, until it is unpinned */
	struct completion unpinned;
	u32 tid;
};

/**
 * struct mmun_hold_obj - a hold
 * @node: for mmun_holds::list
 * @held: list of mmun_passage::node, the task that came first is the first
 * @task: the thread to stop, one reference; NULL: any
 * @id: of the hold
 * @point: enum mmun_point
 * @range: ID of the range, 0: any.  An ID and no reference: the range may go.
 * @skip: passages still to be let through
 * @count: passages still to be stopped
 * @deadline: in jiffies, for all of them
 * @has_missed: a passage could not be stopped
 * @missed: the first such passage
 *
 * mmun_holds::lock guards it.  It is freed when no task is in @held.
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
 * struct mmun_passage - a task that passes a point, on its stack
 * @node: for mmun_hold_obj::held, until the task is resumed
 * @resumed: completed when it is
 * @task: the task
 * @point: the point
 * @mnr: the invalidation
 * @cur_seq: its sequence; 0 at START and END, where it is not known
 * @last_hold: ID of the hold that the task stopped at last
 * @newest_hold: the task stops at no hold that is newer
 * @wakes_waiters: it has just stopped at a hold, or is the first that one missed
 * @report: what WAIT_HELD reports
 */
struct mmun_passage {
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
 * struct mmun_hold_time - for how long tasks are held
 * @nr_held: tasks that are held now
 * @deadline_ns: of all their holds, in nanoseconds of CLOCK_MONOTONIC
 * @idle_since_ns: since when no task is held
 * @last_seq: sequence of the last invalidation in which a task was held
 */
struct mmun_hold_time {
	u32 nr_held;
	u64 deadline_ns;
	u64 idle_since_ns;
	unsigned long last_seq;
};

/**
 * struct mmun_mm_data - what all contexts of an mm share
 * @node: for mmun_mm_data_list
 * @mm: only compared; the contexts hold the reference
 * @contexts: number of contexts; mmun_mm_data_mutex guards it
 * @has_subscriptions: an insert into the mm has succeeded: the next takes no mmap_lock
 * @lock: guards the hold times; innermost
 * @callback_time: that of ENTER, LEAVE and EXIT
 * @list_time: that of START and END
 */
struct mmun_mm_data {
	struct list_head node;
	struct mm_struct *mm;
	u32 contexts;
	bool has_subscriptions;
	spinlock_t lock; /* guards the hold times */
	struct mmun_hold_time callback_time;
	struct mmun_hold_time list_time;
};

/* A subscription of MMUN_CHECK_BALANCE */
struct mmun_probe {
	struct mmu_interval_notifier mni;
	struct list_head node; /* for mmun_probes::list */
	bool was_deferred; /* so its arrival proves a balance */
};

/*
 * What one part offers to others, by the file that owns it.  All is static, because
 * the parts are compiled as one.
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

/* list_notifier.c */
static int mmun_list_notifier_register(struct mmun_ctx *ctx);
static void mmun_list_notifier_close(struct mmun_ctx *ctx);

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
static const struct mmu_interval_notifier_ops mmun_interval_notifier_ops;
static int mmun_subscribe(struct mmun_ctx *ctx,
			  struct mmu_interval_notifier *mni,
			  unsigned long start, unsigned long length,
			  const struct mmu_interval_notifier_ops *ops);

/* readside.c */
static unsigned long mmun_section_begin(struct mmun_range *range);
static void mmun_collision_record(struct mmun_range *range, unsigned long seq);
static int mmun_section_commit(struct mmun_range *range, unsigned long seq,
			       struct list_head *parts, u32 *published);

/* range.c */
static bool mmun_ranges_alloc(struct mmun_range **ranges, unsigned int nr);
static void mmun_ranges_free(struct mmun_range **ranges, unsigned int nr);
static void mmun_range_init(struct mmun_range *range, struct mmun_ctx *ctx,
			    u32 kind, const struct mmun_span *span);
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
static void mmun_probes_close(struct mmun_ctx *ctx);

/* pin.c */
static void mmun_pins_init(struct mmun_pins *pins);

#endif /* _MMUN_PRIVATE_H */
