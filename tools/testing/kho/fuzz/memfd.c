// SPDX-License-Identifier: GPL-2.0
/*
 * Target: a memfd from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Arguments of the reader: the serialized data, flags (ARG_*), and from the ninth word on a
 * version string. If the string is empty, the handler gets its own version string.
 */

#include <fcntl.h>
#include <string.h>

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/liveupdate.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pfn.h>
#include <linux/slab.h>

#include <linux/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/kho/vmalloc.h>
#include <linux/shmem_fs.h>
#include <linux/vmalloc.h>

#include "fuzz/area.h"
#include "fuzz/image.h"
#include "fuzz/memfd.h"
#include "fuzz/target.h"
#include "fuzz/version.h"
#include "shim/check.h"
#include "shim/faults.h"
#include "shim/print.h"
#include "shim/reboot.h"
#include "shim/shmem.h"

#define ARG_DISCARD	1	/* finish the file without retrieving it */
#define ARG_SMALL	2	/* this kernel does not support large folios */
#define ARG_GIVE_UP	4	/* do not retry after -EAGAIN */

/* Only of seeds: they are version 2, as mainline gets it, or their third run is damaged. */
#define ARG_V2		8
#define ARG_MAINLINE	16
#define ARG_DAMAGED	32

/* Limits of the model */
#define MAX_RUNS	512
#define MAX_FOLIOS	2048

struct liveupdate_file_handler *memfd_handler;
unsigned int memfd_retrieved;
unsigned long memfd_still_preserved;
unsigned int memfd_nr_poisoned;

int liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
	memfd_handler = fh;
	return 0;
}

/*
 * The handover, read by a simple model
 */

struct model_folio {
	u64 pfn;
	u64 index;
	unsigned int order;
	bool valid;
	bool alone;	/* in its run */
	bool split;	/* because a page of it is poisoned */
};

struct model_page {
	u64 pfn;
	u64 index;
};

static struct handover {
	bool good;
	bool known;	/* not larger than the model's limits */
	unsigned int version;
	struct area area;
	struct model_folio folios[MAX_FOLIOS];
	unsigned int nr_folios;
	u64 nr_pages;
	struct model_page poisoned[MAX_RUNS];
	unsigned int nr_poisoned;
	struct memfd_luo_ser ser;
} handover;

static u64 size_in_pages(void)
{
	return handover.ser.size / PAGE_SIZE + !!(handover.ser.size % PAGE_SIZE);
}

static const void *area_entry(u64 i)
{
	return page_address(handover.area.pages[i / 256]) + i % 256 * 16;
}

/* Read the list of @nr entries in an area. Return whether the area is good. */
static bool read_area(struct kho_vmalloc area, u64 nr)
{
	if (nr > (u64)area.total_pages * 256 || !area_read(&handover.area, &area) ||
	    handover.area.has_twins)
		return false;
	handover.known = nr <= MAX_RUNS;
	return true;
}

static void add_folio(struct model_folio folio)
{
	handover.nr_pages += 1ULL << folio.order;
	if (handover.nr_folios == MAX_FOLIOS)
		handover.known = false;
	else
		handover.folios[handover.nr_folios++] = folio;
}

static bool read_v2(u64 pa)
{
	struct memfd_luo_v2_folio_ser entry;
	struct memfd_luo_v2_ser ser;
	int order;
	u64 i;

	memcpy(&ser, phys_to_virt(pa), sizeof(ser));
	handover.ser.size = ser.size;
	handover.ser.pos = ser.pos;
	handover.ser.seals = ser.seals;
	handover.ser.open_flags = O_RDWR;
	if (ser.size >> 63 || ser.pos >> 63 || ser.flags || ser.seals > 0x3f)
		return false;
	if (!ser.nr_folios)
		return true;
	if (!read_area(ser.folios, ser.nr_folios))
		return false;

	for (i = 0; i < ser.nr_folios && handover.known; i++) {
		memcpy(&entry, area_entry(i), sizeof(entry));
		if (!entry.pfn)
			continue;
		order = kho_incoming_order(PFN_PHYS(entry.pfn));
		if (order < 0 || entry.flags & ~3)
			return false;
		add_folio((struct model_folio){ entry.pfn, entry.index, order, entry.flags & 2 });
	}
	return true;
}

static bool times_are_good(void)
{
	const struct memfd_luo_time_ser *time = &handover.ser.atime;
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (time[i].nsec > 999999999)
			return false;
	return true;
}

