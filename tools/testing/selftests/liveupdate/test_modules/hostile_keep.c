// SPDX-License-Identifier: GPL-2.0
/*
 * A handover with exactly one thing wrong: the module
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * This module preserves memory of its own, beside the files of a program. When the
 * kexec is under way and nothing changes any more, it notes where each page with
 * content is, and damages the fields that it was asked to. In the next kernel it
 * reports whether a thing can be restored, or is still reserved.
 *
 * Requests are written to its parameter "do", and the write returns the error:
 *
 *   keep		preserve the memory; once in a kernel
 *   damage FIELD VALUE	set the field when the kexec comes
 *   restore THING	restore the thing, compare its content and free it
 *   reserved THING	check that its memory is preserved and unchanged
 *   overlapped THING	check that its memory is reserved and unchanged, but that its
 *			first block does not count as preserved
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/vmalloc.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../../../../../samples/liveupdate/notepad.h"
#include "hostile.h"

#define LEDGER_NAME	"hostile"
#define LEDGER_MAGIC	0x656c6974736f6800ULL
#define FOLIO_ORDER	2

/* Things whose memory the first kernel notes and the second one checks */
enum thing { MEMFD, NOTE, HUGETLB, OTHER, AREA, HUGE, FOLIO, REGION, NR_THINGS };

static const char *const things[NR_THINGS] = {
	[MEMFD] = "memfd",
	[NOTE] = "note",
	[HUGETLB] = "hugetlb",
	[OTHER] = "other",
	[AREA] = "area",
	[HUGE] = "huge",
	[FOLIO] = "folio",
	[REGION] = "region",
};

/* The ledger that this kernel hands over, and the one of the previous kernel */
struct hostile_ledger *hostile_ledger;
static const struct hostile_ledger *incoming;

/* Keeping */

static void fill(void *mem, size_t size)
{
	u64 *words = mem;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++)
		words[i] = LEDGER_MAGIC | (i * 0x9e3779b97f4a7c15ULL);
}

static int keep_area(size_t nr_pages, struct kho_vmalloc *preservation)
{
	size_t size = nr_pages * PAGE_SIZE;
	void *mem = nr_pages == HOSTILE_HUGE_PAGES ?
		    vmalloc_huge(size, GFP_KERNEL) : vmalloc(size);

	if (!mem)
		return -ENOMEM;
	fill(mem, size);
	return kho_preserve_vmalloc(mem, preservation);
}

static int keep_folio(void)
{
	void *mem = kho_alloc_preserve(PAGE_SIZE << FOLIO_ORDER);

	if (IS_ERR(mem))
		return PTR_ERR(mem);
	fill(mem, PAGE_SIZE << FOLIO_ORDER);
	hostile_ledger->folio_phys = virt_to_phys(mem);
	return 0;
}

static int keep_spare(void)
{
	unsigned int i;

	for (i = 0; i < HOSTILE_NR_SPARE; i++) {
		hostile_spare[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!hostile_spare[i])
			return -ENOMEM;
	}
	return 0;
}

static int keep_region(void)
{
	phys_addr_t start, size;

	if (!reserve_mem_find_by_name(HOSTILE_REGION, &start, &size))
		return -ENOENT;
	fill(phys_to_virt(start), size);
	return 0;
}

/* An error ends the test, so nothing is freed. */
static int keep(void)
{
	static char mark[32];
	struct hostile_ledger *ledger;
	void *blob;
	int err;

	if (hostile_ledger)
		return -EEXIST;

	ledger = kho_alloc_preserve(sizeof(*ledger));
	blob = kho_alloc_preserve(PAGE_SIZE);
	if (IS_ERR(ledger) || IS_ERR(blob))
		return -ENOMEM;
	ledger->magic = LEDGER_MAGIC;
	hostile_ledger = ledger;

	/* hostile_find_fdt() needs a name that no other FDT has. */
	snprintf(mark, sizeof(mark), "mark-%08x", get_random_u32());
	err = kho_add_subtree(LEDGER_NAME, ledger, sizeof(*ledger)) ?:
	      kho_add_subtree(mark, blob, PAGE_SIZE) ?:
	      keep_area(HOSTILE_AREA_PAGES, &ledger->area) ?:
	      keep_area(HOSTILE_HUGE_PAGES, &ledger->huge) ?:
	      keep_folio() ?:
	      keep_spare() ?:
	      keep_region();
	return err ?: hostile_find_fdt(mark);
}

/* Noting */

