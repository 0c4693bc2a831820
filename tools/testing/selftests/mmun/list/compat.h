/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compatibility with older kernels.  The module is written for the newest
 * kernel.  This header defines what older kernels have or lack.  No other file
 * of the module checks the version of the kernel.
 */
#ifndef _MMUN_LIST_COMPAT_H
#define _MMUN_LIST_COMPAT_H

#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "mmun_list.h"

/* What the callbacks about young pages return: bool, in older kernels int */
typedef typeof(((struct mmu_notifier_ops *)NULL)
		       ->test_young(NULL, NULL, 0)) mmun_list_young_t;

/* v6.10 has removed change_pte(). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define MMUN_LIST_KERNEL_LACKS 0
#define mmun_list_set_change_pte(ops, fn) ((ops)->change_pte = (fn))
#else
#define MMUN_LIST_KERNEL_LACKS MMUN_LIST_BIT(MMUN_LIST_CHANGE_PTE)
#define mmun_list_set_change_pte(ops, fn) ((void)(fn))
#endif

/*
 * v6.6 has "mmu_notifiers: rename invalidate_range notifier".  Since then the
 * core also refuses the callback together with the other two.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define arch_invalidate_secondary_tlbs invalidate_range
#define MMUN_LIST_KERNEL_EXCLUSIVE 0
#else
#define MMUN_LIST_KERNEL_EXCLUSIVE \
	(MMUN_LIST_BIT(MMUN_LIST_START) | MMUN_LIST_BIT(MMUN_LIST_END))
#endif

/* Older kernels lack this macro. */
#ifndef kzalloc_obj
#define kzalloc_obj(P, gfp) kzalloc(sizeof(P), gfp)
#endif

#endif /* _MMUN_LIST_COMPAT_H */
