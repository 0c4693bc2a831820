/* SPDX-License-Identifier: GPL-2.0 */
/* Look for memory that the modules leave behind. */
#ifndef MMUN_GUEST_LEAKS_H
#define MMUN_GUEST_LEAKS_H

#include <stdbool.h>

/* Measure the free memory.  Call leaks_before() before load_modules(). */
void leaks_before(void);
/*
 * Returns whether the modules have left nothing behind: no module is loaded, no
 * memory is lost, and the kernel is not tainted.  Prints what the modules have
 * left behind.
 */
bool leaks_after(void);

#endif /* MMUN_GUEST_LEAKS_H */
