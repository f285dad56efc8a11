/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock and the counter of cache misses
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_BENCH_METER_H
#define _KHO_BENCH_METER_H

#include <linux/types.h>

/**
 * struct meter - cost of a run
 * @ns:     time
 * @misses: cache misses in user space
 */
struct meter {
	u64 ns;
	u64 misses;
};

/* Return NULL, or the reason why cache misses are not counted. */
const char *meter_open(void);
void meter_start(void);
struct meter meter_stop(void);

#endif
