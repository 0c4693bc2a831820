/* SPDX-License-Identifier: GPL-2.0 */
/* The driver of driver.c: a mirror of the pages 0 and 1 */
#ifndef _MMU_NOTIFIER_MIRROR_H
#define _MMU_NOTIFIER_MIRROR_H

#include <linux/mmu_notifier.h>

#define PAGES 2

struct mirror {
	struct mmu_interval_notifier sub;
	spinlock_t lock; /* the update lock */
	struct mutex mutex; /* the update lock if the callback sleeps */
	unsigned long spte[PAGES]; /* a page, or 0 */
	unsigned long seq; /* of a driver with one sequence for all readers */
	bool valid; /* of a driver with a flag instead of a sequence */
	unsigned long *table; /* of a driver whose callback uses an object */
	int invalidations; /* calls of mmu_interval_set_seq(), for the checks */
	bool put; /* The callback has dropped its user of the mm. */
};

extern struct mirror *mirror;

/* Insert the mirror with the right callback. */
void mirror_insert(void);

static inline void mirror_drop(void)
{
	memset(mirror->spte, 0, sizeof(mirror->spte));
}

#endif /* _MMU_NOTIFIER_MIRROR_H */
