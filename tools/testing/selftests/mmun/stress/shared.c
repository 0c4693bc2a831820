// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that all processes share.  The parent maps this memory before the
 * first fork().
 */

#define MAX_PROCESSES 16
#define MAX_THREADS 64
#define CONTEXTS 2 /* of each process */
#define SLOTS 64 /* ranges of each context */
#define SECTION_PAGES 512
#define PAGES (SECTIONS * SECTION_PAGES)
#define BATCHES 8 /* of each thread */
#define BULK 256 /* maximum number of ranges of op_bulk_insert() */
#define MAX_OPS 64
#define IDLE 4096 /* not an errno: the operation found no object to use */
#define NS(seconds) ((seconds)*1000000000ULL)

/* An arena has one section of each kind.  A section has SECTION_PAGES pages. */
enum section {
	SECTION_SMALL, /* private, never huge */
	SECTION_HUGE, /* private, huge if possible */
	SECTION_SHARED, /* a memfd, which every process has inherited */
	SECTIONS,
};

/* The expected state of a page of an arena */
struct page_state {
	atomic_uint lock; /* guards all members, except reads of @low, @high */
	atomic_uint low; /* the smallest generation that a device may read */
	atomic_uint high; /* the largest generation */
	__u32 prot; /* PROT_* */
	__u64 value; /* the first word */
	bool mapped;
	bool lazy; /* the page may be empty, because of MADV_FREE */
};

/* A context of the mm of an arena.  Every process can use the context. */
struct context {
	int fd; /* descriptor of the process that owns the arena */
	atomic_uint log_lock; /* guards the next three members */
	__u64 log_next; /* sequence of the next record */
	struct mmun_record first; /* callback of the last invalidation */
	__u64 hits; /* callbacks of that invalidation */
	atomic_ullong slots[SLOTS]; /* the ranges, see slot_pack() */
};

/* One process and its memory */
struct arena {
	int number; /* of the process */
	pid_t pid;
	char *base; /* start of the memory; no other arena has this address */
	int file; /* memfd of SECTION_SHARED, which each process inherits */
	struct context contexts[CONTEXTS];
	struct page_state pages[PAGES];
};

/* Pages of an arena, and the context and the range that an operation needs. */
struct area {
	struct arena *arena;
	int first;
	int pages;
	struct context *context;
	int fd; /* descriptor of the context in this process */
	__u32 id; /* of the range */
};

/* A batch of a thread.  The batch is open unless token.batch is 0. */
struct batch {
	struct mmun_token token;
	struct area area;
	__u64 invalidations_before; /* of the range, before READ_BEGIN */
	__u64 invalidations; /* of the range, after READ_BEGIN */
	bool stale; /* CHECK_RETRY or COLLECT reported a collision */
};

/* Memory that a thread and its child share */
struct child {
	atomic_bool ready;
	int fd; /* in the child */
	__u32 id;
};

/*
 * One thread.  The random numbers of a call depend only on the seed and on the
 * numbers of the process, the thread and the call.
 */
struct actor {
	struct arena *arena; /* of its process */
	int number; /* number of the thread in its process */
	pthread_t thread;
	pid_t tid;
	__u64 dice; /* state of the random numbers of the current call */
	__u64 calls; /* number of started calls */
	int op; /* index of the current operation in ops[] */
	atomic_ullong began; /* start of the current operation in ns, or 0 */
	struct batch batches[BATCHES];
	struct mmun_span bulk[BULK]; /* ranges that one call inserted */
	int bulk_count;
	int bulk_fd;
	struct child child;
};

static struct options {
	__u64 processes;
	__u64 threads; /* of each process */
	__u64 seconds;
	__u64 calls; /* maximum number of calls of each thread; 0: no limit */
	__u64 seed;
	__u64 swap_mib;
	bool progress;
	int total_weight;
} options = {
	.processes = 2,
	.threads = 4,
	.seconds = 10,
};

