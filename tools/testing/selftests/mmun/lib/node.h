/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Migrates pages between the nodes of the machine.
 */
#ifndef _SELFTESTS_MMUN_NODE_H
#define _SELFTESTS_MMUN_NODE_H

#include <linux/mempolicy.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECOND_NODE "/sys/devices/system/node/node1"
#define NO_NODE "no second node: set CONFIG_NUMA_EMU and boot with numa=fake=2"

/* If @node is not NULL, move the page to @node.  Returns the node, or -1. */
static inline int move_page(void *at, const int *node)
{
	int status = -1;

	return syscall(SYS_move_pages, 0, 1UL, &at, node, &status,
		       MPOL_MF_MOVE_ALL) ?
		       -1 :
		       status;
}

#endif /* _SELFTESTS_MMUN_NODE_H */