static bool is_good_v3_ser(void)
{
	const struct memfd_luo_ser *ser = &handover.ser;

	return !(ser->size >> 63) && !(ser->pos >> 63) && ser->seals <= 0x3f &&
	       !(ser->open_flags & ~(3 | O_APPEND | O_NOATIME | O_NONBLOCK)) &&
	       (ser->open_flags & 3) != 3 && ser->mode <= 07777 && ~ser->uid && ~ser->gid &&
	       times_are_good();
}

static struct memfd_luo_run_ser read_run(u64 pa, u64 i)
{
	struct memfd_luo_run_ser run;

	memcpy(&run, handover.ser.area.first.phys ? area_entry(i) :
	       phys_to_virt(pa) + sizeof(handover.ser) + i * sizeof(run), sizeof(run));
	return run;
}

/* Read the entries of the poisoned pages, each of which must be a page of a folio. */
static bool read_poisoned(u64 pa)
{
	struct memfd_luo_run_ser entry;
	struct model_folio *folio;
	u64 i, next = 0;

	for (i = 0; i < handover.ser.nr_poisoned && handover.known; i++) {
		entry = read_run(pa, handover.ser.nr_runs + i);
		if (entry.nr != 1 || entry.order || entry.flags || entry.index < next)
			return false;
		for (folio = handover.folios; folio < &handover.folios[handover.nr_folios]; folio++)
			if (entry.index >= folio->index &&
			    entry.index - folio->index < 1ULL << folio->order)
				break;
		if (folio == &handover.folios[handover.nr_folios] ||
		    entry.pfn - folio->pfn != entry.index - folio->index ||
		    (folio->order && !folio->alone))
			return false;
		folio->split = folio->order;
		handover.poisoned[handover.nr_poisoned++] = (struct model_page){
			entry.pfn, entry.index
		};
		next = entry.index + 1;
	}
	return true;
}

static bool read_v3(u64 pa)
{
	const struct memfd_luo_ser *ser = &handover.ser;
	struct memfd_luo_run_ser run;
	u64 i, j, next = 0;

	memcpy(&handover.ser, phys_to_virt(pa), sizeof(handover.ser));
	if (!is_good_v3_ser() || ser->nr_runs >> 40 || (!ser->nr_runs && ser->nr_poisoned))
		return false;
	if (!ser->area.first.phys) {
		if (ser->area.total_pages || ser->area.flags || ser->area.order ||
		    ser->nr_runs + ser->nr_poisoned > 248)
			return false;
	} else if (!ser->nr_runs || !read_area(ser->area, ser->nr_runs + ser->nr_poisoned)) {
		return false;
	}

	for (i = 0; i < ser->nr_runs && handover.known; i++) {
		run = read_run(pa, i);
		if (!run.pfn || !run.nr || run.flags || run.index < next ||
		    run.order > MAX_PAGE_ORDER || run.pfn % (1 << run.order))
			return false;
		for (j = 0; j < run.nr && handover.known; j++)
			add_folio((struct model_folio){
				run.pfn + (j << run.order), run.index + (j << run.order),
				run.order, true, run.nr == 1,
			});
		next = run.index + ((u64)run.nr << run.order);
	}
	return read_poisoned(pa);
}

static bool overlap(u64 a, u64 nr_a, u64 b, u64 nr_b)
{
	return a < b + nr_b && b < a + nr_a;
}

/* Check that the folio is still preserved, and that it fits at its index. */
static bool is_good_folio(unsigned int i)
{
	const struct model_folio *folio = &handover.folios[i], *other;
	unsigned long nr = 1UL << folio->order;

	if (kho_incoming_order(PFN_PHYS(folio->pfn)) != (int)folio->order ||
	    handover.area.taken[pfn_to_page(folio->pfn) - mem_map])
		return false;
	if (folio->index % nr || folio->index >= size_in_pages())
		return false;
	for (other = handover.folios; other < folio; other++)
		if (other->pfn == folio->pfn ||
		    overlap(folio->index, nr, other->index, 1UL << other->order))
			return false;

	return true;
}

/* Version 1 of the area need not be named. */
static bool is_version(const char *compatible, const char *base)
{
	size_t len = strlen(base);

	return !strncmp(compatible, base, len) &&
	       (!compatible[len] || !strcmp(compatible + len, ";vmalloc-v1"));
}

