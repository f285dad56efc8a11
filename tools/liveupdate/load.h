/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl load: the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_LOAD_H
#define TOOLS_LIVEUPDATE_LOAD_H

#include <stddef.h>
#include <stdint.h>

struct host;
struct json_object;

uint64_t load_kernel_size(const void *head, size_t len, uint64_t file_size);
const char *load_next_step(const struct host *host, int error);
int load_warn_cmdline(const char *cmdline, struct json_object *warnings);

#endif /* TOOLS_LIVEUPDATE_LOAD_H */
