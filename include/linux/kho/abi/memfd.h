/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfds in a live update: wire format
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_MEMFD_H
#define _LINUX_KHO_ABI_MEMFD_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler_attributes.h>
#include <linux/kho/abi/compat.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/vmalloc.h>
#include <linux/types.h>
#include <uapi/linux/fcntl.h>

#include <asm/page.h>

/**
 * DOC: memfd ABI
 *
 * The file entry of LUO has the compatible %MEMFD_LUO_FH_COMPATIBLE, and its
 * data is the physical address of a struct memfd_luo_ser. That is a preserved
 * page of its own.
 *
 * The content of the file is a list of runs. A run is a number of folios of the
 * same size that follow each other both in memory and in the file. The list has
 * nr_runs struct memfd_luo_run_ser, and nr_poisoned more (see below). If the
 * address in the member area is 0, the list follows the structure, in the same
 * page. Otherwise the member describes a vmalloc array.
 *
 * Each folio is a preserved block of its own. The index of a folio is aligned to
 * the folio's size. Runs are in the order of their indices and don't overlap. The
 * last folio of a run starts before the end of the file.
 *
 * Where the file has no folio, its content is zeros.
 *
 * After the runs, the list names the pages that have a hardware memory error, in
 * the order of their indices. Each of these entries is a page of a folio of the
 * runs: nr is 1, and order is 0. If the folio is larger than a page, it is the only
 * one of its run. The content of such a page is lost. The next kernel must not use
 * its memory.
 *
 * If the layout or the meaning of a field changes, or a seal or a flag is added,
 * %MEMFD_LUO_FH_COMPAT_BASE changes.
 *
 * Version 2, %MEMFD_LUO_V2_COMPATIBLE, is written for mainline, where its base token
 * stands alone, and read. The data is the
 * physical address of a struct memfd_luo_v2_ser. Its folios member describes a
 * vmalloc array of nr_folios struct memfd_luo_v2_folio_ser, one for each folio. The
 * size of a folio is not stored there: it is the size of the preserved block that
 * starts at the folio's first page. Folios can be in any order. An entry with pfn 0
 * is skipped. Owner, mode, times, access mode and status flags are not handed over.
 */

#define MEMFD_LUO_FH_COMPAT_BASE	"memfd-v3"
#define MEMFD_LUO_FH_COMPATIBLE		\
	(MEMFD_LUO_FH_COMPAT_BASE KHO_SUB_COMPAT(KHO_VMALLOC_COMPATIBLE))
static_assert(sizeof(MEMFD_LUO_FH_COMPATIBLE) <= LIVEUPDATE_HNDL_COMPAT_LENGTH);

/* Seals that all versions hand over */
#define MEMFD_LUO_SEALS			\
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
	 F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/* Status flags of the open file that are handed over, and its access mode */
#define MEMFD_LUO_OPEN_FLAGS		\
	(O_ACCMODE | O_APPEND | O_NOATIME | O_NONBLOCK)

/* Permission bits, including the set-user-ID, set-group-ID and sticky bits */
#define MEMFD_LUO_MODE			07777

/* Highest number of folios in a run */
#define MEMFD_LUO_RUN_MAX		(BIT_ULL(20) - 1)

/**
 * struct memfd_luo_run_ser - folios that follow each other in memory and in the file, or a
 *	page with a hardware memory error
 * @pfn: page frame number of the first page, not 0
 * @nr: number of folios, not 0
 * @index: offset of the first folio in the file in pages
 * @order: log2 of the size of each folio in pages
 * @flags: 0
 */
struct memfd_luo_run_ser {
	u64 pfn:44;
	u64 nr:20;
	u64 index:52;
	u64 order:6;
	u64 flags:6;
} __packed __aligned(8);
static_assert(sizeof(struct memfd_luo_run_ser) == 16);

/**
 * struct memfd_luo_time_ser - a point in time
 * @sec: seconds since the epoch
 * @nsec: nanoseconds, less than a second
 */
