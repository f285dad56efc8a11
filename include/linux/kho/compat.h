/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Version strings of handed-over state.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_COMPAT_H
#define _LINUX_KHO_COMPAT_H

#include <linux/errno.h>
#include <linux/types.h>

#include <linux/kho/abi/compat.h>

/**
 * struct kho_compat_range - the versions of a component that this kernel reads
 * @name:    name of the component, which is its token without ``-vN``
 * @lowest:  lowest version
 * @highest: highest version
 */
struct kho_compat_range {
	const char *name;
	u32 lowest;
	u32 highest;
};

/**
 * enum kho_compat_structure - the data structures that other components contain
 * @KHO_COMPAT_BLOCK:   chains of blocks, abi/block.h
 * @KHO_COMPAT_RADIX:   the radix tree, abi/radix_tree.h
 * @KHO_COMPAT_VMALLOC: descriptions of vmalloc areas, abi/vmalloc.h
 * @KHO_COMPAT_NR:      number of data structures
 *
 * These are the indices of kho_compat_table, which has the versions of each
 * that this kernel reads.
 */
enum kho_compat_structure {
	KHO_COMPAT_BLOCK,
	KHO_COMPAT_RADIX,
	KHO_COMPAT_VMALLOC,
	KHO_COMPAT_NR,
};

extern const struct kho_compat_range kho_compat_table[KHO_COMPAT_NR];

int kho_compat_check(const char *component, const char *str, size_t size,
		     const struct kho_compat_range *const *ranges,
		     unsigned int nr);
int kho_compat_base_version(const char *str, size_t size, u32 *version);

/* For the Live Update Orchestrator only */
ssize_t kho_compat_len(const char *str, size_t size);
bool kho_compat_same_base(const char *a, size_t a_size, const char *b);
int kho_compat_base_name(const char *str, size_t size, char *name);
int kho_compat_bare(const char *str, size_t size, char *bare);

#endif /* _LINUX_KHO_COMPAT_H */
