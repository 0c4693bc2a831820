/* SPDX-License-Identifier: GPL-2.0 */
/* Run one test program. */
#ifndef MMUN_GUEST_RUN_H
#define MMUN_GUEST_RUN_H

#include <stdbool.h>

#include "orders.h"

/*
 * Run the program @name for at most orders->timeout seconds, and print the
 * output and the result of the program.  Returns false if the run must end
 * after this program.
 */
bool run_program(const char *name, const struct mmun_orders *orders);

#endif /* MMUN_GUEST_RUN_H */