struct memfd_luo_time_ser {
	s64 sec;
	u64 nsec;
} __packed;
static_assert(sizeof(struct memfd_luo_time_ser) == 16);

/**
 * struct memfd_luo_ser - a memfd
 * @pos: file position in bytes
 * @size: file size in bytes
 * @seals: seals of the file, a subset of %MEMFD_LUO_SEALS
 * @open_flags: O_RDONLY, O_WRONLY or O_RDWR, and other flags of %MEMFD_LUO_OPEN_FLAGS
 * @mode: a subset of %MEMFD_LUO_MODE
 * @uid: owner, as seen from the initial user namespace
 * @gid: group, likewise
 * @nr_poisoned: number of pages with a hardware memory error. Their entries follow the runs.
 * @atime: time of the last access
 * @mtime: time of the last modification
 * @ctime: time of the last change of status
 * @btime: time of creation
 * @nr_runs: number of runs in the list
 * @area: the array of &struct memfd_luo_run_ser, or all 0 if it is @runs
 * @runs: the list, at most %MEMFD_LUO_PAGE_RUNS entries
 */
struct memfd_luo_ser {
	u64 pos;
	u64 size;
	u32 seals;
	u32 open_flags;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 nr_poisoned;
	struct memfd_luo_time_ser atime;
	struct memfd_luo_time_ser mtime;
	struct memfd_luo_time_ser ctime;
	struct memfd_luo_time_ser btime;
	u64 nr_runs;
	struct kho_vmalloc area;
	struct memfd_luo_run_ser runs[];
} __packed __aligned(8);
static_assert(sizeof(struct memfd_luo_ser) == 128);

/* Number of entries that fit into the page of the structure */
#define MEMFD_LUO_PAGE_RUNS		\
	((PAGE_SIZE - sizeof(struct memfd_luo_ser)) / sizeof(struct memfd_luo_run_ser))

/* Version 2 */

#define MEMFD_LUO_MAINLINE_COMPATIBLE	"memfd-v2"
#define MEMFD_LUO_V2_COMPATIBLE		\
	(MEMFD_LUO_MAINLINE_COMPATIBLE KHO_SUB_COMPAT("vmalloc-v1"))

/* The folio is dirty. */
#define MEMFD_LUO_V2_FOLIO_DIRTY	BIT(0)
/* The content of the folio is valid. Otherwise the folio reads as zeros. */
#define MEMFD_LUO_V2_FOLIO_UPTODATE	BIT(1)
#define MEMFD_LUO_V2_FOLIO_FLAGS	\
	(MEMFD_LUO_V2_FOLIO_DIRTY | MEMFD_LUO_V2_FOLIO_UPTODATE)

/**
 * struct memfd_luo_v2_folio_ser - a folio of the file
 * @pfn: page frame number of the folio's first page
 * @flags: MEMFD_LUO_V2_FOLIO_*
 * @index: offset in the file in pages
 */
struct memfd_luo_v2_folio_ser {
	u64 pfn:52;
	u64 flags:12;
	u64 index;
} __packed;
static_assert(sizeof(struct memfd_luo_v2_folio_ser) == 16);

/**
 * struct memfd_luo_v2_ser - a memfd
 * @pos: file position in bytes
 * @size: file size in bytes
 * @seals: seals of the file, a subset of %MEMFD_LUO_SEALS
 * @flags: 0
 * @nr_folios: number of entries in @folios
 * @folios: array of &struct memfd_luo_v2_folio_ser
 */
struct memfd_luo_v2_ser {
	u64 pos;
	u64 size;
	u32 seals;
	u32 flags;
	u64 nr_folios;
	struct kho_vmalloc folios;
} __packed;
static_assert(sizeof(struct memfd_luo_v2_ser) == 48);

#endif /* _LINUX_KHO_ABI_MEMFD_H */
