// SPDX-License-Identifier: GPL-2.0
/*
 * An invalidation that hits some of many ranges: MADV_DONTNEED of one page.
 * All ranges that are hit cover that page, so the work of the mm does not
 * depend on their number.  The other ranges do not cover the page.
 */

#define HIT_RECORDS 4096
#define MAX_RANGES 100000

static const __u64 hit_counts[] = { 0, 1, 10, 1000 };

static void invalidate(void)
{
	MUST(!madvise(subject.map, page_size(), MADV_DONTNEED));
}

static void touch_one(void)
{
	touch(subject.map, 1);
}

static void add_hit(const char *name, const char *scheme, __u64 nr, __u64 cost)
{
	char op[32];

	snprintf(op, sizeof(op), "%s_%llu", name, subject.hits);
	add_call(op, scheme, nr, cost);
}

static __u64 hits_of_floor(int fd)
{
	struct mmun_floor_cmd cmd;

	MUST(!floor_call(fd, LOOK, &cmd, .start = mmun_u64(subject.map),
			 .length = page_size()));
	return cmd.out_hits;
}

static void bench_floor_hits(int unused, __u64 nr)
{
	int fd = floor_open(), others = floor_open();
	const __u64 hits = subject.hits;
	__u64 cost;

	map_pages(SMALL, 1);
	if (hits)
		floor_insert(fd, PAGES_BASE, 0, hits);
	if (nr > hits)
		floor_insert(others, RANGES_BASE, page_size(), nr - hits);
	cost = MEDIAN(touch_one(), invalidate(), nothing());
	MUST(!hits || hits_of_floor(fd) == hits * NR_SAMPLES);
	add_hit("hit", "floor", nr, cost);
	add_hit("hit_logged", "floor", nr, cost);
}

static void insert_around(int fd, int k, __u64 hits, __u64 nr)
{
	struct mmun_span *bulk = make_bulk(nr);
	__u64 i;

	for (i = 0; i < hits; i++)
		bulk[i].start = PAGES_BASE;
	insert_bulk(fd, k, bulk, nr);
	subject.id = bulk[0].id;
}

/*
 * Check that each of @nr ranges was hit @times times.  The first range is the
 * subject's range.
 */
static void must_be_hit(int fd, __u64 nr, __u64 times)
{
	struct mmun_query_range counters;
	__u64 i;

	for (i = 0; i < nr; i++)
		MUST(!_mmun_query_range(fd, subject.id + i, &counters) &&
		     counters.out_invalidations == times);
}

/* Set up an empty log.  The old log must have lost @lost_before records. */
static void reset_log(int fd, __u64 lost_before)
{
	__u64 lost;

	MUST(!_mmun_log_setup(fd, HIT_RECORDS, MMUN_LOG_TYPES_DEFAULT, &lost) &&
	     lost == lost_before);
}

static void bench_kind_hits(int k, __u64 nr)
{
	const __u64 hits = subject.hits;
	int fd = mmun_open();

	map_pages(SMALL, 1);
	log_off(fd);
	insert_around(fd, k, hits, nr);
	add_hit("hit", kinds[k].name, nr,
		MEDIAN(touch_one(), invalidate(), nothing()));
	must_be_hit(fd, hits, NR_SAMPLES);
	reset_log(fd, 0);
	add_hit("hit_logged", kinds[k].name, nr,
		MEDIAN(touch_one(), invalidate(), reset_log(fd, hits)));
	must_be_hit(fd, hits, 2 * NR_SAMPLES);
}

static void bench_hits_among(__u64 nr)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(hit_counts); i++) {
		if (hit_counts[i] > nr)
			continue;
		subject.hits = hit_counts[i];
		in_child(bench_floor_hits, 0, nr);
		for (k = 0; k < ARRAY_SIZE(kinds); k++)
			in_child(bench_kind_hits, k, nr);
	}
}

static void bench_hits(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(range_counts); i++)
		if (range_counts[i] <= MAX_RANGES)
			bench_hits_among(range_counts[i]);
}

static void read_log(int fd, struct mmun_record *records, __u64 nr)
{
	ssize_t length = nr * sizeof(*records);

	MUST(read(fd, records, length) == length);
}

/* Measure one read() of all records that one invalidation writes. */
static void bench_log_of(int unused, __u64 nr)
{
	static struct mmun_record records[1024];
	int fd = mmun_open();
	__u64 cost;

	map_pages(SMALL, 1);
	insert_around(fd, 0, nr, nr);
	reset_log(fd, 0);
	memset(records, 0, sizeof(records));
	cost = MEDIAN((touch_one(), invalidate()), read_log(fd, records, nr),
		      nothing());
	MUST(records[nr - 1].sequence == nr * NR_SAMPLES - 1 &&
	     records[nr - 1].clip_start == PAGES_BASE);
	add_row("read_log", "interval", nr, "event", nr, cost);
	reset_log(fd, 0);
}

static void bench_log(void)
{
	in_child(bench_log_of, 0, 1);
	in_child(bench_log_of, 0, 64);
	in_child(bench_log_of, 0, 1024);
}
