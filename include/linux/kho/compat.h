/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading the version strings of handed-over state.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_COMPAT_H
#define _LINUX_KHO_COMPAT_H

#include <linux/errno.h>
#include <linux/types.h>

#include <linux/kho/abi/compat.h>

/**
 * struct kho_compat_range - versions of a component that this kernel reads
 * @name:    name of the component: its token without ``-vN``
 * @lowest:  lowest version that is read
 * @highest: highest version that is read
 */
struct kho_compat_range {
	const char *name;
	u32 lowest;
	u32 highest;
};

#ifdef CONFIG_KEXEC_HANDOVER

int kho_compat_check(const char *component, const char *str, size_t size,
		     const struct kho_compat_range *const *ranges,
		     unsigned int nr);
ssize_t kho_compat_len(const char *str, size_t size);
bool kho_compat_same_base(const char *a, size_t a_size, const char *b);
int kho_compat_base_version(const char *str, size_t size, u32 *version);

#else

static inline int kho_compat_check(const char *component, const char *str,
				   size_t size,
				   const struct kho_compat_range *const *ranges,
				   unsigned int nr)
{
	return -EOPNOTSUPP;
}

static inline ssize_t kho_compat_len(const char *str, size_t size)
{
	return -EOPNOTSUPP;
}

static inline bool kho_compat_same_base(const char *a, size_t a_size,
					const char *b)
{
	return false;
}

static inline int kho_compat_base_version(const char *str, size_t size,
					  u32 *version)
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KHO_COMPAT_H */
