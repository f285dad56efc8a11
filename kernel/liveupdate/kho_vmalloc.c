// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preserving vmalloc areas across a kexec.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * include/linux/kho/abi/vmalloc.h describes the format. In the next kernel the
 * pages of an area have the same physical addresses, but the area has another
 * virtual address.
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

/* Areas with other flags have properties that the format does not carry. */
#define KHO_VMALLOC_VM_FLAGS	(VM_ALLOC | VM_ALLOW_HUGE_VMAP)
#define KHO_VMALLOC_FLAGS	(KHO_VMALLOC_ALLOC | KHO_VMALLOC_HUGE_VMAP)

/*
 * Preserving
 */

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

/* After an error the chunks list the pages that have been preserved so far. */
static int kho_vmalloc_preserve_area(struct kho_vmalloc *preservation,
				     struct page **pages)
{
	unsigned int left = preservation->total_pages >> preservation->order;
	struct kho_vmalloc_chunk *chunk, *last = NULL;
	int err;

	while (left) {
		unsigned int entries = min_t(unsigned int, left, KHO_VMALLOC_SIZE);

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

/**
 * kho_unpreserve_vmalloc - undo kho_preserve_vmalloc()
 * @preservation: the description that kho_preserve_vmalloc() filled in
 *
 * @preservation is zeroed. A second call has no effect.
 *
 * Context: May sleep. The area must still exist.
 */
void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation)
{
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(preservation->first);
	unsigned int i;

	while (chunk) {
		struct kho_vmalloc_chunk *next = KHOSER_LOAD_PTR(chunk->hdr.next);

		for (i = 0; i < KHO_VMALLOC_SIZE && chunk->phys[i]; i++) {
			kho_unpreserve_pages(pfn_to_page(PHYS_PFN(chunk->phys[i])),
					     1UL << preservation->order);
			cond_resched();
		}
		kho_unpreserve_free(chunk);
		chunk = next;
	}

	memset(preservation, 0, sizeof(*preservation));
}
EXPORT_SYMBOL_GPL(kho_unpreserve_vmalloc);

/**
 * kho_preserve_vmalloc - preserve a vmalloc area
 * @ptr:	  the address that vmalloc() or a similar function returned
 * @preservation: where to store the description of the area, which the caller
 *		  hands over
 *
 * The area must have no flags other than VM_ALLOC and VM_ALLOW_HUGE_VMAP. It
 * must not be freed before kho_unpreserve_vmalloc().
 *
 * Context: May sleep.
 * Return: 0; -EINVAL if no area starts at @ptr; -EOPNOTSUPP if the area has
 * other flags; or an error of kho_preserve_pages() or kho_alloc_preserve().
 * After an error nothing is preserved and @preservation is zeroed.
 */
int kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation)
{
	struct vm_struct *vm = find_vm_area(ptr);
	int err;

	memset(preservation, 0, sizeof(*preservation));
	if (!vm || kasan_reset_tag(vm->addr) != kasan_reset_tag(ptr))
		return -EINVAL;
	if (!(vm->flags & VM_ALLOC) || vm->flags & ~KHO_VMALLOC_VM_FLAGS ||
	    !vm->nr_pages)
		return -EOPNOTSUPP;

	preservation->total_pages = vm->nr_pages;
	preservation->flags = KHO_VMALLOC_ALLOC;
	if (vm->flags & VM_ALLOW_HUGE_VMAP)
		preservation->flags |= KHO_VMALLOC_HUGE_VMAP;
	preservation->order = vm_area_page_order(vm);
	err = kho_vmalloc_preserve_area(preservation, vm->pages);
	if (err)
		kho_unpreserve_vmalloc(preservation);

	return err;
}
EXPORT_SYMBOL_GPL(kho_preserve_vmalloc);

/*
 * Restoring. The description is checked before the first page is restored. If it
 * is refused then, the memory of the area stays reserved as a whole.
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

/**
 * struct kho_vmalloc_incoming - an area that is being restored or checked
 * @source:    the preserved memory that it consists of
 * @order:     log2 of the size of the area's blocks in pages
 * @nr_pages:  size of the area in pages
 * @pages:     pages of the area; known before if it is only checked
 * @nr_chunks: number of @chunks
 * @chunks:    physical addresses of the chunks that describe the area; NULL if it is only
 *	       checked
 *
 * The chunks of a malicious kernel may overlap memory that this kernel has
 * restored and uses, so they can change at any time. Each of their fields is
 * read once, checked, and kept here.
 */
