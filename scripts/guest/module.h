/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Load and unload the modules.  Loading a module is a result of the KTAP, and unloading
 * it is another one.
 */
#ifndef MMUN_GUEST_MODULE_H
#define MMUN_GUEST_MODULE_H

#include <stdbool.h>

/* @names has blanks between the names.  Returns false if it has none, or too many. */
bool choose_modules(char *names);
/* Returns the number of results that loading and unloading will print. */
int module_results(void);
/* Returns false after the first module that the kernel does not load. */
bool load_modules(void);
/* Unload in reverse order: the driver is the last. */
void unload_modules(void);
/* Print the results of unloading as skipped. */
void skip_unloading(const char *why);
/* Returns whether no module is loaded. */
bool modules_are_gone(void);

#endif /* MMUN_GUEST_MODULE_H */
