/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of /dev/mmun and their limits.
 */
#ifndef _MMUN_TYPES_H
#define _MMUN_TYPES_H

/* Limits of one context, but MMUN_MAX_CONTEXTS, which is of one mm. */
#define MMUN_MAX_CONTEXTS	64
#define MMUN_MAX_RANGES		SZ_1M
#define MMUN_MAX_BATCHES	SZ_1K
#define MMUN_MAX_BATCH_PAGES	SZ_64K
#define MMUN_MAX_LOG_RECORDS	SZ_64K
#define MMUN_MAX_PARK_MS	20000	/* no hung task detector is so quick */
#define MMUN_MAX_RETRIES	1000000
#define MMUN_MAX_HOLDS		64
#define MMUN_MAX_PROBES		64
#define MMUN_MAX_HOLD_MS	60000U	/* what the parameter may ask for */
#define MMUN_HOLD_IDLE_NS	NSEC_PER_MSEC

#define MMUN_MAX_CHUNKS		16384

/* A range's shadow is dropped under a spinlock: 8 MiB take a millisecond. */
#define MMUN_MAX_RANGE_CHUNKS	2048

#define MMUN_CHUNK_PAGES	512UL
#define MMUN_WALK_PAGES		512UL	/* between two looks at signals */
#define MMUN_GUP_PAGES		32UL
#define MMUN_READ_RECORDS	64UL
#define MMUN_BULK_STEP		192UL

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
 */
struct mmun_log {
	spinlock_t lock;		/* guards the ring */
	struct mutex read_lock;		/* one reader at a time */
	wait_queue_head_t wait;
	struct mmun_record *ring;
	u32 size;
	u32 types;
	u64 head;
	u64 tail;
};

/**
 * struct mmun_range_table - the ranges of a context
 * @ranges: by ID; one reference to each
 * @newest: the last ID that was given away; the lock of @ranges guards it
 * @nr: number of ranges, in the table or about to be
 */
struct mmun_range_table {
	struct xarray ranges;
	u32 newest;
	atomic_t nr;
};

/**
 * struct mmun_holds - the holds of a context
 * @lock: guards the rest, and the holds; taken in callbacks
 * @wait: WAIT_HELD
 * @armed: list of mmun_armed::node, the oldest first
 * @nr: its length; callbacks read it without @lock
 * @newest: ID of the newest hold there ever was
 */
struct mmun_holds {
	spinlock_t lock;		/* guards the holds */
	wait_queue_head_t wait;
	struct list_head armed;
	u32 nr;
	u32 newest;
};

/**
 * struct mmun_list_notifier - the list notifier of a context
 * @mn: the core's part
 * @registered: whether it is; mmap_lock of the mm guards it
 */
struct mmun_list_notifier {
	struct mmu_notifier mn;
	bool registered;
};

/**
 * struct mmun_ctx - one open of /dev/mmun
 * @mm: the mm of the task that opened it; one mm_count reference
 * @shared: what all contexts of the mm share
 * @table: its ranges
 * @nr_chunks: number of chunks in the shadows of its ranges
 * @batches: IDs of &struct mmun_batch
 * @nr_batches: how many batches, likewise
 * @log: what happened
 * @parked_lock: guards @parked
 * @parked: list of mmun_parked::node
 * @holds: where its tasks stop
 * @list_notifier: brings them to START and END
 * @probe_mutex: guards @probes to @probes_broken
 * @probes: list of mmun_probe_node::node: what is still inserted, in order
 * @nr_probes: its length
 * @probes_broken: they showed what no invalidation in flight explains
 */
struct mmun_ctx {
	struct mm_struct *mm;
	struct mmun_mm *shared;
	struct mmun_range_table table;
	atomic_t nr_chunks;
	struct xarray batches;
	atomic_t nr_batches;
	struct mmun_log log;
	spinlock_t parked_lock;		/* guards @parked */
	struct list_head parked;
	struct mmun_holds holds;
	struct mmun_list_notifier list_notifier;
	struct mutex probe_mutex;	/* one prober at a time */
	struct list_head probes;
	u32 nr_probes;
	bool probes_broken;
};

/**
 * struct mmun_range - one subscription and its shadow page table
 * @mni: the subscription; the addresses watched are in its interval_tree
 * @ctx: the context, which outlives the range
 * @kind: the scheme by which it is read
 * @refs: one for the ID table, until REMOVE; one per batch and call in flight
 * @id: for the records
 * @refuse: so many non-blockable callbacks shall return false
 * @nr_chunks: number of entries of @shadow, at most MMUN_MAX_RANGE_CHUNKS
 * @invalidations: callbacks
 * @refused: callbacks that returned false
 * @commits: batches published
 * @collisions: batches that collided
 * @removed: REMOVE has begun: nothing may be published any more
 * @gone: REMOVE has ended: no callback may come any more
 * @lock: the update lock of mmu_interval_set_seq() and mmu_interval_read_retry();
 *	guards all from @refuse on but @gone
 * @shadow: chunks of the shadow page table, by index of the page, see
 *	mmun_range_index(), / MMUN_CHUNK_PAGES: arrays of entries in the format
 *	of entry.c.  Chunks come without @lock and
 *	go with the range; their entries are under @lock, and hold no page
 *	reference: the notifier keeps them true.
 */
struct mmun_range {
	struct mmu_interval_notifier mni;
	struct mmun_ctx *ctx;
	const struct mmun_kind_ops *kind;
	struct kref refs;
	u32 id;
	u32 refuse;
	u32 nr_chunks;
	u64 invalidations;
	u64 refused;
	u64 commits;
	u64 collisions;
	bool removed;
	bool gone;
	/* From here on what mmun_range_construct() makes. */
	spinlock_t lock;		/* the update lock */
	struct xarray shadow;
};

