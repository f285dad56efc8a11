/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Format of the note in kernel images.
 *
 * This is a separate header because assembly includes it too.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_NOTE_H
#define _LINUX_KHO_ABI_NOTE_H

#ifndef __ASSEMBLY__
#include <linux/build_bug.h>
#include <linux/types.h>
#endif

/**
 * DOC: KHO note
 *
 * The image of a kernel that supports kexec handover contains a note. kexec_file_load()
 * reads it in the image of the next kernel, to find out whether that kernel can take over
 * what is preserved, and how much scratch it needs to boot.
 *
 * A bzImage has the note in the part of ``kernel_info`` with variable-sized data. An
 * arm64 Image has it in its first 64 KiB, aligned to 4 bytes. The numbers in it have the
 * byte order of the kernel.
 *
 * A longer note is read up to the fields below: later kernels can append fields. A shorter
 * one lacks the components whose fields it does not have, but it has at least
 * %KHO_NOTE_MIN_SIZE bytes. A note that is shorter than that, that does not fit in the place
 * that it is in, or that has an unknown version counts as missing. So the version changes
 * only if older kernels must not read the note. Unknown flags are ignored. An image without
 * a note is assumed to read the map of preserved memory late, and the versions of this
 * kernel.
 */

/* Four characters, as the boot protocol of x86 demands */
#define KHO_NOTE_MAGIC		"KHOn"

/* Size of struct kho_note in bytes */
#define KHO_NOTE_SIZE		44

/* Size of the first form of it, which ended with memfd */
#define KHO_NOTE_MIN_SIZE	40

/* Format of the note itself */
#define KHO_NOTE_VERSION	1

/*
 * The map is read as soon as all memory is in the direct map. Until then the kernel
 * allocates its page tables and little else.
 */
#define KHO_NOTE_EARLY_MAP	0x1

/*
 * Reasons why the direct map consists of base pages. The options that are named here take
 * precedence if they are on the command line.
 */
#define KHO_NOTE_RODATA_FULL		0x2	/* rodata=, on arm64 */
#define KHO_NOTE_DEBUG_PAGEALLOC	0x4	/* debug_pagealloc= */
#define KHO_NOTE_LATE_KFENCE		0x8	/* kfence.sample_interval=0, on arm64 */
#define KHO_NOTE_BASE_PAGES		0xe	/* any of these */

/*
 * The kernel has MEMORY_FAILURE: it takes over memfds that have pages with hardware memory
 * errors. Kernels from before this flag was introduced do not have it.
 */
#define KHO_NOTE_MEMORY_FAILURE		0x10

#ifndef __ASSEMBLY__

/**
 * struct kho_note_versions - versions of a component that a kernel reads
 * @lowest:  the lowest one
 * @highest: the highest one; 0 if the kernel lacks the component
 */
struct kho_note_versions {
	u16 lowest;
	u16 highest;
};

/**
 * struct kho_note - what a kernel image says of itself
 * @magic:   %KHO_NOTE_MAGIC, without a NUL
 * @size:    its size in bytes, %KHO_NOTE_MIN_SIZE or more
 * @version: %KHO_NOTE_VERSION
 * @flags:   %KHO_NOTE_EARLY_MAP and the flags after it
 * @root:    versions of the root FDT
 * @radix:   versions of the radix tree
 * @vmalloc: versions of vmalloc areas
 * @block:   versions of chains of blocks
 * @luo:     versions of the state of the Live Update Orchestrator
 * @memfd:   versions of memfds
 * @hugetlb: versions of memfds of huge pages
 */
struct kho_note {
	char magic[4];
	u32 size;
	u32 version;
	u32 flags;
	struct kho_note_versions root;
	struct kho_note_versions radix;
	struct kho_note_versions vmalloc;
	struct kho_note_versions block;
	struct kho_note_versions luo;
	struct kho_note_versions memfd;
	struct kho_note_versions hugetlb;
};

static_assert(sizeof(struct kho_note) == KHO_NOTE_SIZE);
static_assert(sizeof(struct kho_note) - sizeof(struct kho_note_versions) ==
	      KHO_NOTE_MIN_SIZE);

#endif /* __ASSEMBLY__ */

#endif /* _LINUX_KHO_ABI_NOTE_H */
