/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Modules, programs, kernels and memory of a guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef SELFTESTS_KHO_GUEST_SYSTEM_H
#define SELFTESTS_KHO_GUEST_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

/* Modules are in /modules. Arguments are as insmod takes them. 0 or -1 with errno. */
int guest_insmod(const char *name, const char *args);
int guest_rmmod(const char *name);
int guest_set_module_param(const char *module, const char *param, const char *value);
bool guest_has_module(const char *name);
/* Skip the test if the module is not built. */
void guest_need_module(const char *name);

/* Programs that guest_add_program has copied from the host are in /bin. */
bool guest_has_program(const char *name);

/* Run a program and note its output. Return its exit status, or -1. */
int guest_run_and_note(char *const argv[]);

/* Where guest_change_kernel() writes to */
#define GUEST_CHANGED_KERNEL	"/tmp/changed"

/* Write a copy of the running kernel's image that @change has edited. */
void guest_change_kernel(void (*change)(unsigned char *kernel, size_t size));
/* Change a byte of the note of a kernel, which is at @offset in it. */
void guest_change_note(unsigned char *kernel, size_t size, size_t offset,
		       unsigned char value);

/* Return the size of free memory in KiB, including the per-CPU lists. */
long guest_free_memory(void);
/* Return the physical address of a mapped page of this process. */
unsigned long long guest_phys_of(const void *addr);

#endif /* SELFTESTS_KHO_GUEST_SYSTEM_H */
