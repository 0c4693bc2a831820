// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1: read the orders of the host.  The orders are lines KEY=VALUE in a file
 * that boot.sh adds to the initramfs.
 *
 * read_orders() does not copy the values from the buffer with the content of
 * the file, so that no value is truncated.  The file must have all keys of the
 * array keys[], and no other key.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "orders.h"

#define ORDERS "/mmun/orders"

static char text[65536];
static char problem[128];

static const struct {
	const char *key;
	size_t offset;
} keys[] = {
	{ "modules", offsetof(struct mmun_orders, modules) },
	{ "nonce", offsetof(struct mmun_orders, nonce) },
	{ "tests", offsetof(struct mmun_orders, tests) },
	{ "seed", offsetof(struct mmun_orders, seed) },
	{ "program", offsetof(struct mmun_orders, program) },
	{ "env", offsetof(struct mmun_orders, env) },
	{ "timeout", offsetof(struct mmun_orders, timeout_text) },
	{ "slow", offsetof(struct mmun_orders, slow_text) },
	{ "stop", offsetof(struct mmun_orders, stop_text) },
	{ "times", offsetof(struct mmun_orders, times_text) },
};

static char **value_of(struct mmun_orders *orders, size_t i)
{
	return (char **)((char *)orders + keys[i].offset);
}

static bool take_line(struct mmun_orders *orders, char *line)
{
	char *value = strchr(line, '=');

	for (size_t i = 0; value && i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i].key) == (size_t)(value - line) &&
		    !strncmp(line, keys[i].key, value - line)) {
			*value_of(orders, i) = value + 1;
			return true;
		}
	}
	snprintf(problem, sizeof(problem), "%s: unknown order: %.60s", ORDERS,
		 line);
	return false;
}

static bool take_lines(struct mmun_orders *orders)
{
	ssize_t size = read_file(ORDERS, text, sizeof(text));

	if (size < 0)
		snprintf(problem, sizeof(problem), "%s: %s", ORDERS,
			 strerror(errno));
	else if (size == sizeof(text) - 1)
		snprintf(problem, sizeof(problem), "%s: %zu bytes or more",
			 ORDERS, sizeof(text) - 1);
	if (problem[0])
		return false;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!take_line(orders, line))
			return false;
	return true;
}

static bool all_taken(struct mmun_orders *orders)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!*value_of(orders, i)) {
			snprintf(problem, sizeof(problem),
				 "%s: missing order: %s", ORDERS, keys[i].key);
			return false;
		}
	}
	return true;
}

static bool take_number(const char *value, const char *key, int *number)
{
	char *end;

	*number = strtol(value, &end, 10);
	if (*value && !*end && *number >= 0)
		return true;
	snprintf(problem, sizeof(problem), "%s: %s=%.60s is not a number",
		 ORDERS, key, value);
	return false;
}

const char *read_orders(struct mmun_orders *orders)
{
	*orders = (struct mmun_orders){};
	if (take_lines(orders) && all_taken(orders) &&
	    take_number(orders->timeout_text, "timeout", &orders->timeout) &&
	    take_number(orders->slow_text, "slow", &orders->slow) &&
	    take_number(orders->stop_text, "stop", &orders->stop) &&
	    take_number(orders->times_text, "times", &orders->times))
		return NULL;
	return problem;
}
