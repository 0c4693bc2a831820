// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of a context for its process: madvise(), munmap(), mprotect() and
 * fork() of some pages, with and without ranges.
 */

/* The rows with a range over the pages are compared as "interval". */
enum watcher {
	NONE, /* no context, and no notifier */
	OPEN, /* a context without a range */
	MISS, /* a range elsewhere */
	HIT, /* a range over the pages, its shadow filled, the log off */
	LOGGED, /* the same with the log on */
};

static const char *const watcher_names[] = { "none", "open", "miss", "interval",
					     "logged" };

static void watch(int watcher)
{
	const char *elsewhere = (char *)RANGES_BASE;

	if (watcher == NONE)
		return;
	subject.fd = mmun_open();
	if (watcher == MISS)
		MUST(!_mmun_insert(subject.fd, elsewhere, page_size(),
				   &subject.id));
	if (watcher >= HIT)
		insert();
	if (watcher == HIT)
		log_off(subject.fd);
}

/* Make all pages present, and fill their entries in the shadow. */
static void restore(int watcher)
{
	touch(subject.map, subject.nr);
	if (watcher >= HIT)
		snapshot(MMUN_METHOD_HMM_FAULT, MMUN_WRITE);
}

static void map_again(int watcher)
{
	map_at(PAGES_BASE);
	restore(watcher);
}

static void protect(int prot)
{
	MUST(!mprotect(subject.map, subject.length, prot));
}

static pid_t fork_now(void)
{
	pid_t pid = syscall(SYS_fork);

	if (!pid)
		_exit(0);
	return pid;
}

/* Each sample of each operation so far must have called the range. */
static void add_mm(const char *op, int watcher, __u64 cost)
{
	struct mmun_query_range counters;
	static __u64 calls;

	add_call(op, watcher_names[watcher], subject.nr, cost);
	calls += NR_SAMPLES;
	MUST(watcher < HIT ||
	     (!_mmun_query_range(subject.fd, subject.id, &counters) &&
	      counters.out_invalidations >= calls));
}

static void bench_mm_of(int watcher, __u64 nr)
{
	pid_t pid;

	map_pages(SMALL, nr);
	watch(watcher);
	restore(watcher);
	add_mm("madvise", watcher,
	       MEDIAN(restore(watcher),
		      madvise(subject.map, subject.length, MADV_DONTNEED),
		      nothing()));
	add_mm("mprotect", watcher,
	       MEDIAN((protect(PROT_READ | PROT_WRITE), restore(watcher)),
		      protect(PROT_READ), nothing()));
	protect(PROT_READ | PROT_WRITE);
	add_mm("fork", watcher,
	       MEDIAN(restore(watcher), pid = fork_now(),
		      MUST(waitpid(pid, NULL, 0) == pid)));
	munmap(subject.map, subject.length);
	add_mm("munmap", watcher,
	       MEDIAN(map_again(watcher),
		      MUST(!munmap(subject.map, subject.length)), nothing()));
}

static void bench_mm(void)
{
	int watcher;

	for (watcher = NONE; watcher <= LOGGED; watcher++) {
		in_child(bench_mm_of, watcher, 1);
		in_child(bench_mm_of, watcher, HUGE_PAGES);
	}
}