static bool read_handover(u64 pa, const char *compatible)
{
	struct page *page;
	unsigned int i;

	memset(&handover, 0, sizeof(handover));
	handover.known = true;
	if (is_version(compatible, "memfd-v2"))
		handover.version = 2;
	else if (is_version(compatible, "memfd-v3"))
		handover.version = 3;
	if (!handover.version || !pa || !kho_incoming_has_pages(pa, 1))
		return false;
	if (!(handover.version == 2 ? read_v2(pa) : read_v3(pa)))
		return false;

	/* The handler frees it before it takes the folios. */
	if (kho_incoming_order(pa) >= 0) {
		page = pfn_to_page(PHYS_PFN(pa));
		for (i = 0; i < 1U << page->order; i++)
			handover.area.taken[page - mem_map + i] = true;
	}
	for (i = 0; i < handover.nr_folios; i++)
		if (!is_good_folio(i))
			return false;

	return handover.known;
}

/*
 * The result
 */

static bool is_poisoned(u64 index)
{
	unsigned int i;

	for (i = 0; i < handover.nr_poisoned; i++)
		if (handover.poisoned[i].index == index)
			return true;
	return false;
}

static void check_page(const struct memfd *memfd, unsigned long index, unsigned long pfn,
		       bool valid)
{
	bool poisoned = is_poisoned(index);
	unsigned int i;

	for (i = 0; i < memfd->nr_folios; i++) {
		struct folio *folio = memfd->folios[i];

		if (index - folio->index >= folio_nr_pages(folio))
			continue;
		check(folio_pfn(folio) + index - folio->index == pfn);
		/*
		 * The page cache has one, the handler another until it is finished. One of a
		 * poisoned page is never dropped.
		 */
		check(folio->page.count == 2 + poisoned);
		check(folio_test_hwpoison(folio) == poisoned);
		check(folio_has(folio, FOLIO_LRU) != poisoned);
		check(folio_has(folio, FOLIO_DIRTY));
		check(!folio_has(folio, FOLIO_LOCKED));
		check(folio_has(folio, FOLIO_VALID) == valid);
		return;
	}
	die("page %lu is not in the file", index);
}

static bool is_time(struct timespec64 time, const struct memfd_luo_time_ser *ser)
{
	return time.tv_sec == ser->sec && (u64)time.tv_nsec == ser->nsec;
}

static void check_attributes(const struct memfd *memfd)
{
	const struct memfd_luo_ser *ser = &handover.ser;
	const struct inode *inode = &memfd->inode;

	check(inode->i_mode == ser->mode);
	check(inode->i_uid == ser->uid && inode->i_gid == ser->gid);
	check(is_time(inode->atime, &ser->atime) && is_time(inode->mtime, &ser->mtime));
	check(is_time(inode->ctime, &ser->ctime) && is_time(memfd->info.i_crtime, &ser->btime));
}

static void check_file(const struct file *file)
{
	const struct memfd *memfd = to_memfd(file);
	unsigned long nr_pages = 0;
	unsigned int i, j;

	check(memfd->frozen);
	check((u64)memfd->inode.i_size == handover.ser.size);
	check((u64)file->f_pos == handover.ser.pos);
	check(file->f_flags == handover.ser.open_flags);
	check(memfd->seals == handover.ser.seals);
	if (handover.version > 2)
		check_attributes(memfd);
	else
		check(!(memfd->seals & F_SEAL_EXEC) || !(memfd->inode.i_mode & 0111));

	for (i = 0; i < handover.nr_folios; i++) {
		const struct model_folio *folio = &handover.folios[i];

		for (j = 0; j < 1U << folio->order; j++) {
			/* Pages past the end are dropped when a folio is split. */
			if ((!shim_large_folios || folio->split) && j &&
			    folio->index + j >= size_in_pages())
				break;
			check_page(memfd, folio->index + j, folio->pfn + j, folio->valid);
			nr_pages++;
		}
	}
	check(memfd->mapping.nrpages == nr_pages);
	check(memfd->nr_blocks == (long)nr_pages);
}

/* A file of more pages than the machine has is refused. */
static bool too_many_pages(void)
{
	return handover.nr_pages > get_num_physpages();
}

