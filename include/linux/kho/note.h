/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The note in the image of this kernel: what it reads of a handover.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_NOTE_H
#define _LINUX_KHO_NOTE_H

#include <linux/kho/abi/note.h>

/*
 * The versions that this kernel reads. Of those of LUO, memfds and memfds of huge pages it
 * writes the highest one.
 */
#define KHO_ROOT_LOWEST		4
#define KHO_ROOT_HIGHEST	4
#define KHO_RADIX_LOWEST	1
#define KHO_RADIX_HIGHEST	1
#define KHO_VMALLOC_LOWEST	1
#define KHO_VMALLOC_HIGHEST	1
#define KHO_BLOCK_LOWEST	1
#define KHO_BLOCK_HIGHEST	1
#define KHO_LUO_LOWEST		5
#define KHO_LUO_HIGHEST		5
#define KHO_MEMFD_LOWEST	2
#define KHO_MEMFD_HIGHEST	3
#define KHO_HUGETLB_LOWEST	1
#define KHO_HUGETLB_HIGHEST	1

#ifdef __ASSEMBLY__

#ifdef CONFIG_RODATA_FULL_DEFAULT_ENABLED
#define KHO_OWN_RODATA_FULL	KHO_NOTE_RODATA_FULL
#else
#define KHO_OWN_RODATA_FULL	0
#endif

#ifdef CONFIG_DEBUG_PAGEALLOC_ENABLE_DEFAULT
#define KHO_OWN_DEBUG_PAGEALLOC	KHO_NOTE_DEBUG_PAGEALLOC
#else
#define KHO_OWN_DEBUG_PAGEALLOC	0
#endif

/* Without early KFENCE, arm64 can set up its pool anywhere later. */
#if defined(CONFIG_ARM64) && defined(CONFIG_KFENCE) && !CONFIG_KFENCE_SAMPLE_INTERVAL
#define KHO_OWN_LATE_KFENCE	KHO_NOTE_LATE_KFENCE
#else
#define KHO_OWN_LATE_KFENCE	0
#endif

#define KHO_OWN_BASE_PAGES	\
	(KHO_OWN_RODATA_FULL | KHO_OWN_DEBUG_PAGEALLOC | KHO_OWN_LATE_KFENCE)

#ifdef CONFIG_MEMORY_FAILURE
#define KHO_OWN_MEMORY_FAILURE	KHO_NOTE_MEMORY_FAILURE
#else
#define KHO_OWN_MEMORY_FAILURE	0
#endif

/* A struct kho_note */
.macro KHO_NOTE
	.balign	4
	.ascii	KHO_NOTE_MAGIC
	.long	KHO_NOTE_SIZE
	.long	KHO_NOTE_VERSION
	.long	KHO_NOTE_EARLY_MAP | KHO_OWN_BASE_PAGES | KHO_OWN_MEMORY_FAILURE
	.short	KHO_ROOT_LOWEST, KHO_ROOT_HIGHEST
	.short	KHO_RADIX_LOWEST, KHO_RADIX_HIGHEST
	.short	KHO_VMALLOC_LOWEST, KHO_VMALLOC_HIGHEST
	.short	KHO_BLOCK_LOWEST, KHO_BLOCK_HIGHEST
#ifdef CONFIG_LIVEUPDATE
	.short	KHO_LUO_LOWEST, KHO_LUO_HIGHEST
#else
	.short	0, 0
#endif
#ifdef CONFIG_LIVEUPDATE_MEMFD
	.short	KHO_MEMFD_LOWEST, KHO_MEMFD_HIGHEST
#else
	.short	0, 0
#endif
#ifdef CONFIG_LIVEUPDATE_HUGETLB
	.short	KHO_HUGETLB_LOWEST, KHO_HUGETLB_HIGHEST
#else
	.short	0, 0
#endif
	.balign	8
.endm

#endif /* __ASSEMBLY__ */

#endif /* _LINUX_KHO_NOTE_H */
