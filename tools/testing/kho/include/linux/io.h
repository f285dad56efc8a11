/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_IO_H
#define _KHO_LINUX_IO_H

#include "shim/ram.h"

static inline void *phys_to_virt(phys_addr_t phys)
{
	return ram + ram_offset(phys);
}

static inline phys_addr_t virt_to_phys(const void *virt)
{
	return RAM_START + ram_offset_virt(virt);
}

#endif