struct kho_vmalloc_incoming {
	const struct kho_source *source;
	unsigned int order;
	unsigned int nr_pages;
	struct page **pages;
	unsigned int nr_chunks;
	u64 *chunks;
};

static void kho_vmalloc_init_incoming(struct kho_vmalloc_incoming *in,
				      const struct kho_vmalloc *preservation,
				      const struct kho_source *source)
{
	*in = (struct kho_vmalloc_incoming) {
		.source = source,
		.order = preservation->order,
		.nr_pages = preservation->total_pages,
		.nr_chunks = DIV_ROUND_UP(preservation->total_pages >> preservation->order,
					  KHO_VMALLOC_SIZE),
	};
}

static int kho_vmalloc_alloc_incoming(struct kho_vmalloc_incoming *in)
{
	/* The size is not trusted, so fail silently and without the OOM killer. */
	const gfp_t gfp = GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;

	in->pages = kvmalloc_array(in->nr_pages, sizeof(*in->pages), gfp);
	/* One more, which may be empty */
	in->chunks = kvmalloc_array(in->nr_chunks + 1, sizeof(*in->chunks), gfp);
	return in->pages && in->chunks ? 0 : -ENOMEM;
}

/* Check that @phys is an aligned address of 2^order preserved pages. */
static bool kho_vmalloc_check_memory(const struct kho_vmalloc_incoming *in, u64 phys,
				     unsigned int order)
{
	size_t size = PAGE_SIZE << order;

	if (phys && IS_ALIGNED(phys, size) && in->source->has_pages(phys, 1UL << order))
		return true;

	pr_err("no preserved memory of order %u at %#llx\n", order, phys);
	return false;
}

/* Take the pages of a block that has been checked. Those of an outgoing area are known. */
static bool kho_vmalloc_read_block(const struct kho_vmalloc_incoming *in, u64 phys,
				   struct page **pages)
{
	unsigned int i;

	if (!in->chunks) {
		if (phys == page_to_phys(pages[0]))
			return true;
		pr_err("area has a block at %#llx that is not its own\n", phys);
		return false;
	}

	for (i = 0; i < 1U << in->order; i++)
		pages[i] = pfn_to_page(PHYS_PFN(phys) + i);
	return true;
}

static bool kho_vmalloc_read_chunk(const struct kho_vmalloc_incoming *in,
				   const struct kho_vmalloc_chunk *chunk,
				   struct page **pages, unsigned int entries)
{
	unsigned int i;

	for (i = 0; i < entries; i++) {
		u64 phys = READ_ONCE(chunk->phys[i]);

		if (!kho_vmalloc_check_memory(in, phys, in->order) ||
		    !kho_vmalloc_read_block(in, phys, pages + (i << in->order)))
			return false;
		cond_resched();
	}

	if (entries == KHO_VMALLOC_SIZE || !READ_ONCE(chunk->phys[entries]))
		return true;

	pr_err("more addresses than the area needs\n");
	return false;
}

/* Some kernels append an empty chunk when the last one is full. */
static bool kho_vmalloc_read_empty_chunk(struct kho_vmalloc_incoming *in, u64 phys)
{
	const struct kho_vmalloc_chunk *chunk;

	if ((in->nr_pages >> in->order) % KHO_VMALLOC_SIZE) {
		pr_err("more chunks than %u pages need\n", in->nr_pages);
		return false;
	}
	if (!kho_vmalloc_check_memory(in, phys, 0))
		return false;

	chunk = phys_to_virt(phys);
	if (READ_ONCE(chunk->phys[0]) || READ_ONCE(chunk->hdr.next.phys)) {
		pr_err("more chunks than %u pages need\n", in->nr_pages);
		return false;
	}

	if (in->chunks)
		in->chunks[in->nr_chunks++] = phys;
	return true;
}

/* The number of pages limits the number of chunks, so a cycle is found. */
static bool kho_vmalloc_read_chain(struct kho_vmalloc_incoming *in, u64 phys)
{
	struct page **pages = in->pages;
	unsigned int i;

	for (i = 0; i < in->nr_chunks; i++) {
		unsigned int left = in->nr_pages - (pages - in->pages);
		unsigned int entries = min_t(unsigned int, left >> in->order,
					     KHO_VMALLOC_SIZE);
		const struct kho_vmalloc_chunk *chunk;

		if (!kho_vmalloc_check_memory(in, phys, 0))
			return false;
		chunk = phys_to_virt(phys);
		if (!kho_vmalloc_read_chunk(in, chunk, pages, entries))
			return false;
		pages += entries << in->order;
		if (in->chunks)
			in->chunks[i] = phys;
		phys = READ_ONCE(chunk->hdr.next.phys);
	}

	return !phys || kho_vmalloc_read_empty_chunk(in, phys);
}

