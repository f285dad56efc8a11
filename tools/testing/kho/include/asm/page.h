/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_ASM_PAGE_H
#define _KHO_ASM_PAGE_H

#include <linux/const.h>

#define PAGE_SIZE	(_AC(1, UL) << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))

#endif
