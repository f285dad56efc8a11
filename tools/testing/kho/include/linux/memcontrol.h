/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MEMCONTROL_H
#define _KHO_LINUX_MEMCONTROL_H

#include <linux/mm.h>

/* These fail like allocations do. */
int mem_cgroup_charge(struct folio *folio, void *mm, gfp_t gfp);
int mem_cgroup_charge_pages(struct folio **folios, unsigned int nr, gfp_t gfp);
void mem_cgroup_uncharge(struct folio *folio);

#endif
