// SPDX-License-Identifier: GPL-2.0
/*
 * memfds from kernel to kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>

#include <linux/kho/abi/memfd.h>
#include <linux/kho/abi/vmalloc.h>

#include "fuzz/memfd.h"
#include "mm/memfd_luo.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "tests/test.h"

static void memfds_are_retrieved(void)
{
	static const char *const seeds[] = {
		"empty", "pages", "pages-small", "reverse", "folios", "folios-small",
		"poisoned", "poisoned-small",
		"v2-empty", "v2-pages", "v2-folios", "v2-folios-small",
		"mainline-empty", "mainline-pages", "mainline-reverse", "mainline-folios",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		memfd_retrieved = 0;
		run_seed(seeds[i]);
		check(memfd_retrieved == 1);
		check(!memfd_still_preserved);
	}
}

/* Those of large folios, too, whether the folio is marked or not */
static void poisoned_pages_are_handed_over(void)
{
	run_seed("poisoned");
	check(memfd_nr_poisoned == 5);
	run_seed("poisoned-small");
	check(memfd_nr_poisoned == 5);
	run_seed("poisoned-discarded");
	check(memfd_nr_poisoned == 5);
}

static void discarded_memfds_are_freed(void)
{
	memfd_retrieved = 0;
	run_seed("pages-discarded");
	check(!memfd_still_preserved);
	run_seed("folios-discarded");
	check(!memfd_still_preserved);
	run_seed("poisoned-discarded");
	check(!memfd_still_preserved);
	run_seed("v2-pages-discarded");
	check(!memfd_still_preserved);
	check(!memfd_retrieved);
}

/* The runs before the damaged one, of a page each */
static void damaged_list_is_freed_in_part(void)
{
	memfd_retrieved = 0;
	run_seed("damaged");
	check(memfd_still_preserved == 2);
	run_seed("damaged-discarded");
	check(memfd_still_preserved == 2);
	check(!memfd_retrieved);
}

/* Fail each allocation in turn. A retry retrieves the file; without one it is freed. */
static void fail_in_turn(const char *seed, bool gives_up)
{
	unsigned int fail_at = 0;

	do {
		memfd_retrieved = 0;
		run_seed_failing(seed, ++fail_at);
		check(memfd_retrieved == 1 || (shim_failed && gives_up));
		check(!memfd_still_preserved);
	} while (shim_failed);
	check(fail_at > 5);
}

static void memory_is_short(void)
{
	fail_in_turn("pages", false);
	fail_in_turn("pages-small", false);
	fail_in_turn("reverse", false);
	fail_in_turn("reverse-given-up", true);
	fail_in_turn("folios", false);
	fail_in_turn("folios-small", false);
	fail_in_turn("folios-given-up", true);
	fail_in_turn("folios-given-up-small", true);
	fail_in_turn("poisoned", false);
	fail_in_turn("poisoned-small", false);
	fail_in_turn("poisoned-given-up", true);
	fail_in_turn("v2-pages", false);
	fail_in_turn("v2-folios", false);
	fail_in_turn("v2-folios-small", false);
	fail_in_turn("v2-folios-given-up", true);
}

/* Verification before the kexec */

/* More runs than fit into the page of the state */
#define MANY	(MEMFD_LUO_PAGE_RUNS + 50)

/* Preserve a file of @nr pages, each in a run of its own, and a hole. */
static struct liveupdate_file_op_args preserve_runs(unsigned long nr)
{
	struct file *file = memfd_start((nr + 1) * PAGE_SIZE);
	struct liveupdate_file_op_args args = { .handler = memfd_handler, .file = file };
	unsigned long i;

	shim_failed = false;
	for (i = nr; i > 0; i--)
		memfd_add_content(file, i, 0);
	check(!memfd_handler->ops->preserve(&args));
	return args;
}

static void stop(struct liveupdate_file_op_args *args)
{
	memfd_handler->ops->unpreserve(args);
	memfd_stop();
}

static int verify(struct liveupdate_file_op_args *args, bool frozen)
{
	args->frozen = frozen;
	return memfd_handler->ops->verify(args);
}

/* After freeze() the list is not checked again unless freeze() has made it. */
static void check_damaged(struct liveupdate_file_op_args *args, bool relisted)
{
	check(verify(args, false) == -EIO);
	check(verify(args, true) == (relisted ? -EIO : 0));
}

static void check_good(struct liveupdate_file_op_args *args)
{
	check(!verify(args, false) && !verify(args, true));
}

