// SPDX-License-Identifier: GPL-2.0
/* PID 1: start a test program in a child process of PID 1. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"

#define MAX_WORDS 64

/*
 * Split @text at its spaces into the array @words, and end the array with NULL.
 * PID 1 itself must not call split_words(), because split_words() ends the
 * calling process if @text has too many words.
 */
static void split_words(char *text, char **words)
{
	int count = 0;

	for (char *p = strtok(text, " "); p; p = strtok(NULL, " ")) {
		if (count == MAX_WORDS - 1) {
			dprintf(STDERR_FILENO, "# more than %d words: ... %s\n",
				count, p);
			_exit(127);
		}
		words[count++] = p;
	}
	words[count] = NULL;
}

static void set_environment(char *text)
{
	char *words[MAX_WORDS];

	split_words(text, words);
	for (char **word = words; *word; word++)
		putenv(*word);
}

void exec_program(const char *name, const struct mmun_orders *orders, int out)
{
	char *args[MAX_WORDS] = { (char *)name, NULL };
	char path[256];

	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (orders->program[0])
		split_words(orders->program, args);
	setsid();
	setenv("HOME", "/tmp", 1);
	setenv("PATH", "/mmun", 1);
	if (orders->tests[0])
		setenv("MMUN_TESTS", orders->tests, 1);
	if (orders->seed[0])
		setenv("MMUN_SEED", orders->seed, 1);
	if (orders->slow)
		setenv("KSFT_MACHINE_SLOW", "yes", 1);
	set_environment(orders->env);
	snprintf(path, sizeof(path), "/mmun/%s", name);
	if (chdir("/tmp") == 0)
		execv(path, args);
	dprintf(STDERR_FILENO, "# %s: %s\n", path, strerror(errno));
	_exit(127);
}
