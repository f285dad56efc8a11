// SPDX-License-Identifier: GPL-2.0
/*
 * Live update across real kexecs: the tests that run in the guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include "luo.h"

int main(int argc, char **argv)
{
	static const struct guest_suite *const suites[] = {
		&rules_suite, &kexec_suite, &disabled_suite, &handler_suite,
		&flb_suite, &flb_refused_suite, &debugfs_suite, &sample_suite,
		&sample_refused_suite, &hotplug_suite, &far_suite, &tools_suite,
		&tools_crash_suite, &races_suite, &faults_suite,
		&hostile_suite, &load_suite, &soak_suite,
	};

	return guest_main(argc, argv, suites, ARRAY_SIZE(suites));
}
