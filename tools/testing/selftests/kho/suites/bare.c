// SPDX-License-Identifier: GPL-2.0
/*
 * bare: a kernel without initrd
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * That kernel finds no root file system and panics, which ends the guest. The
 * host checks that it has come as far as the panic.
 */
#include <linux/kexec.h>

#include "../kho.h"

static void load_bare(void)
{
	CHECK(!guest_load_image(KEXEC_FILE_NO_INITRAMFS));
}

static void kexec_bare(void)
{
	guest_kexec();
}

static const struct guest_test bare_tests[] = {
	{ "loads_without_initrd", { load_bare } },
};

GUEST_SUITE(bare, 2, .leave = kexec_bare)
