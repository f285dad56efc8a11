// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: look up and restore preserved memory.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/export.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pfn.h>

#include <kunit/static_stub.h>

#include <linux/kho/radix_tree.h>

#include "../../mm/internal.h"
#include "kexec_handover_internal.h"

/**
 * kho_incoming_contains - check whether the previous kernel preserved a range
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * Callers must check each address in handed-over data before they use it.
 *
 * If blocks of the map overlap, which is a fault of the previous kernel, it is not
 * known which of them owns the memory, or whether an owner overwrote the other's
 * data. So such a block counts as not preserved, here and wherever blocks are looked
 * up or restored. Its memory stays reserved.
 *
 * Context: May sleep. May be called once the map has been read. Some struct pages are
 * initialized later, so this must not use them.
 * Return: true if all pages of the range are preserved and not yet restored, and
 * no block that the range touches overlaps another; false for an empty range.
 */
bool kho_incoming_contains(phys_addr_t phys, size_t size)
{
	phys_addr_t end;

	KUNIT_STATIC_STUB_REDIRECT(kho_incoming_contains, phys, size);

	if (!is_kho_boot() || !size || check_add_overflow(phys, size, &end))
		return false;

	/* The map has the root FDT, but no user of KHO owns it. */
	if (phys < kho_in.fdt_phys + PAGE_SIZE && end > kho_in.fdt_phys)
		return false;

	return kho_radix_contains(&kho_in.tree, PHYS_PFN(phys),
				  PHYS_PFN(end - 1) - PHYS_PFN(phys) + 1);
}
EXPORT_SYMBOL_GPL(kho_incoming_contains);

/**
 * kho_incoming_order - look up the order of a preserved block
 * @phys: physical address of the block
 *
 * Context: May sleep. May be called from early initcalls on.
 * Return: log2 of the block's size in pages; -ENOENT if no preserved block starts
 * at @phys, it overlaps another, or it was already restored.
 */
int kho_incoming_order(phys_addr_t phys)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_incoming_order, phys);

	if (!is_kho_boot() || !PAGE_ALIGNED(phys))
		return -ENOENT;

	return kho_radix_block_order(&kho_in.tree, PHYS_PFN(phys));
}

static bool kho_can_restore(phys_addr_t phys)
{
	return kho_in.adopted && PAGE_ALIGNED(phys);
}

/*
 * If kho_preserve_incoming() has preserved blocks again that were just removed from the
 * map, remove them from the outgoing map, too: their new owner can free them.
 */
static void kho_remove_again(unsigned long pfn, unsigned long nr, unsigned int order)
{
	if (unlikely(READ_ONCE(kho_in.preserved_again)))
		kho_radix_del_range(&kho_out.tree, pfn, nr, order);
}

/*
 * Remove the block that starts at @pfn from the map. Return its order, or an error
 * if there is none, it has more than @max_nr pages, or it must not be restored.
 */
static int kho_take_block(unsigned long pfn, unsigned long max_nr)
{
	int order = kho_radix_block_order(&kho_in.tree, pfn);
	int err;

	if (order < 0 || 1UL << order > max_nr ||
	    kho_any_reserved(pfn, 1UL << order))
		return -ENOENT;

	err = kho_radix_del_page(&kho_in.tree, pfn, order);
	if (err)
		return err;
	kho_remove_again(pfn, 1, order);
	return order;
}

/* The struct pages of a gigantic page need not be adjacent without SPARSEMEM_VMEMMAP. */
static __always_inline void kho_make_tail(struct page *page, unsigned long i)
{
	struct page *tail = nth_page(page, i);

	tail->mapping = TAIL_MAPPING;
	set_compound_head(tail, page);
	set_page_count(tail, 0);
}

/*
 * Like prep_compound_page(), but for pages as boot initialized them: each has a
 * reference, and no other field needs to be cleared.
 */
