// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_notifier_test: search all interleavings of each configuration, and print
 * the results as KTAP.
 *
 * usage: mmu_notifier_test [GLOB...]	the configurations to search
 *
 * environment:
 *	DEEP=1			search also the configurations that take long
 *	STOP=1			end at the first failure
 *	SCHEDULE=NAME:STEPS	play one schedule of the configuration NAME
 *	SEED=N			of the random walks
 *	POINTS=none|races|all	controls of the program: actors stop at no access, or at
 *				each access to a shared word; the default is a stop at
 *				the accesses that race
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "access.h"
#include "actor.h"
#include "config.h"
#include "draw.h"
#include "explorer.h"
#include "search.h"
#include "walk.h"

static bool option(const char *name)
{
	const char *value = getenv(name);

	return value && !strcmp(value, "1");
}

static bool is_chosen(const struct config *config, char **globs)
{
	if (config->deep && !option("DEEP"))
		return false;
	if (!*globs)
		return true;
	for (; *globs; globs++)
		if (!fnmatch(*globs, config->name, 0))
			return true;
	return false;
}

/* Returns whether the only glob is the name of the configuration. */
static bool is_alone(const struct config *config, char **globs)
{
	return globs[0] && !globs[1] && !strcmp(globs[0], config->name);
}

static const struct config *const tables[] = { configs, driver_configs, NULL };

/* Returns the configuration after @config in all tables, or NULL. */
static const struct config *next(const struct config *config)
{
	static const struct config *const *table;

	if (!config)
		table = tables;
	config = config ? config + 1 : *table;
	if (!config->name)
		config = *++table;
	return config;
}

