// SPDX-License-Identifier: GPL-2.0
/* PID 1: write to the log of the kernel, and read the taint of the kernel. */
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
 * When the kernel loads a module, the kernel sets bit 12 of the taint if the
 * module is out of tree, bit 13 if the module is not signed, and bit 18 if the
 * module is a test.
 */
#define TAINT_ALLOWED 0x43000UL

/*
 * kmsg_mark() calls write() instead of dprintf(), because dprintf() fails on a
 * write-only descriptor of /dev/kmsg, which cannot seek.
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
