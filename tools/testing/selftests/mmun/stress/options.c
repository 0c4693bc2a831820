// SPDX-License-Identifier: GPL-2.0
/*
 * The command line.
 */

struct options {
	int processes;
	int threads;
	int seconds;
	__u64 calls;
	__u64 seed;
	int swap_mib;
	bool progress;
	int weights[MAX_OPS];
	int total_weight;
};

static struct options options = {
	.processes = 2,
	.threads = 4,
	.seconds = 10,
};

static int show_usage(const char *name)
{
	fprintf(stderr,
		"usage: %s [-t threads] [-p processes] [-s seconds] [-n calls] [-S seed]\n"
		"       [-w operation=weight,...] [-z MiB] [-v] [-l]\n"
		"  -t  threads of each process, 1 to %d [%d]\n"
		"  -p  processes, 1 to %d [%d]\n"
		"  -s  seconds; 0: until each thread has made its calls [%d]\n"
		"  -n  calls of each thread at most [no limit]\n"
		"  -S  seed of the schedules [MMUN_SEED, or a new one]\n"
		"  -w  weights; \"all\" stands for each operation\n"
		"  -z  swap on /dev/zram0 of that size meanwhile [0: none]\n"
		"  -v  a line of progress every five seconds [on a terminal]\n"
		"  -l  list the operations and their weights\n",
		name, MAX_THREADS, options.threads, MAX_PROCESSES,
		options.processes, options.seconds);
	return 2;
}

static int list_ops(void)
{
	int i;

	for (i = 0; ops[i].name; i++)
		printf("%-16s %d\n", ops[i].name, ops[i].weight);
	return 0;
}

static int set_weight(const char *name, int weight)
{
	bool all = !strcmp(name, "all"), found = all;
	int i;

	for (i = 0; ops[i].name; i++) {
		if (!all && strcmp(name, ops[i].name))
			continue;
		options.weights[i] = weight;
		found = true;
	}
	return found && weight >= 0 && weight <= 1000000 ? 0 : -1;
}

static int set_weights(char *text)
{
	char *save, *word, *value;

	for (word = strtok_r(text, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		value = strchr(word, '=');
		if (!value)
			return -1;
		*value++ = '\0';
		if (set_weight(word, atoi(value)))
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
		options.threads = atoi(value);
		break;
	case 'p':
		options.processes = atoi(value);
		break;
	case 's':
		options.seconds = atoi(value);
		break;
	case 'n':
		options.calls = strtoull(value, NULL, 0);
		break;
	case 'S':
		options.seed = strtoull(value, NULL, 0);
		break;
	case 'w':
		return set_weights(value);
	case 'z':
		options.swap_mib = atoi(value);
		break;
	case 'v':
		options.progress = true;
		break;
	default:
		return -1;
	}
	return 0;
}

static bool options_are_sound(void)
{
	int i;

	for (i = 0; ops[i].name; i++)
		options.total_weight += options.weights[i];
	return options.threads > 0 && options.threads <= MAX_THREADS &&
	       options.processes > 0 && options.processes <= MAX_PROCESSES &&
	       options.seconds >= 0 && (options.seconds || options.calls) &&
	       options.swap_mib >= 0 && options.total_weight > 0;
}
