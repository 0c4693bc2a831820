/* SPDX-License-Identifier: GPL-2.0 */
/* Actors that use list notifiers, struct mmu_notifier, as a driver does */
#ifndef _MMU_NOTIFIER_LIST_H
#define _MMU_NOTIFIER_LIST_H

/* Register a list notifier before the first step. */
void list_setup(int listener, int refuses);
void registrar(void *role);
void unregistrar(void *role);
/* Register, then unregister. */
void register_and_unregister(void *role);
void get_and_put(void *role);
/* Test and clear the young bits, and flush the secondary TLB. */
void aging(void *role);
/* The pages of the mm go: each release() must have ended. */
void list_check_released(void);

/* All actors have ended: each start must have had its end. */
void list_check_closed(void);

#endif /* _MMU_NOTIFIER_LIST_H */
