/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A setting of the machine.  A separate process restores the setting when the
 * test ends, even if the harness kills the test.  The next test that changes the
 * setting waits until the setting is restored.
 */
#ifndef _SELFTESTS_MMUN_SETTING_H
#define _SELFTESTS_MMUN_SETTING_H

#include <sys/un.h>

#include "process.h"
#include "sysfs.h"

/**
 * struct setting - a setting that a test may change
 * @path: the file that contains the setting
 * @before: the text of the file before the test
 * @cleanup: the process that restores the text
 */
struct setting {
	const char *path;
	char before[64];
	struct mmun_child cleanup;
};

/*
 * Wait until no other process has the lock of the setting, and acquire the
 * lock.  Returns a descriptor that owns the lock.  The lock is an abstract
 * address of a socket, because a small kernel has no file locks.
 */
static inline int setting_lock(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%s", path);
	while (bind(fd, (struct sockaddr *)&name, sizeof(name)) &&
	       errno == EADDRINUSE)
		poll(NULL, 0, 1);
	return fd;
}

static inline int setting_write_back(void *arg, int nr)
{
	struct setting *setting = arg;

	return mmun_write_file(setting->path, setting->before);
}

/*
 * Read the setting, and start the process that restores the setting.  Returns
 * -1 if the setting does not exist.
 */
static inline int setting_keep(struct setting *setting, const char *path)
{
	int ret = -1, fd = setting_lock(path);

	setting->path = path;
	if (!mmun_read_file(path, setting->before, sizeof(setting->before)))
		ret = mmun_cleanup_start(&setting->cleanup, setting_write_back,
					 setting);
	close(fd);
	return ret;
}

/* Restore the setting.  Returns 0 even if there is no such setting. */
static inline int setting_restore(struct setting *setting)
{
	return setting->cleanup.pid > 0 ? mmun_child_end(&setting->cleanup) : 0;
}

#endif /* _SELFTESTS_MMUN_SETTING_H */