static int count(char **globs)
{
	int nr = 0;

	for (const struct config *c = next(NULL); c; c = next(c))
		nr += is_chosen(c, globs);
	return nr;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void print_schedule(const struct config *config,
			   const struct schedule *schedule)
{
	printf("# SCHEDULE=%s:", config->name);
	for (int i = 0; i < schedule->nr; i++)
		printf("%d", schedule->actor[i]);
	printf("\n");
}

static uint64_t seed(void)
{
	const char *value = getenv("SEED");

	return value && *value ? strtoull(value, NULL, 0) : 1;
}

static void run(const struct config *config, struct result *result)
{
	if (config->walks)
		walk(config, seed(), result);
	else
		search(config, result);
}

static void print_numbers(const struct config *config,
			  const struct result *result, double secs)
{
	if (config->walks)
		printf("# %d walks, SEED=%llu, %llu steps, %.2f s\n",
		       config->walks, (unsigned long long)seed(),
		       (unsigned long long)result->steps, secs);
	else
		printf("# %llu states, %llu steps, %d ends (%08x), %.2f s\n",
		       (unsigned long long)result->states,
		       (unsigned long long)result->steps, result->ends,
		       (unsigned int)result->ends_sum, secs);
}

enum outcome { PASS, FAIL, XFAIL, OUTCOMES };

static bool violates(const char *property)
{
	return property && !strncmp(violation, property, strlen(property));
}

/*
 * A known error of the kernel violates one property.  A kernel without the error
 * passes, and a kernel that violates another property has another error.
 */
static enum outcome judge(const struct config *config,
			  const struct result *result)
{
	if (config->caught)
		return result->failed && violates(config->caught) ? PASS : FAIL;
	if (!result->failed)
		return PASS;
	return violates(config->violates) ? XFAIL : FAIL;
}

/* Print the schedule that violates a property. */
static void print_counterexample(const struct config *config,
				 const struct result *result)
{
	draw(config, &result->schedule);
	print_schedule(config, &result->schedule);
}

/* The configuration has an error, to show that the search finds it. */
static void print_caught(const struct config *config,
			 const struct result *result, enum outcome outcome,
			 bool alone)
{
	if (!result->failed) {
		printf("# the search must find an error, and does not: %s\n",
		       config->caught);
		return;
	}
	if (outcome == FAIL || alone)
		print_counterexample(config, result);
	if (outcome == FAIL)
		printf("# expected: %s\n", config->caught);
	else
		printf("# caught after %d steps: %s\n", result->schedule.nr,
		       violation);
}

static enum outcome test(const struct config *config, int nr, bool alone)
{
	static struct result result;
	const double start = seconds();
	enum outcome outcome;

	run(config, &result);
	outcome = judge(config, &result);
	if (config->caught) {
		print_caught(config, &result, outcome, alone);
	} else if (result.failed) {
		if (outcome == XFAIL)
			printf("# expected failure: %s\n", config->fails);
		print_counterexample(config, &result);
		explorer_print(config);
	}
	print_numbers(config, &result, seconds() - start);
	printf("%s %d %s%s%s\n", outcome == FAIL ? "not ok" : "ok", nr,
	       config->name, outcome == XFAIL ? " # XFAIL " : "",
	       outcome == XFAIL ? config->fails : "");
	fflush(stdout);
	return outcome;
}

/*
 * The search learns at which points actors stop.  It runs in a child, so that a
 * debugger stops only in the schedule.
 */
static void learn(const struct config *config)
{
	static struct result result;
	pid_t pid;

	access_share();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		run(config, &result);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	access_freeze();
}

static const struct config *find(const char *name, size_t length)
{
	const struct config *c = next(NULL);

	while (c && (strncmp(name, c->name, length) || c->name[length]))
		c = next(c);
	return c;
}

/* Returns false if the text is not a list of steps. */
static bool parse(const char *steps, struct schedule *schedule)
{
	const size_t nr = strspn(steps, "01234567");

	if (!nr || nr > MAX_STEPS || steps[nr])
		return false;
	for (size_t i = 0; i < nr; i++)
		schedule->actor[i] = steps[i] - '0';
	schedule->nr = nr;
	return true;
}

/* Play the schedule in @text.  A debugger can stop in the code of the kernel. */
static int play(const char *text)
{
	static struct schedule schedule;
	const size_t length = strcspn(text, ":");
	const struct config *config = find(text, length);

	if (!config) {
		fprintf(stderr, "SCHEDULE=%s: no such configuration\n", text);
		return 2;
	}
	if (!text[length] || !parse(text + length + 1, &schedule)) {
		fprintf(stderr,
			"SCHEDULE=%s: expected CONFIGURATION:STEPS, as a failed test prints it\n",
			text);
		return 2;
	}
	learn(config);
	violation[0] = '\0';
	draw(config, &schedule);
	return violation[0] ? 1 : 0;
}

/* Returns false if the text names no points. */
static bool set_points(const char *text)
{
	if (!text || !*text || !strcmp(text, "races"))
		points = POINTS_RACES;
	else if (!strcmp(text, "none"))
		points = POINTS_NONE;
	else if (!strcmp(text, "all"))
		points = POINTS_ALL;
	else
		return false;
	return true;
}

static int test_all(char **globs)
{
	int nr[OUTCOMES] = {}, done = 0;

	printf("KTAP version 1\n1..%d\n", count(globs));
	for (const struct config *c = next(NULL); c; c = next(c)) {
		if (!is_chosen(c, globs))
			continue;
		nr[test(c, ++done, is_alone(c, globs))]++;
		if (nr[FAIL] && option("STOP"))
			break;
	}
	printf("# Totals: pass:%d fail:%d xfail:%d xpass:0 skip:0 error:0\n",
	       nr[PASS], nr[FAIL], nr[XFAIL]);
	return nr[FAIL] ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *schedule = getenv("SCHEDULE");

	actor_catch_faults();
	if (!set_points(getenv("POINTS"))) {
		fprintf(stderr, "POINTS: expected none, races or all\n");
		return 2;
	}
	if (schedule && *schedule)
		return play(schedule);
	if (!count(argv + 1)) {
		fprintf(stderr,
			"no configuration matches; the argument '*remove*' chooses the names with remove\n");
		return 2;
	}
	return test_all(argv + 1);
}