/*
 * Restore the pages. This fails if another caller restores the same pages at
 * the same time, or if a page is listed twice or is used by this kernel.
 */
static bool kho_vmalloc_take_pages(const struct kho_vmalloc_incoming *in)
{
	unsigned int nr = 1U << in->order;
	unsigned int i;

	for (i = 0; i < in->nr_pages; i += nr) {
		phys_addr_t phys = page_to_phys(in->pages[i]);

		if (!kho_restore_pages(phys, nr)) {
			pr_err("can't restore %u pages at %pa\n", nr, &phys);
			while (i--) {
				__free_page(in->pages[i]);
				cond_resched();
			}
			return false;
		}
		cond_resched();
	}

	return true;
}

/* Allocate all memory before the first page is restored. */
static void *kho_vmalloc_restore_area(struct kho_vmalloc_incoming *in,
				      unsigned long vm_flags, const void *caller)
{
	struct vm_struct *area;
	unsigned int i;
	void *addr;

	area = vmalloc_map_pages(in->pages, in->nr_pages, in->order, vm_flags,
				 caller);
	if (!area)
		return ERR_PTR(-ENOMEM);

	if (!kho_vmalloc_take_pages(in)) {
		free_vm_area(area);
		return ERR_PTR(-EINVAL);
	}

	for (i = 0; i < in->nr_chunks; i++)
		kho_restore_free(phys_to_virt(in->chunks[i]));
	addr = vmalloc_adopt_pages(area, in->pages, in->nr_pages);
	in->pages = NULL;
	return addr;
}

/**
 * kho_try_restore_vmalloc - restore a vmalloc area of the previous kernel
 * @preservation: the description that kho_preserve_vmalloc() filled in there. It
 *		  is not trusted, but must not change during the call.
 *
 * Context: May sleep. May be called after core initcalls.
 * Return: the area at its new address, which the caller frees with vfree(), or
 * an ERR_PTR():
 *
 * * %-ENOMEM - There is no memory to manage the area. Nothing has changed, so
 *   the caller can try again.
 * * %-EOPNOTSUPP - Kexec handover is disabled.
 * * %-EINVAL - The description is damaged, or the area was restored before. Its
 *   memory stays reserved. But if a page is listed twice, or is used by this
 *   kernel, the pages that precede it are freed.
 */
void *kho_try_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	unsigned long vm_flags = preservation->flags & KHO_VMALLOC_HUGE_VMAP ?
				 VM_ALLOW_HUGE_VMAP : 0;
	struct kho_vmalloc_incoming in;
	void *area;
	int err;

	if (!kho_is_enabled())
		return ERR_PTR(-EOPNOTSUPP);
	if (!kho_vmalloc_check_header(preservation))
		return ERR_PTR(-EINVAL);

	kho_vmalloc_init_incoming(&in, preservation, &kho_from_previous);
	err = kho_vmalloc_alloc_incoming(&in);
	if (!err && !kho_vmalloc_read_chain(&in, preservation->first.phys))
		err = -EINVAL;
	if (err)
		area = ERR_PTR(err);
	else
		area = kho_vmalloc_restore_area(&in, vm_flags,
						__builtin_return_address(0));
	kvfree(in.chunks);
	kvfree(in.pages);
	return area;
}
EXPORT_SYMBOL_GPL(kho_try_restore_vmalloc);

/**
 * kho_verify_vmalloc - check that the next kernel can restore a vmalloc area
 * @preservation: the description that kho_preserve_vmalloc() filled in, as it is handed over
 * @ptr:	  the area
 *
 * Context: May sleep, but does not allocate memory.
 * Return: 0, or -EINVAL if kho_try_restore_vmalloc() would refuse the description, or it
 * would restore other memory.
 */
int kho_verify_vmalloc(const struct kho_vmalloc *preservation, const void *ptr)
{
	const struct vm_struct *vm = find_vm_area(ptr);
	struct kho_vmalloc_incoming in;

	if (!vm || !kho_vmalloc_check_header(preservation))
		return -EINVAL;
	if (preservation->total_pages != vm->nr_pages) {
		pr_err("area has %u pages instead of %u\n", preservation->total_pages,
		       vm->nr_pages);
		return -EINVAL;
	}

	kho_vmalloc_init_incoming(&in, preservation, &kho_for_next);
	in.pages = vm->pages;
	return kho_vmalloc_read_chain(&in, preservation->first.phys) ? 0 : -EINVAL;
}
EXPORT_SYMBOL_GPL(kho_verify_vmalloc);
