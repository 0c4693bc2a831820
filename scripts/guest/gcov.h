/* SPDX-License-Identifier: GPL-2.0 */
/* The coverage of the kernel. */
#ifndef MMUN_GUEST_GCOV_H
#define MMUN_GUEST_GCOV_H

/*
 * Send the coverage of the kernel to the host.  gcov_send() does nothing if the
 * kernel does not measure its coverage.
 */
void gcov_send(void);

#endif /* MMUN_GUEST_GCOV_H */
