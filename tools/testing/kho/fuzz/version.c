// SPDX-License-Identifier: GPL-2.0
/*
 * Version strings, read by a simple model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <ctype.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/limits.h>

#include "fuzz/version.h"

s64 version_of(const char *str)
{
	size_t len = strcspn(str, ";"), digits = 0;
	u64 version = 0;

	while (digits < len && isdigit(str[len - digits - 1]))
		digits++;
	if (!digits || (digits > 1 && str[len - digits] == '0') || digits > 10 ||
	    len < digits + 3 || strncmp(str + len - digits - 2, "-v", 2))
		return -1;
	while (digits--)
		version = 10 * version + str[len - digits - 1] - '0';

	return version <= U32_MAX ? (s64)version : -1;
}

bool has_version_of(const char *str, const char *name)
{
	size_t token = strcspn(str, ";"), len = strlen(name);

	return version_of(str) >= 0 && !strncmp(str, name, len) &&
	       !strncmp(str + len, "-v", 2) && len + 2 < token &&
	       strspn(str + len + 2, "0123456789") == token - len - 2;
}
