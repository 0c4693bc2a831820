/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of /dev/mmun_floor, the device of the module mmun_floor.
 */
#ifndef _SELFTESTS_MMUN_FLOOR_H
#define _SELFTESTS_MMUN_FLOOR_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../floor/mmun_floor.h"
#include "main.h"

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

#define FLOOR_NO_DEVICE \
	"no " FLOOR_DEV ": load mmun_floor.ko, which is built in floor/"

/* Returns why the devices cannot be opened, or NULL. */
static inline const char *floor_problem(void)
{
	if (mmun_device_problem() || !access(FLOOR_DEV, R_OK | W_OK))
		return mmun_device_problem();
	return errno == ENOENT ? FLOOR_NO_DEVICE :
				 "no access to " FLOOR_DEV ": run as root";
}

#endif /* _SELFTESTS_MMUN_FLOOR_H */
