// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include "fuzz/luo.h"
#include "shim/check.h"
#include "shim/subtree.h"
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

static void files_are_read_in_form_of_mainline(void)
{
	luo_retrieved = 0;
	luo_finished = 0;
	run_seed("mainline");
	check(luo_retrieved == LUO_MANY / 2);
	check(luo_finished == LUO_MANY);
	run_seed("empty for mainline");
	check(luo_finished == LUO_MANY);
}

/* Files of both forms are. Mainline does not get files that can't be read here. */
static void files_are_handed_on_to_mainline(void)
{
	luo_hand_on = true;
	shim_form = KHO_FORM_MAINLINE;
	luo_handed_on = 0;
	luo_refused_on = 0;
	run_seed("many");
	check(luo_handed_on == LUO_MANY);
	run_seed("mainline");
	check(luo_handed_on == 2 * LUO_MANY);
	run_seed("other version");
	run_seed("damaged list");
	run_seed("damaged table");
	check(!luo_refused_on);
	shim_form = KHO_FORM_COMPOSED;
	luo_hand_on = false;
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
	{ "the form of mainline is read", files_are_read_in_form_of_mainline },
	{ "files that are not retrieved are handed on", files_are_handed_on },
	{ "mainline gets what it can read", files_are_handed_on_to_mainline },
	{ "mainline gets no longer chains than it reads", luo_check_lengths },
	{ "files are checked before and after they are frozen", luo_check_verify },
	{ "damage is found before it is handed over", luo_check_damage },
	{ "state that can't be read is handed on", refused_state_is_handed_on },
	{}
};
