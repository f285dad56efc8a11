// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: preserve memory, and allocate preserved memory.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kexec_handover.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/range.h>
#include <linux/sched.h>

#include <kunit/static_stub.h>

#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

/*
 * Check that the pages would survive a kexec and that the next kernel would know
 * them as RAM. Return the preservable range that they lie in, or an ERR_PTR().
 */
static const struct range *kho_check_preservable(unsigned long pfn, unsigned long nr)
{
	const struct range *range = kho_find_preservable(pfn);

	if (!kho_out.fdt)
		return ERR_PTR(-EOPNOTSUPP);
	if (!range || !nr || nr > range->end - pfn)
		return ERR_PTR(-EINVAL);

	return range;
}

static void kho_unpreserve_blocks(unsigned long pfn, unsigned long nr,
				  unsigned int order)
{
	int err;

	if (!kho_out.fdt)
		return;

	err = kho_radix_del_range(&kho_out.tree, pfn, nr, order);
	WARN_ONCE(err, "KHO: %lu blocks of order %u at pfn %#lx were not preserved\n",
		  nr, order, pfn);
}

static noinline int kho_preserve_block(unsigned long pfn, unsigned int order)
{
	const struct range *range = kho_check_preservable(pfn, 1UL << order);

	if (IS_ERR(range))
		return PTR_ERR(range);

	return kho_radix_add_page_within(&kho_out.tree, pfn, order, range);
}

/**
 * kho_preserve_folio - preserve a folio across the next kexec
 * @folio: the folio
 *
 * The folio must stay allocated, at the same address, until it is unpreserved or
 * the kexec happens. Writes to it after this call are preserved too.
 *
 * Context: May sleep.
 * Return: 0 on success; -EOPNOTSUPP if kexec handover is disabled; -EINVAL if the
 * folio lies in scratch or in memory that the next kernel would not know as RAM;
 * -EEXIST if any of its pages is already preserved; -ENOMEM.
 */
int kho_preserve_folio(struct folio *folio)
{
	unsigned int order = folio_order(folio);
	unsigned long pfn = folio_pfn(folio);
	bool done;

	mutex_lock(&kho_out.tree.lock);
	done = kho_radix_add_to_last(&kho_out.tree, pfn, order);
	mutex_unlock(&kho_out.tree.lock);

	return likely(done) ? 0 : kho_preserve_block(pfn, order);
}
EXPORT_SYMBOL_GPL(kho_preserve_folio);

/**
 * kho_unpreserve_folio - undo kho_preserve_folio()
 * @folio: a preserved folio
 *
 * Context: May sleep.
 */
void kho_unpreserve_folio(struct folio *folio)
{
	unsigned int order = folio_order(folio);
	unsigned long pfn = folio_pfn(folio);
	bool done;

	mutex_lock(&kho_out.tree.lock);
	done = kho_radix_del_from_last(&kho_out.tree, pfn, order);
	mutex_unlock(&kho_out.tree.lock);

	if (unlikely(!done))
		kho_unpreserve_blocks(pfn, 1, order);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_folio);

/*
 * Return the length of the run of physically contiguous order-0 folios at the
 * start of @folios.
 */
static unsigned long kho_page_run(struct folio **folios, unsigned long nr)
{
	struct page *next = folio_page(folios[0], 0);
	unsigned long i;

	for (i = 0; i < nr && folios[i] == (struct folio *)next &&
	     !folio_test_large(folios[i]); i++)
		next++;

	return i;
}

/*
 * Return the length of the run of physically contiguous folios of equal order at
 * the start of @folios.
 */
static unsigned long kho_folio_run(struct folio **folios, unsigned long nr)
{
	unsigned int order = folio_order(folios[0]);
	unsigned long pfn = folio_pfn(folios[0]), i;
	unsigned long chunk_end = ALIGN(pfn + 1, MAX_ORDER_NR_PAGES);

	/*
	 * A run of order-0 folios can be very long, so only compare struct page
	 * pointers. These are contiguous up to the next MAX_ORDER boundary.
	 */
	if (!order)
		return kho_page_run(folios, min(nr, chunk_end - pfn));

	for (i = 1; i < nr && folio_order(folios[i]) == order; i++)
		if (folio_pfn(folios[i]) != pfn + (i << order))
			break;

	return i;
}

static int kho_preserve_run(struct folio **folios, unsigned long run)
{
	unsigned long pfn = folio_pfn(folios[0]);
	unsigned int order = folio_order(folios[0]);
	int err;

	if (run == 1)
		return kho_preserve_folio(folios[0]);

	err = PTR_ERR_OR_ZERO(kho_check_preservable(pfn, run << order));
	return err ?: kho_radix_add_range(&kho_out.tree, pfn, run, order);
}

