/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers; the same sequence from the same seed
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_RANDOM_H
#define _KHO_SHIM_RANDOM_H

#include <linux/types.h>

void random_start(u64 seed);
u64 random_u64(void);
/* Return a number in [0, limit). */
unsigned long random_below(unsigned long limit);

#endif
