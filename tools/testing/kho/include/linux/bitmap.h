/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_BITMAP_H
#define _KHO_LINUX_BITMAP_H

#include "../../../../include/linux/bitmap.h"

void bitmap_set(unsigned long *map, unsigned int start, unsigned int nbits);

#endif
