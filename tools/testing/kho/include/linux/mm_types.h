/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of the simulated machine
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <linux/mm.h>
