/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of /dev/mmun_core, the device of the module mmun_core.
 */
#ifndef _SELFTESTS_MMUN_CORE_H
#define _SELFTESTS_MMUN_CORE_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../core/mmun_core.h"
#include "main.h"

#define CORE_DEV "/dev/mmun_core"

static inline int core_open(void)
{
	return open(CORE_DEV, O_RDWR | O_CLOEXEC);
}

#define CORE_NO_DEVICE \
	"no " CORE_DEV ": load mmun_core.ko, which is built in core/"

/* Returns why the device cannot be opened, or NULL. */
static inline const char *core_problem(void)
{
	if (!access(CORE_DEV, R_OK | W_OK))
		return NULL;
	return errno == ENOENT ? CORE_NO_DEVICE :
				 "no access to " CORE_DEV ": run as root";
}

#endif /* _SELFTESTS_MMUN_CORE_H */
