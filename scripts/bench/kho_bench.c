// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark of kexec handover: the cost of preserving pages
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Loading this module preserves and unpreserves order-0 folios, one by one and all in
 * one call, and leaves them preserved for the next kexec. Afterwards its parameters
 * hold the times. The pages are never written to. With blocks=1, every second 2 MiB are
 * a folio of their own, which is preserved before, and not counted. With large=1, all
 * folios are of 2 MiB.
 *
 * The kernel must have kho_preserve_folio(). If it lacks kho_preserve_folios(), a call
 * for each folio replaces it.
 */

#define pr_fmt(fmt) "kho_bench: " fmt

#include <linux/gfp.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/timex.h>
#include <linux/vmalloc.h>

static unsigned long mib = 1024;
module_param(mib, ulong, 0444);
MODULE_PARM_DESC(mib, "size of the memory, MiB");

static unsigned long stride = 1;
module_param(stride, ulong, 0444);
MODULE_PARM_DESC(stride, "preserve every stride-th page of it");

static bool blocks;
module_param(blocks, bool, 0444);
MODULE_PARM_DESC(blocks, "preserve every second 2 MiB as one block");

static bool large;
module_param(large, bool, 0444);
MODULE_PARM_DESC(large, "preserve folios of 2 MiB");

static unsigned long folios;
module_param(folios, ulong, 0444);
MODULE_PARM_DESC(folios, "number of folios preserved");

static unsigned long preserve, unpreserve, preserve_all, unpreserve_all;
module_param(preserve, ulong, 0444);
MODULE_PARM_DESC(preserve, "time of preserving one by one, TSC ticks");
module_param(unpreserve, ulong, 0444);
MODULE_PARM_DESC(unpreserve, "time of unpreserving one by one, TSC ticks");
module_param(preserve_all, ulong, 0444);
MODULE_PARM_DESC(preserve_all, "time of preserving in one call, TSC ticks");
module_param(unpreserve_all, ulong, 0444);
MODULE_PARM_DESC(unpreserve_all, "time of unpreserving in one call, TSC ticks");

#define BENCH_BLOCK_ORDER	(21 - PAGE_SHIFT)

static struct folio **bench_folios;

#ifndef BENCH_HAS_KHO_PRESERVE_FOLIOS
static int kho_preserve_folios(struct folio **folios, unsigned long nr)
{
	unsigned long i;
	int err = 0;

	for (i = 0; i < nr && !err; i++)
		err = kho_preserve_folio(folios[i]);
	return err;
}

static void kho_unpreserve_folios(struct folio **folios, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		kho_unpreserve_folio(folios[i]);
}
#endif

/* Preserve a folio of 2 MiB. The next allocation is often the memory after it. */
static int bench_preserve_block(void)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, BENCH_BLOCK_ORDER);

	return folio ? kho_preserve_folio(folio) : -ENOMEM;
}

static int bench_alloc_large(void)
{
	unsigned long nr = mib >> 1;

	bench_folios = vmalloc_array(nr, sizeof(*bench_folios));
	if (!bench_folios)
		return -ENOMEM;

	for (; folios < nr; folios++) {
		bench_folios[folios] = folio_alloc(GFP_KERNEL, BENCH_BLOCK_ORDER);
		if (!bench_folios[folios])
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/* Allocate the pages in large contiguous blocks. */
static int bench_alloc(void)
{
	unsigned int order = blocks ? BENCH_BLOCK_ORDER : MAX_PAGE_ORDER;
	unsigned long nr_pages = mib << (20 - PAGE_SHIFT);
	unsigned long pfn, i;
	int err;

	bench_folios = vmalloc_array(nr_pages / stride + 1, sizeof(*bench_folios));
	if (!bench_folios)
		return -ENOMEM;

	for (i = 0; i < nr_pages; i++) {
		struct page *page;

		if (!(i % (1UL << order))) {
			err = blocks ? bench_preserve_block() : 0;
			if (err)
				return err;
			page = alloc_pages(GFP_KERNEL, order);
			if (!page)
				return -ENOMEM;
			split_page(page, order);
			pfn = page_to_pfn(page);
			cond_resched();
		}
		if (!(i % stride))
			bench_folios[folios++] = pfn_folio(pfn + i % (1UL << order));
	}

	return 0;
}

static int bench_one_by_one(void)
{
	cycles_t start = get_cycles(), middle;
	unsigned long i;

	for (i = 0; i < folios; i++) {
		int err = kho_preserve_folio(bench_folios[i]);

		if (err)
			return err;
	}

	middle = get_cycles();
	for (i = 0; i < folios; i++)
		kho_unpreserve_folio(bench_folios[i]);

	preserve = middle - start;
	unpreserve = get_cycles() - middle;
	return 0;
}

static int bench_all_at_once(void)
{
	cycles_t start, middle;
	int err;

	/* Do not measure other tasks that have waited for this CPU. */
	cond_resched();
	start = get_cycles();
	err = kho_preserve_folios(bench_folios, folios);
	if (err)
		return err;

	middle = get_cycles();
	kho_unpreserve_folios(bench_folios, folios);
	preserve_all = middle - start;
	unpreserve_all = get_cycles() - middle;

	return kho_preserve_folios(bench_folios, folios);
}

/* Memory is not freed, as the benchmark ends with its kernel. */
static int __init bench_init(void)
{
	int err;

	if (!stride)
		return -EINVAL;

	err = large ? bench_alloc_large() : bench_alloc();
	if (!err)
		err = bench_one_by_one();
	if (!err)
		err = bench_all_at_once();
	if (err)
		pr_err("failed: %d\n", err);
	return err;
}
module_init(bench_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Benchmark of kexec handover");
