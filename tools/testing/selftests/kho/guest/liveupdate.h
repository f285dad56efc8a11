/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctls of /dev/liveupdate as functions
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each returns a descriptor or 0, or -1 with errno. Names are cut to fit.
 */
#ifndef SELFTESTS_KHO_GUEST_LIVEUPDATE_H
#define SELFTESTS_KHO_GUEST_LIVEUPDATE_H

#include <linux/liveupdate.h>

#define LUO_DEVICE	"/dev/liveupdate"
#define NAME_LENGTH	LIVEUPDATE_SESSION_NAME_LENGTH

int luo_open(void);
int luo_create(int dev, const char *name);
int luo_retrieve(int dev, const char *name);
int luo_preserve(int session, int fd, __u64 token);
int luo_retrieve_fd(int session, __u64 token);
int luo_finish(int session);
int luo_get_name(int session, char name[NAME_LENGTH]);

#endif /* SELFTESTS_KHO_GUEST_LIVEUPDATE_H */
