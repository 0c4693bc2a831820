// SPDX-License-Identifier: GPL-2.0
/*
 * The results, as diagnostic lines of KTAP.
 */

static double seconds_since(__u64 began)
{
	return (now_ns() - began) / 1e9;
}

static void report_errors(int op)
{
	const char *comma = "";
	__u64 count;
	int e;

	for (e = 0; e < MAX_ERRNO; e++) {
		count = shared->errors[op][e];
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
		done = shared->done[i];
		total += done;
		printf("# %-16s %10llu %10.1f %10llu  ", ops[i].name, done,
		       done / seconds, shared->idle[i]);
		report_errors(i);
		printf("\n");
	}
	printf("# %-16s %10llu %10.1f\n", "all", total, total / seconds);
}

#define PRINT_COUNTER(name, text) \
	printf("# %-44s %12llu\n", text, shared->name);

static void report(__u64 began)
{
	report_ops(seconds_since(began));
	COUNTERS(PRINT_COUNTER)
}

static void report_progress(__u64 began)
{
	printf("# %6.1f s  %llu calls, %llu ranges, %llu batches, %llu reads, %llu retries\n",
	       seconds_since(began), shared->calls, shared->ranges_open,
	       shared->batches_open, shared->compared, shared->retries);
	fflush(stdout);
}
