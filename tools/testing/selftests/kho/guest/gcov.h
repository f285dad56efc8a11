/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Send the coverage counters of a kernel to the host
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_KHO_GUEST_GCOV_H
#define SELFTESTS_KHO_GUEST_GCOV_H

/*
 * Do nothing if the kernel has no counters or the guest no port for them. @kernel is
 * the number of the kernel in the suite. 0, or -1 if not all counters were sent.
 */
int guest_save_coverage(int kernel);

#endif /* SELFTESTS_KHO_GUEST_GCOV_H */
