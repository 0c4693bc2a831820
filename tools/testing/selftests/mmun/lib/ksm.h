/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Controls ksmd, the kernel thread that merges pages.
 *
 * The duration of a scan depends on the number of pages that other processes
 * gave to ksmd.  A test therefore waits for scans, and not for a time.
 */
#ifndef _SELFTESTS_MMUN_KSM_H
#define _SELFTESTS_MMUN_KSM_H

#include "sysfs.h"

#define KSM_DIR "/sys/kernel/mm/ksm/"

/*
 * ksmd merges two pages in the second scan that finds them.  A scan that began
 * before the test wrote the pages may have passed their addresses. ksmd skips a
 * busy page until the next scan.
 */
#define KSM_SCANS 6

#define KSM_MERGED_NOTHING "ksmd merged no page in six scans"

/**
 * struct ksm - the state of ksmd before the test
 * @run: whether ksmd ran
 * @batch: number of pages that ksmd scanned between two sleeps
 * @scans: number of scans that ksmd had finished
 */
struct ksm {
	long run;
	long batch;
	long scans;
};

/* Start ksmd with large batches.  Returns -1 if the kernel has no ksmd. */
static inline int ksm_start(struct ksm *ksm)
{
	ksm->run = mmun_read_number(KSM_DIR "run");
	ksm->batch = mmun_read_number(KSM_DIR "pages_to_scan");
	ksm->scans = mmun_read_number(KSM_DIR "full_scans");
	mmun_write_number(KSM_DIR "pages_to_scan", 2000);
	return mmun_write_number(KSM_DIR "run", 1);
}

/* Stop ksmd. ksmd merges no page after this function returned. */
static inline int ksm_stop(const struct ksm *ksm)
{
	mmun_write_number(KSM_DIR "pages_to_scan", ksm->batch);
	return mmun_write_number(KSM_DIR "run", 0);
}

static inline int ksm_restore(const struct ksm *ksm)
{
	return ksm_stop(ksm) ?: mmun_write_number(KSM_DIR "run", ksm->run);
}

/* Returns true after KSM_SCANS scans.  Otherwise sleeps and returns false. */
static inline bool ksm_is_through(const struct ksm *ksm)
{
	if (mmun_read_number(KSM_DIR "full_scans") - ksm->scans >= KSM_SCANS)
		return true;
	usleep(10000);
	return false;
}

#endif /* _SELFTESTS_MMUN_KSM_H */
