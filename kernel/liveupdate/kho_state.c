// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: whether it is enabled, incoming and outgoing state.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/export.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/mutex.h>
#include <linux/printk.h>

#include "kexec_handover_internal.h"

struct kho_incoming kho_in = {
	.tree.lock = __MUTEX_INITIALIZER(kho_in.tree.lock),
};

struct kho_outgoing kho_out = {
	.fdt_lock = __MUTEX_INITIALIZER(kho_out.fdt_lock),
	.tree.lock = __MUTEX_INITIALIZER(kho_out.tree.lock),
};

static bool kho_enabled __ro_after_init =
	IS_ENABLED(CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT);

static int __init kho_parse_enable(char *arg)
{
	if (!arg || kstrtobool(arg, &kho_enabled))
		pr_err("kho=%s is neither on nor off: ignored\n", arg ?: "");

	return 0;
}
early_param("kho", kho_parse_enable);

/**
 * kho_disable - disable kexec handover until the next boot
 *
 * Context: Boot.
 */
void __init kho_disable(void)
{
	kho_enabled = false;
}

/**
 * kho_is_enabled - check whether kexec handover is enabled
 *
 * Context: Any context.
 * Return: true if the command line or the default enables it and it could be
 * set up.
 */
bool kho_is_enabled(void)
{
	return kho_enabled;
}
EXPORT_SYMBOL_GPL(kho_is_enabled);

/**
 * is_kho_boot - check whether the previous kernel handed over state
 *
 * Context: Any context. The result does not change after the first initcall.
 * Return: true if this kernel was booted with valid incoming state.
 */
bool is_kho_boot(void)
{
	return kho_in.state == KHO_IN_READ;
}
EXPORT_SYMBOL_GPL(is_kho_boot);
