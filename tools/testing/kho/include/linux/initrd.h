/* SPDX-License-Identifier: GPL-2.0 */
#define initrd_start	0UL
#define initrd_end	0UL
