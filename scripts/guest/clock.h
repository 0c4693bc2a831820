/* SPDX-License-Identifier: GPL-2.0 */
/* The clock of the guest. */
#ifndef MMUN_GUEST_CLOCK_H
#define MMUN_GUEST_CLOCK_H

#include <time.h>

/* Returns the time since the boot of the guest, in seconds with a fraction. */
static inline double now_secs(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

#endif /* MMUN_GUEST_CLOCK_H */
