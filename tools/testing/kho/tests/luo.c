// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include "fuzz/luo.h"
#include "shim/check.h"
#include "tests/test.h"

/* Half of the files in this seed cannot be retrieved. All are finished. */
static void files_are_handed_over(void)
{
	luo_retrieved = 0;
	luo_finished = 0;
	run_seed("many");
	check(luo_retrieved == LUO_MANY / 2);
	check(luo_finished == LUO_MANY);
}

static void files_are_handed_on(void)
{
	luo_hand_on = true;
	luo_handed_on = 0;
	run_seed("many");
	check(luo_handed_on == LUO_MANY);
	luo_hand_on = false;
}

static void refused_state_is_handed_on(void)
{
	luo_hand_on = true;
	luo_refused_on = 0;
	run_seed("other version");
	check(luo_refused_on == 1);
	run_seed("damaged list");
	check(luo_refused_on == 2);
	run_seed("damaged table");
	check(luo_refused_on == 3);
	luo_hand_on = false;
}

const struct test_case test_cases[] = {
	{ "files that are handed over are retrieved", files_are_handed_over },
	{ "files that are not retrieved are handed on", files_are_handed_on },
	{ "state that can't be read is handed on", refused_state_is_handed_on },
	{}
};
