/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shmem, and the functions of mm/internal.h that memfd_luo*.c call: see shim/shmem.c
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_SHMEM_FS_H
#define _KHO_LINUX_SHMEM_FS_H

#include <linux/pagemap.h>

/* Whether the kernel supports large folios; targets change it */
extern bool shim_large_folios;
#undef IS_ENABLED
#define IS_ENABLED(CONFIG_OPTION)		SHIM_##CONFIG_OPTION
#define SHIM_CONFIG_TRANSPARENT_HUGEPAGE	shim_large_folios
#define SHIM_CONFIG_MEMORY_FAILURE		true

struct shmem_inode_info {
	struct timespec64 i_crtime;
};

struct shmem_inode_info *SHMEM_I(struct inode *inode);
bool shmem_file(const struct file *file);
bool shmem_frozen(struct inode *inode);
int shmem_freeze(struct inode *inode);
void shmem_thaw(struct inode *inode);
void shmem_close(struct inode *inode);
void shmem_reopen(struct inode *inode);
int shmem_inode_acct_blocks(struct inode *inode, long pages);
void shmem_inode_unacct_blocks(struct inode *inode, long pages);
void shmem_recalc_inode(struct inode *inode, long alloced, long swapped);
int shmem_add_to_page_cache(struct folio *folio, struct address_space *mapping,
			    unsigned long index, void *expected, gfp_t gfp);
int shmem_add_pages(struct address_space *mapping, unsigned long index, struct folio **folios,
		    unsigned int nr, unsigned int *nr_added, gfp_t gfp);
void lru_add_pages(struct folio **folios, unsigned int nr);

/* Folios never have to be swapped in or migrated. */
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

bool shmem_luo_find(struct inode *inode, unsigned long *index, unsigned long end);
unsigned int shmem_luo_get_folios(struct inode *inode, unsigned long index, unsigned long end,
				  struct folio **folios, unsigned int max);
unsigned long shmem_luo_nr_present(struct inode *inode);

/* There are no pages past the end of a file. */
static inline unsigned long shmem_luo_nr_beyond(struct inode *inode, unsigned long end)
{
	return 0;
}

static inline int shmem_luo_freeze(struct inode *inode)
{
	return shmem_freeze(inode);
}

static inline void shmem_luo_thaw(struct inode *inode)
{
	shmem_thaw(inode);
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
