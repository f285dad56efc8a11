// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: preserving memory.
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
#include <linux/range.h>
#include <linux/sched.h>

#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

/* Whoever comes next is likely to have the same home. */
static void kho_remember_home(const struct range *home)
{
	guard(mutex)(&kho_out.tree.lock);
	kho_out.home = *home;
}

/* Would the pages survive, and would the next kernel know them as RAM? */
static int kho_check_preservable(unsigned long pfn, unsigned long nr)
{
	const struct range *home = kho_find_home(pfn);

	if (!kho_out.fdt)
		return -EOPNOTSUPP;
	if (!home || !nr || nr > home->end - pfn)
		return -EINVAL;

	if (IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG) &&
	    kho_radix_overlaps(&kho_out.tree, pfn, nr)) {
		pr_err("of %lu pages from pfn %#lx on, some are preserved already\n",
		       nr, pfn);
		return -EEXIST;
	}

	kho_remember_home(home);
	return 0;
}

static void kho_forget(unsigned long pfn, unsigned long nr, unsigned int order)
{
	int err;

	if (!kho_out.fdt)
		return;

	if (nr == 1)
		err = kho_radix_del_page(&kho_out.tree, pfn, order);
	else
		err = kho_radix_del_range(&kho_out.tree, pfn, nr, order);
	WARN_ONCE(err, "KHO: %lu blocks of order %u at pfn %#lx were not preserved\n",
		  nr, order, pfn);
}

static noinline int kho_preserve_block(unsigned long pfn, unsigned int order)
{
	int err = kho_check_preservable(pfn, 1UL << order);

	return err ?: kho_radix_add_page(&kho_out.tree, pfn, order);
}

/**
 * kho_preserve_folio - preserve a folio over the next kexec
 * @folio: the folio; it must stay allocated and in its place until it is
 *	   unpreserved or the kexec happens
 *
 * Content that is written after this call, up to the kexec, is preserved too.
 *
 * Context: May sleep.
 * Return: 0; -EOPNOTSUPP if kexec handover is off; -EINVAL if the folio lies in
 * scratch or where the next kernel would not see RAM; -EEXIST if it is preserved
 * already; -ENOMEM.
 */
int kho_preserve_folio(struct folio *folio)
{
	unsigned int order = folio_order(folio);
	unsigned long pfn = folio_pfn(folio);
	bool done;

	mutex_lock(&kho_out.tree.lock);
	done = pfn >= kho_out.home.start &&
	       pfn + (1UL << order) <= kho_out.home.end &&
	       kho_radix_add_to_last(&kho_out.tree, pfn, order);
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
		kho_forget(pfn, 1, order);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_folio);

/* How many of @folios from the first on are neighbours, and single pages? */
static unsigned long kho_page_run(struct folio **folios, unsigned long nr)
{
	struct page *next = folio_page(folios[0], 0);
	unsigned long i;

	for (i = 0; i < nr && folios[i] == (struct folio *)next &&
	     !folio_test_large(folios[i]); i++)
		next++;

	return i;
}

/* How many of @folios from the first on are neighbours of the same order? */
static unsigned long kho_folio_run(struct folio **folios, unsigned long nr)
{
	unsigned int order = folio_order(folios[0]);
	unsigned long pfn = folio_pfn(folios[0]), i;
	unsigned long chunk_end = ALIGN(pfn + 1, MAX_ORDER_NR_PAGES);

	/*
	 * There may be very many single pages: the least work for each. Struct
	 * pages are contiguous for as many as the page allocator has.
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

	err = kho_check_preservable(pfn, run << order);
	return err ?: kho_radix_add_range(&kho_out.tree, pfn, run, order);
}

static void kho_unpreserve_run(struct folio **folios, unsigned long run)
{
	if (run == 1)
		kho_unpreserve_folio(folios[0]);
	else
		kho_forget(folio_pfn(folios[0]), run, folio_order(folios[0]));
}

/**
 * kho_preserve_folios - preserve many folios over the next kexec
 * @folios: array of the folios
 * @nr:	    number of folios in the array
 *
 * Like kho_preserve_folio() for each of them, but faster: folios that follow one
 * another in memory as in the array, and are of the same order, are preserved at
 * once.
 *
 * Context: May sleep.
 * Return: 0, or an error of kho_preserve_folio(); then none of them is preserved.
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
 * @nr:	    number of folios in the array
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
 * The order of the largest block that starts at @pfn, ends at @end_pfn at most,
 * and lies on one node: the next kernel gives it back as a whole.
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

	/* Nodes may meet inside of a pageblock, too. */
	while (order && pfn_to_nid(pfn + (1UL << order) - 1) != pfn_to_nid(pfn))
		order--;

	return order;
}

/* A range that ends where a block did is made up of the same blocks. */
static void kho_forget_pages(unsigned long pfn, unsigned long end_pfn)
{
	unsigned int order;

	for (; pfn < end_pfn; pfn += 1UL << order) {
		order = kho_block_order(pfn, end_pfn);
		kho_forget(pfn, 1, order);
	}
}

/**
 * kho_preserve_pages - preserve contiguous pages over the next kexec
 * @page: the first page
 * @nr:	  number of pages
 *
 * The pages are single ones: each has a reference count of its own, in the next
 * kernel too. They are kept in as few blocks as possible, so the same range has
 * to be given to kho_unpreserve_pages() and kho_restore_pages().
 *
 * Context: May sleep.
 * Return: 0, or an error of kho_preserve_folio(); then none of them is preserved.
 */
int kho_preserve_pages(struct page *page, unsigned long nr)
{
	unsigned long start_pfn = page_to_pfn(page);
	unsigned long pfn, end_pfn = start_pfn + nr;
	unsigned int order;
	int err;

	err = kho_check_preservable(start_pfn, nr);
	if (err)
		return err;

	for (pfn = start_pfn; pfn < end_pfn; pfn += 1UL << order) {
		order = kho_block_order(pfn, end_pfn);
		err = kho_radix_add_page(&kho_out.tree, pfn, order);
		if (err) {
			kho_forget_pages(start_pfn, pfn);
			return err;
		}
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_preserve_pages);

/**
 * kho_unpreserve_pages - undo kho_preserve_pages()
 * @page: the first page, as it was given to kho_preserve_pages()
 * @nr:	  number of pages, likewise
 *
 * Context: May sleep.
 */
void kho_unpreserve_pages(struct page *page, unsigned long nr)
{
	kho_forget_pages(page_to_pfn(page), page_to_pfn(page) + nr);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_pages);

/*
 * Memory for serialized state
 */

/**
 * kho_alloc_preserve - allocate memory for state that is handed over
 * @size: in bytes
 *
 * Context: May sleep.
 * Return: zeroed, physically contiguous, preserved memory, page aligned; an
 * ERR_PTR() of -EINVAL if @size is 0, -E2BIG if it is larger than the page
 * allocator's largest block, -EOPNOTSUPP if kexec handover is off, or -ENOMEM.
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
 * @mem: what kho_alloc_preserve() returned; NULL and error pointers are ignored
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
