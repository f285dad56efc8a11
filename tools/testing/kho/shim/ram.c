// SPDX-License-Identifier: GPL-2.0
/*
 * Physical memory of the simulated machine
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Memory that has not been opened cannot be accessed. With the address sanitizer, opened
 * memory cannot be accessed either until the page allocator permits it.
 */

#include <sys/mman.h>

#include "shim/check.h"
#include "shim/ram.h"

/* These macros do nothing unless the address sanitizer is on. */
#include <sanitizer/asan_interface.h>

char *ram;

static unsigned long opened;

void *ram_reserve(size_t size, int prot)
{
	void *mem = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		die("no address space for the simulated memory");

	return mem;
}

void ram_init(void)
{
	ram = ram_reserve(RAM_SIZE, PROT_NONE);
}

void ram_open(unsigned long end)
{
	if (end <= opened)
		return;

	if (mprotect(ram + opened, end - opened, PROT_READ | PROT_WRITE))
		die("no room for the simulated memory");
	ASAN_POISON_MEMORY_REGION(ram + opened, end - opened);
	opened = end;
}

unsigned long ram_opened(void)
{
	return opened;
}

void ram_no_such_phys(phys_addr_t phys)
{
	die("%#llx is not a physical address of the simulated memory",
	    (unsigned long long)phys);
}

void ram_no_such_virt(const void *virt)
{
	die("%p does not point into the simulated memory", virt);
}
