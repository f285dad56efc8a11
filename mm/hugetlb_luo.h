/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of memfds of huge pages: declarations that its files share
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _MM_HUGETLB_LUO_H
#define _MM_HUGETLB_LUO_H

#include <linux/hugetlb.h>
#include <linux/math.h>
#include <linux/types.h>

struct hugetlb_luo_run_ser;
struct liveupdate_file_op_args;

static inline u64 hugetlb_luo_nr_pages(const struct hstate *h, u64 size)
{
	return DIV_ROUND_UP_ULL(size, huge_page_size(h));
}

/* hugetlb_luo_retrieve.c */
int hugetlb_luo_retrieve(struct liveupdate_file_op_args *args);
void hugetlb_luo_finish(struct liveupdate_file_op_args *args);
int hugetlb_luo_verify_outgoing(phys_addr_t pa, struct hugetlb_luo_run_ser *runs, u64 nr_runs,
				bool all);

#endif /* _MM_HUGETLB_LUO_H */
