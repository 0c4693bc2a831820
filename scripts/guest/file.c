// SPDX-License-Identifier: GPL-2.0
/* PID 1: read and write small files. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

bool write_file(const char *path, const char *text)
{
	const size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, length) == (ssize_t)length;
	close(fd);
	return ok;
}

ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t done = 0, n;

	buf[0] = '\0';
	if (fd < 0)
		return -1;
	while ((n = read(fd, buf + done, size - 1 - done)) > 0)
		done += n;
	close(fd);
	buf[done] = '\0';
	return done;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
