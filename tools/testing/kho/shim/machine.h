/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small machine on which the core of kexec handover boots
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Page numbers in its memory:
 *
 *   0    what another kernel has left, or the first kernel's own memory
 *   496  nothing
 *   504  more of it
 *   512  scratch, two regions; this kernel lies at their start
 *   528  reserved at boot: what a kernel allocates to which something was left
 */
#ifndef _KHO_MACHINE_H
#define _KHO_MACHINE_H

#include <linux/mm.h>

#define MACHINE_HOLE		496
#define MACHINE_HOLE_END	504
#define MACHINE_SCRATCH		512
#define MACHINE_SCRATCH_PAGES	8
#define MACHINE_HEAP		528
#define MACHINE_PAGES		592

/* The first kernel boots: nothing is there. */
void machine_cold_boot(void);

/* The next one boots in the memory as it is. It knows as much as at its build. */
void machine_kexec(void);

/* What the page allocator does: whatever is reserved is marked. */
void machine_mark_reserved(void);

bool machine_is_ram(phys_addr_t start, phys_addr_t end);

#endif
