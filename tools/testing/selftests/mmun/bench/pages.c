// SPDX-License-Identifier: GPL-2.0
/*
 * Calls whose cost depends on the number of pages: SNAPSHOT, VERIFY, the steps of a
 * batch, ACCESS.
 */

/* The address is aligned for pages of any size. */
#define PAGES_BASE 0x200000000000UL
#define HUGE_PAGES 512UL
#define HUGE_ORDER 9

/* Most of the cost of ACCESS is the copy, which is the same for each page. */
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
	char *map = mmun_map((char *)addr, subject.length);

	MUST(map);
	return map;
}

static void map_pages(int kind, __u64 nr)
{
	struct subject *s = &subject;

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
	MUST(!_mmun_insert(subject.fd, subject.map, subject.length,
			   &subject.id));
}

static void snapshot(__u32 method, __u32 flags)
{
	struct mmun_snapshot cmd;

	cmd = MMUN_SNAPSHOT_OF(subject.id, subject.map, subject.length, method,
			       flags);
	cmd.pages = mmun_u64(subject.pages);
	MUST(!_mmun_snapshot(subject.fd, &cmd) && cmd.out_valid == subject.nr &&
	     !cmd.out_retries);
}

/* Check the permissions, the order and the PFN of each page.  GUP has no orders. */
static void must_have_pages(__u32 method)
{
	bool huge = method != MMUN_METHOD_GUP && subject.huge;
	__u64 order = huge ? HUGE_ORDER : 0, *page = subject.pages;
	__u64 expected = MMUN_PAGE_VALID | MMUN_PAGE_WRITE |
			 order << MMUN_PAGE_ORDER_SHIFT;

	for (__u64 i = 0; i < subject.nr; i++) {
		MUST((page[i] & ~MMUN_PAGE_PFN_MASK) == expected);
		MUST(!i || page[i] != page[i - 1]);
	}
	memset(page, 0, subject.nr * sizeof(*page));
}

static void add_pages(const char *name, __u64 cost)
{
	add_row("page", subject.nr, cost, "%s.%s", name,
		subject.huge ? "thp" : "4k");
}

static void bench_snapshot(const char *name, __u32 method, __u32 flags)
{
	snapshot(method, flags);
	add_pages(name, MEDIAN_OF(snapshot(method, flags)));
	must_have_pages(method);
}

static void bench_first_snapshot(void)
{
	MUST(!_mmun_remove(subject.fd, subject.id));
	add_pages("look_first",
		  MEDIAN(insert(), snapshot(MMUN_METHOD_HMM_NOFAULT, 0),
			 MUST(!_mmun_remove(subject.fd, subject.id))));
	must_have_pages(MMUN_METHOD_HMM_NOFAULT);
	insert();
}

static __u64 floor_look(int fd)
{
	struct mmun_floor_cmd cmd;

	MUST(!floor_call(fd, LOOK, &cmd, .start = mmun_u64(subject.map),
			 .length = subject.length) &&
	     cmd.out_count == subject.nr);
	return cmd.out_cost;
}

/* One call of the core does the work of four operations. */
static void bench_floor_look(void)
{
	__u64 samples[NR_SAMPLES], cost;
	struct mmun_floor_cmd cmd;
	int fd = floor_open();

	MUST(!floor_call(fd, INSERT, &cmd, .start = mmun_u64(subject.map),
			 .length = subject.length, .count = 1));
	for (int i = 0; i < NR_SAMPLES; i++)
		samples[i] = floor_look(fd);
	cost = median(samples);
	subject.scheme = "floor";
	add_pages("look", cost);
	add_pages("look_first", cost);
	add_pages("verify", cost);
	add_pages("collect", cost);
	subject.scheme = "interval";
	MUST(!close(fd));
}

static void verify(void)
{
	struct mmun_verify cmd;

	MUST(!_mmun_verify(subject.fd, subject.id, &cmd) &&
	     cmd.out_result == MMUN_VERIFY_AGREES &&
	     cmd.out_checked == subject.nr);
}

