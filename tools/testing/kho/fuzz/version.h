/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Version strings, read from their end
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_VERSION_H
#define _KHO_VERSION_H

#include <linux/types.h>

/* The base token's version; negative if it is malformed */
s64 version_of(const char *str);

/* Is the base token a well-formed one of that name? */
bool has_version_of(const char *str, const char *name);

#endif
