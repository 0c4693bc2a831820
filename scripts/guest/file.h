/* SPDX-License-Identifier: GPL-2.0 */
/* Read and write small files. */
#ifndef MMUN_GUEST_FILE_H
#define MMUN_GUEST_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Returns false if @path cannot be opened, or if not all of @text can be written. */
bool write_file(const char *path, const char *text);

/*
 * Read up to @size - 1 bytes, and end them with a zero byte.  Returns the number of
 * bytes.  Returns -1 and an empty string in @buf if @path cannot be opened.
 */
ssize_t read_file(const char *path, char *buf, size_t size);

bool file_exists(const char *path);

#endif /* MMUN_GUEST_FILE_H */
