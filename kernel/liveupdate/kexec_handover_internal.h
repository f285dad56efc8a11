/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of kexec handover share among themselves.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KEXEC_HANDOVER_INTERNAL_H
#define _KEXEC_HANDOVER_INTERNAL_H

struct folio;
struct page;

struct folio *kho_alloc_folio(unsigned int order);
void kho_adopt_page(struct page *page);

#endif /* _KEXEC_HANDOVER_INTERNAL_H */
