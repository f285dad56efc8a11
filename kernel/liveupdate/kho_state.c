// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: is it enabled, and what comes in and goes out.
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

bool kho_enable __ro_after_init =
	IS_ENABLED(CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT);

/**
 * kho_is_enabled - is kexec handover enabled in this kernel?
 *
 * Context: Any.
 * Return: true if it is enabled by the command line or by default, and could be
 * set up.
 */
bool kho_is_enabled(void)
{
	return kho_enable;
}
EXPORT_SYMBOL_GPL(kho_is_enabled);

/**
 * is_kho_boot - was anything handed over to this kernel?
 *
 * Context: Any; settled before the first initcall.
 * Return: true if this kernel was booted with valid incoming state.
 */
bool is_kho_boot(void)
{
	return kho_in.state == KHO_IN_READ;
}
EXPORT_SYMBOL_GPL(is_kho_boot);

static int __init kho_parse_enable(char *arg)
{
	if (!arg || kstrtobool(arg, &kho_enable))
		pr_err("kho=%s is neither on nor off: ignored\n", arg ?: "");

	return 0;
}
early_param("kho", kho_parse_enable);
