/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEMBLOCK_KHO_SCRATCH_H
#define _MEMBLOCK_KHO_SCRATCH_H

#include "common.h"

/* kernelcore=mirror, which makes memblock prefer mirrored memory */
extern bool mirrored_kernelcore;

int memblock_kho_scratch_checks(void);

#endif
