/* SPDX-License-Identifier: GPL-2.0 */
/* The coverage of the kernel. */
#ifndef MMUN_GUEST_GCOV_H
#define MMUN_GUEST_GCOV_H

/* Send the coverage to the host.  Does nothing if the kernel does not measure it. */
void gcov_send(void);

#endif /* MMUN_GUEST_GCOV_H */
