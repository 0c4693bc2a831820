// SPDX-License-Identifier: GPL-2.0
/*
 * Measures how much a context slows madvise(), munmap(), mprotect() and fork()
 * in its process, with and without ranges.
 */

enum watcher {
	NONE, /* no context, and no notifier */
	OPEN, /* a context without a range */
	MISS, /* a context with a range over other addresses */
	HIT, /* a range over the pages has a full shadow; the log is off */
	LOGGED, /* like HIT, but the log is on */
};

static void watch(void)
{
	const char *elsewhere = (char *)RANGES_BASE;

	if (my.kind == NONE)
		return;
	my.fd = mmun_open();
	if (my.kind == MISS)
		MUST(!_mmun_insert(my.fd, elsewhere, page_size(), &my.id));
	if (my.kind >= HIT)
		insert();
	if (my.kind == HIT)
		log_off(my.fd);
}

/* Make all pages present.  If a range covers the pages, fill its shadow. */
static void restore(void)
{
	touch(my.map, my.nr);
	if (my.kind >= HIT)
		snapshot(MMUN_METHOD_HMM_FAULT, MMUN_WRITE);
}

static void map_again(void)
{
	map_at(PAGES_BASE);
	restore();
}

static void protect(int prot)
{
	MUST(!mprotect(my.map, my.length, prot));
}

static pid_t fork_now(void)
{
	pid_t pid = syscall(SYS_fork);

	if (!pid)
		_exit(0);
	return pid;
}

/* Add a row.  Check that each operation so far has invalidated the range. */
static void add_mm(const char *op, __u64 cost)
{
	struct mmun_query_range counters;
	static __u64 calls;

	add_call(op, cost);
	calls += NR_SAMPLES;
	MUST(my.kind < HIT || (!_mmun_query_range(my.fd, my.id, &counters) &&
			       counters.out_invalidations >= calls));
}

static void bench_mm_of(void)
{
	pid_t pid;

	map_pages(SMALL, my.n);
	watch();
	restore();
	add_mm("madvise",
	       MEDIAN(restore(), madvise(my.map, my.length, MADV_DONTNEED),
		      nothing()));
	add_mm("mprotect", MEDIAN((protect(PROT_READ | PROT_WRITE), restore()),
				  protect(PROT_READ), nothing()));
	protect(PROT_READ | PROT_WRITE);
	add_mm("fork", MEDIAN(restore(), pid = fork_now(),
			      MUST(waitpid(pid, NULL, 0) == pid)));
	munmap(my.map, my.length);
	add_mm("munmap", MEDIAN(map_again(), MUST(!munmap(my.map, my.length)),
				nothing()));
}

/* The rows of HIT have the scheme "interval", like the rows of other files. */
static void run_mm(void)
{
	static const char *const schemes[] = { "none", "open", "miss",
					       "interval", "logged" };

	for (int watcher = NONE; watcher <= LOGGED; watcher++) {
		in_child(bench_mm_of, schemes[watcher], watcher, 1);
		in_child(bench_mm_of, schemes[watcher], watcher, HUGE_PAGES);
	}
}
