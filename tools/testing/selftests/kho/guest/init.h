/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The init process of a guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The user space of a guest is one program. This part of it brings the system up,
 * reads parameters and files, and boots the next kernel.
 */
#ifndef SELFTESTS_KHO_GUEST_INIT_H
#define SELFTESTS_KHO_GUEST_INIT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "kselftest.h"

#define GUEST_CMDLINE_SIZE	2048

/* Mount /dev, /proc, /sys and /tmp, and read the kernel command line. */
void guest_set_up(void);

/* The kernel command line, which guest_set_up() or the caller has filled in */
extern char guest_cmdline[GUEST_CMDLINE_SIZE];

/* Return the value of the last NAME=VALUE on the command line, or NULL. */
const char *guest_param(const char *name);
/* Return the number after the last NAME=, or 0. */
long guest_param_number(const char *name);
/* Return whether @word is on the command line. */
bool guest_param_word(const char *word);
/* Return the rest of @word if it starts with @start, or NULL. */
const char *guest_after(const char *word, const char *start);

int guest_write_file(const char *path, const char *text);
/* Return a NUL-terminated copy of a small file or NULL. The caller frees it. */
char *guest_read_file(const char *path);
/* The same for what can be read from an open descriptor. */
char *guest_read_fd(int fd);
/* Return a value of /proc/meminfo in KiB, or -1 if there is no such line. */
long guest_meminfo(const char *field);
/* Append up to @size bytes of the file @from to the open file @to: 0 or -1. */
int guest_copy(const char *from, int to, size_t size);

/*
 * Run a program. Return its output, NUL-terminated, which the caller frees, or
 * NULL if the program can't be run. @status is its exit status, or -1 if it was
 * killed.
 */
char *guest_run(int *status, char *const argv[]);

/* Load a kernel for the next kexec; @initrd may be NULL. 0 or -1 with errno. */
int guest_load_kernel(const char *kernel, const char *initrd,
		      const char *cmdline, unsigned long flags);

/* Wait until the console shows everything that was logged. */
void guest_drain_console(void);

void guest_power_off(void) __noreturn;

#endif /* SELFTESTS_KHO_GUEST_INIT_H */
