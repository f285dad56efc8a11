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

/**
 * DOC: memfd ABI
 *
 * The file entry of LUO has the compatible %MEMFD_LUO_FH_COMPATIBLE, and its
 * data is the physical address of a struct memfd_luo_ser. The folios member
 * describes a vmalloc array of nr_folios struct memfd_luo_folio_ser, one for
 * each folio in the page cache of the file.
 *
 * The size of a folio is not stored here: it is the size of the preserved block
 * that starts at the folio's first page. The index of a folio is aligned to the
 * folio's size. Folios don't overlap, and they start before the end of the
 * file. An entry with pfn 0 is skipped.
 *
 * Where the file has no folio, its content is zeros. The mode of the file is
 * not handed over.
 *
 * If the layout or the meaning of a field changes, or a seal is added,
 * %MEMFD_LUO_FH_COMPAT_BASE changes.
 */

#define MEMFD_LUO_FH_COMPAT_BASE	"memfd-v2"
#define MEMFD_LUO_FH_COMPATIBLE		\
	(MEMFD_LUO_FH_COMPAT_BASE KHO_SUB_COMPAT(KHO_VMALLOC_COMPATIBLE))
static_assert(sizeof(MEMFD_LUO_FH_COMPATIBLE) <= LIVEUPDATE_HNDL_COMPAT_LENGTH);

/* The folio is dirty. */
#define MEMFD_LUO_FOLIO_DIRTY		BIT(0)
/* The content of the folio is valid. Otherwise the folio reads as zeros. */
#define MEMFD_LUO_FOLIO_UPTODATE	BIT(1)
#define MEMFD_LUO_FOLIO_FLAGS		\
	(MEMFD_LUO_FOLIO_DIRTY | MEMFD_LUO_FOLIO_UPTODATE)

/* Seals that this version hands over */
#define MEMFD_LUO_SEALS			\
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
	 F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/**
 * struct memfd_luo_folio_ser - a folio of the file
 * @pfn: page frame number of the folio's first page
 * @flags: MEMFD_LUO_FOLIO_*
 * @index: offset in the file in pages
 */
struct memfd_luo_folio_ser {
	u64 pfn:52;
	u64 flags:12;
	u64 index;
} __packed;
static_assert(sizeof(struct memfd_luo_folio_ser) == 16);

/**
 * struct memfd_luo_ser - a memfd
 * @pos: file position in bytes
 * @size: file size in bytes
 * @seals: seals of the file, a subset of %MEMFD_LUO_SEALS
 * @flags: 0
 * @nr_folios: number of entries in @folios
 * @folios: array of &struct memfd_luo_folio_ser
 */
struct memfd_luo_ser {
	u64 pos;
	u64 size;
	u32 seals;
	u32 flags;
	u64 nr_folios;
	struct kho_vmalloc folios;
} __packed;
static_assert(sizeof(struct memfd_luo_ser) == 48);

#endif /* _LINUX_KHO_ABI_MEMFD_H */
