/* SPDX-License-Identifier: GPL-2.0 */
/* The address space that all actors share */
#ifndef _MMU_NOTIFIER_MM_H
#define _MMU_NOTIFIER_MM_H

#include <stdbool.h>

struct mm_struct;
extern struct mm_struct *the_mm;

/* Settings of a configuration: what fails, and what is no failure */
struct mm_settings {
	int failed_alloc; /* the number of the kzalloc() of each actor that fails */
	int more_users; /* users of the mm, without the exit */
	bool interrupted; /* mm_take_all_locks() returns -EINTR */
	bool may_warn;
	/* Errors of the kernel that other configurations show */
	bool late_release; /* release() can begin after the exit */
	bool late_free; /* free_notifier() can return after synchronize */
	bool unmodelled; /* The subscriptions are unknown to the model. */
	int error; /* what the insert of insert_fails() returns */
};

extern struct mm_settings mm_settings;

void mm_init(void);
/* Drop a user of the mm.  The last user releases the notifiers. */
void mmput(struct mm_struct *mm);
/* A call has failed: the call must leave no memory behind. */
void mm_check_heap(void);
/* Read the entries of the page table. */
void mm_walk(struct mm_struct *mm, int first, int nr, unsigned long *page);
/* Unmap the pages: no shadow entry may map the pages any more. */
void mm_zap(struct mm_struct *mm, int first, int last);

#endif /* _MMU_NOTIFIER_MM_H */
