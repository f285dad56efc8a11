// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preserving vmalloc areas over a kexec.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * include/linux/kho/abi/vmalloc.h has the format. The next kernel gets the
 * memory of the area at the same physical addresses, but maps it wherever it
 * has room.
 */

#define pr_fmt(fmt) "KHO: vmalloc: " fmt

#include <linux/align.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kasan.h>
#include <linux/kexec_handover.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <linux/kho/vmalloc.h>

const struct kho_compat_range kho_vmalloc_compat_range = {
	.name = "vmalloc",
	.lowest = 1,
	.highest = 1,
};

/* Areas with any other flag have properties that are not handed over. */
#define KHO_VMALLOC_VM_FLAGS	(VM_ALLOC | VM_ALLOW_HUGE_VMAP)
#define KHO_VMALLOC_FLAGS	(KHO_VMALLOC_ALLOC | KHO_VMALLOC_HUGE_VMAP)

/* Number of entries that the chunks of an area hold */
static unsigned int kho_vmalloc_entries(const struct kho_vmalloc *preservation)
{
	return preservation->total_pages >> preservation->order;
}

static unsigned int kho_vmalloc_in_chunk(unsigned int entries)
{
	return min_t(unsigned int, entries, KHO_VMALLOC_SIZE);
}

/*
 * Preserving
 */

static unsigned short kho_vmalloc_flags(unsigned long vm_flags)
{
	unsigned short flags = KHO_VMALLOC_ALLOC;

	if (vm_flags & VM_ALLOW_HUGE_VMAP)
		flags |= KHO_VMALLOC_HUGE_VMAP;

	return flags;
}

static bool kho_vmalloc_supported(const struct vm_struct *vm)
{
	return vm->flags & VM_ALLOC && !(vm->flags & ~KHO_VMALLOC_VM_FLAGS) &&
	       vm->nr_pages;
}

static int kho_vmalloc_preserve_pages(struct kho_vmalloc_chunk *chunk,
				      struct page **pages, unsigned int entries,
				      unsigned int order)
{
	unsigned int i;
	int err;

	for (i = 0; i < entries; i++) {
		struct page *page = pages[i << order];

		err = kho_preserve_pages(page, 1UL << order);
		if (err)
			return err;
		chunk->phys[i] = page_to_phys(page);
		cond_resched();
	}

	return 0;
}

/* After an error the chunks list what is preserved so far. */
static int kho_vmalloc_preserve_area(struct kho_vmalloc *preservation,
				     struct page **pages)
{
	unsigned int left = kho_vmalloc_entries(preservation);
	struct kho_vmalloc_chunk *chunk, *last = NULL;
	int err;

	while (left) {
		unsigned int entries = kho_vmalloc_in_chunk(left);

		chunk = kho_alloc_preserve(sizeof(*chunk));
		if (IS_ERR(chunk))
			return PTR_ERR(chunk);
		if (last)
			KHOSER_STORE_PTR(last->hdr.next, chunk);
		else
			KHOSER_STORE_PTR(preservation->first, chunk);
		last = chunk;

		err = kho_vmalloc_preserve_pages(chunk, pages, entries,
						 preservation->order);
		if (err)
			return err;
		pages += entries << preservation->order;
		left -= entries;
	}

	return 0;
}

static void kho_vmalloc_unpreserve_pages(const struct kho_vmalloc_chunk *chunk,
					 unsigned int order)
{
	unsigned int i;

	for (i = 0; i < KHO_VMALLOC_SIZE && chunk->phys[i]; i++) {
		kho_unpreserve_pages(pfn_to_page(PHYS_PFN(chunk->phys[i])),
				     1UL << order);
		cond_resched();
	}
}

/**
 * kho_unpreserve_vmalloc - undo kho_preserve_vmalloc()
 * @preservation: what kho_preserve_vmalloc() filled in; it is zeroed, and to do
 *		  it again has no effect
 *
 * Context: May sleep. The area must still exist.
 */
