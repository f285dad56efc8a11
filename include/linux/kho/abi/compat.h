/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Version strings of handed-over state.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_COMPAT_H
#define _LINUX_KHO_ABI_COMPAT_H

#include <linux/align.h>
#include <linux/types.h>

/**
 * DOC: KHO version strings
 *
 * Whatever one kernel leaves for the next starts with, or is described by, a
 * version string. Its unit is the token ``name-vN``: everything before the last
 * ``-v`` is the name of a component, N is a decimal number without leading
 * zero.
 *
 * A component that contains others composes its string from its own token (the
 * *base token*), followed by ``;`` and the token of each component that it
 * contains::
 *
 *	kho-v4;radix-v1;vmalloc-v1
 *
 * The names after the base token are unique and in strict alphabetical order.
 * What stands there is a leaf: it composes nothing itself.
 *
 * A reader compares every token with the versions that it can read before it
 * touches any state behind the string. So a data structure that changes its
 * format bumps its own token, and each component that uses it is refused by
 * kernels that can't read the new format, without a change of its own.
 *
 * Inside a structure the string is followed by zeros up to the next multiple of
 * 8 bytes.
 */

/* Append the token of a contained component to a version string */
#define KHO_SUB_COMPAT(str)	";" str

/* Room that a version string takes in a structure, its NUL included (bytes) */
#define KHO_COMPAT_ALIGN(str)	ALIGN(sizeof(str), 8)

#endif /* _LINUX_KHO_ABI_COMPAT_H */
