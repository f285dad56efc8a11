/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results of the target hugetlb
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_HUGETLB_H
#define _KHO_FUZZ_HUGETLB_H

struct file;
struct liveupdate_file_handler;

/* The file handler of mm/hugetlb_luo.c */
extern struct liveupdate_file_handler *hugetlb_handler;

/* Number of files that were retrieved, and of pages that the last input left preserved */
extern unsigned int hugetlb_retrieved;
extern unsigned long hugetlb_still_preserved;

/* Boot, and make a memfd of @nr_pages. Add a page to it. Forget the memfd and the memory. */
struct file *hugetlb_start(unsigned int order, unsigned long nr_pages);
void hugetlb_add_content(struct file *file, unsigned long index);
void hugetlb_stop(void);

#endif
