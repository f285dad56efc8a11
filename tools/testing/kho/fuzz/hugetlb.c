// SPDX-License-Identifier: GPL-2.0
/*
 * Target: a memfd of huge pages from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Arguments of the reader: the serialized data, flags (ARG_*), and from the ninth word on a
 * version string. If the string is empty, the handler gets its own version string.
 */

#include <string.h>

#include <linux/hugetlb.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <linux/kexec_handover.h>
#include <linux/kho/abi/hugetlb.h>

#include "fuzz/area.h"
#include "fuzz/hugetlb.h"
#include "fuzz/image.h"
#include "fuzz/target.h"
#include "fuzz/version.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/print.h"
#include "shim/reboot.h"
#include "shim/shmem.h"

#define ARG_DISCARD	1	/* finish the file without retrieving it */
#define ARG_NO_PAGES	2	/* this kernel has no huge pages */
#define ARG_GIVE_UP	4	/* do not retry after -EAGAIN */

/* Limits of the model. An area can't have more runs. */
#define MAX_RUNS	1024
#define MAX_PAGES	256

/* The last page that has an address */
#define MAX_PFN		(~0ULL >> PAGE_SHIFT)

unsigned int hugetlb_retrieved;
unsigned long hugetlb_still_preserved;

struct liveupdate_file_handler *hugetlb_handler;

int liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
	hugetlb_handler = fh;
	return 0;
}

/*
 * The handover, read by a simple model
 */

struct model_page {
	u64 pfn;
	u64 index;
};

static struct handover {
	bool good;	/* the file can be retrieved, if there are huge pages of its size */
	bool known;	/* not larger than the model's limits */
	struct area area;
	struct model_page pages[MAX_PAGES];
	unsigned int nr_pages;
	struct hugetlb_luo_ser ser;
} handover;

static unsigned int page_order(void)
{
	return handover.ser.page_shift - PAGE_SHIFT;
}

static bool is_good_ser(void)
{
	const struct hugetlb_luo_ser *ser = &handover.ser;

	return !(ser->size >> 63) && !(ser->pos >> 63) && !ser->flags && ser->seals <= 0x3f &&
	       ser->mode <= 07777 && ~ser->uid && ~ser->gid &&
	       ser->page_shift > PAGE_SHIFT && ser->page_shift < 64 &&
	       ser->nr_runs <= (u64)ser->runs.total_pages * PAGE_SIZE / 24 &&
	       ser->nr_runs <= ser->nr_pages &&
	       ser->nr_pages <= get_num_physpages() >> page_order();
}

/* The entries are not aligned to pages. */
static struct hugetlb_luo_run_ser read_run(u64 nr)
{
	struct hugetlb_luo_run_ser run;
	u64 i, at = nr * sizeof(run);

	for (i = 0; i < sizeof(run); i++, at++)
		((u8 *)&run)[i] = ((u8 *)page_address(handover.area.pages[at / PAGE_SIZE]))
				  [at % PAGE_SIZE];
	return run;
}

static bool read_runs(void)
{
	struct hugetlb_luo_run_ser run;
	u64 i, j, left = handover.ser.nr_pages;

	if (handover.ser.nr_runs > MAX_RUNS || handover.ser.nr_pages > MAX_PAGES) {
		handover.known = false;
		return false;
	}
	for (i = 0; i < handover.ser.nr_runs; i++) {
		run = read_run(i);
		if (!run.nr || run.nr > left || run.index > handover.ser.size ||
		    run.pfn > MAX_PFN || run.nr > (MAX_PFN + 1 - run.pfn) >> page_order())
			return false;
		left -= run.nr;
		for (j = 0; j < run.nr; j++)
			handover.pages[handover.nr_pages++] = (struct model_page){
				run.pfn + (j << page_order()), run.index + j,
			};
	}
	return !left;
}

