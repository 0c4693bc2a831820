// SPDX-License-Identifier: GPL-2.0
/*
 * What the processes of the stress program share, and what each of its threads
 * is.  All of it is in memory that was mapped before the first fork().
 */

#define MAX_PROCESSES	16
#define MAX_THREADS	64
#define CONTEXTS	2	/* of each process */
#define SLOTS		64	/* ranges of each context */
#define SECTION_PAGES	512
#define PAGES		(SECTIONS * SECTION_PAGES)
#define BATCHES		8	/* of each thread */
#define BULK		256	/* ranges of each thread beside the slots */
#define MAX_OPS		64
#define MAX_ERRNO	134
#define IDLE		-1	/* there was nothing to do it to */

#define get(ptr)	__atomic_load_n(ptr, __ATOMIC_SEQ_CST)
#define set(ptr, value)	__atomic_store_n(ptr, value, __ATOMIC_SEQ_CST)
#define add(ptr, value)	__atomic_add_fetch(ptr, value, __ATOMIC_SEQ_CST)
#define swap(ptr, value) __atomic_exchange_n(ptr, value, __ATOMIC_SEQ_CST)

/* An arena has one section of each kind of memory, a huge page in size. */
enum section {
	SECTION_SMALL,		/* private, never huge */
	SECTION_HUGE,		/* private, huge where it can be */
	SECTION_SHARED,		/* a memfd, which every process has */
	SECTIONS,
};

/**
 * struct page_state - what a page of an arena has to be
 * @lock: nobody else changes the page; guards the rest, but @low and @high are
 *	read without it
 * @low: the smallest generation that a device may read
 * @high: the largest
 * @prot: PROT_*
 * @value: its first word
 * @mapped: a mapping is there
 * @lazy: since MADV_FREE it may as well be empty
 */
struct page_state {
	__u32 lock;
	__u32 low;
	__u32 high;
	__u32 prot;
	__u64 value;
	bool mapped;
	bool lazy;
};

/* The first of some callbacks in the log that are alike, and how many */
struct hits {
	struct mmun_record first;
	__u64 count;
};

/**
 * struct arena - one process and the memory that it plays with
 * @number: of the process
 * @pid: of the process
 * @base: the first page; at that address in no other process
 * @file: memfd of SECTION_SHARED, the same number in each process
 * @fds: the contexts, as the process itself numbers them
 * @log_locks: somebody reads the log of that context
 * @log_next: the sequence of its next record
 * @hits: the invalidation that its last record was of
 * @slots: the ranges of each context, see struct slot
 * @pages: what they have to be
 */
struct arena {
	int number;
	pid_t pid;
	char *base;
	int file;
	int fds[CONTEXTS];
	__u32 log_locks[CONTEXTS];
	__u64 log_next[CONTEXTS];
	struct hits hits[CONTEXTS];
	__u64 slots[CONTEXTS][SLOTS];
	struct page_state pages[PAGES];
};

/* A batch that is open, and what is known about it. */
struct open_batch {
	struct mmun_token token;
	struct arena *arena;
	int fd;
	__u32 id;
	int first;
	int pages;
	__u64 invalidations_before;	/* of the range, before the begin */
	__u64 invalidations;		/* and after it */
	bool stale;		/* CHECK_RETRY has said so, which is final */
};

/* What a child tells the thread that waits for it. */
struct child_answer {
	__u32 ready;
	int fd;
	__u32 id;
};

/**
 * struct actor - one thread
 * @arena: of its process
 * @number: of the thread in its process
 * @tid: of the thread
 * @dice: of the present call alone: a call's are derived from the seed, the
 *	process, the thread and the number of the call, so that no outcome of
 *	one changes what the next one is
 * @calls: so many were begun
 * @op: the present one, an index of ops[]
 * @began: when, in nanoseconds; 0: none is under way
 * @batches: where token.batch is 0 nothing is open
 * @bulk: the ranges that it inserted at one blow
 * @bulk_count: how many
 * @bulk_arena: whose
 * @bulk_fd: in which context
 * @answer: of its child
 * @done: how often each operation was done
 * @idle: how often there was nothing to do
 * @errors: how often it failed, by errno
 */
