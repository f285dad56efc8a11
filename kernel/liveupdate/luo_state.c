// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: command line
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/export.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/liveupdate.h>

#include "luo_internal.h"

static bool luo_enabled;

static int __init luo_parse_param(char *arg)
{
	return kstrtobool(arg, &luo_enabled);
}
early_param("liveupdate", luo_parse_param);

/**
 * liveupdate_enabled - check whether live update is enabled
 *
 * Context: Any, after the command line is parsed.
 * Return: true if both live update and kexec handover are enabled.
 */
bool liveupdate_enabled(void)
{
	return luo_enabled && kho_is_enabled();
}
EXPORT_SYMBOL_GPL(liveupdate_enabled);

/**
 * luo_disable - disable live update until the next boot
 *
 * Context: Initcalls.
 */
void __init luo_disable(void)
{
	luo_enabled = false;
}

static int __init luo_check_param(void)
{
	if (luo_enabled && !kho_is_enabled())
		pr_warn("LUO: disabled, it needs kexec handover (kho=on)\n");
	return 0;
}
early_initcall(luo_check_param);
