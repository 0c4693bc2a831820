// SPDX-License-Identifier: GPL-2.0
/*
 * The command line.  scripts/options/values-stress.sh checks the same values.
 */

static int show_usage(const char *name)
{
	fprintf(stderr,
		"usage: %s [-t threads] [-p processes] [-s seconds] [-n calls] [-S seed]\n"
		"       [-w operation=weight,...] [-z MiB] [-v] [-l]\n"
		"  -t  threads of each process, 1 to %d [%d]\n"
		"  -p  processes, 1 to %d [%d]\n"
		"  -s  seconds; 0: until each thread has made its calls [%d]\n"
		"  -n  maximum of calls of each thread [no limit]\n"
		"  -S  seed of the random numbers [MMUN_SEED, or a new one]\n"
		"  -w  weights; \"all\" stands for each operation\n"
		"  -z  size of a swap area on /dev/zram0 during the run [0: none]\n"
		"  -v  print progress every five seconds [if stdout is a terminal]\n"
		"  -l  list the operations and their weights\n",
		name, MAX_THREADS, options.threads, MAX_PROCESSES,
		options.processes, options.seconds);
	return 2;
}

static int list_ops(void)
{
	const struct op *op;

	for (op = ops; op->name; op++)
		printf("%-16s %d\n", op->name, op->weight);
	return 0;
}

static int set_number(int *number, const char *text, int least, int most)
{
	*number = atoi(text);
	return *number >= least && *number <= most ? 0 : -1;
}

/* Every operation also has the name "all". */
static int set_weight(const char *name, const char *text)
{
	int i, ret = -1;

	for (i = 0; ops[i].name; i++) {
		if (strcmp(name, "all") && strcmp(name, ops[i].name))
			continue;
		ret = set_number(&options.weights[i], text, 0, 1000000);
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

static void set_defaults(void)
{
	const char *seed = getenv("MMUN_SEED");
	int i;

	for (i = 0; ops[i].name; i++)
		options.weights[i] = ops[i].weight;
	options.seed = seed && *seed ? strtoull(seed, NULL, 0) :
				       now_ns() ^ getpid();
	options.progress = isatty(STDOUT_FILENO);
}

static int set_option(int option, char *value)
{
	switch (option) {
	case 't':
		return set_number(&options.threads, value, 1, MAX_THREADS);
	case 'p':
		return set_number(&options.processes, value, 1, MAX_PROCESSES);
	case 's':
		return set_number(&options.seconds, value, 0, 80000);
	case 'z':
		return set_number(&options.swap_mib, value, 0, 2047);
	case 'n':
		options.calls = strtoull(value, NULL, 0);
		return 0;
	case 'S':
		options.seed = strtoull(value, NULL, 0);
		return 0;
	case 'w':
		return set_weights(value);
	case 'v':
		options.progress = true;
		return 0;
	default:
		return -1;
	}
}

static bool options_are_sound(void)
{
	int i;

	for (i = 0; ops[i].name; i++)
		options.total_weight += options.weights[i];
	return (options.seconds || options.calls) && options.total_weight > 0;
}
