/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk in memory, for swap and writeback.
 */
#ifndef _SELFTESTS_MMUN_DISK_H
#define _SELFTESTS_MMUN_DISK_H

#include <fcntl.h>
#include <sys/swap.h>

#include "process.h"
#include "sysfs.h"

#define DISK "/dev/zram0"
#define DISK_SIZE "/sys/block/zram0/disksize"
#define DISK_RESET "/sys/block/zram0/reset"
#define DISK_BYTES (8UL << 20)
#define NO_DISK "no /dev/zram0 that is free: set CONFIG_ZRAM=y"

static inline int disk_remove(void *arg, int nr)
{
	swapoff(DISK);
	return mmun_write_file(DISK_RESET, "1");
}

/*
 * Open the disk.  The process @cleanup removes the disk when the test ends.
 * Returns -1 if there is no disk, or if the disk is in use.
 */
static inline int disk_create(struct mmun_child *cleanup)
{
	if (mmun_read_number(DISK_SIZE) ||
	    mmun_cleanup_start(cleanup, disk_remove, NULL) ||
	    mmun_write_file(DISK_SIZE, "8M"))
		return -1;
	return open(DISK, O_RDWR | O_CLOEXEC);
}

#endif /* _SELFTESTS_MMUN_DISK_H */
