// SPDX-License-Identifier: GPL-2.0
/*
 * INSERT and REMOVE, one by one and in bulk, among many or few others; and the
 * memory that ranges take: what there is less of on the machine, and what the
 * module charges.
 */

#include <sys/sysinfo.h>

static const struct {
	__u32 kind;
	const char *name;
} kinds[] = {
	{ MMUN_KIND_INTERVAL, "interval" },
	{ MMUN_KIND_NAIVE, "naive" },
};

static const __u64 range_counts[] = { 1, 10, 100, 1000, 10000, 100000,
				      1000000 };

/* Nothing is mapped there: the core does not care. */
#define RANGES_BASE	0x300000000000UL

static struct mmun_span *make_bulk(__u64 count)
{
	struct mmun_span *bulk;
	__u64 i;

	bulk = mmap(NULL, count * sizeof(*bulk), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	MUST(bulk != MAP_FAILED);
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

/* The processor keeps a few hundred free pages, which say nothing among many. */
static void add_bytes(const char *scheme, __u64 n, __u64 bytes)
{
	if (n >= 1000000)
		add_row("bytes", scheme, n, "range", n, bytes);
}

static void insert_bulk(int fd, __u32 kind, struct mmun_span *bulk, __u64 count)
{
	__u64 done;

	MUST(!_mmun_insert_spans(fd, kind, bulk, count, &done) &&
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

/* The first subscription of an mm, and the first of a slab, are not typical. */
static void warm_up(int fd, struct mmun_span *bulk, __u64 count, __u32 kind)
{
	__u64 few = count < 64 ? count : 64;

	insert_bulk(fd, kind, bulk, few);
	remove_bulk(fd, bulk, few);
}

static void bench_one_more(int fd, int k, __u64 n)
{
	const char *base = (char *)RANGES_BASE + n * page_size();
	__u64 cost;
	__u32 id;

	cost = MEDIAN(nothing(),
		      MUST(!_mmun_insert_kind(fd, kinds[k].kind, base,
					      page_size(), &id)),
		      MUST(!_mmun_remove(fd, id)));
	add_row("insert", kinds[k].name, n, "range", 1, cost);
	cost = MEDIAN(MUST(!_mmun_insert_kind(fd, kinds[k].kind, base,
					      page_size(), &id)),
		      MUST(!_mmun_remove(fd, id)), nothing());
	add_row("remove", kinds[k].name, n, "range", 1, cost);
	must_have_ranges(fd, n);
}

static void bench_kind(int k, __u64 n)
{
	struct mmun_span *bulk = make_bulk(n);
	int fd = mmun_open();
	__u64 free;

	warm_up(fd, bulk, n, kinds[k].kind);
	free = free_bytes();
	add_row("insert_bulk", kinds[k].name, n, "range", n,
		COST(insert_bulk(fd, kinds[k].kind, bulk, n)));
	must_have_ranges(fd, n);
	add_bytes(kinds[k].name, n, free - free_bytes());
	bench_one_more(fd, k, n);
	add_row("remove_bulk", kinds[k].name, n, "range", n,
		COST(remove_bulk(fd, bulk, n)));
	must_have_ranges(fd, 0);
	close(fd);
	munmap(bulk, n * sizeof(*bulk));
}

/* Returns the cost of the calls of the core. */
static __u64 floor_insert(int fd, __u64 start, __u64 stride, __u64 n)
{
	struct mmun_floor_insert cmd;

	MUST(!_floor_insert(fd, start, page_size(), stride, n, &cmd) &&
	     cmd.out_done == n);
	return cmd.out_cost;
}

static __u64 floor_remove(int fd, __u64 n)
{
	struct mmun_floor_remove cmd;

	MUST(!_floor_remove(fd, &cmd) && cmd.out_done == n);
	return cmd.out_cost;
}

/* The calls of the core for one are those for many, divided. */
static void bench_floor_ranges(int unused, __u64 n)
{
	int fd = floor_open();
	__u64 cost, free;

	floor_insert(fd, RANGES_BASE, page_size(), 1);
	floor_remove(fd, 1);
	free = free_bytes();
	cost = floor_insert(fd, RANGES_BASE, page_size(), n);
	add_row("insert_bulk", "floor", n, "range", n, cost);
	add_bytes("floor", n, free - free_bytes());
	cost = floor_remove(fd, n);
	add_row("remove_bulk", "floor", n, "range", n, cost);
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