/* Call the handler like LUO does, which keeps only these fields. */
static int call_retrieve(struct liveupdate_file_op_args *kept)
{
	struct liveupdate_file_op_args args = *kept;
	int err = memfd_handler->ops->retrieve(&args);

	kept->private_data = args.private_data;
	kept->serialized_data = args.serialized_data;
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
		check(!handover.good || too_many_pages());
		check(shim_log_count > logged);
		check(!memfd_exists && !args->file);
	} else {
		check(handover.good || !handover.known);
		memfd_retrieved++;
		if (handover.good)
			check_file(args->file);
	}
	args->retrieve_status = err ?: 1;
}

/* Of a file that is known to be good, these must not be freed, and no others. */
static void check_poisoned(void)
{
	unsigned int i;

	/* A file that can't be discarded because memory is short stays reserved. */
	if (!handover.good || too_many_pages() || shim_failed)
		return;
	for (i = 0; i < handover.nr_poisoned; i++)
		check(pfn_to_page(handover.poisoned[i].pfn)->count == 1);
	check(atomic_long_read(&num_poisoned_pages) == handover.nr_poisoned);
}

static void use_handler(const struct image *image)
{
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH] = MEMFD_LUO_FH_COMPATIBLE;
	struct liveupdate_file_op_args args = {
		.handler = memfd_handler,
		.serialized_data = image->args[0],
		.incoming_compatible = compatible,
	};

	if (image->args[8]) {
		memcpy(compatible, &image->args[8], sizeof(compatible));
		compatible[sizeof(compatible) - 1] = '\0';
		/* LUO does not call the handler for other base tokens. */
		if (!has_version_of(compatible, "memfd"))
			return;
	}

	shim_large_folios = !(image->args[1] & ARG_SMALL);
	handover.good = read_handover(args.serialized_data, compatible);
	if (!(image->args[1] & ARG_DISCARD))
		retrieve(&args, image->args[1] & ARG_GIVE_UP);
	memfd_handler->ops->finish(&args);
	if (args.file) {
		check(!to_memfd(args.file)->frozen);
		fput(args.file);
	}
	check(!memfd_exists);
	check_poisoned();
}

/* Poisoned pages are not freed. They can be in a block that is larger than the list says. */
static unsigned long nr_not_freed(void)
{
	unsigned long nr = 0, i;

	for (i = 0; i < IMAGE_MAX_PAGES; i++)
		if (PageHWPoison(&mem_map[i]))
			nr += 1UL << mem_map[i].order;

	return nr;
}

static void run(const u8 *data, size_t size)
{
	unsigned long kept;
	struct image image;

	image_load(&image, data, size);
	image_hide_rest(&image);
	kept = mm_nr_allocated() - mm_nr_preserved();

	reboot();
	check(!initcall_memfd_luo_init());
	use_handler(&image);
	/* All restored memory was freed, except what is poisoned. */
	check(mm_nr_allocated() - mm_nr_preserved() == kept + nr_not_freed());
	memfd_nr_poisoned = atomic_long_read(&num_poisoned_pages);
	atomic_long_set(&num_poisoned_pages, 0);
	memfd_still_preserved = mm_nr_preserved();
	check(!slab_objects());
	check(!shim_log_warnings);
	mm_reset();
}

/*
 * Seeds: handovers by the kernel
 */

void memfd_add_content(struct file *file, unsigned long index, unsigned int order)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, order);

	memset(folio_address(folio), 1 + index, 8);
	folio_lock(folio);
	__folio_set_swapbacked(folio);
	folio_gets(folio, FOLIO_CHARGED);
	check(!shmem_add_to_page_cache(folio, file->f_mapping, index, NULL, GFP_KERNEL));
	folio_unlock(folio);
}

/* Write the serialized state as version 2, with the list in @entries. */
static void write_v2(struct memfd_luo_ser *ser, struct memfd_luo_v2_folio_ser *entries,
		     struct memfd_luo_v2_ser *v2)
{
	u64 i, j;

	*v2 = (struct memfd_luo_v2_ser){ ser->pos, ser->size, ser->seals };
	for (i = 0; i < ser->nr_runs; i++)
		for (j = 0; j < ser->runs[i].nr; j++)
			entries[v2->nr_folios++] = (struct memfd_luo_v2_folio_ser){
				.pfn = ser->runs[i].pfn + (j << ser->runs[i].order),
				.flags = MEMFD_LUO_V2_FOLIO_FLAGS,
				.index = ser->runs[i].index + (j << ser->runs[i].order),
			};
}

