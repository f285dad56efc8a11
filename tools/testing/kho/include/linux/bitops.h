/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_BITOPS_H
#define _KHO_LINUX_BITOPS_H

#include "../../../../include/linux/bitops.h"

static inline unsigned int __ffs64(__u64 word)
{
	return __builtin_ctzll(word);
}

#endif
