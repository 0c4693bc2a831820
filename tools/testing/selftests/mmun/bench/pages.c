// SPDX-License-Identifier: GPL-2.0
/*
 * What is done page by page: SNAPSHOT, VERIFY, the steps one by one, ACCESS.
 */

/* Aligned for pages of any size. */
#define PAGES_BASE	0x200000000000UL
#define HUGE_PAGES	512UL
#define HUGE_ORDER	9

/* To move 4 KiB is thousands of instructions, of which a few pages tell all. */
#define MAX_MOVED	512

enum page_kind {
	SMALL,
	HUGE,
};

static const char *const page_names[] = {
	[SMALL] = "4k",
	[HUGE] = "thp",
};

/* A mapping that is looked at, and the range over it. */
struct subject {
	int fd;
	__u32 id;
	char *map;
	char *buffer;
	size_t length;
	__u64 nr;
	int kind;
	__u64 pages[16384];
};

static struct subject subject;

static char *map_fixed(unsigned long addr, size_t length)
{
	char *map = mmap((void *)addr, length, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			 0);

	MUST(map == (char *)addr);
	return map;
}

static void touch(char *map, __u64 nr)
{
	__u64 i;

	for (i = 0; i < nr; i++)
		map[i * page_size()] = i;
}

static void map_pages(int kind, __u64 nr)
{
	struct subject *s = &subject;

	s->nr = nr;
	s->kind = kind;
	s->length = nr * page_size();
	s->map = map_fixed(PAGES_BASE, s->length);
	madvise(s->map, s->length,
		kind == HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	touch(s->map, nr);
	s->buffer = map_fixed(2 * PAGES_BASE, s->length);
	touch(s->buffer, nr);
}

static void log_off(int fd)
{
	__u64 lost;

	MUST(!_mmun_log_setup(fd, 0, 0, &lost));
}

static void set_up_subject(int kind, __u64 nr)
{
	map_pages(kind, nr);
	subject.fd = mmun_open();
	log_off(subject.fd);
	MUST(!_mmun_insert(subject.fd, subject.map, subject.length,
			   &subject.id));
}

static void snapshot(__u32 method, __u32 flags)
{
	struct mmun_snapshot cmd = {
		.id = subject.id,
		.start = mmun_u64(subject.map),
		.length = subject.length,
		.method = method,
		.flags = flags,
		.pages = mmun_u64(subject.pages),
	};

	MUST(!_mmun_snapshot(subject.fd, &cmd) &&
	     cmd.out_valid == subject.nr && !cmd.out_retries);
}

/* Each page is delivered: its permissions, its order, a PFN of its own. */
static void must_have_pages(bool orders)
{
	__u64 order = orders && subject.kind == HUGE ? HUGE_ORDER : 0;
	__u64 wanted = MMUN_PAGE_VALID | MMUN_PAGE_WRITE |
		       order << MMUN_PAGE_ORDER_SHIFT;
	__u64 *page = subject.pages, i;

	for (i = 0; i < subject.nr; i++) {
		MUST((page[i] & ~MMUN_PAGE_PFN_MASK) == wanted);
		MUST(!i || page[i] != page[i - 1]);
	}
	memset(page, 0, subject.nr * sizeof(*page));
}

static const char *page_op(const char *name)
{
	static char op[32];

	snprintf(op, sizeof(op), "%s.%s", name, page_names[subject.kind]);
	return op;
}

static void add_pages(const char *name, const char *scheme, __u64 cost)
{
	add_row(page_op(name), scheme, subject.nr, "page", subject.nr, cost);
}

static void bench_snapshots(void)
{
	struct subject *s = &subject;

	snapshot(MMUN_METHOD_HMM_NOFAULT, 0);
	add_pages("look", "interval",
		  MEDIAN(nothing(), snapshot(MMUN_METHOD_HMM_NOFAULT, 0), nothing()));
	must_have_pages(true);
	add_pages("fault", "interval",
		  MEDIAN(nothing(), snapshot(MMUN_METHOD_HMM_FAULT, MMUN_WRITE),
			 nothing()));
	must_have_pages(true);
	add_pages("gup", "interval",
		  MEDIAN(nothing(), snapshot(MMUN_METHOD_GUP, MMUN_WRITE),
			 nothing()));
	must_have_pages(false);
	MUST(!_mmun_remove(s->fd, s->id));
	add_pages("look_first", "interval",
		  MEDIAN(MUST(!_mmun_insert(s->fd, s->map, s->length, &s->id)),
			 snapshot(MMUN_METHOD_HMM_NOFAULT, 0),
			 MUST(!_mmun_remove(s->fd, s->id))));
	must_have_pages(true);
	MUST(!_mmun_insert(s->fd, s->map, s->length, &s->id));
}

static __u64 floor_look(int fd)
{
	struct mmun_floor_look cmd;

	MUST(!_floor_look(fd, mmun_u64(subject.map), subject.length, &cmd) &&
	     cmd.out_valid == subject.nr);
	return cmd.out_cost;
}

static void bench_floor_look(void)
{
	struct mmun_floor_insert cmd;
	__u64 samples[NR_SAMPLES], cost;
	int i, fd = floor_open();

	MUST(!_floor_insert(fd, mmun_u64(subject.map), subject.length, 0, 1,
			    &cmd));
	for (i = 0; i < NR_SAMPLES; i++)
		samples[i] = floor_look(fd);
	cost = median(samples);
	add_pages("look", "floor", cost);
	add_pages("look_first", "floor", cost);
	add_pages("verify", "floor", cost);
	add_pages("collect", "floor", cost);
	MUST(!close(fd));
}

static void verify(void)
{
	struct mmun_verify cmd;

	MUST(!_mmun_verify(subject.fd, subject.id, &cmd) &&
	     cmd.out_result == MMUN_VERIFY_AGREES &&
	     cmd.out_checked == subject.nr);
}

static void bench_verify(void)
{
	snapshot(MMUN_METHOD_HMM_FAULT, MMUN_WRITE);
	add_pages("verify", "interval", MEDIAN(nothing(), verify(), nothing()));
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

static void check_retry(__u64 seq)
{
	__u32 retry;

	MUST(!_mmun_check_retry(subject.fd, subject.id, seq, &retry) && !retry);
}

static void bench_steps(void)
{
	struct mmun_token token;

	if (subject.nr == 1) {
		add_row("begin", "interval", 1, "call", 1,
			MEDIAN(nothing(), begin(&token),
			       _mmun_abandon(subject.fd, token)));
		add_row("abandon", "interval", 1, "call", 1,
			MEDIAN(begin(&token),
			       MUST(!_mmun_abandon(subject.fd, token)),
			       nothing()));
		add_row("check_retry", "interval", 1, "call", 1,
			MEDIAN(nothing(), check_retry(token.seq), nothing()));
	}
	add_pages("collect", "interval",
		  MEDIAN(begin(&token), collect(token), commit(token)));
	add_pages("commit", "interval",
		  MEDIAN((begin(&token), collect(token)), commit(token),
			 nothing()));
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

/* All pages are there, and no mirror has them. */
static void chill(void)
{
	MUST(!madvise(subject.map, subject.length, MADV_DONTNEED));
	touch(subject.map, subject.nr);
}

static char *page_at(char *base, __u64 i)
{
	return base + i * page_size();
}

/* What is to be moved differs from what is there, in every page. */
static void mark(char *base, char what)
{
	__u64 i;

	for (i = 0; i < subject.nr; i++)
		page_at(base, i)[i % page_size()] = what;
}

static void must_be_marked(char *base, char what)
{
	__u64 i;

	for (i = 0; i < subject.nr; i++)
		MUST(page_at(base, i)[i % page_size()] == what);
}

static void bench_reads(void)
{
	add_pages("read_cold", "interval",
		  MEDIAN(chill(), access_cold(0), nothing()));
	mark(subject.map, 'r');
	add_pages("read", "interval",
		  MEDIAN(nothing(), access_pages(0), nothing()));
	must_be_marked(subject.buffer, 'r');
}

static void bench_writes(void)
{
	mark(subject.buffer, 'w');
	add_pages("write_cold", "interval",
		  MEDIAN(chill(), access_cold(MMUN_WRITE), nothing()));
	must_be_marked(subject.map, 'w');
	mark(subject.buffer, 'x');
	add_pages("write", "interval",
		  MEDIAN(nothing(), access_pages(MMUN_WRITE), nothing()));
	must_be_marked(subject.map, 'x');
}

static void bench_pages_of(int kind, __u64 nr)
{
	set_up_subject(kind, nr);
	bench_snapshots();
	bench_floor_look();
	bench_verify();
	bench_steps();
	if (nr > MAX_MOVED)
		return;
	bench_reads();
	bench_writes();
}

static void bench_pages(void)
{
	in_child(bench_pages_of, SMALL, 1);
	in_child(bench_pages_of, SMALL, HUGE_PAGES);
	in_child(bench_pages_of, SMALL, 16384);
	in_child(bench_pages_of, HUGE, HUGE_PAGES);
	in_child(bench_pages_of, HUGE, 16384);
}
