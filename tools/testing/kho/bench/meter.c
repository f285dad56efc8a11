// SPDX-License-Identifier: GPL-2.0
/*
 * The clock and the counter of cache misses
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include "bench/meter.h"
#include "shim/check.h"

static int counter = -1;
static u64 start_ns;

/* A pinned counter counts all the time, or reading it fails. Nothing is extrapolated. */
const char *meter_open(void)
{
	static char why[128];
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_CACHE_MISSES,
		.disabled = 1,
		.pinned = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	counter = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (counter >= 0)
		return NULL;

	snprintf(why, sizeof(why), "perf_event_open(): %s%s", strerror(errno),
		 errno == ENOENT ? " (no hardware counters on this machine)" : "");
	return why;
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

void meter_start(void)
{
	if (counter >= 0) {
		ioctl(counter, PERF_EVENT_IOC_RESET, 0);
		ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
	}
	start_ns = now_ns();
}

struct meter meter_stop(void)
{
	struct meter meter = { .ns = now_ns() - start_ns };

	if (counter < 0)
		return meter;

	ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
	if (read(counter, &meter.misses, sizeof(meter.misses)) !=
	    sizeof(meter.misses))
		die("the counter of cache misses was lost");

	return meter;
}
