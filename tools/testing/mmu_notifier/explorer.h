/* SPDX-License-Identifier: GPL-2.0 */
/* The same failure on a kernel in a virtual machine */
#ifndef _MMU_NOTIFIER_EXPLORER_H
#define _MMU_NOTIFIER_EXPLORER_H

struct config;

/*
 * Print the command that shows a failure of the tasks of @config with the explorer
 * of selftests/mmun.  Print nothing if the explorer does not have these tasks, if
 * no schedule of the explorer fails, or if there are too many schedules.
 */
void explorer_print(const struct config *config);

#endif /* _MMU_NOTIFIER_EXPLORER_H */
