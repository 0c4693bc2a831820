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
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actor.h"
#include "config.h"
#include "draw.h"
#include "search.h"

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

static int count(char **globs)
{
	int nr = 0;

	for (const struct config *c = configs; c->name; c++)
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

/* Returns whether the result is the expected result. */
static bool test(const struct config *config, int nr)
{
	static struct result result;
	const double start = seconds();
	bool ok;

	search(config, &result);
	ok = !result.failed || config->fails;
	if (result.failed) {
		draw(config, &result.schedule);
		print_schedule(config, &result.schedule);
	}
	printf("# %llu states, %llu steps, %.2f s\n",
	       (unsigned long long)result.states,
	       (unsigned long long)result.steps, seconds() - start);
	printf("%s %d %s%s%s\n", ok ? "ok" : "not ok", nr, config->name,
	       result.failed && ok ? " # XFAIL " : "",
	       result.failed && ok ? config->fails : "");
	fflush(stdout);
	return ok;
}

static void nothing(int step, int actor)
{
}

/* Play the schedule in @text.  A debugger can stop in the code of the kernel. */
static int play(const char *text)
{
	const char *colon = strchr(text, ':');
	static struct schedule schedule;

	for (const struct config *c = configs; colon && c->name; c++) {
		if (strncmp(text, c->name, colon - text) ||
		    c->name[colon - text])
			continue;
		for (const char *p = colon + 1;
		     *p >= '0' && *p < '0' + MAX_ACTORS &&
		     schedule.nr < MAX_STEPS;
		     p++)
			schedule.actor[schedule.nr++] = *p - '0';
		replay(c, &schedule, nothing);
		draw(c, &schedule);
		return violation[0] ? 1 : 0;
	}
	fprintf(stderr,
		"SCHEDULE=%s: expected CONFIGURATION:STEPS, as a failed test prints it\n",
		text);
	return 2;
}

int main(int argc, char **argv)
{
	const int nr = count(argv + 1);
	int done = 0, failed = 0;

	if (getenv("SCHEDULE") && *getenv("SCHEDULE"))
		return play(getenv("SCHEDULE"));
	if (!nr) {
		fprintf(stderr, "no configuration matches\n");
		return 2;
	}
	printf("KTAP version 1\n1..%d\n", nr);
	for (const struct config *c = configs; c->name; c++) {
		if (!is_chosen(c, argv + 1))
			continue;
		failed += !test(c, ++done);
		if (failed && option("STOP"))
			break;
	}
	printf("# %d passed, %d failed, 0 skipped\n", done - failed, failed);
	return failed ? 1 : 0;
}
