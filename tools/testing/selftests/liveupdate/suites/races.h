/* SPDX-License-Identifier: GPL-2.0 */
/*
 * races: tasks that run at the same time
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_LIVEUPDATE_SUITES_RACES_H
#define SELFTESTS_LIVEUPDATE_SUITES_RACES_H

#include "../luo.h"

#define MODULE		"luo_test_races"
#define FLB_MODULE	"luo_test_flb"

#define NR_FILES	3	/* in a session */

/* The device, which all tasks have open */
extern int races_dev;

/* Wait until @nr tasks have arrived, but not for ever. */
void meet(int *arrived, int nr);

/* Let many tasks use the device, and wait for them. They share these files. */
void open_shared_files(void);
void run_tasks(void);
void check_shared_files(void);

#endif /* SELFTESTS_LIVEUPDATE_SUITES_RACES_H */
