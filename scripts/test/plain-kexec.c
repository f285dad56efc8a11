// SPDX-License-Identifier: GPL-2.0
/*
 * init of a guest that does one kexec, on a kernel without our options
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The initrd it is in holds the kernel to load as /kernel.
 */
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "init.h"
#include "liveupdate.h"
#include "log.h"

static void __noreturn fail(const char *what)
{
	guest_say("plain kexec: failed, %s: %m", what);
	guest_power_off();
}

int main(void)
{
	char line[GUEST_CMDLINE_SIZE + 16];
	struct utsname uts;

	guest_set_up();
	uname(&uts);
	guest_say("plain kexec: %s %s", uts.release, uts.version);
	if (!access(LUO_DEVICE, F_OK))
		fail(LUO_DEVICE " is there");
	if (guest_param_word("second")) {
		guest_say("plain kexec: second kernel reached");
		guest_power_off();
	}

	snprintf(line, sizeof(line), "%s second", guest_cmdline);
	if (guest_load_kernel("/kernel", "/sys/firmware/initrd", line, 0))
		fail("kexec_file_load");
	reboot(RB_KEXEC);
	fail("reboot");
}
