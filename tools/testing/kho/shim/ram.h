/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory of a simulated machine: what a physical address stands for
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * It starts so high that neither small numbers nor the addresses that are put
 * into a map of preserved memory are taken for addresses in it.
 */
#ifndef _KHO_SHIM_RAM_H
#define _KHO_SHIM_RAM_H

#include <linux/compiler.h>
#include <linux/types.h>

#define RAM_START	0x10000000000ULL
#define RAM_SIZE	0x400000000ULL

struct page;

/* Where RAM_START is mapped: the direct map */
extern char *ram;

void ram_init(void);
void ram_reset(void);
void ram_allocate_from(unsigned long start, unsigned long end);
void ram_adopt(struct page *page);
unsigned long ram_allocated_pages(void);
unsigned long ram_used_pages(void);
void ram_hide(struct page *page);
unsigned long ram_preserved_pages(void);
void ram_mark_preserved(struct page *page, bool preserved);
void ram_no_such_phys(phys_addr_t phys) __noreturn;
void ram_no_such_virt(const void *virt) __noreturn;

static inline unsigned long ram_offset(phys_addr_t phys)
{
	if (unlikely(phys - RAM_START >= RAM_SIZE))
		ram_no_such_phys(phys);

	return phys - RAM_START;
}

static inline unsigned long ram_offset_virt(const void *virt)
{
	unsigned long offset = (unsigned long)virt - (unsigned long)ram;

	if (unlikely(offset >= RAM_SIZE))
		ram_no_such_virt(virt);

	return offset;
}

#endif
