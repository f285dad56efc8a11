/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_KERNEL_H
#define _KHO_LINUX_KERNEL_H

#include "../../../../include/linux/kernel.h"
#include <linux/kconfig.h>
#include <linux/limits.h>
#include <linux/printk.h>

/* tools/ refuses arguments of different types; the kernel accepts some. */
#undef min
#define min(x, y) ({			\
	typeof(x) _min_x = (x);		\
	typeof(y) _min_y = (y);		\
					\
	_min_x < _min_y ? _min_x : _min_y; })

#define DIV_ROUND_UP_ULL(n, d)	DIV_ROUND_UP((unsigned long long)(n), d)

#define might_sleep()	do { } while (0)

#endif
