// SPDX-License-Identifier: GPL-2.0
/*
 * Prints the results of the stress test as diagnostic lines of KTAP.
 */

static double seconds_since(__u64 began)
{
	return (now_ns() - began) / 1e9;
}

static void report_op(int op, double seconds)
{
	const atomic_ullong *results = shared->results[op];
	const char *comma = "";

	printf("# %-16s %10llu %10.1f %10llu  ", ops[op].name, results[0],
	       results[0] / seconds, results[IDLE]);
	for (int e = 1; e < IDLE; e++) {
		if (!results[e])
			continue;
		printf("%s%s %llu", comma, strerrorname_np(e), results[e]);
		comma = ", ";
	}
	printf("\n");
}

static void report_ops(double seconds)
{
	__u64 total = 0;

	printf("# %-16s %10s %10s %10s  %s\n", "operation", "done", "per s",
	       "idle", "errors");
	for (int op = 0; ops[op].name; op++) {
		report_op(op, seconds);
		total += shared->results[op][0];
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
