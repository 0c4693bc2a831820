/* SPDX-License-Identifier: GPL-2.0 */
/* The configurations: what exists before the first step, and the actors */
#ifndef _MMU_NOTIFIER_CONFIG_H
#define _MMU_NOTIFIER_CONFIG_H

#include <stdbool.h>

#include "interval.h"
#include "list.h"
#include "mm.h"

#define MAX_ROLES 8

/* Masks of ranges */
#define A 1
#define B 2
#define C 4
#define D 8

struct config {
	const char *name; /* a claim about the kernel */
	const char *fails; /* why the kernel is known to fail, or NULL */
	int live; /* the ranges that exist before the first step */
	int refuses; /* the ranges that refuse if they must not block */
	int two_pass; /* the ranges with invalidate_start() */
	int listeners; /* the list notifiers that exist before the first step */
	int list_refuses; /* the list notifiers that refuse */
	bool deep; /* takes long: only with DEEP=1 */
	int walks; /* not 0: so many random schedules instead of all schedules */
	struct mm_settings settings;
	struct role role[MAX_ROLES];
};

extern const struct config configs[];

/* Create the state before the first step. */
void config_begin(const struct config *config);

#endif /* _MMU_NOTIFIER_CONFIG_H */
