/* SPDX-License-Identifier: GPL-2.0 */
/* The configurations: what exists before the first step, and the actors */
#ifndef _MMU_NOTIFIER_CONFIG_H
#define _MMU_NOTIFIER_CONFIG_H

#include <stdbool.h>

#include "interval.h"
#include "listener.h"
#include "mm.h"

#define MAX_ROLES 8

/* Masks of ranges */
#define A 1
#define B 2
#define C 4
#define D 8

struct config {
	const char *name; /* a claim about the kernel */
	/* Why the kernel is known to fail, or NULL, and the begin of the property that fails */
	const char *fails;
	const char *violates;
	/*
	 * The configuration has an error, to show that the search finds it: the property
	 * that the error violates, or the begin of its text.
	 */
	const char *caught;
	void (*setup)(
		void); /* creates more state before the first step, or NULL */
	int live; /* the ranges that exist before the first step */
	int refuses; /* the ranges that refuse if they must not block */
	int wide; /* the ranges that cover four pages */
	int two_pass; /* the ranges with invalidate_start() */
	int listeners; /* the list notifiers that exist before the first step */
	int list_refuses; /* the list notifiers that refuse */
	int list_tlb; /* the list notifiers with a secondary TLB */
	int list_bare; /* the list notifiers without callbacks */
	int list_young; /* the list notifiers whose pages are young */
	int list_got; /* the list notifiers of mmu_notifier_get() */
	int list_puts; /* the list notifiers that release() puts */
	bool deep; /* takes long: only with DEEP=1 */
	int walks; /* not 0: so many random schedules instead of all schedules */
	struct mm_settings settings;
	struct role role[MAX_ROLES];
};

/* The configurations for the kernel, and those for drivers; the last has no name. */
extern const struct config configs[];
extern const struct config driver_configs[];

/* Create the state before the first step. */
void config_begin(const struct config *config);

#endif /* _MMU_NOTIFIER_CONFIG_H */
