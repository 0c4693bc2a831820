// SPDX-License-Identifier: GPL-2.0
/*
 * What happened, as diagnostic lines of KTAP.
 */

static double seconds_since(__u64 began)
{
	return (now_ns() - began) / 1e9;
}

static __u64 sum(const struct actor *first, const __u64 *counter)
{
	size_t offset = (const char *)counter - (const char *)first;
	__u64 total = 0;
	int p, t;

	for (p = 0; p < shared->processes; p++)
		for (t = 0; t < shared->threads; t++)
			total += get((__u64 *)((char *)&shared->actors[p][t] +
					       offset));
	return total;
}

static void report_errors(const struct actor *first, int op)
{
	const char *comma = "";
	__u64 count;
	int e;

	for (e = 0; e < MAX_ERRNO; e++) {
		count = sum(first, &first->errors[op][e]);
		if (!count)
			continue;
		printf("%s%s %llu", comma, strerrorname_np(e),
		       (unsigned long long)count);
		comma = ", ";
	}
}

static void report_ops(double seconds)
{
	const struct actor *first = &shared->actors[0][0];
	__u64 done, total = 0;
	int i;

	printf("# %-16s %10s %10s %10s  %s\n", "operation", "done", "per s",
	       "idle", "errors");
	for (i = 0; ops[i].name; i++) {
		done = sum(first, &first->done[i]);
		total += done;
		printf("# %-16s %10llu %10.1f %10llu  ", ops[i].name,
		       (unsigned long long)done, done / seconds,
		       (unsigned long long)sum(first, &first->idle[i]));
		report_errors(first, i);
		printf("\n");
	}
	printf("# %-16s %10llu %10.1f\n", "all",
	       (unsigned long long)total, total / seconds);
}

static void report_number(const char *what, __u64 number)
{
	printf("# %-44s %12llu\n", what, (unsigned long long)number);
}

static void report_depth(void)
{
	report_number("invalidations of a range", shared->invalidations);
	report_number("refused by it", shared->refused);
	report_number("commits, snapshots included", shared->commits);
	report_number("collisions", shared->collisions);
	report_number("retries of snapshots", shared->retries);
	report_number("device reads compared", shared->compared);
	report_number("records read", shared->records);
	report_number("records lost to a full log", shared->lost);
	report_number("most retries of one snapshot", shared->most_retries);
	report_number("most batches open", shared->most_batches);
	report_number("most ranges", shared->most_ranges);
	report_number("most ranges hit by one invalidation", shared->most_hit);
	report_number("most invalidations while a batch was open",
		      shared->most_between);
	report_number("longest callback, microseconds",
		      shared->longest_callback / 1000);
	report_number("most memory of the driver seen, KiB",
		      shared->most_memory / 1024);
}

static void report(__u64 began)
{
	report_ops(seconds_since(began));
	report_depth();
}

static void report_progress(__u64 began)
{
	const struct actor *first = &shared->actors[0][0];

	printf("# %6.1f s  %llu calls, %llu ranges, %llu batches, %llu reads, %llu retries\n",
	       seconds_since(began),
	       (unsigned long long)sum(first, &first->calls),
	       (unsigned long long)get(&shared->ranges_open),
	       (unsigned long long)get(&shared->batches_open),
	       (unsigned long long)get(&shared->compared),
	       (unsigned long long)get(&shared->retries));
	fflush(stdout);
}
