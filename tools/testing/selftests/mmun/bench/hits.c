// SPDX-License-Identifier: GPL-2.0
/*
 * An invalidation that hits some ranges of many: MADV_DONTNEED of one page, over
 * which those are stacked that are to be hit, so that it is the same work for
 * the mm whatever their number.  The others are elsewhere.
 */

#define HIT_RECORDS	4096
#define MAX_AROUND	100000

static const __u64 hit_counts[] = { 0, 1, 10, 1000 };

static void hit(void)
{
	MUST(!madvise(subject.map, page_size(), MADV_DONTNEED));
}

static void touch_one(void)
{
	touch(subject.map, 1);
}

static void add_hit(const char *name, __u64 hits, const char *scheme, __u64 nr,
		    __u64 cost)
{
	char op[32];

	snprintf(op, sizeof(op), "%s_%llu", name, (unsigned long long)hits);
	add_row(op, scheme, nr, "call", 1, cost);
}

static __u64 hits_of_floor(int fd)
{
	struct mmun_floor_look cmd;

	MUST(!_floor_look(fd, mmun_u64(subject.map), page_size(), &cmd));
	return cmd.out_hits;
}

static void bench_floor_hits(int hits, __u64 nr)
{
	int fd = floor_open(), others = floor_open();
	__u64 cost;

	map_pages(SMALL, 1);
	if (hits)
		floor_insert(fd, PAGES_BASE, 0, hits);
	if (nr > hits)
		floor_insert(others, RANGES_BASE, page_size(), nr - hits);
	cost = MEDIAN(touch_one(), hit(), nothing());
	MUST(!hits || hits_of_floor(fd) == (__u64)hits * NR_SAMPLES);
	add_hit("hit", hits, "floor", nr, cost);
	add_hit("hit_logged", hits, "floor", nr, cost);
}

static void stack_ranges(int fd, int k, __u64 hits, __u64 nr)
{
	struct mmun_span *bulk = make_bulk(nr);
	__u64 i;

	for (i = 0; i < hits; i++)
		bulk[i].start = PAGES_BASE;
	insert_bulk(fd, kinds[k].kind, bulk, nr);
	subject.id = bulk[0].id;
}

static void must_be_hit(int fd, __u64 hits, __u64 times)
{
	struct mmun_query_range counters;
	__u64 i;

	for (i = 0; i < hits; i++)
		MUST(!_mmun_query_range(fd, subject.id + i, &counters) &&
		     counters.out_invalidations == times);
}

static void log_anew(int fd, __u64 wanted)
{
	__u64 lost;

	MUST(!_mmun_log_setup(fd, HIT_RECORDS, MMUN_LOG_TYPES_DEFAULT, &lost) &&
	     lost == wanted);
}

static void bench_hits_of(int k, __u64 hits, __u64 nr)
{
	int fd = mmun_open();

	map_pages(SMALL, 1);
	log_off(fd);
	stack_ranges(fd, k, hits, nr);
	add_hit("hit", hits, kinds[k].name, nr,
		MEDIAN(touch_one(), hit(), nothing()));
	must_be_hit(fd, hits, NR_SAMPLES);
	log_anew(fd, 0);
	add_hit("hit_logged", hits, kinds[k].name, nr,
		MEDIAN(touch_one(), hit(), log_anew(fd, hits)));
	must_be_hit(fd, hits, 2 * NR_SAMPLES);
}

static void bench_interval_hits(int hits, __u64 nr)
{
	bench_hits_of(0, hits, nr);
}

static void bench_naive_hits(int hits, __u64 nr)
{
	bench_hits_of(1, hits, nr);
}

static void bench_hits_among(__u64 nr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hit_counts); i++) {
		if (hit_counts[i] > nr)
			continue;
		in_child(bench_floor_hits, hit_counts[i], nr);
		in_child(bench_interval_hits, hit_counts[i], nr);
		in_child(bench_naive_hits, hit_counts[i], nr);
	}
}

static void bench_hits(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(range_counts); i++)
		if (range_counts[i] <= MAX_AROUND)
			bench_hits_among(range_counts[i]);
}

/* Reading the log: as many records as one invalidation wrote. */

static void read_log(int fd, struct mmun_record *records, __u64 nr)
{
	ssize_t length = nr * sizeof(*records);

	MUST(read(fd, records, length) == length);
}

static void bench_log_of(int unused, __u64 nr)
{
	static struct mmun_record records[1024];
	int fd = mmun_open();
	__u64 cost;

	map_pages(SMALL, 1);
	stack_ranges(fd, 0, nr, nr);
	log_anew(fd, 0);
	memset(records, 0, sizeof(records));
	cost = MEDIAN((touch_one(), hit()), read_log(fd, records, nr),
		      nothing());
	MUST(records[nr - 1].sequence == nr * NR_SAMPLES - 1 &&
	     records[nr - 1].clip_start == PAGES_BASE);
	add_row("read_log", "interval", nr, "event", nr, cost);
	log_anew(fd, 0);
}

static void bench_log(void)
{
	in_child(bench_log_of, 0, 1);
	in_child(bench_log_of, 0, 64);
	in_child(bench_log_of, 0, 1024);
}
