/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Load and unload the modules.  The KTAP has a result for the load of each module, and a
 * result for its unload.
 */
#ifndef MMUN_GUEST_MODULE_H
#define MMUN_GUEST_MODULE_H

#include <stdbool.h>

/*
 * Choose the modules to load.  Blanks separate the names in @names, and @names
 * must stay valid.  Returns false if @names has no name or too many names.
 */
bool choose_modules(char *names);
/* Returns the number of KTAP results of all loads and unloads of modules. */
int nr_module_results(void);
/*
 * Load the modules.  Returns false after the first module that the kernel does
 * not load.
 */
bool load_modules(void);
/* Unload the modules in reverse order, so that the driver is the last. */
void unload_modules(void);
/*
 * Do not unload the modules.  Print a result with the directive @why for the
 * unload of each module.
 */
void skip_unloading(const char *why);
/* Returns whether no module is loaded. */
bool modules_are_gone(void);

#endif /* MMUN_GUEST_MODULE_H */
