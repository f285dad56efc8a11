/* SPDX-License-Identifier: GPL-2.0 */
#define kmemleak_ignore_phys(phys)		((void)(phys))
#define kmemleak_free_part_phys(phys, size)	((void)(phys), (void)(size))
