/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The places where the explorer of selftests/mmun/model stops a task: the holds
 * of its driver, and the return of a call.
 */
#ifndef _MMU_NOTIFIER_HOLD_H
#define _MMU_NOTIFIER_HOLD_H

#include <stdint.h>

enum hold {
	HOLD_RETURN, /* A call of a reader has returned. */
	HOLD_ENTER, /* in a callback, before the callback takes its lock */
	HOLD_LEAVE, /* in a callback, after the callback has released its lock */
	HOLD_START,
	HOLD_END,
};

struct config;
struct model_config;

/*
 * A page has one byte in a search, so that each byte of a boundary matters, and
 * 4096 bytes if the actors move from hold to hold.
 */
extern unsigned long page_bytes;

/*
 * Stop the running actor if the actors move from hold to hold.  @value is the
 * range of a callback, or the result of the call.
 */
void hold(enum hold place, unsigned long value);
/*
 * Let the actors of @config move from hold to hold: first the actors @step, and
 * then the first actor that can move.  Returns the number of steps after which
 * the kernel differs from the model as the explorer would notice, or 0.
 */
int hold_play(const struct config *config, const struct model_config *model,
	      const uint8_t *step, int nr);

#endif /* _MMU_NOTIFIER_HOLD_H */
