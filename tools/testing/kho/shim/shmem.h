/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfds, as tests see them
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_SHMEM_H
#define _KHO_SHIM_SHMEM_H

#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#define SHMEM_MAX_FOLIOS	1024

/**
 * struct memfd - a memfd
 * @file:      the open file
 * @opened:    another one, made by alloc_file_clone()
 * @flags:     those of memfd_create()
 * @seals:     its seals
 * @frozen:    shmem_freeze() was called
 * @closed:    shmem_close() was called
 * @nr_blocks: number of accounted pages
 * @folios:    its page cache, unsorted
 * @nr_folios: number of them
 */
struct memfd {
	struct file file;
	struct file opened;
	struct inode inode;
	struct shmem_inode_info info;
	struct address_space mapping;
	unsigned int flags;
	unsigned int seals;
	bool frozen;
	bool closed;
	long nr_blocks;
	struct folio *folios[SHMEM_MAX_FOLIOS];
	unsigned int nr_folios;
};

struct memfd *to_memfd(const struct file *file);

/* Only one can exist at a time. */
extern bool memfd_exists;

#endif
