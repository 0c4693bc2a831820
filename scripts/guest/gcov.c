// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1: send the coverage of the kernel to the host through the fourth serial
 * port.  The coverage is in the files that gcov makes below
 * /sys/kernel/debug/gcov.  For each file of gcov, gcov_send() sends a line
 * "gcda PATH SIZE", and then the SIZE bytes of the file.
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "file.h"
#include "gcov.h"
#include "ktap.h"

#define GCOV "/sys/kernel/debug/gcov"

static int port;

static void write_all(const char *data, size_t size)
{
	ssize_t done;

	for (; size; data += done, size -= done) {
		done = write(port, data, size);
		if (done <= 0)
			return;
	}
}

/*
 * nftw() calls send_file() for each file below /sys/kernel/debug/gcov.
 * send_file() sends only the files whose names end in ".gcda".
 */
static int send_file(const char *path,
		     const struct stat *st __attribute__((unused)),
		     int type __attribute__((unused)),
		     struct FTW *ftw __attribute__((unused)))
{
	static char data[1 << 20];
	const char *end = strrchr(path, '.');
	char head[4200];
	ssize_t size;

	if (!end || strcmp(end, ".gcda"))
		return 0;
	size = read_file(path, data, sizeof(data));
	if (size <= 0)
		return 0;
	snprintf(head, sizeof(head), "gcda %s %zd\n", path + strlen(GCOV),
		 size);
	write_all(head, strlen(head));
	write_all(data, size);
	return 0;
}

void gcov_send(void)
{
	if (!file_exists(GCOV))
		return;
	port = open_port("/dev/ttyS3");
	if (port < 0) {
		ktap_note("no fourth serial port: coverage is lost");
		return;
	}
	nftw(GCOV, send_file, 16, FTW_PHYS);
	fsync(port);
	close(port);
}
