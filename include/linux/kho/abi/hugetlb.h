/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfds of huge pages in a live update: wire format
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_HUGETLB_H
#define _LINUX_KHO_ABI_HUGETLB_H

#include <linux/build_bug.h>
#include <linux/compiler_attributes.h>
#include <linux/kho/abi/compat.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/vmalloc.h>
#include <linux/types.h>
#include <uapi/linux/fcntl.h>

/**
 * DOC: hugetlb memfd ABI
 *
 * The file entry of LUO has the compatible %HUGETLB_LUO_FH_COMPATIBLE, and its
 * data is the physical address of a struct hugetlb_luo_ser. The runs member
 * describes a vmalloc array of at least nr_runs struct hugetlb_luo_run_ser: the
 * huge pages of the file, in any order. Each of them is a preserved block of the
 * file's page size. nr_pages is the number of pages in all runs.
 *
 * Where the file has no page, it has a hole.
 *
 * The pages are part of the pool of the previous kernel, and become part of that of
 * the next one. A KHO subtree with the name %HUGETLB_LUO_POOL_NAME, a struct
 * hugetlb_luo_pool_ser, says how many they are, because the next kernel allocates
 * its pool long before it reads the files. There is one entry for each page size
 * and node, with the number of a node in the previous kernel. The subtree exists
 * only if there are such pages.
 *
 * If the layout or the meaning of a field changes, or a seal is added,
 * %HUGETLB_LUO_FH_COMPAT_BASE or %HUGETLB_LUO_POOL_COMPATIBLE changes.
 */

#define HUGETLB_LUO_FH_COMPAT_BASE	"memfd-hugetlb-v1"
#define HUGETLB_LUO_FH_COMPATIBLE		\
	(HUGETLB_LUO_FH_COMPAT_BASE KHO_SUB_COMPAT(KHO_VMALLOC_COMPATIBLE))
static_assert(sizeof(HUGETLB_LUO_FH_COMPATIBLE) <= LIVEUPDATE_HNDL_COMPAT_LENGTH);

/* Seals that this version hands over */
#define HUGETLB_LUO_SEALS			\
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
	 F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/* Bits of the file's mode that this version hands over */
#define HUGETLB_LUO_MODE	07777

/**
 * struct hugetlb_luo_run_ser - huge pages that are adjacent in memory and in the file
 * @pfn: page frame number of the first one
 * @index: its index in the file, in huge pages
 * @nr: number of huge pages, not 0
 */
struct hugetlb_luo_run_ser {
	u64 pfn;
	u64 index;
	u64 nr;
} __packed;
static_assert(sizeof(struct hugetlb_luo_run_ser) == 24);

/**
 * struct hugetlb_luo_ser - a memfd of huge pages
 * @pos: file position in bytes
 * @size: file size in bytes
 * @seals: seals of the file, a subset of %HUGETLB_LUO_SEALS
 * @mode: permission bits of the file, a subset of %HUGETLB_LUO_MODE
 * @uid: owner, in the initial user namespace
 * @gid: group, in the initial user namespace
 * @page_shift: log2 of the page size in bytes
 * @flags: 0
 * @nr_runs: number of entries in @runs
 * @nr_pages: number of huge pages
 * @runs: array of &struct hugetlb_luo_run_ser
 */
struct hugetlb_luo_ser {
	u64 pos;
	u64 size;
	u32 seals;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 page_shift;
	u32 flags;
	u64 nr_runs;
	u64 nr_pages;
	struct kho_vmalloc runs;
} __packed;
static_assert(sizeof(struct hugetlb_luo_ser) == 72);

#define HUGETLB_LUO_POOL_NAME		"hugetlb"
#define HUGETLB_LUO_POOL_COMPATIBLE	"hugetlb-v1"

/**
 * struct hugetlb_luo_pool_entry_ser - pages of one size on one node
 * @order: log2 of their size in pages of PAGE_SIZE
 * @node: the node
 * @count: number of them
 */
struct hugetlb_luo_pool_entry_ser {
	u32 order;
	u32 node;
	u64 count;
} __packed;
static_assert(sizeof(struct hugetlb_luo_pool_entry_ser) == 16);

/**
 * struct hugetlb_luo_pool_ser - pages of the pool that are handed over
 * @compatible: %HUGETLB_LUO_POOL_COMPATIBLE, padded with NULs
 * @nr_entries: number of @entries
 * @entries: the pages
 */
struct hugetlb_luo_pool_ser {
	char compatible[KHO_COMPAT_ALIGN(HUGETLB_LUO_POOL_COMPATIBLE)];
	u64 nr_entries;
	struct hugetlb_luo_pool_entry_ser entries[];
} __packed;
static_assert(sizeof(struct hugetlb_luo_pool_ser) == 24);

#endif /* _LINUX_KHO_ABI_HUGETLB_H */
