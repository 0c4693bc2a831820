/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process of the test executes the file of the test program, and thereby gets
 * a new mm.  The executed program inherits a descriptor of the device.  The
 * program checks that the descriptor refers to the mm before exec(), and exits.
 */
#ifndef _SELFTESTS_MMUN_EXECED_H
#define _SELFTESTS_MMUN_EXECED_H

#include "mmun.h"

#define EXECED "--execed"
#define EXECED_OK 42

/*
 * Execute the test program.  Returns only on an error.  This function must not
 * allocate memory, because a held thread may own mmap_lock.
 */
static inline int exec_self(int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	fcntl(fd, F_SETFD, 0);
	return execl("/proc/self/exe", "mmun", EXECED, number, NULL);
}

/* The main function after exec().  @fd refers to the mm before exec(). */
static inline int execed(int fd)
{
	struct mmun_query_context state;
	char *map = mmun_map_filled(mmun_arena(1), 1);
	__u32 id;

	if (_mmun_query_context(fd, &state) || state.out_mm_users)
		return 1;
	if (!_mmun_insert(fd, map, 1, &id) || errno != ESRCH)
		return 2;
	return EXECED_OK;
}

#define EXECED_MAIN                                        \
	int main(int argc, char **argv)                    \
	{                                                  \
		if (argc == 3 && !strcmp(argv[1], EXECED)) \
			return execed(atoi(argv[2]));      \
		return mmun_main(argc, argv);              \
	}

#endif /* _SELFTESTS_MMUN_EXECED_H */
