/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every test of /dev/mmun includes this file.  All functions in lib/ are
 * static, because each program is compiled from one .c file.
 */
#ifndef _SELFTESTS_MMUN_H
#define _SELFTESTS_MMUN_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assert.h"
#include "compat.h"
#include "fixture.h"
#include "ioctl.h"
#include "main.h"
#include "memory.h"
#include "record.h"
#include "sysfs.h"
#include "task.h"

#endif /* _SELFTESTS_MMUN_H */
