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
 * All state that one kernel hands over to the next has a version string. The
 * string consists of tokens ``name-vN``. The name of a component is everything
 * before the last ``-v``. N is a decimal number without leading zeros.
 *
 * If a component contains others, its string has its own token (the *base
 * token*) followed by ``;`` and the token of each contained component::
 *
 *	kho-v4;radix-v1;vmalloc-v1
 *
 * The names after the base token are unique and sorted alphabetically. The
 * components with these names don't contain others themselves.
 *
 * Some kernels write the base token alone. It means that each component that it
 * contains has version 1.
 *
 * A reader compares each token with the versions that it can read, before it
 * reads anything else of the component. If the format of a data structure
 * changes, its own token changes. The base tokens of components that contain the
 * data structure need not change: kernels that can't read the new format refuse
 * these components because of the other token.
 *
 * In a structure the string is padded with zeros to a multiple of 8 bytes.
 */

/* Append the token of a contained component to a version string */
#define KHO_SUB_COMPAT(str)	";" str

/* Size of a version string in a structure in bytes, including the NUL */
#define KHO_COMPAT_ALIGN(str)	ALIGN(sizeof(str), 8)

#endif /* _LINUX_KHO_ABI_COMPAT_H */
