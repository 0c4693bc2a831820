/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memory cgroup of the test.
 */
#ifndef _SELFTESTS_MMUN_CGROUP_H
#define _SELFTESTS_MMUN_CGROUP_H

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"
#include "sysfs.h"

#define CGROUP "/sys/fs/cgroup"

#define NO_MEMORY_CONTROLLER              \
	"no memory controller in " CGROUP \
	": mount cgroup2 there, build with CONFIG_MEMCG"

static char cgroup[64];

/* Returns whether the text of a file contains the word. */
static inline bool file_has(const char *path, const char *word)
{
	char text[1024];

	return !mmun_read_file(path, text, sizeof(text)) && strstr(text, word);
}

/* Remove the cgroup after the test.  Returns 0 if no cgroup is left. */
static inline int cgroup_remove(void *disable, int nr)
{
	int tries;

	mmun_write_file("cgroup.kill", "1");
	for (tries = 0; rmdir(cgroup) && tries < 1000; tries++)
		poll(NULL, 0, 10);
	if (disable)
		mmun_write_file(CGROUP "/cgroup.subtree_control", "-memory");
	return !access(cgroup, F_OK);
}

/*
 * Create the cgroup, and change to its directory.  The process @cleanup removes
 * the cgroup when the test ends.
 */
static inline int cgroup_create(struct mmun_child *cleanup, long limit)
{
	bool enable = !file_has(CGROUP "/cgroup.subtree_control", "memory");

	if (enable &&
	    mmun_write_file(CGROUP "/cgroup.subtree_control", "+memory"))
		return -1;
	snprintf(cgroup, sizeof(cgroup), CGROUP "/mmun-%d", getpid());
	if (mkdir(cgroup, 0755) || chdir(cgroup) ||
	    mmun_cleanup_start(cleanup, cgroup_remove,
			       enable ? cgroup : NULL) ||
	    mmun_write_number("memory.max", limit))
		return -1;
	/* A kernel without swap lacks the file memory.swap.max. */
	mmun_write_file("memory.swap.max", "0");
	return 0;
}

/* An order: the process enters the cgroup, and can be killed. */
static inline int enter_cgroup(void *arg, int nr)
{
	return mmun_write_file("/proc/self/oom_score_adj", "0") ?:
		       mmun_write_file("cgroup.procs", "0");
}

/* Statements of a test: skip if there is no controller; create the cgroup. */
#define need_cgroup(_cleanup, _limit)                                  \
	do {                                                           \
		if (!file_has(CGROUP "/cgroup.controllers", "memory")) \
			SKIP(return, NO_MEMORY_CONTROLLER);            \
		ASSERT_EQ(0, cgroup_create(_cleanup, _limit));         \
	} while (0)

#endif /* _SELFTESTS_MMUN_CGROUP_H */
