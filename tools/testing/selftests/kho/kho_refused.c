// SPDX-License-Identifier: GPL-2.0
/*
 * Handovers with something wrong: the next kernel has to find out, say so, and
 * boot on as if there were none
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kho.h"

#define MODULE	"kho_damage_test"

/* Kernel N + 1 finds out what was forged in kernel N. */
static const struct {
	const char *what;
	const char *says;
} forgeries[] = {
	{ "magic", "KHO: root FDT is damaged" },
	{ "unversioned", "KHO: root FDT has no version" },
	{ "version", "KHO: incoming 'kho-v9' not supported" },
	{ "mapless", "KHO: root FDT has no preserved-memory-map" },
	{ "root", "KHO: root of the map at" },
	{ "node", "KHO: map has a node at" },
	{ "twins", "KHO: map has the node at pfn" },
	{ "crowd", "KHO: map has more nodes than there are pages" },
	{ "own_node", "KHO: map preserves its own node" },
	{ "overlap", "KHO: radix: blocks overlap" },
	{ "used", "which this kernel uses" },
};

static void forge(void)
{
	char args[64];

	if (!guest_has_module(MODULE))
		guest_skip("%s.ko is not built", MODULE);
	snprintf(args, sizeof(args), "what=%s",
		 forgeries[guest_kernel() - 1].what);
	if (!guest_insmod(MODULE, args))
		return;
	/* It must not be possible to preserve a block twice. */
	CHECK_EQ(errno, EEXIST);
	guest_skip("KEXEC_HANDOVER_DEBUG does not let it happen");
}

static void forgery_is_refused(void)
{
	char *log = guest_log();

	CHECK(log);
	CHECK(strstr(log, forgeries[guest_kernel() - 2].says));
	CHECK(strstr(log, "KHO: handover refused: "));
	/* It goes on as if nothing had been handed over. */
	CHECK(!strstr(log, "KHO: exec from: "));
	CHECK(strstr(log, "KHO: scratch: "));
	free(log);
}

#define FORGERY(name, kernel)	\
	{ name "_is_refused", { [(kernel) - 1] = forge, forgery_is_refused } }

static const struct guest_test refused_tests[] = {
	FORGERY("magic", 1),
	FORGERY("unversioned", 2),
	FORGERY("version", 3),
	FORGERY("mapless", 4),
	FORGERY("root", 5),
	FORGERY("node", 6),
	FORGERY("twins", 7),
	FORGERY("crowd", 8),
	FORGERY("own_node", 9),
	FORGERY("overlap", 10),
	FORGERY("used", 11),
};

const struct guest_suite refused_suite = {
	.name = "refused",
	.tests = refused_tests,
	.nr_tests = ARRAY_SIZE(refused_tests),
	.kernels = ARRAY_SIZE(forgeries) + 1,
};
