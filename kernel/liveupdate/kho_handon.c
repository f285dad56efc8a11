// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: hand on what this kernel did not restore.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Memory that the previous kernel preserved stays withheld until it is restored. A
 * kexec hands it on if it is added to the outgoing map. This is done once, right
 * before the kexec, for all blocks that the incoming map still has.
 *
 * To add them at boot instead would mean to keep two maps up to date: each restore would
 * take twice the time, and the tables twice the memory, although almost always all
 * blocks are restored. Then to add the rest before the kexec costs nothing. Otherwise
 * it copies bitmaps word by word: one bit for each block, 2 MiB for 64 GiB of single
 * pages.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/bits.h>
#include <linux/kexec_handover.h>
#include <linux/printk.h>

#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

/*
 * Blocks that this kernel reserved at boot are either preserved anew, as a reserve_mem=
 * region, or not needed any more, as the root FDT. Blocks that overlap have no owner
 * that could restore them, and no map of ours has such blocks.
 */
static bool kho_has_no_left_out(unsigned long pfn, unsigned long nr, unsigned int order)
{
	return !kho_any_reserved(pfn, nr) &&
	       !(kho_in.tree.overlaps &&
		 kho_radix_has_orders(&kho_in.tree, pfn, nr, ~BIT_ULL(order)));
}

/**
 * kho_preserve_incoming - hand on the incoming memory that was not restored
 *
 * Preserve again all blocks of the previous kernel that this kernel did not restore,
 * each at its order, except for blocks that overlap or are reserved. The next kernel
 * gets them as if the previous one had handed them over. It is up to their users to hand
 * over what the blocks are. A block that is restored after this call is not handed on.
 *
 * Context: May sleep. Once all that is handed over has been preserved.
 * Return: 0 or -ENOMEM. After an error nothing has changed, and it can be called again.
 */
int kho_preserve_incoming(void)
{
	unsigned long nr_overlaps;
	int err;

	if (!kho_in.adopted || !kho_out.fdt)
		return 0;

	/* A restore that does not see this has removed its block from the tree already. */
	WRITE_ONCE(kho_in.preserved_again, true);
	err = kho_radix_add_tree(&kho_out.tree, &kho_in.tree, kho_has_no_left_out,
				 &nr_overlaps);
	if (err)
		WRITE_ONCE(kho_in.preserved_again, false);
	else if (nr_overlaps)
		pr_err("%lu blocks of the previous kernel overlap memory that was preserved anew and are not handed on\n",
		       nr_overlaps);
	return err;
}
