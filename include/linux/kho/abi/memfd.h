/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd over a live update: what one kernel leaves for the next
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
 * A file entry of LUO whose compatible is %MEMFD_LUO_FH_COMPATIBLE holds in its
 * data the physical address of a struct memfd_luo_ser. Its folios member
 * describes a vmalloc array of nr_folios struct memfd_luo_folio_ser, one for
 * each folio that the file has in its page cache.
 *
 * The size of a folio is not stored here: it is the size of the preserved block
 * that starts at the folio's first page. A folio's index is aligned to its
 * size, folios don't overlap and start below the file's size. An entry whose
 * pfn is 0 stands for nothing and is skipped.
 *
 * The content of the file is the folios' content, and zeros where there is no
 * folio. The file's mode is not carried.
 *
 * Any change of layout or of meaning, a new seal included, needs a new
 * %MEMFD_LUO_FH_COMPAT_BASE.
 */

#define MEMFD_LUO_FH_COMPAT_BASE	"memfd-v2"
#define MEMFD_LUO_FH_COMPATIBLE		\
	(MEMFD_LUO_FH_COMPAT_BASE KHO_SUB_COMPAT(KHO_VMALLOC_COMPATIBLE))
static_assert(sizeof(MEMFD_LUO_FH_COMPATIBLE) <= LIVEUPDATE_HNDL_COMPAT_LENGTH);

/* The folio has been written since it was last clean. */
#define MEMFD_LUO_FOLIO_DIRTY		BIT(0)
/* The folio's content is valid; otherwise it reads as zeros. */
#define MEMFD_LUO_FOLIO_UPTODATE	BIT(1)
#define MEMFD_LUO_FOLIO_FLAGS		\
	(MEMFD_LUO_FOLIO_DIRTY | MEMFD_LUO_FOLIO_UPTODATE)

/* The seals that this version carries. */
#define MEMFD_LUO_SEALS			\
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
	 F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/**
 * struct memfd_luo_folio_ser - a folio of the file
 * @pfn: its first page frame
 * @flags: MEMFD_LUO_FOLIO_*
 * @index: where it lies in the file, pages
 */
struct memfd_luo_folio_ser {
	u64 pfn:52;
	u64 flags:12;
	u64 index;
} __packed;
static_assert(sizeof(struct memfd_luo_folio_ser) == 16);

/**
 * struct memfd_luo_ser - a memfd
 * @pos: file position, bytes
 * @size: file size, bytes
 * @seals: F_SEAL_* of the file, of %MEMFD_LUO_SEALS only
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
