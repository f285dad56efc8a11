/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_CLEANUP_H
#define _KHO_LINUX_CLEANUP_H

#define __cleanup(func)		__attribute__((__cleanup__(func)))
#define __KHO_PASTE(a, b)	a ## b
#define __KHO_ID(prefix, n)	__KHO_PASTE(prefix, n)
#define __UNIQUE_ID(prefix)	__KHO_ID(__UNIQUE_ID_ ## prefix, __COUNTER__)

#include "../../../../../include/linux/cleanup.h"

#endif
