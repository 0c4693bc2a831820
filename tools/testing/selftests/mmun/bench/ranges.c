// SPDX-License-Identifier: GPL-2.0
/*
 * Measures INSERT and REMOVE of n ranges in one call, and of one more range, for
 * each kind of ranges.  Also measures the memory of n ranges, which is the
 * decrease of free memory.
 */

#include <sys/sysinfo.h>

/* The address of the first range is not mapped: a range needs no mapping. */
#define RANGES_BASE 0x300000000000UL

/* The kinds, and the names of their rows */
static const struct bench_kind {
	const char *name;
	__u32 kind;
} bench_kinds[] = {
	{ "interval", MMUN_KIND_INTERVAL },
	{ "naive", MMUN_KIND_NAIVE },
	{ "two_pass", MMUN_KIND_TWO_PASS },
	{ "list", MMUN_KIND_LIST },
	{ "list_mm", MMUN_KIND_LIST_MM },
	{ "invlock", MMUN_KIND_INVLOCK },
	{ "naive_tree", MMUN_KIND_NAIVE_TREE },
	{ "naive_linear", MMUN_KIND_NAIVE_LINEAR },
};

/* Execute @bench in a new process for each kind that the kernel has. */
static void in_child_of_each_kind(void (*bench)(void), __u64 n)
{
	const struct bench_kind *kind = bench_kinds;
	int fd = mmun_open();

	for (int i = 0; i < MMUN_NR_KINDS; i++, kind++)
		if (mmun_has_kind(fd, kind->kind))
			in_child(bench, kind->name, kind->kind, n);
	close(fd);
}

static struct mmun_span *make_bulk(void)
{
	struct mmun_span *bulk = calloc(my.n, sizeof(*bulk));

	MUST(bulk);
	for (__u64 i = 0; i < my.n; i++) {
		bulk[i].start = RANGES_BASE + i * page_size();
		bulk[i].length = page_size();
	}
	return bulk;
}

static __u64 free_bytes(void)
{
	struct sysinfo info;

	MUST(!sysinfo(&info));
	return (__u64)info.freeram * info.mem_unit;
}

/* CPUs cache some free pages, so only the memory of many ranges is exact. */
static void add_bytes(__u64 bytes)
{
	if (my.n >= 1000000)
		add_row("range", my.n, bytes, "bytes");
}

static void insert_bulk(int fd, struct mmun_span *bulk, __u64 count)
{
	__u64 done;

	MUST(!_mmun_insert_spans(fd, my.kind, bulk, count, &done) &&
	     done == count);
}

static void remove_bulk(int fd, struct mmun_span *bulk, __u64 count)
{
	__u64 done;

	MUST(!_mmun_remove_bulk(fd, bulk, count, &done) && done == count);
}

static void must_have_ranges(int fd, __u64 count)
{
	struct mmun_query_context state;

	MUST(!_mmun_query_context(fd, &state) && state.out_ranges == count);
}

static void bench_one_more(int fd)
{
	const char *at = (char *)RANGES_BASE + my.n * page_size();
	const __u32 kind = my.kind;
	__u32 id;

	add_row("range", 1,
		MEDIAN(nothing(),
		       MUST(!_mmun_insert_kind(fd, kind, at, page_size(), &id)),
		       MUST(!_mmun_remove(fd, id))),
		"insert");
	add_row("range", 1,
		MEDIAN(MUST(!_mmun_insert_kind(fd, kind, at, page_size(), &id)),
		       MUST(!_mmun_remove(fd, id)), nothing()),
		"remove");
	must_have_ranges(fd, my.n);
}

/*
 * Insert and remove a few ranges first: the first INSERT also allocates slabs,
 * and data of the mm.  Close the device before the child exits, so that the
 * ranges are freed before the next child reads the free memory.
 */
static void bench_kind(void)
{
	__u64 n = my.n, few = n < 64 ? n : 64, before;
	struct mmun_span *bulk = make_bulk();
	int fd = mmun_open();

	insert_bulk(fd, bulk, few);
	remove_bulk(fd, bulk, few);
	before = free_bytes();
	add_row("range", n, COST(insert_bulk(fd, bulk, n)), "insert_bulk");
	must_have_ranges(fd, n);
	add_bytes(before - free_bytes());
	bench_one_more(fd);
	add_row("range", n, COST(remove_bulk(fd, bulk, n)), "remove_bulk");
	must_have_ranges(fd, 0);
	close(fd);
	free(bulk);
}

/*
 * The mm has n ranges of each of two kinds: of interval notifiers, and of a list
 * notifier.  Insert one more range of an interval notifier.
 */
static void bench_both(void)
{
	struct mmun_span *bulk = make_bulk();
	int fd = mmun_open(), other = mmun_open();

	my.kind = MMUN_KIND_LIST;
	insert_bulk(other, bulk, my.n);
	my.kind = MMUN_KIND_INTERVAL;
	insert_bulk(fd, bulk, my.n);
	bench_one_more(fd);
	close(other);
	close(fd);
	free(bulk);
}

/* Insert a set of subscriptions.  Returns the cost of the calls of the core. */
static __u64 floor_insert(int fd, __u64 start, __u64 stride, __u64 n)
{
	struct mmun_floor_cmd cmd;

	MUST(!floor_call(fd, INSERT, &cmd, .start = start, .stride = stride,
			 .length = page_size(), .count = n) &&
	     cmd.out_count == n);
	return cmd.out_cost;
}

static __u64 floor_remove(int fd, __u64 n)
{
	struct mmun_floor_cmd cmd;

	MUST(!floor_call(fd, REMOVE, &cmd) && cmd.out_count == n);
	return cmd.out_cost;
}

/* The core has no bulk calls, so these costs are those of single calls too. */
static void bench_floor_ranges(void)
{
	__u64 n = my.n, before;
	int fd = floor_open();

	floor_insert(fd, RANGES_BASE, page_size(), 1);
	floor_remove(fd, 1);
	before = free_bytes();
	add_row("range", n, floor_insert(fd, RANGES_BASE, page_size(), n),
		"insert_bulk");
	add_bytes(before - free_bytes());
	add_row("range", n, floor_remove(fd, n), "remove_bulk");
	close(fd);
}

static void run_ranges(void)
{
	for (__u64 n = 1; n <= 1000000; n *= 10) {
		in_child(bench_floor_ranges, "floor", 0, n);
		in_child_of_each_kind(bench_kind, n);
		in_child(bench_both, "both", MMUN_KIND_INTERVAL, n);
	}
}
