/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A setting of the machine.  A separate process restores the setting when the
 * test ends, even if the harness kills the test.
 */
#ifndef _SELFTESTS_MMUN_SETTING_H
#define _SELFTESTS_MMUN_SETTING_H

#include "process.h"
#include "sysfs.h"

/**
 * struct setting - a setting that a test may change
 * @path: the file
 * @before: the text of the file
 * @cleanup: the process that restores the text
 */
struct setting {
	const char *path;
	char before[64];
	struct mmun_child cleanup;
};

static inline int setting_write_back(void *arg, int nr)
{
	struct setting *setting = arg;

	return mmun_write_file(setting->path, setting->before);
}

/*
 * Record the setting, to restore it later.  Returns -1 if the setting does not
 * exist.
 */
static inline int setting_keep(struct setting *setting, const char *path)
{
	setting->path = path;
	if (mmun_read_file(path, setting->before, sizeof(setting->before)))
		return -1;
	return mmun_cleanup_start(&setting->cleanup, setting_write_back,
				  setting);
}

/* Returns 0 if the setting is restored, or if the setting does not exist. */
static inline int setting_restore(struct setting *setting)
{
	return setting->cleanup.pid > 0 ? mmun_child_end(&setting->cleanup) : 0;
}

#endif /* _SELFTESTS_MMUN_SETTING_H */
