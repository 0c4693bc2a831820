// SPDX-License-Identifier: GPL-2.0
/* PID 1: what the host wants, in words of the kernel command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init.h"

/* Copies the value of key=value or key="value"; an absent key gives "". */
static void get_order(const char *cmdline, const char *key, char *value,
		      size_t size)
{
	const char *at = strstr(cmdline, key);
	const char *end = "\n ";

	value[0] = '\0';
	if (!at)
		return;
	at += strlen(key);
	if (*at == '"') {
		at++;
		end = "\"\n";
	}
	snprintf(value, size, "%.*s", (int)strcspn(at, end), at);
}

void read_orders(struct mmun_orders *orders)
{
	char cmdline[4096], number[16];

	read_file("/proc/cmdline", cmdline, sizeof(cmdline));
	get_order(cmdline, "mmun.module=", orders->module,
		  sizeof(orders->module));
	get_order(cmdline, "mmun.nonce=", orders->nonce, sizeof(orders->nonce));
	get_order(cmdline, "mmun.tests=", orders->tests, sizeof(orders->tests));
	get_order(cmdline, "mmun.seed=", orders->seed, sizeof(orders->seed));
	get_order(cmdline, "mmun.program=", orders->program,
		  sizeof(orders->program));
	get_order(cmdline, "mmun.env=", orders->env, sizeof(orders->env));
	get_order(cmdline, "mmun.timeout=", number, sizeof(number));
	orders->timeout = atoi(number) > 0 ? atoi(number) : 45;
	get_order(cmdline, "mmun.slow=", number, sizeof(number));
	orders->slow = atoi(number);
	get_order(cmdline, "mmun.stop=", number, sizeof(number));
	orders->stop = atoi(number);
}
