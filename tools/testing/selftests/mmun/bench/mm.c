// SPDX-License-Identifier: GPL-2.0
/*
 * What a process pays that has a context: for madvise, munmap, mprotect and fork
 * of 512 pages, that no context knows of, or some range or one of theirs.
 */

enum watcher {
	NONE,		/* no context, and no notifier */
	OPEN,		/* a context without a range */
	MISS,		/* a range elsewhere */
	HIT,		/* a range over the pages, its shadow filled, the log off */
	LOGGED,		/* the same with the log on */
};

static const char *const watcher_names[] = {
	[NONE] = "none",
	[OPEN] = "open",
	[MISS] = "miss",
	[HIT] = "interval",
	[LOGGED] = "logged",
};

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
		MUST(!_mmun_insert(subject.fd, subject.map, subject.length,
				   &subject.id));
	if (watcher == HIT)
		log_off(subject.fd);
}

/* Everything is as if nothing had happened yet. */
static void restore(int watcher)
{
	touch(subject.map, subject.nr);
	if (watcher >= HIT)
		snapshot(MMUN_METHOD_HMM_FAULT, MMUN_WRITE);
}

static void map_again(int watcher)
{
	map_fixed(PAGES_BASE, subject.length);
	madvise(subject.map, subject.length, MADV_NOHUGEPAGE);
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

static void add_mm(const char *op, int watcher, __u64 cost)
{
	add_row(op, watcher_names[watcher], subject.nr, "call", 1, cost);
}

static void must_be_called(int watcher, __u64 times)
{
	struct mmun_query_range counters;

	if (watcher < HIT)
		return;
	MUST(!_mmun_query_range(subject.fd, subject.id, &counters));
	MUST(counters.out_invalidations >= times);
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
	must_be_called(watcher, NR_SAMPLES);
	add_mm("mprotect", watcher,
	       MEDIAN((protect(PROT_READ | PROT_WRITE), restore(watcher)),
		      protect(PROT_READ), nothing()));
	must_be_called(watcher, 2 * NR_SAMPLES);
	protect(PROT_READ | PROT_WRITE);
	add_mm("fork", watcher,
	       MEDIAN(restore(watcher), pid = fork_now(),
		      MUST(waitpid(pid, NULL, 0) == pid)));
	must_be_called(watcher, 3 * NR_SAMPLES);
	munmap(subject.map, subject.length);
	add_mm("munmap", watcher,
	       MEDIAN(map_again(watcher),
		      MUST(!munmap(subject.map, subject.length)), nothing()));
	must_be_called(watcher, 4 * NR_SAMPLES);
}

static void bench_mm(void)
{
	int watcher;

	for (watcher = NONE; watcher <= LOGGED; watcher++) {
		in_child(bench_mm_of, watcher, 1);
		in_child(bench_mm_of, watcher, HUGE_PAGES);
	}
}
