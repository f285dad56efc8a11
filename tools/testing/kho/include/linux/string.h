/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_STRING_H
#define _KHO_LINUX_STRING_H

#include <sys/types.h>

#include "../../../../include/linux/string.h"

#include <linux/args.h>

#undef strscpy
#define strscpy(...)	CONCATENATE(__strscpy, COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
#define __strscpy2(dst, src)		shim_strscpy(dst, src, sizeof(dst))
#define __strscpy3(dst, src, size)	shim_strscpy(dst, src, size)
#define strscpy_pad(dst, src)		shim_strscpy_pad(dst, src, sizeof(dst))

ssize_t shim_strscpy_pad(char *dst, const char *src, size_t size);
ssize_t shim_strscpy(char *dst, const char *src, size_t size);

#endif
