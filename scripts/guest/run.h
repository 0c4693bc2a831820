/* SPDX-License-Identifier: GPL-2.0 */
/* Run one test program. */
#ifndef MMUN_GUEST_RUN_H
#define MMUN_GUEST_RUN_H

#include <stdbool.h>

#include "orders.h"

/*
 * Run a program for at most orders->timeout seconds, and print its output and its
 * result.  Returns false if no other program can run after it.
 */
bool run_program(const char *name, const struct mmun_orders *orders);

#endif /* MMUN_GUEST_RUN_H */
