/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): preserve memory across kexec.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KEXEC_HANDOVER_H
#define _LINUX_KEXEC_HANDOVER_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/types.h>

struct folio;
struct page;

/**
 * struct kho_source - the preserved memory that handed-over data may refer to
 * @name:      "incoming" or "outgoing", for messages
 * @contains:  kho_incoming_contains() or kho_outgoing_contains()
 * @has_pages: kho_incoming_has_pages() or kho_outgoing_has_pages()
 *
 * The code that checks handed-over data asks a source about memory. So it can read data
 * of the previous kernel, and before a kexec what this kernel hands over.
 */
struct kho_source {
	const char *name;
	bool (*contains)(phys_addr_t phys, size_t size);
	bool (*has_pages)(phys_addr_t phys, unsigned long nr);
};

#ifdef CONFIG_KEXEC_HANDOVER

extern const struct kho_source kho_from_previous;
extern const struct kho_source kho_for_next;

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
struct folio *kho_restore_compound(phys_addr_t phys, unsigned int order);
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr);

int kho_preserve_incoming(void);

bool kho_outgoing_contains(phys_addr_t phys, size_t size);
bool kho_outgoing_has_pages(phys_addr_t phys, unsigned long nr);
bool kho_outgoing_has_folios(phys_addr_t phys, unsigned long nr, unsigned int order);
int kho_verify_outgoing(void);
int kho_verify_reboot(void);

void *kho_alloc_preserve(size_t size);
void kho_unpreserve_free(void *mem);
void kho_restore_free(void *mem);

int kho_add_subtree(const char *name, void *blob, size_t size);
void kho_remove_subtree(void *blob);
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size);
void kho_discard_subtree(phys_addr_t phys, size_t size);

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

static inline bool kho_outgoing_contains(phys_addr_t phys, size_t size)
{
	return false;
}

static inline int kho_verify_reboot(void)
{
	return 0;
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

static inline void kho_discard_subtree(phys_addr_t phys, size_t size)
{
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KEXEC_HANDOVER_H */
