/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Version strings, read by a simple model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_VERSION_H
#define _KHO_FUZZ_VERSION_H

#include <linux/types.h>

/* Return the version in the base token, or a negative number if it is malformed. */
s64 version_of(const char *str);

/* Return whether the base token is well-formed and has this name. */
bool has_version_of(const char *str, const char *name);

#endif
