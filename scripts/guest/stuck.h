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
/*
 * Show each task that is blocked for good, unless stuck_report() has already
 * shown the task.
 */
void stuck_report(void);
/* Returns whether stuck_report() has shown a task that is still blocked. */
bool stuck_any_reported(void);
/*
 * Returns whether a test program has a task that stuck_report() has not shown.
 */
bool any_unreported_task(void);

#endif /* MMUN_GUEST_STUCK_H */
