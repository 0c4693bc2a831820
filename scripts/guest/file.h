/* SPDX-License-Identifier: GPL-2.0 */
/* Read and write small files. */
#ifndef MMUN_GUEST_FILE_H
#define MMUN_GUEST_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Returns false if the file cannot be opened, or not all of @text be written. */
bool write_file(const char *path, const char *text);

/*
 * Reads up to @size - 1 bytes, and ends them with a zero byte.  Returns their
 * number, or -1 if the file cannot be opened: @buf is empty then.
 */
ssize_t read_file(const char *path, char *buf, size_t size);

bool exists(const char *path);

#endif /* MMUN_GUEST_FILE_H */