static inline unsigned long mmun_range_start(const struct mmun_range *range)
{
	return range->mni.interval_tree.start;
}

static inline unsigned long mmun_range_last(const struct mmun_range *range)
{
	return range->mni.interval_tree.last;
}

/**
 * struct mmun_kind_ops - how a range is read
 * @coherent: it does what the protocol is for: the shadow may be trusted
 * @read_begin: begin a read side critical section; may wait
 * @read_retry: whether it collided; under the update lock
 * @check_retry: the advisory form, without it
 * @walk_seq: what hmm_range_fault() is to take for the sequence
 */
struct mmun_kind_ops {
	bool coherent;
	unsigned long (*read_begin)(struct mmun_range *range);
	bool (*read_retry)(struct mmun_range *range, unsigned long seq);
	bool (*check_retry)(struct mmun_range *range, unsigned long seq);
	unsigned long (*walk_seq)(struct mmun_range *range, unsigned long seq);
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
 * @refs: one for the ID table, until COMMIT; one per call in flight
 * @id: of the batch
 * @range: one reference
 * @seq: what read_begin() returned
 * @mutex: guards the rest
 * @done: committed or abandoned
 * @nr_pages: sum of the parts
 * @parts: list of mmun_part::node, oldest first
 */
struct mmun_batch {
	struct kref refs;
	u32 id;
	struct mmun_range *range;
	unsigned long seq;
	struct mutex mutex;		/* calls on the batch take turns */
	bool done;
	unsigned long nr_pages;
	struct list_head parts;
};

/* A thread in MMUN_PARK, on its stack. */
struct mmun_parked {
	struct list_head node;	/* for mmun_ctx::parked, until released */
	struct completion released;
	u32 tid;
};

/**
 * struct mmun_armed - a hold
 * @node: for mmun_holds::armed
 * @held: list of mmun_held::node, the task that came first is the first
 * @pid: the thread to stop, one reference; NULL: any
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
struct mmun_armed {
	struct list_head node;
	struct list_head held;
	struct pid *pid;
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
 * struct mmun_held - a task that passes a point, on its stack
 * @node: for mmun_armed::held, until the task is released
 * @released: completed when it is
 * @task: the task
 * @point: the point
 * @mnr: the invalidation
 * @cur_seq: its sequence; 0 at START and END, where it is not known
 * @hold: ID of the hold that the task stopped at last
 * @newest: the task stops at no hold that is newer
 * @matched: it has just stopped at a hold, or passed one that could not stop it
 * @what: what WAIT_HELD reports
 */
struct mmun_held {
	struct list_head node;
	struct completion released;
	struct task_struct *task;
	enum mmun_point point;
	const struct mmu_notifier_range *mnr;
	unsigned long cur_seq;
	u32 hold;
	u32 newest;
	bool matched;
	struct mmun_wait_held what;
};

/**
 * struct mmun_mm - what all contexts of an mm share
 * @node: for mmun_mms
 * @mm: only compared; the contexts hold the reference
 * @contexts: number of contexts; mmun_mms_mutex guards it
 * @subscribed: an insert into the mm has succeeded: the next takes no mmap_lock
 * @lock: guards the rest; innermost
 * @nr_held: tasks that are held now
 * @deadline: of all their holds, in nanoseconds of CLOCK_MONOTONIC
 * @idle_since: since when no task is held
 * @cur_seq: sequence of the last invalidation in which a task was held
 */
struct mmun_mm {
	struct list_head node;
	struct mm_struct *mm;
	u32 contexts;
	bool subscribed;
	spinlock_t lock;		/* guards what follows */
	u32 nr_held;
	u64 deadline;
	u64 idle_since;
	unsigned long cur_seq;
};

/* A subscription of MMUN_PROBE. */
struct mmun_probe_node {
	struct mmu_interval_notifier mni;
	struct list_head node;	/* for mmun_ctx::probes */
	bool was_deferred;	/* so its arrival proves a balance */
};

/**
 * struct mmun_ucmd - an ioctl on its way
 * @ctx: the context
 * @ubuffer: where the argument came from and the answer goes to
 * @user_size: how much of it user space knows
 * @cmd: the argument, as the kernel knows it
 */
struct mmun_ucmd {
	struct mmun_ctx *ctx;
	void __user *ubuffer;
	u32 user_size;
	void *cmd;
};

/* The uAPI structs have no holes: their sizes are the sums of their fields. */
static_assert(sizeof(struct mmun_record) == 8 * 8 + 4 + 2 * 2 + 4 * 4 + 16);
static_assert(sizeof(struct mmun_span) == 2 * 8 + 2 * 4);
static_assert(sizeof(struct mmun_info) == 4 * 4 + 2 * 8 + 10 * 4);
static_assert(sizeof(struct mmun_snapshot) == 2 * 4 + 2 * 8 + 4 * 4 + 8 + 8);
static_assert(sizeof(struct mmun_hold) == 8 * 4);
static_assert(sizeof(struct mmun_wait_held) == 8 * 4 + 2 * 8);
static_assert(sizeof(struct mmun_probe) == 4 * 4 + 8);
static_assert(sizeof(struct mmun_subscription) == 2 * 4 + 8 + 2 * 4);
static_assert(sizeof(unsigned long) == sizeof(u64));

static int mmun_list_notifier_register(struct mmun_ctx *ctx);

#endif /* _MMUN_TYPES_H */
