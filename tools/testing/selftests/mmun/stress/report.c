// SPDX-License-Identifier: GPL-2.0
/*
 * The results, as diagnostic lines of KTAP.
 */

/* In sum(), the first actor stands for all actors. */
#define FIRST (shared->actors[0])

static double seconds_since(__u64 began)
{
	return (now_ns() - began) / 1e9;
}

/*
 * Returns the sum of one counter over all actors.  @counter points to that
 * counter in FIRST.
 */
static __u64 sum(const __u64 *counter)
{
	size_t offset = (const char *)counter - (const char *)&FIRST;
	__u64 total = 0;
	int i;

	for (i = 0; i < count_actors(); i++)
		total += get((__u64 *)((char *)&shared->actors[i] + offset));
	return total;
}

static void report_errors(int op)
{
	const char *comma = "";
	__u64 count;
	int e;

	for (e = 0; e < MAX_ERRNO; e++) {
		count = sum(&FIRST.errors[op][e]);
		if (!count)
			continue;
		printf("%s%s %llu", comma, strerrorname_np(e), count);
		comma = ", ";
	}
}

static void report_ops(double seconds)
{
	__u64 done, total = 0;
	int i;

	printf("# %-16s %10s %10s %10s  %s\n", "operation", "done", "per s",
	       "idle", "errors");
	for (i = 0; ops[i].name; i++) {
		done = sum(&FIRST.done[i]);
		total += done;
		printf("# %-16s %10llu %10.1f %10llu  ", ops[i].name, done,
		       done / seconds, sum(&FIRST.idle[i]));
		report_errors(i);
		printf("\n");
	}
	printf("# %-16s %10llu %10.1f\n", "all", total, total / seconds);
}

static void report(__u64 began)
{
	const struct {
		const char *what;
		__u64 number;
	} rows[] = {
		{ "invalidations of a range", shared->invalidations },
		{ "refused invalidations", shared->refused },
		{ "commits, snapshots included", shared->commits },
		{ "collisions", shared->collisions },
		{ "retries of snapshots", shared->retries },
		{ "device reads compared", shared->compared },
		{ "records read", shared->records },
		{ "records lost to a full log", shared->lost },
		{ "most retries of one snapshot", shared->most_retries },
		{ "most batches open", shared->most_batches },
		{ "most ranges", shared->most_ranges },
		{ "most ranges hit by one invalidation", shared->most_hit },
		{ "most invalidations while a batch was open",
		  shared->most_between },
		{ "longest callback, microseconds",
		  shared->longest_callback / 1000 },
		{ "most objects of the driver", shared->most_objects },
	};
	size_t i;

	report_ops(seconds_since(began));
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		printf("# %-44s %12llu\n", rows[i].what, rows[i].number);
}

static void report_progress(__u64 began)
{
	printf("# %6.1f s  %llu calls, %llu ranges, %llu batches, %llu reads, %llu retries\n",
	       seconds_since(began), sum(&FIRST.calls),
	       get(&shared->ranges_open), get(&shared->batches_open),
	       get(&shared->compared), get(&shared->retries));
	fflush(stdout);
}
