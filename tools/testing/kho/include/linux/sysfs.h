/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_SYSFS_H
#define _KHO_LINUX_SYSFS_H

#include <stdio.h>
#include <string.h>

/* Files of sysfs have a page. */
#define sysfs_emit(buf, ...)	sprintf(buf, __VA_ARGS__)

/* Strings that programs write to sysfs can end with a newline. */
static inline bool sysfs_streq(const char *a, const char *b)
{
	size_t len = strlen(b);

	return !strncmp(a, b, len) && (!a[len] || !strcmp(a + len, "\n"));
}

#endif
