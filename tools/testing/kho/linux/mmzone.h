/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_SHIM_LINUX_MMZONE_H
#define _KHO_SHIM_LINUX_MMZONE_H

#ifndef MAX_PAGE_ORDER
#define MAX_PAGE_ORDER	10
#endif

#endif
