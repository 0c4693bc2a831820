/* SPDX-License-Identifier: GPL-2.0 */
/* Read the orders that the host gives to PID 1. */
#ifndef MMUN_GUEST_ORDERS_H
#define MMUN_GUEST_ORDERS_H

/**
 * struct mmun_orders - the tests to run, and how to run the tests
 * @modules: the names of the modules, separated by blanks, the driver first
 * @nonce: a random word that the verdict must contain
 * @tests: globs for the names of the tests to run, or "" for all tests
 * @seed: the seed of the random tests, or ""
 * @program: a program and its arguments, which runs instead of the programs of the
 *	list; or ""
 * @env: words NAME=VALUE for the environment of the programs
 * @timeout_text: @timeout as text
 * @slow_text: @slow as text
 * @stop_text: @stop as text
 * @times_text: @times as text
 * @timeout: the number of seconds that one program may take
 * @slow: whether the guest is emulated and therefore slow
 * @stop: whether to stop after the first test that fails
 * @times: whether to print the seconds that each test took
 *
 * The texts in struct mmun_orders can have any length.
 */
struct mmun_orders {
	char *modules;
	char *nonce;
	char *tests;
	char *seed;
	char *program;
	char *env;
	char *timeout_text;
	char *slow_text;
	char *stop_text;
	char *times_text;
	int timeout;
	int slow;
	int stop;
	int times;
};

/* Read the orders.  Returns NULL, or a message about what is wrong in the orders. */
const char *read_orders(struct mmun_orders *orders);

#endif /* MMUN_GUEST_ORDERS_H */
