/* SPDX-License-Identifier: GPL-2.0 */
/* Read and write small files. */
#ifndef MMUN_GUEST_FILE_H
#define MMUN_GUEST_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Write @text to the file @path.  Returns false if @path cannot be opened, or if
 * @text cannot be written completely.
 */
bool write_file(const char *path, const char *text);

/*
 * Read up to @size - 1 bytes of the file @path into @buf, and add a zero byte.
 * Returns the number of bytes read.  If @path cannot be opened, returns -1 and
 * sets @buf to an empty string.
 */
ssize_t read_file(const char *path, char *buf, size_t size);

bool file_exists(const char *path);

#endif /* MMUN_GUEST_FILE_H */
