/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_SHIM_LINUX_KERNEL_H
#define _KHO_SHIM_LINUX_KERNEL_H

#include "../../../include/linux/kernel.h"
#include <linux/kconfig.h>
#include <linux/printk.h>

#endif
