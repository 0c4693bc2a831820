/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Load and unload the modules.  For each module, the KTAP has a result for the
 * load of the module and a result for the unload of the module.
 */
#ifndef MMUN_GUEST_MODULE_H
#define MMUN_GUEST_MODULE_H

#include <stdbool.h>

/*
 * Choose the modules to load.  @names is a list of names of modules, separated
 * by blanks.  The caller must keep @names valid, because choose_modules() does
 * not copy the names.  Returns false if @names has no name or too many names.
 */
bool choose_modules(char *names);
/* Returns the number of results in the KTAP that are about modules. */
int nr_module_results(void);
/*
 * Load the chosen modules.  If the kernel does not load a module,
 * load_modules() returns false and does not load the next modules.
 */
bool load_modules(void);
/*
 * Unload the modules in the reverse order of their loads, so that the driver is
 * unloaded last.
 */
void unload_modules(void);
/*
 * Do not unload the modules.  For the unload of each module, print a result
 * that is ok and has the directive @why.
 */
void skip_unloading(const char *why);
/* Returns true if none of the chosen modules is loaded any more. */
bool modules_are_gone(void);

#endif /* MMUN_GUEST_MODULE_H */
