/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small machine on which the core of kexec handover boots
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Page numbers in its memory:
 *
 *   0    memory of the first kernel, or memory that another kernel handed over
 *   496  a hole
 *   504  the same as from 0 on
 *   512  two scratch regions; the kernel image lies at the start of the first one
 *   528  memory that the second kernel allocates; reserved at boot
 */
#ifndef _KHO_SHIM_MACHINE_H
#define _KHO_SHIM_MACHINE_H

#include <linux/mm.h>
#include <linux/moduleparam.h>

#define MACHINE_HOLE		496
#define MACHINE_HOLE_END	504
#define MACHINE_SCRATCH		512
#define MACHINE_SCRATCH_PAGES	8
/* Each of the two regions gets the minimum size. */
#define MACHINE_SCRATCH_OPTION	"1,1,0"
#define MACHINE_HEAP		528
#define MACHINE_PAGES		592

/* Boot the first kernel. Nothing is allocated. */
void machine_cold_boot(void);

/* Boot the next kernel, with the memory as it is. The kernel's variables are reset. */
void machine_kexec(void);

/* Mark reserved pages, as the page allocator does at boot. */
void machine_mark_reserved(void);

/* Return whether [start, end) is RAM. */
bool machine_is_ram(phys_addr_t start, phys_addr_t end);

/* The option that names the form of the handover */
extern const struct kernel_param_ops *const module_param_abi;

#endif