/* Check that the page is still preserved once the list was taken, and fits at its index. */
static bool is_good_page(unsigned int i)
{
	const struct model_page *page = &handover.pages[i], *other;

	if (kho_incoming_order(PFN_PHYS(page->pfn)) != (int)page_order() ||
	    handover.area.taken[pfn_to_page(page->pfn) - mem_map] ||
	    page->index > handover.ser.size >> handover.ser.page_shift ||
	    page->index << handover.ser.page_shift >= handover.ser.size)
		return false;
	for (other = handover.pages; other < page; other++)
		if (other->pfn == page->pfn || other->index == page->index)
			return false;
	return true;
}

static bool is_version(const char *compatible)
{
	return !strcmp(compatible, "memfd-hugetlb-v1") ||
	       !strcmp(compatible, "memfd-hugetlb-v1;vmalloc-v1");
}

static void take_block(u64 pa)
{
	struct page *page = pfn_to_page(PHYS_PFN(pa));
	unsigned int i;

	for (i = 0; kho_incoming_order(pa) >= 0 && i < 1U << page->order; i++)
		handover.area.taken[page - mem_map + i] = true;
}

static bool read_handover(u64 pa, const char *compatible)
{
	struct kho_vmalloc runs;
	unsigned int i;

	memset(&handover, 0, sizeof(handover));
	handover.known = true;
	if (!is_version(compatible) || !pa || !kho_incoming_has_pages(pa, 1))
		return false;
	memcpy(&handover.ser, phys_to_virt(pa), sizeof(handover.ser));
	if (!is_good_ser())
		return false;

	runs = handover.ser.runs;
	if (runs.total_pages && (!area_read(&handover.area, &runs) || handover.area.has_twins))
		return false;
	if (!read_runs())
		return false;
	take_block(pa);
	for (i = 0; i < handover.nr_pages; i++)
		if (!is_good_page(i))
			return false;
	return true;
}

/*
 * The result
 */

static bool has_size(void)
{
	return shim_huge_pages && (page_order() == 2 || page_order() == 3);
}

static void check_page(const struct memfd *memfd, const struct model_page *page)
{
	unsigned int i;

	for (i = 0; i < memfd->nr_folios; i++)
		if (memfd->folios[i]->index == page->index << page_order())
			break;
	check(i < memfd->nr_folios);
	check(folio_pfn(memfd->folios[i]) == page->pfn);
}

static void check_file(const struct file *file)
{
	const struct hugetlb_luo_ser *ser = &handover.ser;
	const struct memfd *memfd = to_memfd(file);
	unsigned int i;

	check(memfd->frozen);
	check((u64)memfd->inode.i_size == ser->size && (u64)file->f_pos == ser->pos);
	check(memfd->seals == ser->seals);
	check((memfd->inode.i_mode & 07777) == ser->mode);
	check(memfd->inode.i_uid == ser->uid && memfd->inode.i_gid == ser->gid);
	check(memfd->flags >> MFD_HUGE_SHIFT == ser->page_shift);
	check(memfd->nr_folios == handover.nr_pages);
	for (i = 0; i < handover.nr_pages; i++)
		check_page(memfd, &handover.pages[i]);
}

/* Call the handler like LUO does, which keeps only these fields. */
static int call_retrieve(struct liveupdate_file_op_args *kept)
{
	struct liveupdate_file_op_args args = *kept;
	int err = hugetlb_handler->ops->retrieve(&args);

	kept->private_data = args.private_data;
	if (!err)
		kept->file = args.file;
	return err;
}

static void retrieve(struct liveupdate_file_op_args *args, bool give_up)
{
	unsigned long logged = shim_log_count;
	int err = call_retrieve(args);

	/* A single allocation fails, so a retry succeeds. */
	if (err == -EAGAIN) {
		check(shim_failed && !args->file);
		if (give_up)
			return;
		err = call_retrieve(args);
		check(err != -EAGAIN);
	}

	if (err) {
		check(!handover.good || !has_size());
		check(shim_log_count > logged);
		check(!memfd_exists && !args->file);
	} else {
		check((handover.good && has_size()) || !handover.known);
		hugetlb_retrieved++;
		if (handover.good)
			check_file(args->file);
	}
	args->retrieve_status = err ?: 1;
}

