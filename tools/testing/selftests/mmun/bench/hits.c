// SPDX-License-Identifier: GPL-2.0
/*
 * Measures MADV_DONTNEED of one page in a process with many ranges, of which
 * some cover the page.  The call unmaps one page in each case, so only the cost
 * of the notifiers depends on the ranges.
 */

#define HIT_RECORDS 4096

static void invalidate(void)
{
	MUST(!madvise(my.map, page_size(), MADV_DONTNEED));
}

static void touch_one(void)
{
	touch(my.map, 1);
}

static void add_hit(const char *name, __u64 cost)
{
	add_row("call", 1, cost, "%s_%llu", name, my.hits);
}

static __u64 hits_of_floor(int fd)
{
	struct mmun_floor_cmd cmd;

	MUST(!floor_call(fd, LOOK, &cmd, .start = mmun_u64(my.map),
			 .length = page_size()));
	return cmd.out_hits;
}

static void bench_floor_hits(void)
{
	const __u64 hits = my.hits, others = my.n - hits;
	int fd = floor_open();
	__u64 cost;

	map_pages(SMALL, 1);
	if (hits)
		floor_insert(fd, PAGES_BASE, 0, hits);
	if (others)
		floor_insert(floor_open(), RANGES_BASE, page_size(), others);
	cost = MEDIAN(touch_one(), invalidate(), nothing());
	MUST(!hits || hits_of_floor(fd) == hits * NR_SAMPLES);
	add_hit("hit", cost);
	add_hit("hit_logged", cost);
}

static void insert_around(int fd)
{
	struct mmun_span *bulk = make_bulk();

	for (__u64 i = 0; i < my.hits; i++)
		bulk[i].start = PAGES_BASE;
	insert_bulk(fd, bulk, my.n);
	my.id = bulk[0].id; /* the first range over the page */
}

/* Check that each range over the page has had @times invalidations. */
static void must_be_hit(int fd, __u64 times)
{
	struct mmun_query_range counters;

	for (__u64 i = 0; i < my.hits; i++)
		MUST(!_mmun_query_range(fd, my.id + i, &counters) &&
		     counters.out_invalidations == times);
}

/*
 * Set up an empty log.  The previous log must have lost @lost_before records.
 */
static void reset_log(int fd, __u64 lost_before)
{
	__u64 lost;

	MUST(!_mmun_log_setup(fd, HIT_RECORDS, MMUN_LOG_TYPES_DEFAULT, &lost) &&
	     lost == lost_before);
}

static void bench_kind_hits(void)
{
	int fd = mmun_open();

	map_pages(SMALL, 1);
	log_off(fd);
	insert_around(fd);
	add_hit("hit", MEDIAN(touch_one(), invalidate(), nothing()));
	must_be_hit(fd, NR_SAMPLES);
	reset_log(fd, 0);
	add_hit("hit_logged",
		MEDIAN(touch_one(), invalidate(), reset_log(fd, my.hits)));
	must_be_hit(fd, 2 * NR_SAMPLES);
}

/*
 * The mm has n ranges of each of two kinds: of interval notifiers, and of a list
 * notifier.  The page is in my.hits ranges of each kind.
 */
static void bench_both_hits(void)
{
	int fd = mmun_open(), other = mmun_open();

	map_pages(SMALL, 1);
	log_off(fd);
	log_off(other);
	my.kind = MMUN_KIND_LIST;
	insert_around(other);
	my.kind = MMUN_KIND_INTERVAL;
	insert_around(fd);
	add_hit("hit", MEDIAN(touch_one(), invalidate(), nothing()));
	must_be_hit(fd, NR_SAMPLES);
	must_be_hit(other, NR_SAMPLES);
}

static void bench_hits_of(__u64 hits, __u64 n)
{
	if (hits > n)
		return;
	my.hits = hits;
	in_child(bench_floor_hits, "floor", 0, n);
	in_child_of_each_kind(bench_kind_hits, n);
	in_child(bench_both_hits, "both", MMUN_KIND_INTERVAL, n);
}

static void run_hits(void)
{
	for (__u64 n = 1; n <= 100000; n *= 10) {
		bench_hits_of(0, n);
		bench_hits_of(1, n);
		bench_hits_of(10, n);
		bench_hits_of(1000, n);
	}
}

static void read_log(int fd, struct mmun_record *records, __u64 nr)
{
	ssize_t length = nr * sizeof(*records);

	MUST(read(fd, records, length) == length);
}

/* Measure a read() that returns all records of one invalidation. */
static void bench_log_of(void)
{
	static struct mmun_record records[1024];
	const __u64 nr = my.n;
	int fd = mmun_open();
	__u64 cost;

	map_pages(SMALL, 1);
	my.hits = nr;
	insert_around(fd);
	reset_log(fd, 0);
	memset(records, 0, sizeof(records));
	cost = MEDIAN((touch_one(), invalidate()), read_log(fd, records, nr),
		      nothing());
	MUST(records[nr - 1].sequence == nr * NR_SAMPLES - 1 &&
	     records[nr - 1].clip_start == PAGES_BASE);
	add_row("event", nr, cost, "read_log");
	reset_log(fd, 0);
}

static void run_log(void)
{
	in_child(bench_log_of, "interval", MMUN_KIND_INTERVAL, 1);
	in_child(bench_log_of, "interval", MMUN_KIND_INTERVAL, 64);
	in_child(bench_log_of, "interval", MMUN_KIND_INTERVAL, 1024);
}
