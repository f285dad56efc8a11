/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: what the kernel logs
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_KMSG_H
#define TOOLS_LIVEUPDATE_KMSG_H

struct json_object;

int kmsg_open(void);
struct json_object *kmsg_close(int fd);
void kmsg_each(void (*take)(void *arg, const char *message), void *arg);
void kmsg_print(struct json_object *messages);

#endif /* TOOLS_LIVEUPDATE_KMSG_H */
