/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ksmd, the kernel thread that merges pages.  How long it takes depends on how
 * many pages others gave it, so a test waits for scans and not for a time.
 */
#ifndef _SELFTESTS_MMUN_SYSFS_H
#define _SELFTESTS_MMUN_SYSFS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KSM_DIR		"/sys/kernel/mm/ksm/"

/*
 * ksmd merges two pages in the second scan that finds them.  The first scan that
 * ends may have passed them before they were there.  A busy page has to wait for
 * the next scan.
 */
#define KSM_SCANS	6

#define KSM_MERGED_NOTHING "ksmd merged nothing in six scans"

/**
 * struct ksm - what ksmd did before the test
 * @run: it ran
 * @batch: pages that it scanned between two sleeps
 * @scans: scans that it had finished when the test started it
 */
struct ksm {
	long run;
	long batch;
	long scans;
};

/* Returns the number in a file of KSM_DIR, or -1. */
static inline long ksm_read(const char *path)
{
	FILE *file = fopen(path, "re");
	long value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

static inline int ksm_write(const char *path, long value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[24];
	int length = snprintf(text, sizeof(text), "%ld", value);
	int ret = write(fd, text, length) == length ? 0 : -1;

	close(fd);
	return ret;
}

/* Start ksmd, faster than by default; returns -1 if the kernel has none. */
static inline int ksm_start(struct ksm *ksm)
{
	ksm->run = ksm_read(KSM_DIR "run");
	ksm->batch = ksm_read(KSM_DIR "pages_to_scan");
	ksm->scans = ksm_read(KSM_DIR "full_scans");
	ksm_write(KSM_DIR "pages_to_scan", 2000);
	return ksm_write(KSM_DIR "run", 1);
}

/* Nothing is merged from here on. */
static inline int ksm_stop(const struct ksm *ksm)
{
	ksm_write(KSM_DIR "pages_to_scan", ksm->batch);
	return ksm_write(KSM_DIR "run", 0);
}

static inline int ksm_restore(const struct ksm *ksm)
{
	return ksm_stop(ksm) ?: ksm_write(KSM_DIR "run", ksm->run);
}

/* Whether ksmd has had its chances.  Otherwise wait a little and return false. */
static inline bool ksm_is_through(const struct ksm *ksm)
{
	if (ksm_read(KSM_DIR "full_scans") - ksm->scans >= KSM_SCANS)
		return true;
	usleep(10000);
	return false;
}

#endif /* _SELFTESTS_MMUN_SYSFS_H */
