/* SPDX-License-Identifier: GPL-2.0 */
/* Draw a schedule in columns, an actor a column. */
#ifndef _MMU_NOTIFIER_DRAW_H
#define _MMU_NOTIFIER_DRAW_H

struct config;
struct schedule;

void draw(const struct config *config, const struct schedule *schedule);

#endif /* _MMU_NOTIFIER_DRAW_H */