static void kho_unpreserve_run(struct folio **folios, unsigned long run)
{
	if (run == 1)
		kho_unpreserve_folio(folios[0]);
	else
		kho_unpreserve_blocks(folio_pfn(folios[0]), run,
				      folio_order(folios[0]));
}

/**
 * kho_preserve_folios - preserve many folios across the next kexec
 * @folios: array of folios
 * @nr:	    number of entries in @folios
 *
 * Like kho_preserve_folio() for each folio, but faster: a run of entries that are
 * physically contiguous folios of equal order is preserved in one step.
 *
 * Context: May sleep.
 * Return: 0 on success, or an error of kho_preserve_folio(). On error, this call
 * preserves none of the folios.
 */
int kho_preserve_folios(struct folio **folios, unsigned long nr)
{
	unsigned long i, run;
	int err;

	for (i = 0; i < nr; i += run) {
		run = kho_folio_run(folios + i, nr - i);
		err = kho_preserve_run(folios + i, run);
		if (err) {
			kho_unpreserve_folios(folios, i);
			return err;
		}
		cond_resched();
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_preserve_folios);

/**
 * kho_unpreserve_folios - undo kho_preserve_folios()
 * @folios: array of preserved folios
 * @nr:	    number of entries in @folios
 *
 * Context: May sleep.
 */
void kho_unpreserve_folios(struct folio **folios, unsigned long nr)
{
	unsigned long i, run;

	for (i = 0; i < nr; i += run) {
		run = kho_folio_run(folios + i, nr - i);
		kho_unpreserve_run(folios + i, run);
		cond_resched();
	}
}
EXPORT_SYMBOL_GPL(kho_unpreserve_folios);

/*
 * Return the order of the largest aligned block that starts at @pfn, does not
 * reach past @end_pfn, and lies on one node.
 */
static unsigned int kho_block_order(unsigned long pfn, unsigned long end_pfn)
{
	unsigned int order = min_t(unsigned int, __ffs(pfn | 1UL << KHO_RADIX_MAX_ORDER),
				   ilog2(end_pfn - pfn));
	unsigned long next_pfn;

	for (next_pfn = pageblock_end_pfn(pfn);
	     next_pfn < pfn + (1UL << order) && order;
	     next_pfn += pageblock_nr_pages)
		while (next_pfn < pfn + (1UL << order) &&
		       pfn_to_nid(next_pfn) != pfn_to_nid(pfn))
			order--;

	/* A node can also end inside a pageblock. */
	while (order && pfn_to_nid(pfn + (1UL << order) - 1) != pfn_to_nid(pfn))
		order--;

	return order;
}

/*
 * Unpreserve the blocks that kho_preserve_pages() made of [pfn, end_pfn). If the
 * range ends where a block ends, kho_block_order() returns the same orders again.
 */
static void kho_unpreserve_range(unsigned long pfn, unsigned long end_pfn)
{
	unsigned int order;

	for (; pfn < end_pfn; pfn += 1UL << order) {
		order = kho_block_order(pfn, end_pfn);
		kho_unpreserve_blocks(pfn, 1, order);
	}
}

/**
 * kho_preserve_pages - preserve contiguous pages across the next kexec
 * @page: the first page
 * @nr:	  number of pages
 *
 * These are order-0 pages, each with its own reference count in both kernels. The
 * map stores them in as few blocks as possible, so kho_unpreserve_pages() and
 * kho_restore_pages() must be called with the same range.
 *
 * Context: May sleep.
 * Return: 0 on success, or an error of kho_preserve_folio(). On error, this call
 * preserves none of the pages.
 */
int kho_preserve_pages(struct page *page, unsigned long nr)
{
	unsigned long start_pfn = page_to_pfn(page);
	unsigned long pfn, end_pfn = start_pfn + nr;
	unsigned int order;
	int err;

	err = PTR_ERR_OR_ZERO(kho_check_preservable(start_pfn, nr));
	if (err)
		return err;

	for (pfn = start_pfn; pfn < end_pfn; pfn += 1UL << order) {
		order = kho_block_order(pfn, end_pfn);
		err = kho_radix_add_page(&kho_out.tree, pfn, order);
		if (err) {
			kho_unpreserve_range(start_pfn, pfn);
			return err;
		}
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_preserve_pages);

/**
 * kho_unpreserve_pages - undo kho_preserve_pages()
 * @page: the first page, as passed to kho_preserve_pages()
 * @nr:	  number of pages, as passed to kho_preserve_pages()
 *
 * Context: May sleep.
 */
void kho_unpreserve_pages(struct page *page, unsigned long nr)
{
	kho_unpreserve_range(page_to_pfn(page), page_to_pfn(page) + nr);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_pages);

/**
 * kho_alloc_preserve - allocate preserved memory for serialized state
 * @size: size in bytes
 *
 * Context: May sleep.
 * Return: zeroed, physically contiguous, page-aligned, preserved memory; or an
 * ERR_PTR(): -EINVAL if @size is 0, -E2BIG if it exceeds the page allocator's
 * largest block, -EOPNOTSUPP if kexec handover is disabled, -ENOMEM.
 */
void *kho_alloc_preserve(size_t size)
{
	struct folio *folio;
	unsigned int order;
	int err;

	if (!kho_out.fdt)
		return ERR_PTR(-EOPNOTSUPP);
	if (!size)
		return ERR_PTR(-EINVAL);

	order = get_order(size);
	if (order > MAX_PAGE_ORDER)
		return ERR_PTR(-E2BIG);

	folio = kho_alloc_folio(order);
	if (!folio)
		return ERR_PTR(-ENOMEM);

	err = kho_preserve_folio(folio);
	if (err) {
		folio_put(folio);
		return ERR_PTR(err);
	}

	return folio_address(folio);
}
EXPORT_SYMBOL_GPL(kho_alloc_preserve);

/**
 * kho_unpreserve_free - undo kho_alloc_preserve()
 * @mem: return value of kho_alloc_preserve(); NULL and error pointers are ignored
 *
 * Context: May sleep.
 */
void kho_unpreserve_free(void *mem)
{
	struct folio *folio;

	if (IS_ERR_OR_NULL(mem))
		return;

	folio = virt_to_folio(mem);
	kho_unpreserve_folio(folio);
	folio_put(folio);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_free);

/**
 * kho_outgoing_contains - check whether this kernel preserves a range
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * Return the result of kho_incoming_contains() in the next kernel. Incoming memory that is
 * handed on counts once kho_preserve_incoming() was called.
 *
 * Context: May sleep.
 * Return: true if all pages of the range are preserved; false for an empty range.
 */
bool kho_outgoing_contains(phys_addr_t phys, size_t size)
{
	phys_addr_t end;

	KUNIT_STATIC_STUB_REDIRECT(kho_outgoing_contains, phys, size);

	if (!kho_out.fdt || !size || check_add_overflow(phys, size, &end))
		return false;

	return kho_radix_contains(&kho_out.tree, PHYS_PFN(phys),
				  PHYS_PFN(end - 1) - PHYS_PFN(phys) + 1);
}
EXPORT_SYMBOL_GPL(kho_outgoing_contains);

/**
 * kho_outgoing_has_pages - check whether the next kernel could restore a range of pages
 * @phys: physical address of the first page
 * @nr:	  number of pages
 *
 * Return the result of kho_incoming_has_pages() in the next kernel.
 *
 * Context: May sleep.
 * Return: true if the range consists of whole preserved blocks; false for an empty range.
 */
bool kho_outgoing_has_pages(phys_addr_t phys, unsigned long nr)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_outgoing_has_pages, phys, nr);

	return kho_out.fdt && PAGE_ALIGNED(phys) &&
	       kho_radix_has_blocks(&kho_out.tree, PHYS_PFN(phys), nr);
}
EXPORT_SYMBOL_GPL(kho_outgoing_has_pages);

/**
 * kho_outgoing_has_folios - check whether the next kernel could restore folios
 * @phys:  physical address of the first folio
 * @nr:    number of folios, which are physically contiguous
 * @order: log2 of the size of each folio in pages
 *
 * Context: May sleep.
 * Return: true if each of them is preserved, at this order; false if @nr is 0 or @phys is
 * not aligned to the size of a folio.
 */
bool kho_outgoing_has_folios(phys_addr_t phys, unsigned long nr, unsigned int order)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_outgoing_has_folios, phys, nr, order);

	return kho_out.fdt && PAGE_ALIGNED(phys) &&
	       kho_radix_test_range(&kho_out.tree, PHYS_PFN(phys), nr, order);
}
EXPORT_SYMBOL_GPL(kho_outgoing_has_folios);

/* The memory that this kernel preserves */
const struct kho_source kho_for_next = {
	.name = "outgoing",
	.contains = kho_outgoing_contains,
	.has_pages = kho_outgoing_has_pages,
};
EXPORT_SYMBOL_GPL(kho_for_next);
