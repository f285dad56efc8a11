/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_KASAN_H
#define _KHO_LINUX_KASAN_H

#define kasan_reset_tag(addr)	((void *)(addr))

#endif