static int note(enum thing thing, u64 phys, u32 nr_pages)
{
	struct hostile_ledger *ledger = hostile_ledger;

	if (ledger->nr_blocks == HOSTILE_MAX_BLOCKS)
		return -ENOSPC;
	ledger->blocks[ledger->nr_blocks++] = (struct hostile_block) {
		.phys = phys,
		.nr_pages = nr_pages,
		.crc = crc32_le(0, phys_to_virt(phys), nr_pages * PAGE_SIZE),
		.thing = thing,
	};
	return 0;
}

static int note_area(enum thing thing,
		     const struct kho_vmalloc *preservation)
{
	unsigned int i, nr = preservation->total_pages >> preservation->order;
	const struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(preservation->first);
	int err;

	for (i = 0; i < nr; i++) {
		if (i && i % KHO_VMALLOC_SIZE == 0)
			chunk = KHOSER_LOAD_PTR(chunk->hdr.next);
		err = note(thing, chunk->phys[i % KHO_VMALLOC_SIZE],
			   1U << preservation->order);
		if (err)
			return err;
	}
	return 0;
}

static int note_memfd(enum thing thing, const char *session)
{
	const struct memfd_luo_ser *memfd = hostile_memfd(session);
	const struct memfd_luo_run_ser *run;
	u64 i, j;
	int err;

	if (!memfd)
		return -ENOENT;
	for (run = memfd->runs, i = 0; i < memfd->nr_runs; i++, run++) {
		for (j = 0; j < run->nr; j++) {
			err = note(thing, PFN_PHYS(run->pfn + j), 1);
			if (err)
				return err;
		}
	}
	return 0;
}

static int note_hugetlb(void)
{
	const struct hugetlb_luo_ser *ser = hostile_hugetlb();
	const struct hugetlb_luo_run_ser *runs = hostile_hugetlb_runs();
	u64 i;
	int err = ser && runs ? 0 : -ENOENT;

	/* The file has holes between its pages. */
	for (i = 0; !err && i < ser->nr_runs; i++)
		err = note(HUGETLB, PFN_PHYS(runs[i].pfn), 1U << (ser->page_shift - PAGE_SHIFT));
	return err;
}

static int note_note(void)
{
	const struct note_ser *ser = hostile_note();

	return ser ? note(NOTE, ser->text_pa, 1) : -ENOENT;
}

static int note_region(void)
{
	phys_addr_t start, size;

	if (!reserve_mem_find_by_name(HOSTILE_REGION, &start, &size))
		return -ENOENT;
	return note(REGION, start, PHYS_PFN(size));
}

static int note_all(void)
{
	return note_memfd(MEMFD, HOSTILE_SESSION) ?:
	       note_note() ?:
	       note_hugetlb() ?:
	       note_memfd(OTHER, HOSTILE_OTHER_SESSION) ?:
	       note_area(AREA, &hostile_ledger->area) ?:
	       note_area(HUGE, &hostile_ledger->huge) ?:
	       note(FOLIO, hostile_ledger->folio_phys, 1U << FOLIO_ORDER) ?:
	       note_region();
}

/* The last notifier: LUO has serialized the sessions, and KHO is finished, too. */
static int leave(struct notifier_block *nb, unsigned long action, void *data)
{
	int err;

	if (!hostile_ledger || action != SYS_RESTART)
		return NOTIFY_DONE;
	err = note_all() ?: hostile_damage();
	WARN(err, "no damage is done: %pe\n", ERR_PTR(err));
	return NOTIFY_DONE;
}

static struct notifier_block leave_notifier = {
	.notifier_call = leave,
	.priority = INT_MIN,
};

/* Looking */

static bool is_unchanged(const struct hostile_block *block, const void *mem)
{
	return crc32_le(0, mem, block->nr_pages * PAGE_SIZE) == block->crc;
}

static int restore_area(enum thing thing,
			const struct kho_vmalloc *preservation)
{
	void *mem = kho_restore_vmalloc(preservation), *at = mem;
	int err = 0;
	u32 i;

	if (!mem)
		return -ENODATA;
	for (i = 0; i < incoming->nr_blocks; i++) {
		const struct hostile_block *block = &incoming->blocks[i];

		if (block->thing != thing)
			continue;
		if (!is_unchanged(block, at))
			err = -EBADMSG;
		at += block->nr_pages * PAGE_SIZE;
	}
	vfree(mem);
	return err;
}

static const struct hostile_block *first_block(enum thing thing)
{
	u32 i;

	for (i = 0; i < incoming->nr_blocks; i++)
		if (incoming->blocks[i].thing == thing)
			return &incoming->blocks[i];
	return NULL;
}

