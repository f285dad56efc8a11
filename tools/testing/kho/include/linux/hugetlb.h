/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memfds of huge pages, which are memfds of folios of one order: see shim/hugetlb.c
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_HUGETLB_H
#define _KHO_LINUX_HUGETLB_H

#include <linux/errno.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#include <uapi/linux/memfd.h>

struct hstate {
	unsigned int order;
};

/* Whether this kernel has huge pages; targets change it */
extern bool shim_huge_pages;
/* Number of huge pages that the next kernel is told of, and of those that were forgotten */
extern unsigned long shim_nr_pool_pages;
extern unsigned long shim_nr_forgotten;

#define huge_page_order(h)	((h)->order)
#define huge_page_shift(h)	(PAGE_SHIFT + (h)->order)
#define huge_page_size(h)	(1UL << huge_page_shift(h))
#define folio_nid(folio)	((void)(folio), 0)

struct hstate *size_to_hstate(unsigned long size);
struct hstate *hstate_inode(struct inode *inode);
#define hstate_file(file)	hstate_inode(file_inode(file))

#define is_file_hugepages(file)	((void)(file), true)
#define hugetlbfs_frozen(inode)	shmem_frozen(inode)
#define hugetlbfs_freeze(inode)	shmem_freeze(inode)
#define hugetlbfs_thaw(inode)	shmem_thaw(inode)
#define hugetlbfs_close(inode)	(shmem_close(inode), 0)
#define hugetlbfs_reopen(inode)	shmem_reopen(inode)

int hugetlb_add_adopted_folio(struct file *file, pgoff_t index, struct folio *folio);

#define HUGETLB_POOL_LUO_BATCH	64

int hugetlb_pool_luo_add(struct hstate *h, int nid, unsigned long nr);
void hugetlb_pool_luo_sub(struct hstate *h, int nid, unsigned long nr);
void hugetlb_pool_luo_adopt(struct hstate *h, struct folio **folios, unsigned int nr);
void hugetlb_pool_luo_sub_foreign(unsigned int order, int nid);

#endif
