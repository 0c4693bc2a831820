/* SPDX-License-Identifier: GPL-2.0 */
/* The log and the taint of the kernel. */
#ifndef MMUN_GUEST_KMSG_H
#define MMUN_GUEST_KMSG_H

/*
 * Write "mmun: VERB NAME" to the log of the kernel.  lib/mark.h of the selftest
 * describes these lines.
 */
void kmsg_mark(const char *verb, const char *name);
/*
 * Returns the taint of the kernel without the bits that the load of the modules
 * sets.
 */
unsigned long kernel_taint(void);

#endif /* MMUN_GUEST_KMSG_H */
