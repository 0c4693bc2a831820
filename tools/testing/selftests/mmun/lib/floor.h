/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of /dev/mmun_floor, the device of the module mmun_floor.
 */
#ifndef _SELFTESTS_MMUN_FLOOR_H
#define _SELFTESTS_MMUN_FLOOR_H

#include <fcntl.h>
#include <sys/ioctl.h>

#include "../floor/mmun_floor.h"

#define FLOOR_DEV "/dev/mmun_floor"

static inline int floor_open(void)
{
	return open(FLOOR_DEV, O_RDWR | O_CLOEXEC);
}

/* floor_call(fd, INSERT, &cmd, .start = 0, .length = 1, .count = 1) */
#define floor_call(fd, NAME, cmd, ...)                           \
	({                                                       \
		*(cmd) = (struct mmun_floor_cmd){ __VA_ARGS__ }; \
		ioctl(fd, MMUN_FLOOR_##NAME, cmd);               \
	})

#endif /* _SELFTESTS_MMUN_FLOOR_H */
