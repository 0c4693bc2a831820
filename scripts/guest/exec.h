/* SPDX-License-Identifier: GPL-2.0 */
/* The child of PID 1 that becomes a test program. */
#ifndef MMUN_GUEST_EXEC_H
#define MMUN_GUEST_EXEC_H

#include "orders.h"

/* Run the program in place of this process, with its output to @out. */
void exec_program(const char *name, const struct mmun_orders *orders, int out)
	__attribute__((noreturn));

#endif /* MMUN_GUEST_EXEC_H */