void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation)
{
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(preservation->first);

	while (chunk) {
		struct kho_vmalloc_chunk *next = KHOSER_LOAD_PTR(chunk->hdr.next);

		kho_vmalloc_unpreserve_pages(chunk, preservation->order);
		kho_unpreserve_free(chunk);
		chunk = next;
	}

	memset(preservation, 0, sizeof(*preservation));
}
EXPORT_SYMBOL_GPL(kho_unpreserve_vmalloc);

/**
 * kho_preserve_vmalloc - preserve a vmalloc area
 * @ptr:	  the area, as vmalloc() or one of its like returned it
 * @preservation: where to describe it; to be handed over by the caller
 *
 * Only plain areas are handed over, with or without huge pages. The area must
 * not be freed before kho_unpreserve_vmalloc().
 *
 * Context: May sleep.
 * Return: 0; -EINVAL if @ptr is no area's start; -EOPNOTSUPP if the area is not
 * a plain one; or an error of kho_preserve_pages() or kho_alloc_preserve().
 * After an error nothing is preserved and @preservation is zeroed.
 */
int kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation)
{
	struct vm_struct *vm = find_vm_area(ptr);
	int err;

	memset(preservation, 0, sizeof(*preservation));
	if (!vm || kasan_reset_tag(vm->addr) != kasan_reset_tag(ptr))
		return -EINVAL;
	if (!kho_vmalloc_supported(vm))
		return -EOPNOTSUPP;

	preservation->total_pages = vm->nr_pages;
	preservation->flags = kho_vmalloc_flags(vm->flags);
	preservation->order = vm_area_page_order(vm);
	err = kho_vmalloc_preserve_area(preservation, vm->pages);
	if (err)
		kho_unpreserve_vmalloc(preservation);

	return err;
}
EXPORT_SYMBOL_GPL(kho_preserve_vmalloc);

/*
 * Restoring. Everything that can be checked is checked before anything is
 * taken: what is refused stays reserved as a whole.
 */

static bool kho_vmalloc_check_header(const struct kho_vmalloc *preservation)
{
	if (preservation->order > MAX_PAGE_ORDER) {
		pr_err("order %u is too large\n", preservation->order);
		return false;
	}
	if (!(preservation->flags & KHO_VMALLOC_ALLOC) ||
	    preservation->flags & ~KHO_VMALLOC_FLAGS) {
		pr_err("unknown kind of area, flags %#x\n", preservation->flags);
		return false;
	}
	if (!preservation->total_pages ||
	    !IS_ALIGNED(preservation->total_pages, 1U << preservation->order) ||
	    preservation->total_pages > get_num_physpages()) {
		pr_err("impossible size of %u pages in blocks of order %u\n",
		       preservation->total_pages, preservation->order);
		return false;
	}

	return true;
}

/* Is there preserved memory, of 2^order pages, aligned to its size? */
static bool kho_vmalloc_check_memory(u64 phys, unsigned int order)
{
	size_t size = PAGE_SIZE << order;

	if (phys && IS_ALIGNED(phys, size) && kho_incoming_contains(phys, size))
		return true;

	pr_err("no preserved memory of order %u at %#llx\n", order, phys);
	return false;
}

static bool kho_vmalloc_check_chunk(const struct kho_vmalloc_chunk *chunk,
				    unsigned int entries, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < entries; i++) {
		if (!kho_vmalloc_check_memory(chunk->phys[i], order))
			return false;
		cond_resched();
	}

	if (entries == KHO_VMALLOC_SIZE || !chunk->phys[entries])
		return true;

	pr_err("more addresses than the area needs\n");
	return false;
}

/* The number of entries bounds the chain, so that it can't be a cycle. */
static bool kho_vmalloc_check_chain(const struct kho_vmalloc *preservation)
{
	unsigned int left = kho_vmalloc_entries(preservation);
	u64 phys = preservation->first.phys;

	while (left) {
		unsigned int entries = kho_vmalloc_in_chunk(left);
		const struct kho_vmalloc_chunk *chunk;

		if (!kho_vmalloc_check_memory(phys, 0))
			return false;
		chunk = phys_to_virt(phys);
		if (!kho_vmalloc_check_chunk(chunk, entries, preservation->order))
			return false;
		phys = chunk->hdr.next.phys;
		left -= entries;
	}

	if (phys)
		pr_err("more chunks than %u pages need\n",
		       preservation->total_pages);

	return !phys;
}

