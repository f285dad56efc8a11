/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Initcalls and early parameters, which tests call by name
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_INIT_H
#define _KHO_LINUX_INIT_H

#include <linux/compiler.h>

/* The kernel's files get these through other headers. */
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/printk.h>
#include <linux/string.h>

#define __init
#define __initdata
#define __ro_after_init

#define core_initcall(fn)	int (*const initcall_##fn)(void) = fn
#define early_initcall(fn)	core_initcall(fn)
#define late_initcall(fn)	core_initcall(fn)
#define early_param(str, fn)							\
	const char *const early_param_name_##fn = str;				\
	int (*const early_param_##fn)(char *arg) = fn

#endif