static void kho_make_compound(struct folio *folio, unsigned int order)
{
	unsigned long nr = 1UL << order, i;
	struct page *page = &folio->page;

	__folio_set_head(folio);
	kho_make_tail(page, 1);
	for (i = 2; i < nr; i += 2) {
		kho_make_tail(page, i);
		kho_make_tail(page, i + 1);
	}
	prep_compound_head(page, order);
}

/**
 * kho_restore_folio - take ownership of a preserved folio
 * @phys: physical address of the folio
 *
 * The caller gets the folio with one reference, as from folio_alloc().
 *
 * Context: May sleep. May be called after core initcalls.
 * Return: the folio; NULL if no preserved folio starts at @phys, it was already
 * restored, it overlaps another preserved block, or its order is above
 * MAX_PAGE_ORDER.
 */
struct folio *kho_restore_folio(phys_addr_t phys)
{
	struct folio *folio;
	int order;

	KUNIT_STATIC_STUB_REDIRECT(kho_restore_folio, phys);

	if (!kho_can_restore(phys))
		return NULL;

	order = kho_take_block(PHYS_PFN(phys), MAX_ORDER_NR_PAGES);
	if (order < 0)
		return NULL;

	kho_manage_pages(PHYS_PFN(phys), 1UL << order, order);
	folio = (struct folio *)pfn_to_page(PHYS_PFN(phys));
	if (order)
		kho_make_compound(folio, order);

	return page_rmappable_folio(&folio->page);
}
EXPORT_SYMBOL_GPL(kho_restore_folio);

static bool kho_in_one_zone(unsigned long start_pfn, unsigned long nr)
{
	struct zone *zone = page_zone(pfn_to_page(start_pfn));
	unsigned long pfn;

	for (pfn = start_pfn; pfn < start_pfn + nr; pfn += MAX_ORDER_NR_PAGES)
		if (page_zone(pfn_to_page(pfn)) != zone)
			return false;
	return true;
}

/**
 * kho_restore_compound - take ownership of a preserved folio of a known order
 * @phys:  physical address of the folio
 * @order: log2 of its size in pages, not 0. It may be above MAX_PAGE_ORDER.
 *
 * The caller gets the folio with one reference. It is not prepared for being mapped: that
 * is up to hugetlb, for example.
 *
 * Context: May sleep. May be called after core initcalls.
 * Return: the folio; NULL if no preserved folio of this order starts at @phys, it was
 * already restored, it overlaps another preserved block, or is not in a single zone.
 */
struct folio *kho_restore_compound(phys_addr_t phys, unsigned int order)
{
	unsigned long pfn = PHYS_PFN(phys), nr = 1UL << order;
	struct folio *folio;

	KUNIT_STATIC_STUB_REDIRECT(kho_restore_compound, phys, order);

	if (!kho_can_restore(phys) ||
	    kho_radix_block_order(&kho_in.tree, pfn) != (int)order ||
	    !kho_in_one_zone(pfn, nr) || kho_take_block(pfn, nr) < 0)
		return NULL;

	kho_manage_pages(pfn, nr, order);
	folio = (struct folio *)pfn_to_page(pfn);
	kho_make_compound(folio, order);
	return folio;
}
EXPORT_SYMBOL_GPL(kho_restore_compound);

/* Return the length of the run of contiguous pages at the start of @phys. */
static unsigned int kho_phys_run(const phys_addr_t *phys, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		if (phys[i] != phys[i - 1] + PAGE_SIZE)
			break;

	return i;
}

/* Restore @nr contiguous order-0 folios, all or none. */
static bool kho_take_run(phys_addr_t phys, unsigned int nr)
{
	unsigned long pfn = PHYS_PFN(phys);

	if (!kho_can_restore(phys) ||
	    !kho_radix_test_range(&kho_in.tree, pfn, nr, 0) ||
	    kho_any_reserved(pfn, nr) ||
	    kho_radix_del_range(&kho_in.tree, pfn, nr, 0))
		return false;
	kho_remove_again(pfn, nr, 0);

	kho_manage_pages(pfn, nr, 0);
	return true;
}

