/* SPDX-License-Identifier: GPL-2.0 */
/* The log and the taint of the kernel. */
#ifndef MMUN_GUEST_KMSG_H
#define MMUN_GUEST_KMSG_H

/* Write "mmun: VERB NAME" to the log.  See lib/mark.h of the selftest. */
void kmsg_mark(const char *verb, const char *name);
/* Returns the taint without the bits that the load of the modules sets. */
unsigned long kernel_taint(void);

#endif /* MMUN_GUEST_KMSG_H */
