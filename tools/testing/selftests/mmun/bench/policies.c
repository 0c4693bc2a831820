// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what a policy saves.  A device reads all pages of a mapping again and
 * again, and an operation of the process comes between two reads.  The cost is
 * that of the operation, with its callback, and of the SNAPSHOT of all pages.
 * The SNAPSHOT is necessary only if ACCESS fails for a page.  The cost does not
 * include ACCESS, because a device reads memory without the CPU.
 */

/**
 * struct load - an operation, and what comes after it
 * @name: the name of the rows
 * @mutate: the operation, which is measured
 * @restore: what makes all pages present again, which is not measured
 */
struct load {
	const char *name;
	void (*mutate)(void);
	void (*restore)(void);
};

/*
 * "drop" is a driver that keeps the tables of its device for ever.
 * "free_always" is a driver that frees the tables whenever they become empty,
 * as it must if invalidations have no event.  "event" uses all events.
 */
static const struct policy_row {
	const char *name;
	__u32 policy;
} policy_rows[] = {
	{ "drop", 0 },
	{ "free_always", MMUN_POLICY_FREE_ALWAYS },
	{ "event", MMUN_POLICY_SOFT_DIRTY | MMUN_POLICY_PROTECTION_PAGE |
			   MMUN_POLICY_FREE_ON_UNMAP },
};

static pid_t load_pid;

static void load_munmap(void)
{
	MUST(!munmap(my.map, my.length));
}

static void load_map_again(void)
{
	map_at(PAGES_BASE);
	touch(my.map, my.nr);
}

static void load_dontneed(void)
{
	MUST(!madvise(my.map, my.length, MADV_DONTNEED));
}

static void load_touch(void)
{
	touch(my.map, my.nr);
}

static void load_fork(void)
{
	load_pid = fork_now();
}

static void load_reap(void)
{
	MUST(waitpid(load_pid, NULL, 0) == load_pid);
}

static void load_clear_refs(void)
{
	MUST(!mmun_write_file("/proc/self/clear_refs", "4"));
}

static const struct load loads[] = {
	{ "munmap", load_munmap, load_map_again },
	{ "dontneed", load_dontneed, load_touch },
	{ "fork", load_fork, load_reap },
	{ "clear_refs", load_clear_refs, nothing },
};

/* Let the device read one byte of each page.  Returns the number of failures. */
static __u64 read_pages(void)
{
	__u64 done, failures = 0;
	char byte;

	for (__u64 i = 0; i < my.nr; i++)
		failures += !!_mmun_access(my.fd, my.id,
					   my.map + i * page_size(), 1, &byte,
					   0, &done);
	return failures;
}

/* Returns the cost of one operation and of the snapshot, if it is necessary. */
static __u64 load_once(const struct load *load)
{
	__u64 cost = COST(load->mutate());

	load->restore();
	if (read_pages())
		cost += COST(snapshot(MMUN_METHOD_HMM_FAULT, 0));
	MUST(!read_pages());
	return cost;
}

static void insert_with(__u32 policy)
{
	struct mmun_span span = {
		.start = mmun_u64(my.map),
		.length = my.length,
	};
	__u64 done;

	MUST(!_mmun_insert_policy(my.fd, MMUN_KIND_INTERVAL, policy, &span,
				  &done));
	my.id = span.id;
}

/* Add rows with the work that the callbacks of NR_SAMPLES operations saved. */
static void add_saved(const char *load)
{
	struct mmun_query_range range;

	MUST(!_mmun_query_range(my.fd, my.id, &range));
	add_row("entry", NR_SAMPLES, range.out_kept, "load.%s.kept", load);
	add_row("entry", NR_SAMPLES, range.out_kept_accesses, "load.%s.used",
		load);
	add_row("table", NR_SAMPLES, range.out_kept_tables, "load.%s.tables",
		load);
}

static void bench_load(const struct load *load, __u32 policy)
{
	__u64 samples[NR_SAMPLES];

	insert_with(policy);
	touch(my.map, my.nr);
	snapshot(MMUN_METHOD_HMM_FAULT, 0);
	for (int i = 0; i < NR_SAMPLES; i++)
		samples[i] = load_once(load);
	add_row("call", 1, median(samples), "load.%s", load->name);
	add_saved(load->name);
	MUST(!_mmun_remove(my.fd, my.id));
}

static void bench_policy(void)
{
	const __u32 policy = my.kind;

	map_pages(SMALL, my.n);
	my.fd = mmun_open();
	log_off(my.fd);
	for (int i = 0; i < ARRAY_SIZE(loads); i++)
		bench_load(&loads[i], policy);
}

static void run_policies(void)
{
	const struct policy_row *policy = policy_rows;

	for (int i = 0; i < ARRAY_SIZE(policy_rows); i++, policy++) {
		in_child(bench_policy, policy->name, policy->policy, 1);
		in_child(bench_policy, policy->name, policy->policy,
			 HUGE_PAGES);
		in_child(bench_policy, policy->name, policy->policy, 16384);
	}
}