/* A good file that was not retrieved is freed, unless there was no memory for the list. */
static void check_freed(void)
{
	unsigned int i;

	if (!handover.good || shim_failed)
		return;
	for (i = 0; i < handover.nr_pages; i++)
		check(kho_incoming_order(PFN_PHYS(handover.pages[i].pfn)) < 0);
	check(shim_nr_forgotten == (has_size() ? 0 : handover.nr_pages));
}

static void use_handler(const struct image *image)
{
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH] = HUGETLB_LUO_FH_COMPATIBLE;
	struct liveupdate_file_op_args args = {
		.handler = hugetlb_handler,
		.serialized_data = image->args[0],
		.incoming_compatible = compatible,
	};

	if (image->args[8]) {
		memcpy(compatible, &image->args[8], sizeof(compatible));
		compatible[sizeof(compatible) - 1] = '\0';
		/* LUO does not call the handler for other base tokens. */
		if (!has_version_of(compatible, "memfd-hugetlb"))
			return;
	}

	shim_huge_pages = !(image->args[1] & ARG_NO_PAGES);
	shim_nr_forgotten = 0;
	handover.good = read_handover(args.serialized_data, compatible);
	if (!(image->args[1] & ARG_DISCARD))
		retrieve(&args, image->args[1] & ARG_GIVE_UP);
	hugetlb_handler->ops->finish(&args);
	if (args.file) {
		check(!to_memfd(args.file)->frozen);
		fput(args.file);
	}
	check(!memfd_exists);
	check_freed();
	shim_huge_pages = true;
}

static void run(const u8 *data, size_t size)
{
	unsigned long kept;
	struct image image;

	image_load(&image, data, size);
	image_hide_rest(&image);
	kept = mm_nr_allocated() - mm_nr_preserved();

	reboot();
	check(!initcall_hugetlb_luo_init());
	use_handler(&image);
	/* All restored memory was freed. */
	check(mm_nr_allocated() - mm_nr_preserved() == kept);
	hugetlb_still_preserved = mm_nr_preserved();
	check(!slab_objects());
	check(!shim_log_warnings);
	mm_reset();
}

/*
 * Seeds: handovers by the kernel
 */

struct file *hugetlb_start(unsigned int order, unsigned long nr_pages)
{
	struct file *file;

	shim_fail_at = 0;
	reboot();
	check(!initcall_hugetlb_luo_init());
	file = memfd_new_file("memfd:seed", MFD_HUGETLB | (PAGE_SHIFT + order) << MFD_HUGE_SHIFT);
	i_size_write(file_inode(file), nr_pages << (PAGE_SHIFT + order));
	return file;
}

void hugetlb_add_content(struct file *file, unsigned long index)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, huge_page_order(hstate_file(file)));

	folio_gets(folio, FOLIO_IN_POOL);
	check(!hugetlb_add_adopted_folio(file, index, folio));
	folio_put(folio);
}

void hugetlb_stop(void)
{
	check(!shim_nr_pool_pages);
	memfd_exists = false;
	mm_reset();
}

/* Change the state, or the first page of the list, which has @runs. */
typedef void (*damage_fn)(struct hugetlb_luo_ser *ser, struct hugetlb_luo_run_ser *runs);

static void damage_handover(u64 pa, damage_fn damage)
{
	struct hugetlb_luo_ser *ser = phys_to_virt(pa);
	struct kho_vmalloc runs = ser->runs;

	check(area_read(&handover.area, &runs));
	damage(ser, page_address(handover.area.pages[0]));
}

/*
 * Save a handover of the file. @late is the index of a page that is added after preserve().
 * @damage may be NULL.
 */
