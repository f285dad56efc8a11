/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/types.h>

static inline bool is_kdump_kernel(void)
{
	return false;
}
