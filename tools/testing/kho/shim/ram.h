/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Physical memory of the simulated machine
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * It starts at a high address, so that neither small numbers nor the words of a map of
 * preserved memory are addresses in it by accident.
 */
#ifndef _KHO_SHIM_RAM_H
#define _KHO_SHIM_RAM_H

#include <linux/compiler.h>
#include <linux/types.h>

#define RAM_START	0x10000000000ULL
#define RAM_SIZE	0x400000000ULL

/* The direct map: RAM_START is mapped here. */
extern char *ram;

/* Reserve the address space of @ram. Call this once, before anything else. */
void ram_init(void);
/* Reserve memory of the host, which it allocates as it is touched. */
void *ram_reserve(size_t size, int prot);
/* Make the memory accessible up to this offset, a multiple of the page size. */
void ram_open(unsigned long end);
/* Return the offset up to which the memory has been opened. */
unsigned long ram_opened(void);

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
