/* SPDX-License-Identifier: GPL-2.0 */
/* Start a test program in a child process of PID 1. */
#ifndef MMUN_GUEST_EXEC_H
#define MMUN_GUEST_EXEC_H

#include "orders.h"

/*
 * Replace the calling process, which is a child of PID 1, by the program @name.
 * The program writes its output to the descriptor @out.
 */
void exec_program(const char *name, const struct mmun_orders *orders, int out)
	__attribute__((noreturn));

#endif /* MMUN_GUEST_EXEC_H */
