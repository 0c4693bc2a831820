/* SPDX-License-Identifier: GPL-2.0 */
/* The lines of the source code at an address of the program */
#ifndef _MMU_NOTIFIER_SOURCE_H
#define _MMU_NOTIFIER_SOURCE_H

#include <stdbool.h>

struct source {
	char text[96]; /* the line, or "" */
	char place[96]; /* "FILE:LINE", and for a header also the line that uses it */
	bool is_subject; /* The line is in mmu_notifier.c, or is used there. */
};

/* Find the line at @pc, the address behind a call. */
void source_find(const void *pc, struct source *source);

#endif /* _MMU_NOTIFIER_SOURCE_H */
