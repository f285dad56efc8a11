/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Preserving vmalloc areas across a kexec.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_VMALLOC_H
#define _LINUX_KHO_VMALLOC_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/types.h>

#include <linux/kho/abi/vmalloc.h>

#ifdef CONFIG_KEXEC_HANDOVER

int kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation);
void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation);
void *kho_try_restore_vmalloc(const struct kho_vmalloc *preservation);
int kho_verify_vmalloc(const struct kho_vmalloc *preservation, const void *ptr);

#else

static inline int kho_preserve_vmalloc(void *ptr,
				       struct kho_vmalloc *preservation)
{
	return -EOPNOTSUPP;
}

static inline void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation)
{
}

static inline void *
kho_try_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	return ERR_PTR(-EOPNOTSUPP);
}

#endif /* CONFIG_KEXEC_HANDOVER */

/**
 * kho_restore_vmalloc - restore a vmalloc area of the previous kernel
 * @preservation: the description that kho_preserve_vmalloc() filled in there. It
 *		  is not trusted, but must not change during the call.
 *
 * Like kho_try_restore_vmalloc(), for callers that don't try again.
 *
 * Context: May sleep. May be called after core initcalls.
 * Return: the area at its new address, which the caller frees with vfree();
 * NULL on any error.
 */
static inline void *kho_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	void *area = kho_try_restore_vmalloc(preservation);

	return IS_ERR(area) ? NULL : area;
}

#endif /* _LINUX_KHO_VMALLOC_H */
