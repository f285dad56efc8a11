// SPDX-License-Identifier: GPL-2.0
/*
 * Live Update Orchestrator: command line, incoming and outgoing state
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/export.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/kstrtox.h>
#include <linux/liveupdate.h>
#include <linux/string.h>

#include "luo_internal.h"

struct luo_core luo_core;

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

/* The form that reboot() writes; guarded by luo_freeze_rwsem, which it holds for writing */
enum kho_form luo_form;

/**
 * luo_store_version - store a version string as the next kernel reads it
 * @stored: where to store it, LIVEUPDATE_HNDL_COMPAT_LENGTH bytes
 * @version: the version string of a file handler or an FLB, which has as many bytes
 *
 * Context: May sleep, in liveupdate_reboot().
 * Return: 0, or -EINVAL if mainline has no form of it.
 */
int luo_store_version(char *stored, const char *version)
{
	static_assert(LIVEUPDATE_HNDL_COMPAT_LENGTH == LIVEUPDATE_FLB_COMPAT_LENGTH);

	if (luo_form == KHO_FORM_MAINLINE)
		return kho_compat_bare(version, LIVEUPDATE_HNDL_COMPAT_LENGTH, stored);

	memcpy(stored, version, LIVEUPDATE_HNDL_COMPAT_LENGTH);
	return 0;
}
