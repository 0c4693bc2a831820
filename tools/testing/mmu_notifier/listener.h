/* SPDX-License-Identifier: GPL-2.0 */
/* Actors that use list notifiers, struct mmu_notifier, as a driver does */
#ifndef _MMU_NOTIFIER_LISTENER_H
#define _MMU_NOTIFIER_LISTENER_H

#include <stdbool.h>

enum listener_kind {
	LISTENER_PAIR, /* has all callbacks of a driver with its own page table */
	LISTENER_REFUSES, /* refuses the start if it must not block */
	LISTENER_TLB, /* shares the page table of the CPU */
	LISTENER_BARE, /* has no callbacks */
	LISTENER_OTHER, /* has no walks, and other ops than LISTENER_PAIR */
	LISTENER_PUTS, /* calls mmu_notifier_put() in release() */
	LISTENER_KINDS,
};

/* Create a list notifier before the first step. */
void listener_setup(enum listener_kind kind, bool young, bool got);
void registrar(void *role);
void unregistrar(void *role);
/* Register, then unregister. */
void register_and_unregister(void *role);
/* Register a notifier and drop a user of the mm. */
void register_and_exit(void *role);
void get_and_put(void *role);
/* Get a notifier with other ops. */
void get_other_and_put(void *role);
/* Put the notifier that exists before the first step. */
void putter(void *role);
void put_and_synchronize(void *role);
/* Get with a number of users that cannot grow. */
void get_too_often(void *role);
/* The call must return the error of the settings. */
void register_fails(void *role);
void get_fails(void *role);
/* A notifier must not have both kinds of callbacks. */
void register_both_kinds(void *role);
void synchronizer(void *role);

/* Calls that walk over the list */
void aging(void *role);
void flush_secondary_tlb(void *role);
void change_pte(void *role);

#endif /* _MMU_NOTIFIER_LISTENER_H */
