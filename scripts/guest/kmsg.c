// SPDX-License-Identifier: GPL-2.0
/* PID 1: the kernel log, and the taint of the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

/* Bits 12, 13, 18: out of tree, unsigned, a test. Loading the module sets them. */
#define TAINT_ALLOWED 0x43000UL

/* /dev/kmsg does not seek when it is write-only, so dprintf() fails. */
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
