/* SPDX-License-Identifier: GPL-2.0 */
static inline bool is_kdump_kernel(void)
{
	return false;
}