/* The list of both versions is an area. */
static void check_list(struct liveupdate_file_op_args *args, struct kho_vmalloc area,
		       bool relisted)
{
	struct kho_vmalloc_chunk *chunk = phys_to_virt(area.first.phys);
	struct memfd_luo_outgoing *out = args->private_data;
	struct folio *folio = pfn_folio(out->runs[1].pfn);

	chunk->phys[0] += PAGE_SIZE;
	check_damaged(args, relisted);
	chunk->phys[0] -= PAGE_SIZE;
	out->runs[MANY - 1].index--;
	check_damaged(args, relisted);
	out->runs[MANY - 1].index++;
	kho_unpreserve_folio(folio);
	check_damaged(args, relisted);
	check(!kho_preserve_folio(folio));
	check_good(args);
}

static void check_v3(struct liveupdate_file_op_args *args, bool relisted)
{
	struct memfd_luo_ser *ser = phys_to_virt(args->serialized_data);

	ser->nr_runs--;
	check_damaged(args, true);
	ser->nr_runs++;
	ser->seals = ~0U;
	check_damaged(args, true);
	ser->seals = 0;
	check_list(args, ser->area, relisted);
}

static void check_v2(struct liveupdate_file_op_args *args, bool relisted)
{
	struct memfd_luo_v2_ser *ser = phys_to_virt(args->serialized_data);

	ser->nr_folios--;
	check_damaged(args, true);
	ser->nr_folios++;
	ser->seals = ~0U;
	check_damaged(args, true);
	ser->seals = 0;
	ser->size++;
	check_damaged(args, true);
	ser->size--;
	ser->folios.first.phys += PAGE_SIZE;
	check_damaged(args, true);
	ser->folios.first.phys -= PAGE_SIZE;
	check_list(args, ser->folios, relisted);
}

/* Check the list that preserve() or convert() has made, and one that freeze() has made. */
static void check_frozen(struct liveupdate_file_op_args *args,
			 void (*check_version)(struct liveupdate_file_op_args *args,
					       bool relisted))
{
	check(!memfd_handler->ops->freeze(args));
	check_version(args, false);
	memfd_handler->ops->unfreeze(args);

	memfd_add_content(args->file, 0, 0);
	check(!memfd_handler->ops->freeze(args));
	check_version(args, true);
	memfd_handler->ops->unfreeze(args);
	check(!memfd_handler->ops->freeze(args));
	check_version(args, false);
	memfd_handler->ops->unfreeze(args);
}

static void damage_is_found(void)
{
	struct liveupdate_file_op_args args = preserve_runs(MANY);

	check_frozen(&args, check_v3);
	stop(&args);
}

static void damage_of_version_2_is_found(void)
{
	struct liveupdate_file_op_args args = preserve_runs(MANY);

	check(!memfd_handler->ops->convert(&args));
	check_frozen(&args, check_v2);
	memfd_handler->ops->unconvert(&args);
	stop(&args);
}

/* Holes were filled since the file was preserved. */
static void new_pages_are_converted(void)
{
	struct liveupdate_file_op_args args = preserve_runs(MANY);
	const struct memfd_luo_v2_ser *ser;

	memfd_add_content(args.file, 0, 0);
	check(!memfd_handler->ops->convert(&args));
	ser = phys_to_virt(args.serialized_data);
	check(ser->nr_folios == MANY + 1);
	check(!memfd_handler->ops->freeze(&args));
	check_v2(&args, false);
	memfd_handler->ops->unfreeze(&args);
	memfd_handler->ops->unconvert(&args);
	stop(&args);
}

/* As in a reboot to mainline that fails, while memory is too short to undo all of it */
static void list_is_preserved_again(void)
{
	struct liveupdate_file_op_args args = preserve_runs(MANY);

	check(!verify(&args, false));
	check(!memfd_handler->ops->convert(&args));
	check(!verify(&args, false));
	shim_fail_at = 1;
	memfd_handler->ops->unconvert(&args);
	check(shim_failed && !shim_fail_at);
	check(verify(&args, false) == -ENOMEM);
	shim_failed = false;

	check(!memfd_handler->ops->freeze(&args));
	check_v3(&args, true);
	memfd_handler->ops->unfreeze(&args);
	stop(&args);
}

const struct test_case test_cases[] = {
	{ "memfds are retrieved", memfds_are_retrieved },
	{ "poisoned pages are handed over", poisoned_pages_are_handed_over },
	{ "memfds that are not retrieved are freed", discarded_memfds_are_freed },
	{ "the part of a file before a damaged run is freed", damaged_list_is_freed_in_part },
	{ "retrieving succeeds after a failed allocation", memory_is_short },
	{ "damage is found before it is handed over", damage_is_found },
	{ "damage of version 2 is found", damage_of_version_2_is_found },
	{ "pages that have filled holes are converted", new_pages_are_converted },
	{ "a list that is not preserved is not damaged", list_is_preserved_again },
	{}
};
