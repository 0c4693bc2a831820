/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Constants that the C library of Debian 12 lacks.
 */
#ifndef _SELFTESTS_MMUN_COMPAT_H
#define _SELFTESTS_MMUN_COMPAT_H

#include <sys/mman.h>
#include <sys/syscall.h>

/* Advice of madvise() */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/* Flag of memfd_create() */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#endif /* _SELFTESTS_MMUN_COMPAT_H */
