/* SPDX-License-Identifier: GPL-2.0 */
/* Find and show tasks that are blocked for good. */
#ifndef MMUN_GUEST_STUCK_H
#define MMUN_GUEST_STUCK_H

#include <stdbool.h>

/*
 * Returns whether there is a task that is blocked for good and that
 * stuck_report() has not shown.  The caller must call stuck_tasks() several
 * times a second.
 */
bool stuck_tasks(void);
/* Show the tasks that are blocked for good, each task once. */
void stuck_report(void);
/* Returns whether stuck_report() has ever shown a task. */
bool stuck_any_reported(void);
/* Returns whether there is a task that stuck_report() has not shown. */
bool any_unreported_task(void);

#endif /* MMUN_GUEST_STUCK_H */
