/* SPDX-License-Identifier: GPL-2.0 */
/* The coverage of the kernel. */
#ifndef MMUN_GUEST_GCOV_H
#define MMUN_GUEST_GCOV_H

/* Send the counts of the kernel to the host, if the kernel counts. */
void gcov_send(void);

#endif /* MMUN_GUEST_GCOV_H */
