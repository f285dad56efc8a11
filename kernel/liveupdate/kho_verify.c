// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: check what this kernel hands over.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The next kernel refuses a damaged map or root FDT, and then everything is lost. So they
 * are checked before the kexec, as the next kernel will check them, while the kexec can
 * still be given up. Nothing is changed, and no memory is allocated: the kexec lock is held.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/boot.h>
#include <linux/kho/image.h>

#include "kexec_handover_internal.h"

static int kho_verify_blob(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	u64 phys = kho_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME);
	u64 size = kho_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME);

	if (name && phys && kho_outgoing_contains(phys, size))
		return 0;

	pr_err("outgoing blob '%*pE' of %llu bytes at %#llx is not preserved\n",
	       (int)strlen(name ?: ""), name ?: "", size, phys);
	return -EINVAL;
}

static int kho_verify_fdt(void)
{
	const void *fdt = kho_out.fdt;
	u64 map_phys;
	int err, node;

	guard(mutex)(&kho_out.fdt_lock);
	err = kho_check_root(fdt, "outgoing root FDT", NULL, &map_phys);
	if (err || map_phys != virt_to_phys(kho_out.tree.root)) {
		pr_err("outgoing root FDT can't be read by the next kernel\n");
		return -EINVAL;
	}

	fdt_for_each_subnode(node, fdt, 0) {
		err = kho_verify_blob(fdt, node);
		if (err)
			return err;
	}
	if (node == -FDT_ERR_NOTFOUND)
		return 0;

	pr_err("outgoing root FDT is damaged\n");
	return -EINVAL;
}

static bool kho_is_outgoing_node(phys_addr_t node)
{
	return node && PAGE_ALIGNED(node) && kho_is_preservable(PHYS_PFN(node), 1) &&
	       node != virt_to_phys(kho_out.fdt);
}

/**
 * struct kho_map_verify - state of the check of the outgoing map
 * @memory:  the memory of this machine
 * @next_id: for kho_radix_check_id()
 */
struct kho_map_verify {
	struct kho_memory memory;
	u64 next_id;
};

static int kho_verify_node(phys_addr_t node, unsigned int level, void *arg)
{
	struct kho_map_verify *verify = arg;
	int err;

	cond_resched();
	err = kho_check_node(&verify->memory, node);
	if (err)
		return err;

	if (!kho_radix_check_id(phys_to_virt(node), level, &verify->next_id)) {
		pr_err("outgoing map has the node at %pa twice, or at a wrong place\n", &node);
		return -EINVAL;
	}

	return 0;
}

/* The lookup reads other nodes, so all of them must have been checked. */
static int kho_verify_node_unpreserved(phys_addr_t node, unsigned int level, void *arg)
{
	cond_resched();
	return kho_check_node_unpreserved(arg, node);
}

static int kho_verify_excluded(unsigned long start_pfn, unsigned long end_pfn, void *arg)
{
	cond_resched();
	return kho_check_excluded(arg, start_pfn, end_pfn, KHO_NOT_RAM);
}

static int kho_verify_ram(struct kho_memory *memory)
{
	guard(mutex)(&kho_out.tree.lock);
	return kho_walk_unpreservable(kho_verify_excluded, memory);
}

static int kho_verify_overlap(phys_addr_t start, phys_addr_t end, void *arg)
{
	pr_err("outgoing map has blocks that overlap in [mem %#llx-%#llx]\n",
	       (u64)start, (u64)end - 1);
	return -EINVAL;
}

static int kho_verify_map(void)
{
	struct kho_map_verify verify = {
		.memory = {
			.map = "outgoing map",
			.tree = &kho_out.tree,
			.is_node = kho_is_outgoing_node,
			.nr_ram = get_num_physpages(),
		},
	};
	int err;

	err = kho_radix_walk_nodes(&kho_out.tree, kho_verify_node, &verify);
	err = err ?: kho_radix_walk_nodes(&kho_out.tree, kho_verify_node_unpreserved,
					  &verify.memory);
	err = err ?: kho_verify_ram(&verify.memory);
	err = err ?: kho_radix_note_overlaps(&kho_out.tree);
	return err ?: kho_radix_walk_overlaps(&kho_out.tree, kho_verify_overlap, NULL);
}

/**
 * kho_verify_outgoing - check that the next kernel can read the map and the root FDT
 *
 * All preserved memory must be RAM outside of scratch, and no blocks may overlap. All
 * blobs must lie in preserved memory. The first fault is logged. The content of blobs is
 * not checked.
 *
 * Context: May sleep, but does not wait for memory.
 * Return: 0, also if kexec handover is disabled, or -EIO.
 */
int kho_verify_outgoing(void)
{
	if (!kho_out.fdt)
		return 0;

	/* The lookups of blobs are only as good as the map. */
	return kho_verify_map() || kho_verify_fdt() ? -EIO : 0;
}

/**
 * kho_verify_reboot - check what the loaded kexec image carries
 *
 * Context: May sleep. The caller must hold the kexec lock.
 * Return: 0, also if the image carries nothing, or an error of kho_verify_outgoing().
 */
int kho_verify_reboot(void)
{
	int err;

	/* A kernel that does not read sessions is confined to scratch as well. */
	err = kho_image_check_room();
	if (err)
		return err;
	if (kho_image_flaw())
		return 0;

	err = kho_verify_outgoing();
	if (err)
		pr_err("kexec given up: what is handed over is damaged\n");
	return err;
}
