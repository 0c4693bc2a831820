// SPDX-License-Identifier: GPL-2.0
/*
 * Measures calls whose cost depends on the number of pages: SNAPSHOT, VERIFY,
 * ACCESS, and the calls on a batch (READ_BEGIN, COLLECT, COMMIT).
 */

/* The address of the measured pages is a multiple of each page size. */
#define PAGES_BASE 0x200000000000UL
#define HUGE_PAGES 512UL
#define HUGE_ORDER 9

/* ACCESS of few pages is enough: most of its cost is the copy of each page. */
#define MAX_MOVED 512

enum page_kind {
	SMALL,
	HUGE,
};

static void touch(char *map, __u64 nr)
{
	for (__u64 i = 0; i < nr; i++)
		map[i * page_size()] = i;
}

static char *map_at(unsigned long addr)
{
	char *map = mmun_map((char *)addr, my.length);

	MUST(map);
	return map;
}

static void map_pages(int kind, __u64 nr)
{
	struct subject *s = &my;

	s->nr = nr;
	s->huge = kind == HUGE;
	s->length = nr * page_size();
	s->map = map_at(PAGES_BASE);
	if (s->huge)
		madvise(s->map, s->length, MADV_HUGEPAGE);
	touch(s->map, nr);
	s->buffer = map_at(2 * PAGES_BASE);
	touch(s->buffer, nr);
}

static void log_off(int fd)
{
	__u64 lost;

	MUST(!_mmun_log_setup(fd, 0, 0, &lost));
}

static void insert(void)
{
	MUST(!_mmun_insert(my.fd, my.map, my.length, &my.id));
}

static void snapshot(__u32 method, __u32 flags)
{
	struct mmun_snapshot cmd;

	cmd = MMUN_SNAPSHOT_OF(my.id, my.map, my.length, method, flags);
	cmd.pages = mmun_u64(my.pages);
	MUST(!_mmun_snapshot(my.fd, &cmd) && cmd.out_valid == my.nr &&
	     !cmd.out_retries);
}

/* Check permissions, order and PFN of each page.  GUP reports the order 0. */
static void must_have_pages(__u32 method)
{
	bool huge = method != MMUN_METHOD_GUP && my.huge;
	__u64 order = huge ? HUGE_ORDER : 0, *page = my.pages;
	__u64 expected = MMUN_PAGE_VALID | MMUN_PAGE_WRITE |
			 order << MMUN_PAGE_ORDER_SHIFT;

	for (__u64 i = 0; i < my.nr; i++) {
		MUST((page[i] & ~MMUN_PAGE_PFN_MASK) == expected);
		MUST(!i || page[i] != page[i - 1]);
	}
	memset(page, 0, my.nr * sizeof(*page));
}

static void add_pages(const char *name, __u64 cost)
{
	add_row("page", my.nr, cost, "%s.%s", name, my.huge ? "thp" : "4k");
}

static void bench_snapshot(const char *name, __u32 method, __u32 flags)
{
	snapshot(method, flags);
	add_pages(name, MEDIAN_OF(snapshot(method, flags)));
	must_have_pages(method);
}

static void bench_first_snapshot(void)
{
	MUST(!_mmun_remove(my.fd, my.id));
	add_pages("look_first",
		  MEDIAN(insert(), snapshot(MMUN_METHOD_HMM_NOFAULT, 0),
			 MUST(!_mmun_remove(my.fd, my.id))));
	must_have_pages(MMUN_METHOD_HMM_NOFAULT);
	insert();
}

static __u64 floor_look(int fd)
{
	struct mmun_floor_cmd cmd;

	MUST(!floor_call(fd, LOOK, &cmd, .start = mmun_u64(my.map),
			 .length = my.length) &&
	     cmd.out_count == my.nr);
	return cmd.out_cost;
}

/* Add four rows with the cost of LOOK, which does the work of four calls. */
static void bench_floor_look(void)
{
	__u64 samples[NR_SAMPLES], cost;
	struct mmun_floor_cmd cmd;
	int fd = floor_open();

	MUST(!floor_call(fd, INSERT, &cmd, .start = mmun_u64(my.map),
			 .length = my.length, .count = 1));
	for (int i = 0; i < NR_SAMPLES; i++)
		samples[i] = floor_look(fd);
	cost = median(samples);
	my.scheme = "floor";
	add_pages("look", cost);
	add_pages("look_first", cost);
	add_pages("verify", cost);
	add_pages("collect", cost);
	my.scheme = "interval";
	MUST(!close(fd));
}

