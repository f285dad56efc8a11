/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What libFuzzer calls; tests.mk gives them the names that it wants
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_H
#define _KHO_FUZZ_H

#include <linux/types.h>

int fuzz_initialize(int *argc, char ***argv);
int fuzz_one_input(const u8 *data, size_t size);

#endif
