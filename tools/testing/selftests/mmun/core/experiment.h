/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The experiments of mmun_core.  To add an experiment:
 *
 *   1. mmun_core.h: a struct and the number of the ioctl.
 *   2. Here: a member of union mmun_core_cmd, and the prototype.
 *   3. main.c: a row in mmun_core_calls.
 *   4. A C file with the experiment, which the Makefile names.
 *
 * An experiment may sleep.  The lock in main.c is held, so that an experiment
 * can have static variables.  When an experiment returns, no callback of the
 * module may be outstanding, because the module can be unloaded then.
 */
#ifndef _MMUN_CORE_EXPERIMENT_H
#define _MMUN_CORE_EXPERIMENT_H

#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/pid.h>

#include "mmun_core.h"

/* The argument of an ioctl, which main.c copies from and to user space */
union mmun_core_cmd {
	struct mmun_core_synchronize synchronize;
	struct mmun_core_unregister unregister;
	struct mmun_core_hugetlb hugetlb;
	struct mmun_core_device_part device_part;
	struct mmun_core_dead dead;
};

int mmun_core_synchronize(union mmun_core_cmd *ucmd);
int mmun_core_unregister(union mmun_core_cmd *ucmd);
int mmun_core_hugetlb(union mmun_core_cmd *ucmd);
int mmun_core_device_part(union mmun_core_cmd *ucmd);
int mmun_core_dead(union mmun_core_cmd *ucmd);

/* interval.c: the operations of an interval notifier that only sets its sequence */
extern const struct mmu_interval_notifier_ops mmun_core_interval_ops;

/* unregister.c: returns the mm of a process with a reference (mm_users), or NULL */
struct mm_struct *mmun_core_get_mm(struct pid *pid);

#endif /* _MMUN_CORE_EXPERIMENT_H */