static void verify(void)
{
	struct mmun_verify cmd;

	MUST(!_mmun_verify(my.fd, my.id, &cmd) &&
	     cmd.out_result == MMUN_VERIFY_AGREES && cmd.out_checked == my.nr);
}

static void begin(void)
{
	MUST(!_mmun_read_begin(my.fd, my.id, &my.token));
}

static void collect(void)
{
	__u32 valid;

	MUST(!_mmun_collect(my.fd, my.token, my.map, my.length,
			    MMUN_METHOD_HMM_NOFAULT, 0, &valid) &&
	     valid == my.nr);
}

static void commit(void)
{
	struct mmun_commit cmd;

	MUST(!_mmun_commit(my.fd, my.token, &cmd) && !cmd.out_collided &&
	     cmd.out_published == my.nr);
}

static void abandon(void)
{
	MUST(!_mmun_abandon(my.fd, my.token));
}

static void check_retry(void)
{
	__u32 retry;

	MUST(!_mmun_check_retry(my.fd, my.id, my.token.seq, &retry) && !retry);
}

static void bench_steps(void)
{
	if (my.nr == 1) {
		add_call("begin", MEDIAN(nothing(), begin(), abandon()));
		add_call("abandon", MEDIAN(begin(), abandon(), nothing()));
		add_call("check_retry", MEDIAN_OF(check_retry()));
	}
	add_pages("collect", MEDIAN(begin(), collect(), commit()));
	add_pages("commit", MEDIAN((begin(), collect()), commit(), nothing()));
}

/* Make all pages present, and remove their entries from the shadow. */
static void make_cold(void)
{
	MUST(!madvise(my.map, my.length, MADV_DONTNEED));
	touch(my.map, my.nr);
}

/* Returns the address of a byte in page @page, at an offset that varies. */
static char *byte_of(char *base, __u64 page)
{
	return &base[page * page_size() + page % page_size()];
}

static void mark(char *base, char value)
{
	for (__u64 i = 0; i < my.nr; i++)
		*byte_of(base, i) = value;
}

static void must_be_marked(char *base, char value)
{
	for (__u64 i = 0; i < my.nr; i++)
		MUST(*byte_of(base, i) == value);
}

typedef void (*move_fn)(__u32 flags);

static void bench_reads(move_fn cold, move_fn warm)
{
	add_pages("read_cold", MEDIAN(make_cold(), cold(0), nothing()));
	mark(my.map, 'r');
	add_pages("read", MEDIAN_OF(warm(0)));
	must_be_marked(my.buffer, 'r');
}

static void bench_writes(move_fn cold, move_fn warm)
{
	mark(my.buffer, 'w');
	add_pages("write_cold",
		  MEDIAN(make_cold(), cold(MMUN_WRITE), nothing()));
	must_be_marked(my.map, 'w');
	mark(my.buffer, 'x');
	add_pages("write", MEDIAN_OF(warm(MMUN_WRITE)));
	must_be_marked(my.map, 'x');
}

/* @cold accesses pages that have no entries in the shadow; @warm needs them. */
static void bench_moves(move_fn cold, move_fn warm)
{
	if (my.nr > MAX_MOVED)
		return;
	bench_reads(cold, warm);
	bench_writes(cold, warm);
}

static void access_pages(__u32 flags)
{
	__u64 done;

	MUST(!_mmun_access(my.fd, my.id, my.map, my.length, my.buffer, flags,
			   &done) &&
	     done == my.length);
}

static void access_cold(__u32 flags)
{
	snapshot(MMUN_METHOD_HMM_FAULT, flags);
	access_pages(flags);
}

static void bench_pages_of(void)
{
	map_pages(my.kind, my.n);
	my.fd = mmun_open();
	log_off(my.fd);
	insert();
	bench_snapshot("look", MMUN_METHOD_HMM_NOFAULT, 0);
	bench_snapshot("fault", MMUN_METHOD_HMM_FAULT, MMUN_WRITE);
	bench_snapshot("gup", MMUN_METHOD_GUP, MMUN_WRITE);
	bench_first_snapshot();
	bench_floor_look();
	snapshot(MMUN_METHOD_HMM_FAULT, MMUN_WRITE);
	add_pages("verify", MEDIAN_OF(verify()));
	bench_steps();
	bench_moves(access_cold, access_pages);
}

static void run_pages(void)
{
	in_child(bench_pages_of, "interval", SMALL, 1);
	in_child(bench_pages_of, "interval", SMALL, HUGE_PAGES);
	in_child(bench_pages_of, "interval", SMALL, 16384);
	in_child(bench_pages_of, "interval", HUGE, HUGE_PAGES);
	in_child(bench_pages_of, "interval", HUGE, 16384);
}
