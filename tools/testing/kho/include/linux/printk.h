/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_PRINTK_H
#define _KHO_LINUX_PRINTK_H

#include <stdarg.h>

/* %pV: a format with its arguments */
struct va_format {
	const char *fmt;
	va_list *va;
};

#ifndef pr_fmt
#define pr_fmt(fmt)	fmt
#endif

/* No format attribute: compilers do not know the kernel's formats. */
void shim_print(const char *fmt, ...);

#define pr_err(fmt, ...)	shim_print(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err_ratelimited(fmt, ...) pr_err(fmt, ##__VA_ARGS__)
#define pr_warn(fmt, ...)	shim_print(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...)	shim_print(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...)	shim_print(pr_fmt(fmt), ##__VA_ARGS__)

#endif
