/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shmem, and the functions of mm/internal.h that memfd_luo.c calls: see shim/shmem.c
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_SHMEM_FS_H
#define _KHO_LINUX_SHMEM_FS_H

#include <linux/pagemap.h>

/* Whether the kernel supports large folios; targets change it */
extern bool shim_large_folios;
#undef IS_ENABLED
#define IS_ENABLED(...)	shim_large_folios

bool shmem_file(const struct file *file);
bool shmem_frozen(struct inode *inode);
int shmem_freeze(struct inode *inode);
void shmem_thaw(struct inode *inode);
int shmem_inode_acct_blocks(struct inode *inode, long pages);
void shmem_inode_unacct_blocks(struct inode *inode, long pages);
void shmem_recalc_inode(struct inode *inode, long alloced, long swapped);
int shmem_add_to_page_cache(struct folio *folio, struct address_space *mapping,
			    unsigned long index, void *expected, gfp_t gfp);
int shmem_add_pages(struct address_space *mapping, unsigned long index, struct folio **folios,
		    unsigned int nr, unsigned int *nr_added, gfp_t gfp);
void lru_add_pages(struct folio **folios, unsigned int nr);

/* There are no holes, and folios never have to be migrated. */
static inline int shmem_luo_check_room(struct inode *inode, unsigned long start,
				       unsigned long end)
{
	return -ENOMEM;
}

static inline int shmem_luo_settle(struct inode *inode, unsigned long index,
				   unsigned long end)
{
	return -ENOMEM;
}

static inline int shmem_luo_mark_present(struct inode *inode)
{
	return 0;
}

static inline void shmem_luo_drop_filled(struct inode *inode)
{
}

/* Nothing is reclaimed. */
static inline void shmem_luo_rescue(struct folio *folio)
{
}

static inline void shmem_luo_make_evictable(struct address_space *mapping,
					    unsigned long nr_held)
{
}

#endif