/* The counters and maxima of a run, and their names in the report */
/* clang-format off */
#define COUNTERS(COUNTER)						\
	COUNTER(invalidations, "invalidations of a range")		\
	COUNTER(refused, "refused invalidations")			\
	COUNTER(commits, "commits, snapshots included")			\
	COUNTER(collisions, "collisions")				\
	COUNTER(retries, "retries of snapshots")			\
	COUNTER(compared, "device reads compared")			\
	COUNTER(records, "records read")				\
	COUNTER(lost, "records lost to a full log")			\
	COUNTER(most_retries, "most retries of one snapshot")		\
	COUNTER(most_batches, "most batches open")			\
	COUNTER(most_ranges, "most ranges")				\
	COUNTER(most_hit, "most ranges hit by one invalidation")	\
	COUNTER(most_between, "most invalidations while a batch was open") \
	COUNTER(longest_callback, "longest callback, microseconds")	\
	COUNTER(most_objects, "most objects of the driver")
/* clang-format on */

#define MEMBER(name, text) atomic_ullong name;

struct shared {
	atomic_bool stop; /* start no call */
	atomic_bool failed; /* @what is the first failure */
	char what[512];
	__u64 kinds; /* mask of 1 << enum mmun_kind that the kernel has */
	pthread_barrier_t barrier; /* of the processes */
	COUNTERS(MEMBER)
	atomic_ullong batches_open;
	atomic_ullong ranges_open;
	atomic_ullong calls; /* started */
	atomic_ullong results[MAX_OPS][IDLE + 1]; /* 0, an errno, or IDLE */
	struct arena arenas[MAX_PROCESSES];
	struct actor actors[MAX_PROCESSES * MAX_THREADS]; /* by process */
};

static struct shared *shared;

/* The actor of this thread, or NULL */
static __thread struct actor *me;

/* The descriptors that this process has of all processes and their contexts */
static int context_fds[MAX_PROCESSES][CONTEXTS];
static int pidfds[MAX_PROCESSES];
static int uffd = -1;

/* What run_op() prepares for an operation; by default, pages of me->arena */
enum {
	PRIVATE = 0x1, /* pages of a private section */
	SHARED = 0x2, /* pages of the shared section */
	ANY = 0x4, /* of any process */
	ONE = 0x8, /* one page */
	PAIR = 0x10, /* two pages, aligned */
	TAIL = 0x20, /* the last pages */
	CONTEXT = 0x40, /* a context instead of pages */
	RANGE = 0x80, /* a context, one of its ranges, and its pages */
	LOCK = 0x100, /* hold the locks of the pages */
	OPEN = 0x200, /* all pages are mapped and writable */
	CHECK = 0x400, /* the pages are compared with their states */
};

struct op {
	const char *name;
	int weight;
	int (*run)(const struct area *area);
	int flags;
	int errnos[8]; /* errnos that are allowed; 0 ends the list */
};

static struct op ops[];

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return NS(ts.tv_sec) + ts.tv_nsec;
}

/* Converts the result of a system call.  Returns 0 or an errno. */
static int result(long ret)
{
	return ret ? errno : 0;
}

static void raise_to(atomic_ullong *most, __u64 value)
{
	__u64 old = *most;

	while (old < value &&
	       !atomic_compare_exchange_strong(most, &old, value))
		;
}

/* Report the failure, and end the run.  Later failures are not reported. */
static void __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...)
{
	size_t used = 0;
	va_list args;

	if (atomic_exchange(&shared->failed, true))
		return;
	if (me)
		used = snprintf(shared->what, sizeof(shared->what),
				"process %d thread %d call %llu (%s): ",
				me->arena->number, me->number, me->calls,
				ops[me->op].name);
	va_start(args, fmt);
	vsnprintf(shared->what + used, sizeof(shared->what) - used, fmt, args);
	va_end(args);
	shared->stop = true;
}

static __u64 roll(__u64 sides)
{
	return mmun_random_below(&me->dice, sides);
}

/* Count the next call, and derive its random numbers from the seed. */
static void take_dice(void)
{
	__u64 thread = me->arena->number * MAX_THREADS + me->number + 1;

	me->calls++;
	shared->calls++;
	me->dice = mmun_mix(options.seed + mmun_mix(thread << 40 | me->calls));
}
