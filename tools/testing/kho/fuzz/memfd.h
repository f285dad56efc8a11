/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results of the target memfd
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_MEMFD_H
#define _KHO_FUZZ_MEMFD_H

#include <linux/types.h>

struct file;
struct liveupdate_file_handler;

/* The file handler of mm/memfd_luo.c */
extern struct liveupdate_file_handler *memfd_handler;

/*
 * Number of files that were retrieved; number of pages that the last input left preserved, and
 * that came back poisoned
 */
extern unsigned int memfd_retrieved;
extern unsigned long memfd_still_preserved;
extern unsigned int memfd_nr_poisoned;

/* Boot, and make a memfd. Add a folio to it. Forget the memfd and the memory. */
struct file *memfd_start(loff_t size);
void memfd_add_content(struct file *file, unsigned long index, unsigned int order);
void memfd_stop(void);

#endif
