/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MEMCONTROL_H
#define _KHO_LINUX_MEMCONTROL_H

#include <linux/mm.h>

struct mem_cgroup;

/* This fails like allocations do. */
int mem_cgroup_try_charge_pages(struct mem_cgroup **memcg, unsigned long nr, gfp_t gfp);
void mem_cgroup_commit_charge_folios(struct mem_cgroup *memcg, struct folio **folios,
				     unsigned int nr);
void mem_cgroup_cancel_charge(struct mem_cgroup *memcg, unsigned int nr_pages);
void mem_cgroup_uncharge(struct folio *folio);
void mem_cgroup_put(struct mem_cgroup *memcg);

#endif
