/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Booting the next kernel in the same program
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_REBOOT_H
#define _KHO_SHIM_REBOOT_H

#include <linux/compiler.h>

/* The sections of the writable data of the kernel's files; NULL if there are none */
extern char __start_kernel_data[] __weak;
extern char __stop_kernel_data[] __weak;
extern char __start_kernel_bss[] __weak;
extern char __stop_kernel_bss[] __weak;

/* Functions that the kernel calls when it boots */
extern int (*const early_param_kho_parse_scratch)(char *arg);
extern int (*const initcall_kho_init)(void);
extern int (*const early_param_luo_parse_param)(char *arg);
extern int (*const initcall_luo_early_init)(void);
extern int (*const initcall_luo_late_init)(void);
extern int (*const initcall_hugetlb_luo_init)(void);
extern int (*const initcall_memfd_luo_init)(void);

/* Reset the writable data of the kernel's files. */
void reboot(void);

#endif
