/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of preserved vmalloc areas.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_VMALLOC_H
#define _LINUX_KHO_ABI_VMALLOC_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

#include <asm/page.h>

/**
 * DOC: Preserved vmalloc areas
 *
 * struct kho_vmalloc describes one area. Users embed it in their own preserved
 * state. The addresses of the area's pages are in a chain of one-page chunks,
 * which are preserved too. Each entry of a chunk is the physical address of
 * 2^order contiguous pages. The entries are in the order of the area's virtual
 * addresses, and there are total_pages >> order of them. Every chunk but the
 * last one is full. The last one ends with a zero entry unless it is full. Some kernels
 * append an empty chunk to one that is full.
 *
 * The fields of struct kho_vmalloc::
 *
 *   u64 first           physical address of the first chunk
 *   u32 total_pages     size of the area in pages of PAGE_SIZE
 *   u16 flags           bit 0: VM_ALLOC, bit 1: VM_ALLOW_HUGE_VMAP
 *   u16 order           as above
 *
 * A chunk consists of a u64 with the physical address of the next chunk, 0 in
 * the last one, and the entries, u64 each.
 */

#define KHO_VMALLOC_COMPATIBLE	"vmalloc-v1"

/* struct kho_vmalloc flags */
#define KHO_VMALLOC_ALLOC	BIT(0)	/* VM_ALLOC */
#define KHO_VMALLOC_HUGE_VMAP	BIT(1)	/* VM_ALLOW_HUGE_VMAP */

/*
 * A pointer to preserved memory. It is handed over as a physical address; ptr
 * only gives it a type. Address 0 stands for NULL.
 */
#define DECLARE_KHOSER_PTR(name, type)	\
	union {				\
		u64 phys;		\
		type ptr;		\
	} name

/* Store @val, a pointer into the direct map or NULL. */
#define KHOSER_STORE_PTR(dest, val)					\
	({								\
		typeof((dest).ptr) __khoser_val = (val);		\
									\
		(dest).phys = __khoser_val ? virt_to_phys(__khoser_val) : 0; \
	})

/* Return the pointer into the direct map, or NULL. Check the address first. */
#define KHOSER_LOAD_PTR(src)						\
	({								\
		u64 __khoser_phys = (src).phys;				\
									\
		(typeof((src).ptr))(__khoser_phys ?			\
				    phys_to_virt(__khoser_phys) : NULL); \
	})

struct kho_vmalloc_chunk;

/* Head of a chunk: the next chunk of the chain, 0 in the last one */
struct kho_vmalloc_hdr {
	DECLARE_KHOSER_PTR(next, struct kho_vmalloc_chunk *);
};

#define KHO_VMALLOC_SIZE	\
	((PAGE_SIZE - sizeof(struct kho_vmalloc_hdr)) / sizeof(u64))

/**
 * struct kho_vmalloc_chunk - one page of addresses
 * @hdr:  links the chain
 * @phys: addresses of 2^order contiguous pages each, terminated by 0 unless the
 *	  chunk is full
 */
struct kho_vmalloc_chunk {
	struct kho_vmalloc_hdr hdr;
	u64 phys[KHO_VMALLOC_SIZE];
};

static_assert(sizeof(struct kho_vmalloc_chunk) == PAGE_SIZE);

/* A preserved vmalloc area */
struct kho_vmalloc {
	/* first chunk of the chain */
	DECLARE_KHOSER_PTR(first, struct kho_vmalloc_chunk *);
	/* size of the area in pages of PAGE_SIZE */
	unsigned int total_pages;
	/* KHO_VMALLOC_* bits */
	unsigned short flags;
	/* log2 of the number of pages of an entry */
	unsigned short order;
};

static_assert(sizeof(struct kho_vmalloc) == 16);

#endif /* _LINUX_KHO_ABI_VMALLOC_H */
