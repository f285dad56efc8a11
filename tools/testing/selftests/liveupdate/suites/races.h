/* SPDX-License-Identifier: GPL-2.0 */
/*
 * races: tasks that run at the same time
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_LIVEUPDATE_SUITES_RACES_H
#define SELFTESTS_LIVEUPDATE_SUITES_RACES_H

#include <sys/types.h>

#include "../luo.h"

#define MODULE		"luo_test_races"
#define FLB_MODULE	"luo_test_flb"

#define NR_FILES	3	/* in a session */

/* The device, which all tasks have open */
extern int races_dev;

/* Return a random number. Each task has a seed of its own. */
unsigned int any(unsigned int below);
void seed_tasks(void);
/* Fork a task that dies with its parent. */
pid_t fork_task(void);
/* Wait for so many tasks, and check that they have succeeded. */
void check_tasks(int nr);
/* Wait until @nr tasks have arrived, but not for ever. */
void meet(int *arrived, int nr);
/* The name for the session of a task */
void own_name(char name[NAME_LENGTH]);

/* Let many tasks use the device, and wait for them. They share these files. */
void open_shared_files(void);
void storm(void);
void check_shared_files(void);

#endif /* SELFTESTS_LIVEUPDATE_SUITES_RACES_H */