/* Save an image with version 2 in place of the serialized state. */
static void save_v2(seed_fn add, const char *name, struct memfd_luo_ser *ser, u64 how)
{
	struct memfd_luo_v2_folio_ser *entries = __vmalloc_array(256, sizeof(*entries),
								 GFP_KERNEL | __GFP_ZERO);
	u64 words[8 + LIVEUPDATE_HNDL_COMPAT_LENGTH / 8] = { virt_to_phys(ser), how };
	struct kho_vmalloc area = {};
	struct memfd_luo_v2_ser v2;
	u8 copy[PAGE_SIZE];

	write_v2(ser, entries, &v2);
	if (v2.nr_folios)
		check(!kho_preserve_vmalloc(entries, &area));
	v2.folios = area;
	memcpy(copy, ser, PAGE_SIZE);
	memset(ser, 0, PAGE_SIZE);
	memcpy(ser, &v2, sizeof(v2));
	memcpy(&words[8], MEMFD_LUO_V2_COMPATIBLE, sizeof(MEMFD_LUO_V2_COMPATIBLE));
	image_save(add, name, words, ARRAY_SIZE(words));

	memcpy(ser, copy, PAGE_SIZE);
	kho_unpreserve_vmalloc(&area);
	vfree(entries);
}

/* Convert the state for mainline. Version 2 lacks something that these files have. */
static bool convert(struct liveupdate_file_op_args *args, const struct memfd_luo_ser *ser)
{
	bool lossy = ser->nr_poisoned || ser->seals & F_SEAL_EXEC;
	int err = memfd_handler->ops->convert(args);

	check(err == (lossy ? -EOPNOTSUPP : 0));
	check((args->serialized_data == virt_to_phys((void *)ser)) == lossy);
	return !err;
}

static void unconvert(struct liveupdate_file_op_args *args, const struct memfd_luo_ser *ser)
{
	memfd_handler->ops->unconvert(args);
	check(args->serialized_data == virt_to_phys((void *)ser));
}

static void save_mainline(seed_fn add, const char *name, struct liveupdate_file_op_args *args,
			  u64 how)
{
	u64 words[8 + LIVEUPDATE_HNDL_COMPAT_LENGTH / 8] = { args->serialized_data, how };

	memcpy(&words[8], memfd_handler->mainline, LIVEUPDATE_HNDL_COMPAT_LENGTH);
	image_save(add, name, words, ARRAY_SIZE(words));
}

void memfd_stop(void)
{
	memfd_exists = false;
	atomic_long_set(&num_poisoned_pages, 0);
	mm_reset();
}

static void add_memfd(seed_fn add, const char *name, struct file *file, u64 how)
{
	struct liveupdate_file_op_args args = { .handler = memfd_handler, .file = file };
	u64 words[2] = { 0, how };
	struct memfd_luo_ser *ser;

	check(memfd_handler->ops->can_preserve(memfd_handler, file));
	check(!memfd_handler->ops->preserve(&args));
	check(!memfd_handler->ops->freeze(&args));
	words[0] = args.serialized_data;
	ser = phys_to_virt(words[0]);
	if (convert(&args, ser)) {
		check(!memfd_handler->ops->freeze(&args));
		if (how & ARG_MAINLINE)
			save_mainline(add, name, &args, how & ~ARG_MAINLINE);
		unconvert(&args, ser);
	}
	if (how & ARG_DAMAGED)
		ser->runs[2].flags = 1;
	if (how & ARG_V2)
		save_v2(add, name, ser, how & ~ARG_V2);
	else if (!(how & ARG_MAINLINE))
		image_save(add, name, words, ARRAY_SIZE(words));

	if (how & ARG_DAMAGED)
		ser->runs[2].flags = 0;
	memfd_handler->ops->unpreserve(&args);
	memfd_stop();
}

struct file *memfd_start(loff_t size)
{
	struct file *file;

	shim_fail_at = 0;
	reboot();
	check(!initcall_memfd_luo_init());
	file = memfd_new_file("memfd:seed", 0);
	i_size_write(file_inode(file), size);
	return file;
}

static void add_pages(seed_fn add, const char *name, u64 how)
{
	struct file *file = memfd_start(5 * PAGE_SIZE - 100);
	unsigned long i;

	for (i = 0; i < 5; i++)
		memfd_add_content(file, i, 0);
	file->f_pos = 17;
	add_memfd(add, name, file, how);
}

