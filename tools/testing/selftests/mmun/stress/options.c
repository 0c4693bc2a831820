// SPDX-License-Identifier: GPL-2.0
/*
 * Parses the command line. scripts/options/values-stress.sh checks the same
 * values.
 */

/* The options that take a number, and the limits of the number */
/* clang-format off */
static const struct number {
	char letter;
	__u64 *value;
	__u64 least;
	__u64 most;
	const char *help;
} numbers[] = {
	{ 't', &options.threads, 1, MAX_THREADS, "threads of each process" },
	{ 'p', &options.processes, 1, MAX_PROCESSES, "processes" },
	{ 's', &options.seconds, 0, 80000, "seconds; 0: until each thread has made its calls" },
	{ 'n', &options.calls, 0, ~0ULL, "maximum of calls of each thread; 0: no limit" },
	{ 'S', &options.seed, 0, ~0ULL, "seed of the random numbers; also MMUN_SEED" },
	{ 'z', &options.swap_mib, 0, 2047, "MiB of swap on /dev/zram0 during the run" },
};
/* clang-format on */

static int show_usage(const char *name)
{
	const struct number *n;

	fprintf(stderr, "usage: %s [option]...\n", name);
	for (n = numbers; n < numbers + ARRAY_SIZE(numbers); n++)
		fprintf(stderr, "  -%c NUMBER  %s [%llu]; from %llu to %llu\n",
			n->letter, n->help, *n->value, n->least, n->most);
	fprintf(stderr,
		"  -w operation=weight,...  \"all\" stands for each operation\n"
		"  -v  print progress every five seconds [if stdout is a terminal]\n"
		"  -l  list the operations and their weights\n");
	return 2;
}

static int list_ops(void)
{
	for (struct op *op = ops; op->name; op++)
		printf("%-16s %d\n", op->name, op->weight);
	return 0;
}

/* The name "all" sets the weight of every operation. */
static int set_weight(const char *name, const char *text)
{
	int weight = atoi(text), ret = -1;

	for (struct op *op = ops; op->name; op++) {
		if (strcmp(name, "all") && strcmp(name, op->name))
			continue;
		op->weight = weight;
		ret = weight >= 0 && weight <= 1000000 ? 0 : -1;
	}
	return ret;
}

static int set_weights(char *text)
{
	char *word, *name;

	while ((word = strsep(&text, ","))) {
		name = strsep(&word, "=");
		if (!word || set_weight(name, word))
			return -1;
	}
	return 0;
}

static int set_number(const struct number *n, const char *text)
{
	__u64 value = strtoull(text, NULL, 0);

	if (value < n->least || value > n->most)
		return -1;
	*n->value = value;
	return 0;
}

static int set_option(int option, char *value)
{
	const struct number *n;

	for (n = numbers; n < numbers + ARRAY_SIZE(numbers); n++)
		if (option == n->letter)
			return set_number(n, value);
	if (option == 'w')
		return set_weights(value);
	options.progress |= option == 'v';
	return option == 'v' ? 0 : -1;
}

/* Exits if the command line is wrong, or requests the list of operations. */
static void parse_options(int argc, char **argv)
{
	const char *seed = getenv("MMUN_SEED");
	int option;

	options.seed = seed && *seed ? strtoull(seed, NULL, 0) :
				       now_ns() ^ getpid();
	options.progress = isatty(STDOUT_FILENO);
	while ((option = getopt(argc, argv, "t:p:s:n:S:w:z:vl")) >= 0) {
		if (option == 'l')
			exit(list_ops());
		if (set_option(option, optarg))
			exit(show_usage(argv[0]));
	}
	for (struct op *op = ops; op->name; op++)
		options.total_weight += op->weight;
	if (optind < argc || !options.total_weight ||
	    !(options.seconds || options.calls))
		exit(show_usage(argv[0]));
}