static void kho_vmalloc_free_pages(struct page **pages, unsigned int nr)
{
	while (nr--) {
		__free_page(pages[nr]);
		cond_resched();
	}
}

/* Returns the number of pages that were restored. */
static unsigned int kho_vmalloc_restore_chunk(const struct kho_vmalloc_chunk *chunk,
					      struct page **pages,
					      unsigned int entries,
					      unsigned int order)
{
	unsigned int nr = 1U << order;
	unsigned int i, j;

	for (i = 0; i < entries; i++) {
		struct page *page = kho_restore_pages(chunk->phys[i], nr);

		if (!page) {
			pr_err("can't restore %u pages at %#llx\n", nr,
			       chunk->phys[i]);
			break;
		}
		for (j = 0; j < nr; j++)
			pages[i * nr + j] = page + j;
		cond_resched();
	}

	return i * nr;
}

static bool kho_vmalloc_restore_pages(const struct kho_vmalloc *preservation,
				      struct page **pages)
{
	const struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(preservation->first);
	unsigned int taken = 0;

	while (taken < preservation->total_pages) {
		unsigned int left = preservation->total_pages - taken;
		unsigned int entries, nr;

		entries = kho_vmalloc_in_chunk(left >> preservation->order);
		nr = kho_vmalloc_restore_chunk(chunk, pages + taken, entries,
					       preservation->order);
		taken += nr;
		if (nr < entries << preservation->order) {
			kho_vmalloc_free_pages(pages, taken);
			return false;
		}
		chunk = KHOSER_LOAD_PTR(chunk->hdr.next);
	}

	return true;
}

static void kho_vmalloc_free_chunks(const struct kho_vmalloc *preservation)
{
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(preservation->first);

	while (chunk) {
		struct kho_vmalloc_chunk *next = KHOSER_LOAD_PTR(chunk->hdr.next);

		kho_restore_free(chunk);
		chunk = next;
	}
}

static unsigned long kho_vmalloc_vm_flags(const struct kho_vmalloc *preservation)
{
	return preservation->flags & KHO_VMALLOC_HUGE_VMAP ? VM_ALLOW_HUGE_VMAP : 0;
}

/**
 * kho_restore_vmalloc - restore a vmalloc area that the previous kernel preserved
 * @preservation: what its kho_preserve_vmalloc() filled in; need not be trusted,
 *		  but must not change
 *
 * On success the memory belongs to the caller, to be freed with vfree().
 *
 * Context: May sleep; from core_initcall on.
 * Return: the area at its new address; NULL if @preservation or what it leads to
 * is damaged (the memory stays reserved), if it was restored before, or if there
 * is no memory to manage the area. A restore that fails half-way frees what it
 * had taken.
 */
void *kho_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	struct page **pages;
	void *area;

	if (!kho_vmalloc_check_header(preservation) ||
	    !kho_vmalloc_check_chain(preservation))
		return NULL;

	pages = kvmalloc_array(preservation->total_pages, sizeof(*pages),
			       GFP_KERNEL);
	if (!pages)
		return NULL;
	if (!kho_vmalloc_restore_pages(preservation, pages))
		goto free_array;
	kho_vmalloc_free_chunks(preservation);

	area = vmalloc_adopt_pages(pages, preservation->total_pages,
				   preservation->order,
				   kho_vmalloc_vm_flags(preservation),
				   __builtin_return_address(0));
	if (!area)
		goto free_pages;

	return area;

free_pages:
	kho_vmalloc_free_pages(pages, preservation->total_pages);
free_array:
	kvfree(pages);
	return NULL;
}
EXPORT_SYMBOL_GPL(kho_restore_vmalloc);
