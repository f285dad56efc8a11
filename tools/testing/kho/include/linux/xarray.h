/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_XARRAY_H
#define _KHO_LINUX_XARRAY_H

#define XA_CHUNK_SIZE	64

#endif
