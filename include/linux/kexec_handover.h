/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): carry memory over a kexec.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KEXEC_HANDOVER_H
#define _LINUX_KEXEC_HANDOVER_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/types.h>

struct folio;
struct kexec_buf;
struct kimage;
struct page;
struct resource;

/* Is a range of physical addresses, up to but not including @end, RAM? */
typedef bool (*kho_is_ram_fn)(phys_addr_t start, phys_addr_t end);
/* Called for a range of page frame numbers, up to but not including @end_pfn */
typedef void (*kho_pfn_range_fn)(unsigned long start_pfn, unsigned long end_pfn);
/* Called for a range of memory in which a kexec segment may be placed */
typedef int (*kho_hole_fn)(struct resource *res, void *kbuf);

#ifdef CONFIG_KEXEC_HANDOVER

bool kho_is_enabled(void);
bool is_kho_boot(void);

int kho_preserve_folio(struct folio *folio);
void kho_unpreserve_folio(struct folio *folio);
int kho_preserve_folios(struct folio **folios, unsigned long nr);
void kho_unpreserve_folios(struct folio **folios, unsigned long nr);
int kho_preserve_pages(struct page *page, unsigned long nr);
void kho_unpreserve_pages(struct page *page, unsigned long nr);

bool kho_incoming_contains(phys_addr_t phys, size_t size);
int kho_incoming_order(phys_addr_t phys);
bool kho_incoming_has_pages(phys_addr_t phys, unsigned long nr);
struct folio *kho_restore_folio(phys_addr_t phys);
void kho_restore_folios(const phys_addr_t *phys, struct folio **folios,
			unsigned int nr);
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr);

void *kho_alloc_preserve(size_t size);
void kho_unpreserve_free(void *mem);
void kho_restore_free(void *mem);

int kho_add_subtree(const char *name, void *blob, size_t size);
void kho_remove_subtree(void *blob);
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size);

void kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
		  phys_addr_t scratch_phys, u64 scratch_len);
void kho_early_init(kho_is_ram_fn is_ram);
void kho_memory_init(void);

void kho_read_map(void);
phys_addr_t kho_find_unpreserved(phys_addr_t start, phys_addr_t end,
				 phys_addr_t size, phys_addr_t align);
unsigned long kho_walk_unpreserved(unsigned long start_pfn,
				   unsigned long end_pfn, kho_pfn_range_fn fn);

bool kho_image_needs_scratch(const struct kimage *image);
int kho_walk_scratch(struct kexec_buf *kbuf, kho_hole_fn fn);
void kho_explain_failed_load(const struct kimage *image, int err);
int kho_fill_kimage(struct kimage *image);
bool kho_image_can_carry(void);

#else

static inline bool kho_is_enabled(void)
{
	return false;
}

static inline bool is_kho_boot(void)
{
	return false;
}

static inline int kho_preserve_folio(struct folio *folio)
{
	return -EOPNOTSUPP;
}

static inline void kho_unpreserve_folio(struct folio *folio)
{
}

static inline int kho_preserve_folios(struct folio **folios, unsigned long nr)
{
	return -EOPNOTSUPP;
}

static inline void kho_unpreserve_folios(struct folio **folios,
					 unsigned long nr)
{
}

static inline int kho_preserve_pages(struct page *page, unsigned long nr)
{
	return -EOPNOTSUPP;
}

static inline void kho_unpreserve_pages(struct page *page, unsigned long nr)
{
}

static inline bool kho_incoming_contains(phys_addr_t phys, size_t size)
{
	return false;
}

static inline int kho_incoming_order(phys_addr_t phys)
{
	return -EOPNOTSUPP;
}

static inline bool kho_incoming_has_pages(phys_addr_t phys, unsigned long nr)
{
	return false;
}

static inline void kho_restore_folios(const phys_addr_t *phys,
				      struct folio **folios, unsigned int nr)
{
	while (nr--)
		folios[nr] = NULL;
}

static inline struct folio *kho_restore_folio(phys_addr_t phys)
{
	return NULL;
}

static inline struct page *kho_restore_pages(phys_addr_t phys,
					     unsigned long nr)
{
	return NULL;
}

static inline void *kho_alloc_preserve(size_t size)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void kho_unpreserve_free(void *mem)
{
}

static inline void kho_restore_free(void *mem)
{
}

static inline int kho_add_subtree(const char *name, void *blob, size_t size)
{
	return -EOPNOTSUPP;
}

static inline void kho_remove_subtree(void *blob)
{
}

static inline int kho_retrieve_subtree(const char *name, phys_addr_t *phys,
				       size_t *size)
{
	return -EOPNOTSUPP;
}

static inline void kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
				phys_addr_t scratch_phys, u64 scratch_len)
{
}

static inline void kho_early_init(kho_is_ram_fn is_ram)
{
}

static inline void kho_memory_init(void)
{
}

static inline void kho_read_map(void)
{
}

static inline phys_addr_t kho_find_unpreserved(phys_addr_t start,
					       phys_addr_t end,
					       phys_addr_t size,
					       phys_addr_t align)
{
	return 0;
}

static inline unsigned long kho_walk_unpreserved(unsigned long start_pfn,
						 unsigned long end_pfn,
						 kho_pfn_range_fn fn)
{
	fn(start_pfn, end_pfn);
	return end_pfn - start_pfn;
}

static inline bool kho_image_needs_scratch(const struct kimage *image)
{
	return false;
}

static inline int kho_walk_scratch(struct kexec_buf *kbuf, kho_hole_fn fn)
{
	return 0;
}

static inline void kho_explain_failed_load(const struct kimage *image, int err)
{
}

static inline int kho_fill_kimage(struct kimage *image)
{
	return 0;
}

static inline bool kho_image_can_carry(void)
{
	return false;
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KEXEC_HANDOVER_H */
