/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results of the target hugetlb
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_HUGETLB_H
#define _KHO_FUZZ_HUGETLB_H

/* Number of files that were retrieved, and of pages that the last input left preserved */
extern unsigned int hugetlb_retrieved;
extern unsigned long hugetlb_still_preserved;

#endif