/* The last page comes first in memory, so that each is a run. */
static void add_reverse(seed_fn add, const char *name, u64 how)
{
	struct file *file = memfd_start(4 * PAGE_SIZE);
	int i;

	for (i = 3; i >= 0; i--)
		memfd_add_content(file, i, 0);
	file->f_flags = O_WRONLY | O_APPEND;
	file_inode(file)->i_mode = 0100600;
	file_inode(file)->i_uid = 1000;
	file_inode(file)->mtime.tv_sec = 4711;
	add_memfd(add, name, file, how);
}

static void add_folios(seed_fn add, const char *name, u64 how)
{
	struct file *file = memfd_start(13 * PAGE_SIZE + 1);

	memfd_add_content(file, 0, 3);
	memfd_add_content(file, 8, 2);
	memfd_add_content(file, 12, 2);
	file_inode(file)->i_mode = 0666;
	memfd_add_seals(file, how & ARG_MAINLINE ? F_SEAL_GROW : F_SEAL_EXEC | F_SEAL_GROW);
	add_memfd(add, name, file, how);
}

/* Let a page of a file fail. Not every page is marked in its folio. */
static void poison_page(struct file *file, unsigned long index)
{
	const struct memfd *memfd = to_memfd(file);
	unsigned int i;

	for (i = 0; i < memfd->nr_folios; i++) {
		struct folio *folio = memfd->folios[i];

		if (index - folio->index >= folio_nr_pages(folio))
			continue;
		SetPageHWPoison(folio_page(folio, index - folio->index));
		if (folio_nr_pages(folio) > 1 && !(folio->index % 16))
			folio_set_has_hwpoisoned(folio);
	}
	num_poisoned_pages_inc(0);
}

static void add_poisoned(seed_fn add, const char *name, u64 how)
{
	struct file *file = memfd_start(17 * PAGE_SIZE + 1);
	unsigned long i;

	for (i = 0; i < 4; i++)
		memfd_add_content(file, i, 0);
	memfd_add_content(file, 4, 2);
	memfd_add_content(file, 8, 2);
	memfd_add_content(file, 12, 2);
	memfd_add_content(file, 16, 2);
	poison_page(file, 0);
	poison_page(file, 3);
	poison_page(file, 9);
	poison_page(file, 10);
	/* Past the end of the file */
	poison_page(file, 19);
	add_memfd(add, name, file, how);
}

static void seeds(seed_fn add)
{
	add_memfd(add, "empty", memfd_start(0), 0);
	add_pages(add, "pages", 0);
	add_pages(add, "pages-small", ARG_SMALL);
	add_pages(add, "pages-discarded", ARG_DISCARD);
	add_reverse(add, "reverse", 0);
	add_reverse(add, "reverse-given-up", ARG_GIVE_UP);
	add_folios(add, "folios", 0);
	add_folios(add, "folios-small", ARG_SMALL);
	add_folios(add, "folios-discarded", ARG_DISCARD | ARG_SMALL);
	add_folios(add, "folios-given-up", ARG_GIVE_UP);
	add_folios(add, "folios-given-up-small", ARG_GIVE_UP | ARG_SMALL);
	add_reverse(add, "damaged", ARG_DAMAGED);
	add_reverse(add, "damaged-discarded", ARG_DAMAGED | ARG_DISCARD);
	add_poisoned(add, "poisoned", 0);
	add_poisoned(add, "poisoned-small", ARG_SMALL);
	add_poisoned(add, "poisoned-discarded", ARG_DISCARD);
	add_poisoned(add, "poisoned-given-up", ARG_GIVE_UP);
	add_memfd(add, "v2-empty", memfd_start(0), ARG_V2);
	add_pages(add, "v2-pages", ARG_V2);
	add_pages(add, "v2-pages-discarded", ARG_V2 | ARG_DISCARD);
	add_folios(add, "v2-folios", ARG_V2);
	add_folios(add, "v2-folios-small", ARG_V2 | ARG_SMALL);
	add_folios(add, "v2-folios-given-up", ARG_V2 | ARG_GIVE_UP);
	add_memfd(add, "mainline-empty", memfd_start(0), ARG_MAINLINE);
	add_pages(add, "mainline-pages", ARG_MAINLINE);
	add_reverse(add, "mainline-reverse", ARG_MAINLINE);
	add_folios(add, "mainline-folios", ARG_MAINLINE);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
