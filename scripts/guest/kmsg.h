/* SPDX-License-Identifier: GPL-2.0 */
/* Write to the log of the kernel, and read the taint of the kernel. */
#ifndef MMUN_GUEST_KMSG_H
#define MMUN_GUEST_KMSG_H

/*
 * Write the line "mmun: VERB NAME" to the log of the kernel, as lib/mark.h of
 * the selftest describes.
 */
void kmsg_mark(const char *verb, const char *name);
/*
 * Returns the taint of the kernel without the bits that the kernel sets when
 * PID 1 loads the modules.
 */
unsigned long kernel_taint(void);

#endif /* MMUN_GUEST_KMSG_H */
