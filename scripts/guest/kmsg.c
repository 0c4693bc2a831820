// SPDX-License-Identifier: GPL-2.0
/* PID 1: the log and the taint of the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "kmsg.h"
#include "ktap.h"

/*
 * The kernel sets bits 12, 13 and 18 of the taint when the kernel loads a
 * module that is out of tree, not signed, or a test.
 */
#define TAINT_ALLOWED 0x43000UL

/*
 * Do not use dprintf(), because dprintf() fails on a write-only /dev/kmsg,
 * which cannot seek.
 */
void kmsg_mark(const char *verb, const char *name)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char text[600];

	if (fd < 0)
		return;
	snprintf(text, sizeof(text), "<6>mmun: %s %s\n", verb, name);
	if (write(fd, text, strlen(text)) < 0)
		ktap_note("/dev/kmsg: %s", strerror(errno));
	close(fd);
}

unsigned long kernel_taint(void)
{
	char text[32];

	read_file("/proc/sys/kernel/tainted", text, sizeof(text));
	return strtoul(text, NULL, 10) & ~TAINT_ALLOWED;
}
