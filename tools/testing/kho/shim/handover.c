// SPDX-License-Identifier: GPL-2.0
/*
 * In place of the core of kexec handover: preserved memory is marked in struct page
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kexec_handover.h>
#include <linux/kho/boot.h>
#include <linux/kho/image.h>
#include <linux/mm.h>
#include <linux/pfn.h>

#include "shim/check.h"
#include "shim/faults.h"
#include "shim/subtree.h"

#include "kernel/liveupdate/kexec_handover_internal.h"

struct subtree subtree_in, subtree_out;
enum kho_form shim_form;
void (*shim_before_verify)(void);

bool kho_is_enabled(void)
{
	return true;
}

bool is_kho_boot(void)
{
	return true;
}

struct folio *kho_alloc_folio(unsigned int order)
{
	return (struct folio *)alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
}

/* Both kernels share mem_map, so the page is allocated already. */
void kho_adopt_page(struct page *page)
{
	if (!page->allocated)
		die("%p is not a page to adopt", page_address(page));
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

	mm_mark_preserved(&folio->page, true);
	return folio_address(folio);
}

void kho_unpreserve_free(void *mem)
{
	struct page *page;

	if (IS_ERR_OR_NULL(mem))
		return;

	page = virt_to_page(mem);
	if (!page->preserved)
		die("%p is not preserved memory", mem);
	mm_mark_preserved(page, false);
	__free_pages(page, page->order);
}

void kho_restore_free(void *mem)
{
	struct folio *folio;

	if (IS_ERR_OR_NULL(mem))
		return;

	folio = kho_restore_folio(virt_to_phys(mem));
	if (folio)
		__free_pages(&folio->page, folio->page.order);
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

int kho_preserve_pages(struct page *page, unsigned long nr)
{
	if (!page->allocated || page->preserved || nr != 1UL << page->order)
		die("%p is not a block that can be preserved", page_address(page));
	/* It may take a new node of the map. */
	if (shim_should_fail())
		return -ENOMEM;

	mm_mark_preserved(page, true);
	return 0;
}

bool kho_is_preservable(unsigned long pfn, unsigned long nr)
{
	return true;
}

int kho_preserve_folio(struct folio *folio)
{
	return kho_preserve_pages(&folio->page, folio_nr_pages(folio));
}

void kho_unpreserve_folio(struct folio *folio)
{
	kho_unpreserve_pages(&folio->page, folio_nr_pages(folio));
}

int kho_preserve_folios(struct folio **folios, unsigned long nr)
{
	unsigned long i;
	int err;

	for (i = 0; i < nr; i++) {
		err = kho_preserve_folio(folios[i]);
		if (err) {
			kho_unpreserve_folios(folios, i);
			return err;
		}
	}

	return 0;
}

void kho_unpreserve_folios(struct folio **folios, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		kho_unpreserve_pages(&folios[i]->page, 1UL << folios[i]->page.order);
}

void kho_unpreserve_pages(struct page *page, unsigned long nr)
{
	if (!page->preserved || nr != 1UL << page->order)
		die("%p is not a preserved block", page_address(page));

	mm_mark_preserved(page, false);
}

int kho_preserve_incoming(void)
{
	unsigned long i;

	for (i = 0; i < mm_nr_used(); i++)
		mem_map[i].incoming = false;
	return 0;
}

/* Unlike memory that is preserved for this kernel only, and not handed on yet */
bool kho_outgoing_contains(phys_addr_t phys, size_t size)
{
	phys_addr_t end = phys + size;

	if (!kho_incoming_contains(phys, size))
		return false;

	for (; phys < end; phys = PAGE_ALIGN_DOWN(phys) + PAGE_SIZE)
		if (pfn_to_page(PHYS_PFN(phys))->incoming)
			return false;

	return true;
}

bool kho_outgoing_has_pages(phys_addr_t phys, unsigned long nr)
{
	return kho_incoming_has_pages(phys, nr) &&
	       kho_outgoing_contains(phys, nr << PAGE_SHIFT);
}

bool kho_outgoing_has_folios(phys_addr_t phys, unsigned long nr, unsigned int order)
{
	for (; nr; nr--, phys += PAGE_SIZE << order)
		if (kho_incoming_order(phys) != (int)order ||
		    !kho_outgoing_contains(phys, PAGE_SIZE << order))
			return false;

	return true;
}

const struct kho_source kho_from_previous = {
	.name = "incoming",
	.contains = kho_incoming_contains,
	.has_pages = kho_incoming_has_pages,
};

const struct kho_source kho_for_next = {
	.name = "outgoing",
	.contains = kho_outgoing_contains,
	.has_pages = kho_outgoing_has_pages,
};

int kho_verify_outgoing(void)
{
	return 0;
}

int kho_verify_reboot(void)
{
	if (shim_before_verify)
		shim_before_verify();
	return 0;
}

/* Find the preserved block that starts at @phys. */
static struct page *find_preserved(phys_addr_t phys)
{
	struct page *page;

	if (!PAGE_ALIGNED(phys) || !kho_incoming_contains(phys, PAGE_SIZE))
		return NULL;

	page = pfn_to_page(PHYS_PFN(phys));
	return page->allocated ? page : NULL;
}

int kho_incoming_order(phys_addr_t phys)
{
	struct page *page = find_preserved(phys);

	return page ? (int)page->order : -ENOENT;
}

bool kho_incoming_has_pages(phys_addr_t phys, unsigned long nr)
{
	const struct page *page;
	unsigned long blocks;

	if (nr > RAM_SIZE >> PAGE_SHIFT)
		return false;

	for (blocks = 0; blocks < nr; blocks += 1UL << page->order) {
		page = find_preserved(phys + (blocks << PAGE_SHIFT));
		if (!page || 1UL << page->order > nr - blocks)
			return false;
	}

	return nr;
}

struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr)
{
	struct page *page;
	unsigned long i;

	if (!kho_incoming_has_pages(phys, nr))
		return NULL;

	page = pfn_to_page(PHYS_PFN(phys));
	for (i = 0; i < nr; i++)
		page[i] = (struct page){ .allocated = true, .count = 1 };

	return page;
}

