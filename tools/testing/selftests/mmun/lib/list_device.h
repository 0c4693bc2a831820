/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device of the second driver.  This file needs no harness.
 */
#ifndef _SELFTESTS_MMUN_LIST_DEVICE_H
#define _SELFTESTS_MMUN_LIST_DEVICE_H

#include <fcntl.h>

#include "../list/mmun_list.h"

#define LIST_DEV "/dev/mmun_list"
#define LIST_NO_DEVICE \
	"no " LIST_DEV ": load mmun_list.ko, which is built in list/"

static inline int list_open(void)
{
	return open(LIST_DEV, O_RDWR | O_CLOEXEC);
}

#endif /* _SELFTESTS_MMUN_LIST_DEVICE_H */
