// SPDX-License-Identifier: GPL-2.0
/*
 * The clock, and the rows of the table.  The clock is the processor's, and it
 * counts instructions where the machine is emulated to do so.
 */

#define NR_SAMPLES	7
#define MAX_ROWS	1024

/*
 * One figure: what @units of @op cost, all together, with @n ranges or pages, or
 * whatever the operation is about.  Rows of the same operation and number with
 * another scheme are what to compare with.
 */
struct row {
	char op[32];
	char scheme[16];	/* interval, naive, floor, test_hmm, none */
	char unit[16];		/* one of what the cost is divided by */
	__u64 n;
	__u64 units;
	__u64 cost;
};

/* Of the children, for the parent to print. */
static struct rows {
	int nr;
	bool failed;
	struct row row[MAX_ROWS];
} *rows;

/* What two readings of the clock count with nothing between them. */
static __u64 clock_cost;

#define clock_now()	__builtin_ia32_rdtsc()

/* A figure that is not of what it says is worse than none: that is the end. */
#define MUST(condition)                                                 \
	((condition) ? (void)0 : must_fail(__FILE__, __LINE__, #condition))

static void __attribute__((noreturn))
must_fail(const char *file, int line, const char *what)
{
	printf("# %s:%d: %s: %s\n", file, line, what, strerror(errno));
	fflush(stdout);
	rows->failed = true;
	_exit(1);
}

static void add_row(const char *op, const char *scheme, __u64 n,
		    const char *unit, __u64 units, __u64 cost)
{
	struct row *row = &rows->row[rows->nr];

	MUST(rows->nr < MAX_ROWS);
	snprintf(row->op, sizeof(row->op), "%s", op);
	snprintf(row->scheme, sizeof(row->scheme), "%s", scheme);
	snprintf(row->unit, sizeof(row->unit), "%s", unit);
	row->n = n;
	row->units = units;
	row->cost = cost;
	rows->nr++;
}

static int compare_costs(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static __u64 median(__u64 *samples)
{
	qsort(samples, NR_SAMPLES, sizeof(*samples), compare_costs);
	return samples[NR_SAMPLES / 2];
}

/* What @what costs, once. */
#define COST(what)                                                      \
	({                                                              \
		__u64 __began = clock_now();                            \
		what;                                                   \
		clock_now() - __began - clock_cost;                     \
	})

/* The same, the middle of several: without the timer's interrupts. */
#define MEDIAN(before, what, after)                                     \
	({                                                              \
		__u64 __samples[NR_SAMPLES];                            \
		for (int __i = 0; __i < NR_SAMPLES; __i++) {            \
			before;                                         \
			__samples[__i] = COST(what);                    \
			after;                                          \
		}                                                       \
		median(__samples);                                      \
	})

static size_t page_size(void)
{
	return 4096;
}

static void nothing(void)
{
}

/* 1 + 2 * @turns instructions. */
static void loop(unsigned long turns)
{
	asm volatile("mov %0, %%rcx\n"
		     "1: dec %%rcx\n"
		     "jnz 1b"
		     : : "r"(turns) : "rcx", "cc");
}

/* Whether the clock counts instructions, which a loop of known length tells. */
static bool clock_counts(void)
{
	__u64 cost;

	clock_cost = 0;
	clock_cost = MEDIAN(nothing(), nothing(), nothing());
	cost = MEDIAN(nothing(), loop(1000), nothing());
	printf("# a loop of 2001 instructions: %llu, and %llu to look\n",
	       (unsigned long long)cost, (unsigned long long)clock_cost);
	return cost == 2001;
}

/* In a long one there are interrupts of the timer: a figure of what they cost. */
static void bench_clock(void)
{
	const unsigned long turns = 50000000;

	add_row("loop", "none", turns, "turn", turns, COST(loop(turns)));
}

/* In a process of its own: an mm that has not had a subscription yet. */
static void in_child(void (*bench)(int kind, __u64 n), int kind, __u64 n)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		bench(kind, n);
		fflush(stdout);
		_exit(0);
	}
	MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		rows->failed = true;
	/* What it had is given back meanwhile, some of it by RCU. */
	usleep(200000);
}
