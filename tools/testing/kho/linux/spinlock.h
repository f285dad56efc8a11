/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_SHIM_LINUX_SPINLOCK_H
#define _KHO_SHIM_LINUX_SPINLOCK_H

#include "../../../include/linux/spinlock.h"
#include <linux/cleanup.h>
#include <linux/lockdep.h>

DEFINE_GUARD(spinlock, spinlock_t *, spin_lock(_T), spin_unlock(_T))

#endif
