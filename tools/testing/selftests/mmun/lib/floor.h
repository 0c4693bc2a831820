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

/* Insert @count subscriptions of @length bytes each. */
static inline int _floor_insert(int fd, __u64 start, __u64 length, __u64 stride,
				__u64 count, struct mmun_floor_insert *cmd)
{
	*cmd = (struct mmun_floor_insert){
		.start = start,
		.length = length,
		.stride = stride,
		.count = count,
	};
	return ioctl(fd, MMUN_FLOOR_INSERT, cmd);
}

static inline int _floor_remove(int fd, struct mmun_floor_remove *cmd)
{
	*cmd = (struct mmun_floor_remove){};
	return ioctl(fd, MMUN_FLOOR_REMOVE, cmd);
}

static inline int _floor_look(int fd, __u64 start, __u64 length,
			      struct mmun_floor_look *cmd)
{
	*cmd = (struct mmun_floor_look){ .start = start, .length = length };
	return ioctl(fd, MMUN_FLOOR_LOOK, cmd);
}

#endif /* _SELFTESTS_MMUN_FLOOR_H */
