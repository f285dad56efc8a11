// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl: what the kernel logs
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A system call returns only a number if it fails. The kernel logs the reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"
#include "luoctl.h"

#define KMSG	"/dev/kmsg"

/**
 * kmsg_open - start to collect messages
 *
 * Return: a file descriptor for kmsg_close(), or -1, which it accepts, too.
 */
int kmsg_open(void)
{
	int fd = open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Other parts of the kernel log at the same time. */
static bool is_ours(const char *message)
{
	static const char *const marks[] = {
		"KHO:", "LUO:", "memfd_luo:", "kexec", "reserve_mem:",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(marks); i++)
		if (strstr(message, marks[i]))
			return true;
	return false;
}

/* A record is "PRIORITY,NUMBER,TIME,FLAGS;MESSAGE", and lines that start with a space. */
static void read_messages(int fd, void (*take)(void *arg, const char *message), void *arg)
{
	char record[8192], *message;
	ssize_t len;

	/* EPIPE: the oldest messages have been overwritten. */
	while ((len = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {
		if (len < 0)
			continue;
		record[len] = '\0';
		message = strchr(record, ';');
		if (!message)
			continue;
		message++;
		message[strcspn(message, "\n")] = '\0';
		take(arg, message);
	}
}

static void add_message(void *messages, const char *message)
{
	if (is_ours(message))
		json_object_array_add(messages, json_object_new_string(message));
}

/**
 * kmsg_close - stop to collect messages
 * @fd: what kmsg_open() has returned
 *
 * Return: an array of the messages about kexec and live update since then.
 */
struct json_object *kmsg_close(int fd)
{
	struct json_object *messages = json_object_new_array();

	if (fd >= 0) {
		read_messages(fd, add_message, messages);
		close(fd);
	}
	return messages;
}

/**
 * kmsg_each - call a function for each message since the boot that is still there
 * @take: the function
 * @arg:  its first argument
 */
void kmsg_each(void (*take)(void *arg, const char *message), void *arg)
{
	int fd = open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		read_messages(fd, take, arg);
		close(fd);
	}
}

void kmsg_print(struct json_object *messages)
{
	size_t i;

	for (i = 0; i < json_object_array_length(messages); i++)
		fprintf(stderr, "  kernel: %s\n",
			json_object_get_string(json_object_array_get_idx(messages, i)));
}
