/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_SHIM_LINUX_KERNEL_H
#define _KHO_SHIM_LINUX_KERNEL_H

#include "../../../include/linux/kernel.h"
#include <linux/kconfig.h>
#include <linux/limits.h>
#include <linux/printk.h>

#define might_sleep()	do { } while (0)

#endif