struct folio *kho_restore_folio(phys_addr_t phys)
{
	struct page *page = find_preserved(phys);

	if (!page)
		return NULL;

	mm_mark_preserved(page, false);
	page->large = page->order;
	return (struct folio *)page;
}

struct folio *kho_restore_compound(phys_addr_t phys, unsigned int order)
{
	return kho_incoming_order(phys) == (int)order ? kho_restore_folio(phys) : NULL;
}

void kho_restore_folios(const phys_addr_t *phys, struct folio **folios,
			unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		folios[i] = kho_restore_folio(phys[i]);
}

const char *kho_image_flaw(void)
{
	return NULL;
}

bool kho_image_has_note(void)
{
	return true;
}

enum kho_form kho_image_form(void)
{
	return shim_form;
}

int kho_peek_image_form(enum kho_form *form)
{
	*form = shim_form;
	return 0;
}

int kho_image_check_room(void)
{
	return 0;
}

bool kho_image_reads(const char *compatible)
{
	return true;
}

bool kho_image_reads_file(const char *compatible)
{
	return true;
}

bool kho_image_has_flag(u32 flag)
{
	return true;
}

void kho_add_image_switch(const struct kho_image_switch *added)
{
}

int kho_add_subtree(const char *name, void *blob, size_t size)
{
	subtree_out = (struct subtree){ virt_to_phys(blob), size };
	return 0;
}

void kho_remove_subtree(void *blob)
{
	subtree_out = (struct subtree){};
}

int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size)
{
	if (!subtree_in.phys)
		return -ENOENT;
	if (!kho_incoming_contains(subtree_in.phys, subtree_in.size))
		return -EINVAL;

	*phys = subtree_in.phys;
	*size = subtree_in.size;
	return 0;
}
