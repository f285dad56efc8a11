/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_LIMITS_H
#define _KHO_LINUX_LIMITS_H

#include <limits.h>
#include <stdint.h>
#include <linux/types.h>

#define U8_MAX	((u8)~0U)
#define U16_MAX	((u16)~0U)
#define U32_MAX	((u32)~0U)
#define U64_MAX	((u64)~0ULL)

#endif
