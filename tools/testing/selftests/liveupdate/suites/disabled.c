// SPDX-License-Identifier: GPL-2.0
/*
 * disabled: the device needs both options, and LUO must be set up
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include "../luo.h"

static void no_device(void)
{
	CHECK_ERRNO(luo_open(), ENOENT);
}

static void device_opens(void)
{
	CHECK(luo_open() >= 0);
}

/* The test code of the kernel has taken the name that LUO needs. */
static void no_device_and_a_message(void)
{
	CHECK_ERRNO(luo_open(), ENOENT);
	CHECK_LOGGED("LUO: no live update: ");
}

/* The state that the test code has left has no version. */
static void incoming_refused(void)
{
	int dev = open_device(), session;

	CHECK_LOGGED("LUO: incoming version token '' is malformed: empty");
	CHECK_ERRNO(luo_retrieve(dev, "any"), EIO);
	CHECK_ERRNO(luo_retrieve(dev, "any"), EIO);
	session = luo_create(dev, "any");
	CHECK(session >= 0);
	CHECK_ERRNO(luo_retrieve(dev, "any"), EIO);
	/* Without sessions of this kernel, the next one gets the state as it came. */
	close(session);
}

static const char *disabled_append(int kernel)
{
	switch (kernel) {
	case 2:
		return "kho=off liveupdate=on";
	case 4:
		return "test_luo.take_name=1";
	case 5:
	case 6:
		return "test_luo.take_name=0";
	default:
		return "kho=on liveupdate=on";
	}
}

static const struct guest_test disabled_tests[] = {
	{ "no_device_without_liveupdate", { no_device } },
	{ "no_device_without_kho", { [1] = no_device } },
	{ "device_with_both", { [2] = device_opens } },
	{ "no_device_when_not_set_up", { [3] = no_device_and_a_message } },
	{ "unversioned_state_refused", { [4] = incoming_refused } },
	{ "refused_state_handed_on", { [5] = incoming_refused } },
};

GUEST_SUITE(disabled, 6, .append = disabled_append)
