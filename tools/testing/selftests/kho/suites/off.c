// SPDX-License-Identifier: GPL-2.0
/*
 * off: without kexec handover everything is as in the base kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>

#include "../kho.h"

static void no_kho_here(void)
{
	if (guest_param_word("kho_is_default") && !guest_param("kho"))
		guest_skip("KEXEC_HANDOVER_ENABLE_DEFAULT is set");
	CHECK(!kho_is_on());
	CHECK_ERRNO(open("/dev/liveupdate", O_RDWR), ENOENT);
	check_no_debugfs();
	if (guest_has_module("test_kho"))
		CHECK_ERRNO(guest_insmod("test_kho", ""), EOPNOTSUPP);
}

static void kho_here(void)
{
	CHECK(kho_is_on());
	CHECK(!guest_log_has("KHO: exec from: "));
}

static void came_here(void)
{
}

static const char *off_append(int kernel)
{
	return kernel == 3 ? "kho=on" : "kho=off";
}

static const struct guest_test off_tests[] = {
	{ "no_kho_without_option", { no_kho_here } },
	{ "no_kho_with_kho_off", { [1] = no_kho_here } },
	{ "kexec_without_kho", { came_here, came_here, came_here } },
	{ "kho_starts_afresh_after_kho_off", { [2] = kho_here } },
	{ "kho_off_ignores_what_comes_in", {
		[2] = preserve_all,
		[3] = no_kho_here,
	} },
};

GUEST_SUITE(off, 4, .append = off_append)
