/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/types.h>

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 divisor)
{
	return (__uint128_t)a * mul / divisor;
}
