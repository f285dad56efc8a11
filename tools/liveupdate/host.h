/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luoctl: the files that describe the running system
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef TOOLS_LIVEUPDATE_HOST_H
#define TOOLS_LIVEUPDATE_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/**
 * struct host - a system
 * @root: prefix of the paths below. Only tests use another one than "".
 */
struct host {
	const char *root;
};

/* This one */
extern struct host host_system;

#define HOST_RECORD	"/run/luoctl/image"
#define HOST_SUMMARY	"/sys/kernel/debug/kho/out/summary"

char *host_path(const struct host *host, const char *path);
char *host_read(const struct host *host, const char *path);
char *host_link(const struct host *host, const char *path);
bool host_exists(const struct host *host, const char *path);
long long host_number(const struct host *host, const char *path);
uint64_t host_meminfo(const struct host *host, const char *field);

int host_save_record(const struct host *host, struct json_object *record);
struct json_object *host_load_record(const struct host *host);

#endif /* TOOLS_LIVEUPDATE_HOST_H */
