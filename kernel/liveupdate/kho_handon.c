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
 * Adding them at boot instead would mean keeping two maps up to date: each restore would
 * take twice the time, and the tables twice the memory. But almost always all blocks are
 * restored, and then there is nothing to add before the kexec. Otherwise bitmaps are
 * copied word by word: one bit for each block, 2 MiB for 64 GiB of single pages.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/bits.h>
#include <linux/kexec_handover.h>
#include <linux/printk.h>

#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

/*
 * Return true if all blocks of a range are handed on. Blocks that this kernel reserved at
 * boot are not: they are preserved anew, like a reserve_mem= region, or not needed any
 * more, like the root FDT. Nor are blocks that overlap, which can't be restored: no map
 * that this kernel writes has such blocks.
 */
static bool kho_is_handed_on(unsigned long pfn, unsigned long nr, unsigned int order)
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
 * gets them as if the previous one had handed them over. Their users must hand over the
 * data that refers to them. A block that is restored after this call is not handed on.
 * After success, further calls do nothing: all blocks that are left are handed on already.
 *
 * Context: May sleep. Called after everything else that is handed over was preserved.
 * Return: 0 or -ENOMEM. After an error nothing has changed, and it can be called again.
 */
int kho_preserve_incoming(void)
{
	unsigned long nr_overlaps;
	int err;

	if (!kho_in.adopted || !kho_out.fdt || kho_in.preserved_again)
		return 0;

	/* A restore that does not see the flag has already removed its block from the tree. */
	WRITE_ONCE(kho_in.preserved_again, true);
	err = kho_radix_add_tree(&kho_out.tree, &kho_in.tree, kho_is_handed_on,
				 &nr_overlaps);
	if (err)
		WRITE_ONCE(kho_in.preserved_again, false);
	else if (nr_overlaps)
		pr_err("%lu blocks of the previous kernel overlap memory that was preserved anew and are not handed on\n",
		       nr_overlaps);
	return err;
}