static int restore_folio(void)
{
	const struct hostile_block *block = first_block(FOLIO);
	struct folio *folio = block ? kho_restore_folio(block->phys) : NULL;
	int err;

	if (!folio)
		return -ENODATA;
	err = folio_order(folio) == FOLIO_ORDER &&
	      is_unchanged(block, folio_address(folio)) ? 0 : -EBADMSG;
	folio_put(folio);
	return err;
}

/* The kernel has restored the region at boot, or allocated one if it was damaged. */
static int restore_region(void)
{
	const struct hostile_block *block = first_block(REGION);
	phys_addr_t start, size;

	if (!block || !reserve_mem_find_by_name(HOSTILE_REGION, &start, &size))
		return -ENOENT;
	WARN_ON(start < hostile_scratch[0] + hostile_scratch[1] &&
		start + size > hostile_scratch[0]);
	if (start != block->phys)
		return -ENODATA;
	return is_unchanged(block, phys_to_virt(start)) ? 0 : -EBADMSG;
}

static int restore(enum thing thing)
{
	switch (thing) {
	case AREA:
		return restore_area(thing, &incoming->area);
	case HUGE:
		return restore_area(thing, &incoming->huge);
	case FOLIO:
		return restore_folio();
	case REGION:
		return restore_region();
	default:
		return -EINVAL;
	}
}

/* The pages have no owner, and their content is unchanged. */
static bool is_withheld(const struct hostile_block *block)
{
	struct page *page = pfn_to_page(PHYS_PFN(block->phys));
	u32 i;

	for (i = 0; i < block->nr_pages; i++)
		if (PageBuddy(page + i) || PageLRU(page + i) || PageSlab(page + i))
			return false;
	return is_unchanged(block, phys_to_virt(block->phys));
}

static bool is_preserved(const struct hostile_block *block)
{
	return kho_incoming_contains(block->phys, block->nr_pages * PAGE_SIZE);
}

/* The first block may be an exception: it must not be preserved. */
static int check_blocks(enum thing thing, const struct hostile_block *exception)
{
	u32 i;

	for (i = 0; i < incoming->nr_blocks; i++) {
		const struct hostile_block *block = &incoming->blocks[i];
		bool preserved = block != exception;

		if (block->thing == thing &&
		    (is_preserved(block) != preserved || !is_withheld(block))) {
			pr_err("%u pages at %#llx are not as they were\n",
			       block->nr_pages, block->phys);
			return -EFAULT;
		}
	}
	return first_block(thing) ? 0 : -ENOENT;
}

static int reserved(enum thing thing)
{
	return check_blocks(thing, NULL);
}

static int overlapped(enum thing thing)
{
	return check_blocks(thing, first_block(thing));
}

static int with_thing(int (*fn)(enum thing thing), const char *name)
{
	int thing = match_string(things, ARRAY_SIZE(things), name);

	if (!incoming)
		return -ENOENT;
	return thing < 0 ? thing : fn(thing);
}

/* Execute a request. @line is cut into words. */
static int do_line(char *line)
{
	char *verb = strsep(&line, " ");

	if (!strcmp(verb, "keep"))
		return keep();
	if (!line)
		return -EINVAL;
	if (!strcmp(verb, "damage"))
		return hostile_arm(line);
	if (!strcmp(verb, "restore"))
		return with_thing(restore, line);
	if (!strcmp(verb, "reserved"))
		return with_thing(reserved, line);
	if (!strcmp(verb, "overlapped"))
		return with_thing(overlapped, line);
	return -EINVAL;
}

static int set_do(const char *text, const struct kernel_param *kp)
{
	char *line = kstrdup(text, GFP_KERNEL);
	int err;

	if (!line)
		return -ENOMEM;
	err = do_line(strim(line));
	kfree(line);
	return err;
}

static const struct kernel_param_ops do_ops = { .set = set_do };
module_param_cb(do, &do_ops, NULL, 0200);

static int nr_scratch;
module_param_array_named(scratch, hostile_scratch, ullong, &nr_scratch, 0);
MODULE_PARM_DESC(scratch, "start and size of the first scratch region");

static void find_incoming(void)
{
	const struct hostile_ledger *ledger;
	phys_addr_t phys;
	size_t size;

	if (kho_retrieve_subtree(LEDGER_NAME, &phys, &size) ||
	    size != sizeof(*ledger))
		return;
	ledger = phys_to_virt(phys);
	if (ledger->magic == LEDGER_MAGIC &&
	    ledger->nr_blocks <= HOSTILE_MAX_BLOCKS)
		incoming = ledger;
}

/* The module has no exit function: the preserved memory can't be unpreserved. */
static int __init luo_test_hostile_init(void)
{
	find_incoming();
	return register_reboot_notifier(&leave_notifier);
}
module_init(luo_test_hostile_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Leave the next kernel a handover with one thing wrong");
