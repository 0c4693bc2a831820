// SPDX-License-Identifier: GPL-2.0
/*
 * INSERT and REMOVE, single and in bulk, with few and many other ranges.  The
 * memory of ranges is measured as the decrease of the free memory of the
 * machine.
 */

#include <sys/sysinfo.h>

static const struct {
	__u32 kind;
	const char *name;
} kinds[] = {
	{ MMUN_KIND_INTERVAL, "interval" },
	{ MMUN_KIND_NAIVE, "naive" },
};

static const __u64 range_counts[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };

/* The core does not require that anything is mapped here. */
#define RANGES_BASE 0x300000000000UL

static struct mmun_span *make_bulk(__u64 count)
{
	struct mmun_span *bulk = calloc(count, sizeof(*bulk));
	__u64 i;

	MUST(bulk);
	for (i = 0; i < count; i++) {
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

/*
 * Each processor caches a few hundred pages, so only large numbers are exact.
 */
static void add_bytes(const char *scheme, __u64 n, __u64 bytes)
{
	if (n >= 1000000)
		add_row("bytes", scheme, n, "range", n, bytes);
}

static void insert_bulk(int fd, int k, struct mmun_span *bulk, __u64 count)
{
	__u64 done;

	MUST(!_mmun_insert_spans(fd, kinds[k].kind, bulk, count, &done) &&
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

static void bench_one_more(int fd, int k, __u64 n)
{
	const char *at = (char *)RANGES_BASE + n * page_size();
	const __u32 kind = kinds[k].kind;
	__u32 id;

	add_row("insert", kinds[k].name, n, "range", 1,
		MEDIAN(nothing(),
		       MUST(!_mmun_insert_kind(fd, kind, at, page_size(), &id)),
		       MUST(!_mmun_remove(fd, id))));
	add_row("remove", kinds[k].name, n, "range", 1,
		MEDIAN(MUST(!_mmun_insert_kind(fd, kind, at, page_size(), &id)),
		       MUST(!_mmun_remove(fd, id)), nothing()));
	must_have_ranges(fd, n);
}

/*
 * The first subscription of an mm allocates memory, and so does the first
 * object of a slab.  Memory that is closed before the exit of the child is free
 * when the next child counts free pages.
 */
static void bench_kind(int k, __u64 n)
{
	struct mmun_span *bulk = make_bulk(n);
	__u64 few = n < 64 ? n : 64, before;
	int fd = mmun_open();

	insert_bulk(fd, k, bulk, few);
	remove_bulk(fd, bulk, few);
	before = free_bytes();
	add_row("insert_bulk", kinds[k].name, n, "range", n,
		COST(insert_bulk(fd, k, bulk, n)));
	must_have_ranges(fd, n);
	add_bytes(kinds[k].name, n, before - free_bytes());
	bench_one_more(fd, k, n);
	add_row("remove_bulk", kinds[k].name, n, "range", n,
		COST(remove_bulk(fd, bulk, n)));
	must_have_ranges(fd, 0);
	close(fd);
	free(bulk);
}

/* Returns the cost of the calls of the core. */
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

/* The core has no calls for many ranges, so each range costs the same. */
static void bench_floor_ranges(int unused, __u64 n)
{
	int fd = floor_open();
	__u64 before;

	floor_insert(fd, RANGES_BASE, page_size(), 1);
	floor_remove(fd, 1);
	before = free_bytes();
	add_row("insert_bulk", "floor", n, "range", n,
		floor_insert(fd, RANGES_BASE, page_size(), n));
	add_bytes("floor", n, before - free_bytes());
	add_row("remove_bulk", "floor", n, "range", n, floor_remove(fd, n));
	close(fd);
}

static void bench_ranges(void)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(range_counts); i++) {
		in_child(bench_floor_ranges, 0, range_counts[i]);
		for (k = 0; k < ARRAY_SIZE(kinds); k++)
			in_child(bench_kind, k, range_counts[i]);
	}
}