static void begin(struct mmun_token *token)
{
	MUST(!_mmun_read_begin(subject.fd, subject.id, token));
}

static void collect(struct mmun_token token)
{
	__u32 valid;

	MUST(!_mmun_collect(subject.fd, token, subject.map, subject.length,
			    MMUN_METHOD_HMM_NOFAULT, 0, &valid) &&
	     valid == subject.nr);
}

static void commit(struct mmun_token token)
{
	struct mmun_commit cmd;

	MUST(!_mmun_commit(subject.fd, token, &cmd) && !cmd.out_collided &&
	     cmd.out_published == subject.nr);
}

static void abandon(struct mmun_token token)
{
	MUST(!_mmun_abandon(subject.fd, token));
}

static void check_retry(__u64 seq)
{
	__u32 retry;

	MUST(!_mmun_check_retry(subject.fd, subject.id, seq, &retry) && !retry);
}

static void bench_steps(void)
{
	struct mmun_token token;

	if (subject.nr == 1) {
		add_call("begin",
			 MEDIAN(nothing(), begin(&token), abandon(token)));
		add_call("abandon",
			 MEDIAN(begin(&token), abandon(token), nothing()));
		add_call("check_retry", MEDIAN_OF(check_retry(token.seq)));
	}
	add_pages("collect",
		  MEDIAN(begin(&token), collect(token), commit(token)));
	add_pages("commit", MEDIAN((begin(&token), collect(token)),
				   commit(token), nothing()));
}

/* Make all pages present, and remove their entries from each mirror. */
static void make_cold(void)
{
	MUST(!madvise(subject.map, subject.length, MADV_DONTNEED));
	touch(subject.map, subject.nr);
}

/* Returns a byte of page @page.  The offset differs from page to page. */
static char *byte_of(char *base, __u64 page)
{
	return &base[page * page_size() + page % page_size()];
}

static void mark(char *base, char value)
{
	for (__u64 i = 0; i < subject.nr; i++)
		*byte_of(base, i) = value;
}

static void must_be_marked(char *base, char value)
{
	for (__u64 i = 0; i < subject.nr; i++)
		MUST(*byte_of(base, i) == value);
}

typedef void (*move_fn)(__u32 flags);

static void bench_reads(move_fn cold, move_fn warm)
{
	add_pages("read_cold", MEDIAN(make_cold(), cold(0), nothing()));
	mark(subject.map, 'r');
	add_pages("read", MEDIAN_OF(warm(0)));
	must_be_marked(subject.buffer, 'r');
}

static void bench_writes(move_fn cold, move_fn warm)
{
	mark(subject.buffer, 'w');
	add_pages("write_cold",
		  MEDIAN(make_cold(), cold(MMUN_WRITE), nothing()));
	must_be_marked(subject.map, 'w');
	mark(subject.buffer, 'x');
	add_pages("write", MEDIAN_OF(warm(MMUN_WRITE)));
	must_be_marked(subject.map, 'x');
}

/* Mirrors without an entry for the pages need @cold, and others @warm. */
static void bench_moves(move_fn cold, move_fn warm)
{
	if (subject.nr > MAX_MOVED)
		return;
	bench_reads(cold, warm);
	bench_writes(cold, warm);
}

static void access_pages(__u32 flags)
{
	__u64 done;

	MUST(!_mmun_access(subject.fd, subject.id, subject.map, subject.length,
			   subject.buffer, flags, &done) &&
	     done == subject.length);
}

static void access_cold(__u32 flags)
{
	snapshot(MMUN_METHOD_HMM_FAULT, flags);
	access_pages(flags);
}

static void bench_pages_of(void)
{
	map_pages(subject.kind, subject.n);
	subject.fd = mmun_open();
	log_off(subject.fd);
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
