// SPDX-License-Identifier: GPL-2.0
/*
 * crash: kexec handover is off in the crash kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <unistd.h>

#include "../kho.h"

static void load_crash_image(void)
{
	CHECK(kho_is_on());
	CHECK(!guest_load_image(KEXEC_FILE_ON_CRASH));
}

static void kdump_has_no_kho(void)
{
	CHECK(!kho_is_on());
	CHECK(!access("/proc/vmcore", F_OK));
	CHECK_ERRNO(open("/dev/liveupdate", O_RDWR), ENOENT);
}

static void crash_now(void)
{
	guest_write_file("/proc/sysrq-trigger", "c");
}

static const struct guest_test crash_tests[] = {
	{ "crash_kernel_boots_without_kho",
	  { load_crash_image, kdump_has_no_kho } },
};

GUEST_SUITE(crash, 2, .leave = crash_now)
