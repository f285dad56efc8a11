/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover: declarations shared by its files.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KEXEC_HANDOVER_INTERNAL_H
#define _KEXEC_HANDOVER_INTERNAL_H

#include <linux/init.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/range.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include <linux/kho/abi/scratch.h>

#include "kho_radix.h"

struct kimage;

enum kho_incoming_state {
	KHO_IN_NONE,	/* no handover, or it was refused */
	KHO_IN_CLAIMED,	/* a handover was announced, but not read yet */
	KHO_IN_FOUND,	/* root FDT and scratch are valid; boot is confined */
	KHO_IN_READ,	/* the map is valid: preserved memory is known */
};

/* Number of reserved regions with preserved blocks that are recorded one by one */
#define KHO_MAX_RESERVED	32

/**
 * struct kho_incoming - state that the previous kernel handed over
 * @state:	  how far the state has been read
 * @adopted:	  the nodes of @tree have been adopted: blocks can be restored
 * @preserved_again: blocks of @tree may be in the outgoing map as well
 * @scratch_inherited: this kernel boots in the previous kernel's scratch
 *		  regions. Remains set if the map is refused.
 * @fdt_phys:	  physical address of the root FDT, one page
 * @scratch_phys: physical address of the array of scratch regions
 * @scratch_cnt:  number of entries in that array
 * @map_phys:	  physical address of the root node of @tree
 * @tree:	  the map of preserved memory
 * @node_pfns:	  sorted page frame numbers of the tree's nodes, until @adopted
 * @nr_nodes:	  number of entries in @node_pfns
 * @gaps:	  physical addresses, end exclusive, of gaps between preserved memory, sorted,
 *		  until @adopted. See kho_gaps.c.
 * @nr_gaps:	  number of entries in @gaps
 * @max_gaps:	  room in @gaps
 * @reserved:	  page frame numbers, end exclusive, of memory that this kernel reserved
 *		  at boot and that has preserved blocks. The last entry may cover more.
 * @nr_reserved:  number of entries in @reserved
 */
struct kho_incoming {
	enum kho_incoming_state state;
	bool adopted;
	bool preserved_again;
	bool scratch_inherited;
	phys_addr_t fdt_phys;
	phys_addr_t scratch_phys;
	unsigned int scratch_cnt;
	phys_addr_t map_phys;
	struct kho_radix_tree tree;
	unsigned long *node_pfns;
	unsigned long nr_nodes;
	struct range *gaps;
	unsigned long nr_gaps;
	unsigned long max_gaps;
	struct range reserved[KHO_MAX_RESERVED];
	unsigned int nr_reserved;
};

/**
 * struct kho_subtree_hooks - callbacks for changes of the outgoing subtrees
 * @added:   a blob was added
 * @removed: the blob of this name is about to be removed
 *
 * Context: May sleep. kho_outgoing.fdt_lock is held.
 */
struct kho_subtree_hooks {
	void (*added)(const char *name, void *blob, size_t size);
	void (*removed)(const char *name);
};

/**
 * struct kho_outgoing - state that this kernel hands over
 * @fdt:	the root FDT, one page that never moves; NULL until it is set up
 * @fdt_lock:	serializes changes of @fdt
 * @closed:	a kexec has begun: @fdt must not change
 * @hooks:	callbacks for changes of @fdt, NULL for none
 * @tree:	the map of preserved memory
 */
struct kho_outgoing {
	void *fdt;
	struct mutex fdt_lock; /* protects the content of @fdt, @closed and @hooks */
	bool closed;
	const struct kho_subtree_hooks *hooks;
	struct kho_radix_tree tree;
};

/* kho_state.c */
extern struct kho_incoming kho_in;
extern struct kho_outgoing kho_out;

void __init kho_disable(void);

/* The largest block of the page allocator, so no pageblock is partly scratch */
#define KHO_SCRATCH_ALIGN	(PAGE_SIZE << MAX_PAGE_ORDER)

/* The largest number of parts that a region is split into if space is tight */
#define KHO_SCRATCH_PARTS	5

/* One below 4 GiB, one anywhere, one on each node */
#define KHO_SCRATCH_MAX		((2 + MAX_NUMNODES) * KHO_SCRATCH_PARTS)

/* kho_scratch.c; does not change after boot */
extern struct kho_scratch *kho_scratch;
extern unsigned int kho_scratch_cnt;

void __init kho_note_early_size(void);
int __init kho_setup_scratch(void);
void __init kho_init_scratch(void);
const struct range *kho_find_preservable(unsigned long pfn);
int kho_walk_unpreservable(int (*fn)(unsigned long start_pfn, unsigned long end_pfn, void *arg),
			   void *arg);
bool kho_overlaps_scratch(u64 start, u64 end);
bool kho_overlaps_ram(u64 start, u64 end);
u64 kho_scratch_inside(u64 start, u64 end);
u64 kho_ram_outside_scratch(u64 start, u64 end);
struct range kho_ram_span(void);
u64 kho_scratch_size(void);
u64 kho_early_size(bool base_pages);
u64 kho_boot_size(void);
unsigned int kho_sufficient_percent(u64 size);

/**
 * struct kho_gap_scan - state of a scan for gaps between preserved memory
 * @next:   physical address from which memory has not been scanned
 * @region: index of the region in memblock.memory that @next lies in
 */
struct kho_gap_scan {
	phys_addr_t next;
	unsigned long region;
};

/* kho_gaps.c */
unsigned long __init kho_gaps_max(void);
void __init kho_gaps_add(struct kho_gap_scan *scan, phys_addr_t end);

/* kho_page.c */
struct folio *kho_alloc_folio(unsigned int order);
bool kho_any_reserved(unsigned long pfn, unsigned long nr);
void kho_manage_pages(unsigned long pfn, unsigned long nr, unsigned int order);
void kho_adopt_page(struct page *page);

/**
 * struct kho_memory - what memory a map of preserved memory may use
 * @map:      "map" or "outgoing map", for messages
 * @tree:     its tree
 * @is_node:  returns whether a page can have a node: it is RAM outside of scratch, and not
 *	      in use otherwise
 * @nr_ram:   number of pages of RAM
 * @nr_nodes: number of nodes so far
 */
struct kho_memory {
	const char *map;
	const struct kho_radix_tree *tree;
	bool (*is_node)(phys_addr_t node);
	unsigned long nr_ram;
	unsigned long nr_nodes;
};

/* @use of kho_check_excluded() */
#define KHO_NOT_RAM	"is not RAM outside of scratch"

/* kho_check.c */
int kho_check_root(const void *fdt, const char *name, const char *component, u64 *map_phys);
int kho_check_node(struct kho_memory *memory, phys_addr_t node);
int kho_check_node_unpreserved(const struct kho_memory *memory, phys_addr_t node);
int kho_check_excluded(const struct kho_memory *memory, unsigned long start_pfn,
		       unsigned long end_pfn, const char *use);

/* kho_boot.c */
void __init kho_note_reserved(void);
void __init kho_adopt_incoming(void);

/* kho_form.c */
extern struct rw_semaphore kho_image_rwsem;
bool kho_image_is_ours(const struct kimage *image);
bool kho_form_is_forced(void);
void kho_report_form(const struct kimage *image);

/* kho_image.c */
bool kho_image_has_user(void);

/* kexec_handover.c */
u64 kho_get_u64(const void *fdt, int node, const char *name);

#endif /* _KEXEC_HANDOVER_INTERNAL_H */
