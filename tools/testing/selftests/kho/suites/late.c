// SPDX-License-Identifier: GPL-2.0
/*
 * late: the image is loaded before anything is preserved
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include "../kho.h"

static const struct guest_test late_tests[] = {
	{ "preserved_after_load", { preserve_all, restore_all } },
};

GUEST_SUITE(late, 2, .load = GUEST_LOAD_FIRST)