/**
 * kho_restore_folios - take ownership of many preserved folios
 * @phys:   array of physical addresses
 * @folios: array to store the folios in; an entry is NULL if kho_restore_folio()
 *	    would return NULL for it
 * @nr:	    number of entries in both arrays
 *
 * Like kho_restore_folio() for each address, but faster: a run of addresses of
 * physically contiguous order-0 folios is restored in one step.
 *
 * Context: May sleep. May be called after core initcalls.
 */
void kho_restore_folios(const phys_addr_t *phys, struct folio **folios,
			unsigned int nr)
{
	unsigned int i = 0, end;

	while (i < nr) {
		end = i + kho_phys_run(phys + i, nr - i);
		if (end - i > 1 && kho_take_run(phys[i], end - i))
			for (; i < end; i++)
				folios[i] = (struct folio *)pfn_to_page(PHYS_PFN(phys[i]));
		else
			for (; i < end; i++)
				folios[i] = kho_restore_folio(phys[i]);
	}
}
EXPORT_SYMBOL_GPL(kho_restore_folios);

/**
 * kho_incoming_has_pages - check whether a range can be passed to kho_restore_pages()
 * @phys: physical address of the first page
 * @nr:	  number of pages
 *
 * Context: May sleep. May be called once the map has been read.
 * Return: true if the range consists of whole preserved blocks that are not yet
 * restored and do not overlap others; false for an empty range.
 */
bool kho_incoming_has_pages(phys_addr_t phys, unsigned long nr)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_incoming_has_pages, phys, nr);

	return is_kho_boot() && PAGE_ALIGNED(phys) &&
	       kho_radix_has_blocks(&kho_in.tree, PHYS_PFN(phys), nr);
}

/* The memory that the previous kernel preserved */
const struct kho_source kho_from_previous = {
	.name = "incoming",
	.contains = kho_incoming_contains,
	.has_pages = kho_incoming_has_pages,
};
EXPORT_SYMBOL_GPL(kho_from_previous);

/**
 * kho_restore_pages - take ownership of contiguous preserved pages
 * @phys: physical address of the first page
 * @nr:	  number of pages
 *
 * The caller gets each page with one reference.
 *
 * Context: May sleep. May be called after core initcalls.
 * Return: the first page; NULL if the range was not passed to kho_preserve_pages(),
 * was already restored, or overlaps another preserved block. On failure nothing is
 * restored.
 */
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr)
{
	unsigned long start_pfn = PHYS_PFN(phys), end_pfn = start_pfn + nr;
	unsigned long pfn;

	KUNIT_STATIC_STUB_REDIRECT(kho_restore_pages, phys, nr);

	if (!kho_can_restore(phys) || !kho_incoming_has_pages(phys, nr) ||
	    kho_any_reserved(start_pfn, nr))
		return NULL;

	for (pfn = start_pfn; pfn < end_pfn;) {
		int order = kho_take_block(pfn, end_pfn - pfn);

		/* Another caller has restored some of the pages since the check. */
		if (order < 0) {
			while (pfn > start_pfn)
				__free_page(pfn_to_page(--pfn));
			return NULL;
		}

		kho_manage_pages(pfn, 1UL << order, 0);
		pfn += 1UL << order;
	}

	return pfn_to_page(start_pfn);
}
EXPORT_SYMBOL_GPL(kho_restore_pages);

/**
 * kho_restore_free - free memory that the previous kernel allocated with
 *		      kho_alloc_preserve()
 * @mem: its address in the direct map; ignored if no preserved block starts there
 *	 or it was already restored
 *
 * Context: May sleep. May be called after core initcalls.
 */
void kho_restore_free(void *mem)
{
	struct folio *folio;

	KUNIT_STATIC_STUB_REDIRECT(kho_restore_free, mem);

	if (IS_ERR_OR_NULL(mem))
		return;

	folio = kho_restore_folio(virt_to_phys(mem));
	if (folio)
		folio_put(folio);
}
EXPORT_SYMBOL_GPL(kho_restore_free);
