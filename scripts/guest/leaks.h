/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that the modules leave behind. */
#ifndef MMUN_GUEST_LEAKS_H
#define MMUN_GUEST_LEAKS_H

#include <stdbool.h>

/* Measure the free memory.  To be called before the modules are loaded. */
void leaks_before(void);
/*
 * Returns whether the modules have left nothing behind: no module, no memory and no
 * taint.  Prints what they have left.
 */
bool leaks_after(void);

#endif /* MMUN_GUEST_LEAKS_H */
