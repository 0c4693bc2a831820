// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the clock, and prints the table of costs.  The clock is the time-stamp
 * counter of the processor, which can count instructions on an emulated
 * machine.
 */

#define NR_SAMPLES 7
#define MAX_ROWS 1024

/* A row of the table.  A reader compares the rows with the same @op and @n. */
struct row {
	char op[32];
	const char *scheme; /* a kind, a policy, floor, test_hmm, none */
	const char *unit;
	__u64 n; /* ranges or pages */
	__u64 units;
	__u64 cost; /* of all units together */
};

/* Rows in shared memory: the children add rows, and the parent prints them. */
static struct rows {
	int nr;
	bool failed;
	struct row row[MAX_ROWS];
} * rows;

/*
 * What a child measures.  @scheme points to a string literal, which has the
 * same address in the child and in the parent.
 */
static struct subject {
	const char *scheme;
	__u64 n; /* ranges or pages */
	int kind; /* enum page_kind, enum watcher or MMUN_KIND_* */
	__u64 hits; /* ranges that an invalidation hits */
	int fd;
	__u32 id; /* ID of the range over the mapping */
	struct mmun_token token;
	char *map;
	char *buffer; /* @length bytes, for copies of the pages */
	size_t length;
	__u64 nr; /* pages of the mapping */
	bool huge;
	__u64 pages[16384];
} my;

/* The cost of two reads of the clock */
static __u64 clock_cost;

#define clock_now() __builtin_ia32_rdtsc()

/* End the process if a measured call fails: the cost would be wrong. */
#define MUST(condition) \
	((condition) ? (void)0 : must_fail(__FILE__, __LINE__, #condition))

static void __attribute__((noreturn))
must_fail(const char *file, int line, const char *what)
{
	printf("# %s:%d: %s: %s\n", file, line, what, strerror(errno));
	fflush(stdout);
	rows->failed = true;
	_exit(1);
}

static bool create_rows(void)
{
	rows = mmap(NULL, sizeof(*rows), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return rows != MAP_FAILED;
}

/* Add a row to the table.  @unit must be a string literal.  @op is a format. */
static void __attribute__((format(printf, 4, 5)))
add_row(const char *unit, __u64 units, __u64 cost, const char *op, ...)
{
	struct row *row = &rows->row[rows->nr];
	va_list args;

	MUST(rows->nr < MAX_ROWS);
	*row = (struct row){ .scheme = my.scheme,
			     .unit = unit,
			     .n = my.n,
			     .units = units,
			     .cost = cost };
	va_start(args, op);
	vsnprintf(row->op, sizeof(row->op), op, args);
	va_end(args);
	rows->nr++;
}

static void add_call(const char *op, __u64 cost)
{
	add_row("call", 1, cost, "%s", op);
}

static void print_rows(void)
{
	if (!rows)
		return;
	for (struct row *row = rows->row; row < rows->row + rows->nr; row++)
		printf("# cost %s %s %llu %llu %llu %s\n", row->op, row->scheme,
		       row->n, row->units, row->cost, row->unit);
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

/* The cost of one @what */
#define COST(what)                                  \
	({                                          \
		__u64 __began = clock_now();        \
		what;                               \
		clock_now() - __began - clock_cost; \
	})

/* The median of NR_SAMPLES costs: timer interrupts increase some costs */
#define MEDIAN(before, what, after)                          \
	({                                                   \
		__u64 __samples[NR_SAMPLES];                 \
		for (int __i = 0; __i < NR_SAMPLES; __i++) { \
			before;                              \
			__samples[__i] = COST(what);         \
			after;                               \
		}                                            \
		median(__samples);                           \
	})

#define MEDIAN_OF(what) MEDIAN(nothing(), what, nothing())

static size_t page_size(void)
{
	return 4096;
}

static void nothing(void)
{
}

/* Execute 1 + 2 * @turns instructions. */
static void loop(unsigned long turns)
{
	asm volatile("mov %0, %%rcx\n"
		     "1: dec %%rcx\n"
		     "jnz 1b"
		     :
		     : "r"(turns)
		     : "rcx", "cc");
}

static bool clock_counts(void)
{
	__u64 cost;

	clock_cost = 0;
	clock_cost = MEDIAN_OF(nothing());
	cost = MEDIAN_OF(loop(1000));
	printf("# a loop of 2001 instructions: %llu, and %llu to read the clock\n",
	       cost, clock_cost);
	return cost == 2001;
}

/* The cost of a long loop shows how much timer interrupts add to a cost. */
static void run_clock_counts_instructions(void)
{
	const unsigned long turns = 50000000;

	my.scheme = "none";
	my.n = turns;
	add_row("turn", turns, COST(loop(turns)), "loop");
}

/* Run @bench in a child, because the mm of a new child has no notifier. */
static void in_child(void (*bench)(void), const char *scheme, int kind, __u64 n)
{
	pid_t pid;

	fflush(stdout);
	my.scheme = scheme;
	my.kind = kind;
	my.n = n;
	pid = fork();
	if (!pid) {
		bench();
		fflush(stdout);
		_exit(0);
	}
	if (mmun_wait_child(pid))
		rows->failed = true;
	/* The kernel frees some memory of the child after RCU grace periods. */
	usleep(200000);
}