struct actor {
	struct arena *arena;
	int number;
	pthread_t thread;
	pid_t tid;
	__u64 dice;
	__u64 calls;
	int op;
	__u64 began;
	struct open_batch batches[BATCHES];
	struct mmun_span bulk[BULK];
	int bulk_count;
	struct arena *bulk_arena;
	int bulk_fd;
	struct child_answer answer;
	__u64 done[MAX_OPS];
	__u64 idle[MAX_OPS];
	__u64 errors[MAX_OPS][MAX_ERRNO];
};

/**
 * struct shared - what there is once
 * @processes: how many
 * @threads: in each of them
 * @seed: of all the dice
 * @calls: per thread, 0: as many as the time allows
 * @stop: no more calls
 * @failed: somebody has written @what
 * @what: what was wrong first
 * @barrier: the processes wait for each other
 */
struct shared {
	int processes;
	int threads;
	__u64 seed;
	__u64 calls;
	bool stop;
	bool failed;
	char what[512];
	pthread_barrier_t barrier;
	/* What happened */
	__u64 collisions;
	__u64 retries;
	__u64 commits;
	__u64 invalidations;
	__u64 refused;
	__u64 compared;		/* device reads held against the state */
	__u64 records;
	__u64 lost;		/* records */
	/* The deepest state: the largest of what was counted */
	__u64 batches_open;
	__u64 most_batches;
	__u64 ranges_open;
	__u64 most_ranges;
	__u64 most_retries;
	__u64 most_between;	/* invalidations, a begin and its commit */
	__u64 most_hit;		/* ranges, by one invalidation */
	__u64 most_memory;
	__u64 longest_callback;	/* nanoseconds */
	struct arena arenas[MAX_PROCESSES];
	struct actor actors[MAX_PROCESSES][MAX_THREADS];
};

static struct shared *shared;

/* Of this process: descriptors of the contexts and pidfds of all processes. */
static int context_fds[MAX_PROCESSES][CONTEXTS];
static int pidfds[MAX_PROCESSES];
static int uffd = -1;

/* An operation; @errnos are the ones that it may give, ended by 0. */
struct op {
	const char *name;
	int weight;
	int (*run)(struct actor *actor);
	int errnos[8];
};

static const struct op ops[];

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void raise_to(__u64 *most, __u64 value)
{
	__u64 old = get(most);

	while (old < value &&
	       !__atomic_compare_exchange_n(most, &old, value, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

/* The first failure ends it all and is the one that is reported. */
static void __attribute__((format(printf, 2, 3)))
fail(struct actor *actor, const char *fmt, ...)
{
	size_t used = 0;
	va_list args;

	if (swap(&shared->failed, true))
		return;
	if (actor)
		used = snprintf(shared->what, sizeof(shared->what),
				"process %d thread %d call %llu (%s): ",
				actor->arena->number, actor->number,
				(unsigned long long)actor->calls,
				ops[actor->op].name);
	va_start(args, fmt);
	vsnprintf(shared->what + used, sizeof(shared->what) - used, fmt, args);
	va_end(args);
	set(&shared->stop, true);
}

static __u64 mix(__u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* splitmix64 */
static __u64 roll(struct actor *actor, __u64 sides)
{
	actor->dice += 0x9e3779b97f4a7c15ULL;
	return mix(actor->dice) % sides;
}

/* The dice of the next call. */
static void take_dice(struct actor *actor)
{
	__u64 who = actor->arena->number * MAX_THREADS + actor->number + 1;

	actor->calls++;
	actor->dice = mix(shared->seed + mix(who << 40 | actor->calls));
}
