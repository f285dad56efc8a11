// SPDX-License-Identifier: GPL-2.0
/*
 * As much of kexec_handover.c as the data structures need: memory that is
 * preserved is marked so in its struct page
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdio.h>
#include <stdlib.h>

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include "../../../../kernel/liveupdate/kexec_handover_internal.h"

static void __noreturn die(const char *what, const void *mem)
{
	fprintf(stderr, "%p is no %s\n", mem, what);
	abort();
}

bool kho_is_enabled(void)
{
	return true;
}

struct folio *kho_alloc_folio(unsigned int order)
{
	return (struct folio *)alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
}

/* Both kernels have the same struct pages here: it is allocated already. */
void kho_adopt_page(struct page *page)
{
	if (!page->allocated)
		die("page to adopt", page_address(page));
}

static void mark_preserved(struct page *page, bool preserved)
{
	unsigned long i;

	for (i = 0; i < 1UL << page->order; i++)
		page[i].preserved = preserved;
}

void *kho_alloc_preserve(size_t size)
{
	struct folio *folio;

	if (!size)
		return ERR_PTR(-EINVAL);
	if (get_order(size) > MAX_PAGE_ORDER)
		return ERR_PTR(-E2BIG);

	folio = kho_alloc_folio(get_order(size));
	if (!folio)
		return ERR_PTR(-ENOMEM);

	mark_preserved(&folio->page, true);
	return folio_address(folio);
}

void kho_unpreserve_free(void *mem)
{
	struct page *page;

	if (IS_ERR_OR_NULL(mem))
		return;

	page = virt_to_page(mem);
	if (!page->preserved)
		die("preserved memory", mem);
	mark_preserved(page, false);
	__free_pages(page, page->order);
}

void kho_restore_free(void *mem)
{
	if (!IS_ERR_OR_NULL(mem) && virt_to_page(mem)->preserved)
		kho_unpreserve_free(mem);
}

bool kho_incoming_contains(phys_addr_t phys, size_t size)
{
	phys_addr_t end = phys + size;

	if (!size || phys < RAM_START || end < phys ||
	    end > RAM_START + RAM_SIZE)
		return false;

	for (; phys < end; phys = PAGE_ALIGN_DOWN(phys) + PAGE_SIZE)
		if (!pfn_to_page(PHYS_PFN(phys))->preserved)
			return false;

	return true;
}