static void add_damaged(seed_fn add, const char *name, struct file *file, u64 how, int late,
			damage_fn damage)
{
	struct liveupdate_file_op_args args = { .handler = hugetlb_handler, .file = file };
	u64 words[2] = { 0, how };

	check(hugetlb_handler->ops->can_preserve(hugetlb_handler, file));
	check(!hugetlb_handler->ops->preserve(&args));
	if (late >= 0)
		hugetlb_add_content(file, late);
	check(!hugetlb_handler->ops->freeze(&args));
	words[0] = args.serialized_data;
	vmalloc_write_back();
	if (damage)
		damage_handover(words[0], damage);
	image_save(add, name, words, ARRAY_SIZE(words));

	hugetlb_handler->ops->unfreeze(&args);
	hugetlb_handler->ops->unpreserve(&args);
	hugetlb_stop();
}

static void add_file(seed_fn add, const char *name, struct file *file, u64 how, int late)
{
	add_damaged(add, name, file, how, late, NULL);
}

static void add_pages(seed_fn add, const char *name, u64 how)
{
	struct file *file = hugetlb_start(2, 4);
	unsigned long i;

	for (i = 0; i < 4; i++)
		hugetlb_add_content(file, i);
	file->f_pos = 17;
	memfd_add_seals(file, F_SEAL_SHRINK);
	add_file(add, name, file, how, -1);
}

/* The last page comes first in memory. */
static void add_holes(seed_fn add, const char *name, u64 how)
{
	struct file *file = hugetlb_start(3, 9);

	hugetlb_add_content(file, 8);
	hugetlb_add_content(file, 2);
	hugetlb_add_content(file, 3);
	file_inode(file)->i_mode = 0100600;
	file_inode(file)->i_uid = 1000;
	add_file(add, name, file, how, 5);
}

/* The last page would end past the last address. */
static void move_to_end(struct hugetlb_luo_ser *ser, struct hugetlb_luo_run_ser *runs)
{
	check(ser->nr_runs == 2 && runs[1].nr == 1);
	runs[1].pfn = MAX_PFN;
}

static void add_past_end(seed_fn add, const char *name, u64 how)
{
	struct file *file = hugetlb_start(2, 3);

	hugetlb_add_content(file, 0);
	hugetlb_add_content(file, 2);
	add_damaged(add, name, file, how, -1, move_to_end);
}

/* Two pages of another owner instead of a page of their total size */
static void claim_two(struct hugetlb_luo_ser *ser, struct hugetlb_luo_run_ser *runs)
{
	struct page *first = virt_to_page(kho_alloc_preserve(PAGE_SIZE));
	struct page *second = virt_to_page(kho_alloc_preserve(PAGE_SIZE));

	check(second == first + 1);
	ser->page_shift = PAGE_SHIFT + 1;
	runs[0].pfn = page_to_pfn(first);
}

static void add_claimed(seed_fn add, const char *name, u64 how)
{
	struct file *file = hugetlb_start(2, 1);

	hugetlb_add_content(file, 0);
	add_damaged(add, name, file, how, -1, claim_two);
}

static void seeds(seed_fn add)
{
	add_file(add, "empty", hugetlb_start(2, 3), 0, -1);
	add_pages(add, "pages", 0);
	add_pages(add, "pages-discarded", ARG_DISCARD);
	add_pages(add, "pages-given-up", ARG_GIVE_UP);
	add_pages(add, "pages-foreign", ARG_NO_PAGES);
	add_holes(add, "holes", 0);
	add_holes(add, "holes-discarded", ARG_DISCARD);
	add_holes(add, "holes-given-up", ARG_GIVE_UP);
	add_holes(add, "holes-foreign", ARG_NO_PAGES | ARG_DISCARD);
	add_past_end(add, "past-end", 0);
	add_past_end(add, "past-end-foreign", ARG_NO_PAGES | ARG_DISCARD);
	add_claimed(add, "claimed-foreign", ARG_DISCARD);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
