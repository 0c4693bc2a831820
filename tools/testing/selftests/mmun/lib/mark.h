/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes the line "mmun: starts NAME" to the kernel log before each test.
 *
 * The kernel printed the messages behind this line while the test NAME ran.
 * The process of the test writes the line before the setup of the test.  The
 * line is missing if /dev/kmsg cannot be opened.
 */
#ifndef _SELFTESTS_MMUN_MARK_H
#define _SELFTESTS_MMUN_MARK_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MMUN_KMSG "/dev/kmsg"

static inline void mmun_mark(const char *fixture, const char *variant,
			     const char *test)
{
	int fd = open(MMUN_KMSG, O_WRONLY | O_CLOEXEC);
	char text[512];

	if (fd < 0)
		return;
	snprintf(text, sizeof(text), "<6>mmun: starts %s%s%s.%s\n", fixture,
		 *variant ? "." : "", variant, test);
	if (write(fd, text, strlen(text)) < 0)
		perror("# " MMUN_KMSG);
	close(fd);
}

#endif /* _SELFTESTS_MMUN_MARK_H */
