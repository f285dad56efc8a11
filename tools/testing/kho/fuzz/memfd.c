// SPDX-License-Identifier: GPL-2.0
/*
 * Target: a memfd from another kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Arguments of the reader: the serialized data, flags (ARG_*), and from the ninth word on a
 * version string. If the string is empty, the handler gets its own version string.
 */

#include <string.h>

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/liveupdate.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/slab.h>

#include <linux/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/shmem_fs.h>

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

#define MAX_ENTRIES	512

struct liveupdate_file_handler *memfd_handler;
unsigned int memfd_retrieved;
unsigned long memfd_still_preserved;

int liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
	memfd_handler = fh;
	return 0;
}

/*
 * The handover, read by a simple model
 */

static struct handover {
	bool good;
	struct memfd_luo_ser ser;
	struct area area;
	struct memfd_luo_folio_ser entries[MAX_ENTRIES];
	unsigned int nr_entries;
	unsigned int orders[MAX_ENTRIES];
} handover;

static u64 size_in_pages(void)
{
	return handover.ser.size / PAGE_SIZE + !!(handover.ser.size % PAGE_SIZE);
}

static bool read_ser(u64 pa)
{
	const struct memfd_luo_ser *ser = &handover.ser;

	if (!pa || !kho_incoming_has_pages(pa, 1))
		return false;

	memcpy(&handover.ser, phys_to_virt(pa), sizeof(handover.ser));
	return !(ser->size >> 63) && !(ser->pos >> 63) && !ser->flags && ser->seals <= 0x3f &&
	       ser->nr_folios <= (u64)ser->folios.total_pages * 256;
}

static bool read_entries(void)
{
	struct kho_vmalloc preservation = handover.ser.folios;
	u64 i;

	handover.nr_entries = 0;
	if (!handover.ser.nr_folios)
		return true;
	if (!area_read(&handover.area, &preservation) || handover.area.has_twins)
		return false;
	if (handover.ser.nr_folios > MAX_ENTRIES)
		return false;

	handover.nr_entries = handover.ser.nr_folios;
	for (i = 0; i < handover.nr_entries; i++)
		memcpy(&handover.entries[i],
		       page_address(handover.area.pages[i / 256]) + i % 256 * 16,
		       sizeof(handover.entries[i]));
	return true;
}

static bool overlap(u64 a, u64 nr_a, u64 b, u64 nr_b)
{
	return a < b + nr_b && b < a + nr_a;
}

/* Check that the folio is still preserved, and that it fits at its index. */
static bool is_good_entry(unsigned int i)
{
	const struct memfd_luo_folio_ser *entry = &handover.entries[i];
	unsigned long nr;
	unsigned int j;
	int order;

	handover.orders[i] = 0;
	if (!entry->pfn)
		return true;
	order = kho_incoming_order(PFN_PHYS(entry->pfn));
	if (order < 0 || handover.area.taken[pfn_to_page(entry->pfn) - mem_map])
		return false;

	handover.orders[i] = order;
	nr = 1UL << order;
	if (entry->flags & ~3 || entry->index % nr || entry->index >= size_in_pages())
		return false;
	for (j = 0; j < i; j++)
		if (handover.entries[j].pfn &&
		    (handover.entries[j].pfn == entry->pfn ||
		     overlap(entry->index, nr, handover.entries[j].index,
			     1UL << handover.orders[j])))
			return false;

	return true;
}

static bool read_handover(u64 pa, const char *compatible)
{
	struct page *page;
	unsigned int i, j;

	memset(&handover.area, 0, sizeof(handover.area));
	if (strcmp(compatible, "memfd-v2;vmalloc-v1") || !read_ser(pa) || !read_entries())
		return false;

	/* The handler frees it before it takes the folios. */
	if (kho_incoming_order(pa) >= 0) {
		page = pfn_to_page(PHYS_PFN(pa));
		for (j = 0; j < 1U << page->order; j++)
			handover.area.taken[page - mem_map + j] = true;
	}
	for (i = 0; i < handover.nr_entries; i++)
		if (!is_good_entry(i))
			return false;

	return true;
}

/*
 * The result
 */

static void check_page(const struct memfd *memfd, unsigned long index, unsigned long pfn,
		       unsigned int flags)
{
	unsigned int i;

	for (i = 0; i < memfd->nr_folios; i++) {
		struct folio *folio = memfd->folios[i];

		if (index - folio->index >= folio_nr_pages(folio))
			continue;
		check(folio_pfn(folio) + index - folio->index == pfn);
		/* The page cache has one, the handler another until it is finished. */
		check(folio->page.count == 2);
		check(folio_has(folio, FOLIO_LRU) && folio_has(folio, FOLIO_DIRTY));
		check(!folio_has(folio, FOLIO_LOCKED));
		check(folio_has(folio, FOLIO_VALID) == !!(flags & MEMFD_LUO_FOLIO_UPTODATE));
		return;
	}
	die("page %lu is not in the file", index);
}

static void check_file(const struct memfd *memfd)
{
	unsigned long nr_pages = 0;
	unsigned int i, j;

	check(memfd->frozen);
	check((u64)memfd->inode.i_size == handover.ser.size);
	check((u64)memfd->file.f_pos == handover.ser.pos);
	check(memfd->seals == handover.ser.seals);
	check(!(memfd->seals & F_SEAL_EXEC) || !(memfd->inode.i_mode & 0111));

	for (i = 0; i < handover.nr_entries; i++) {
		const struct memfd_luo_folio_ser *entry = &handover.entries[i];

		for (j = 0; entry->pfn && j < 1U << handover.orders[i]; j++) {
			/* Pages past the end are dropped when a folio is split. */
			if (!shim_large_folios && j && entry->index + j >= size_in_pages())
				break;
			check_page(memfd, entry->index + j, entry->pfn + j, entry->flags);
			nr_pages++;
		}
	}
	check(memfd->mapping.nrpages == nr_pages);
	check(memfd->nr_blocks == (long)nr_pages);
}

/* A kernel without large folios refuses a file of more pages than the machine has. */
static bool too_many_pages(void)
{
	u64 nr = 0;
	unsigned int i;

	for (i = 0; i < handover.nr_entries; i++)
		nr += 1UL << handover.orders[i];

	return !shim_large_folios && nr > get_num_physpages();
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
		check(handover.good || handover.ser.nr_folios > MAX_ENTRIES);
		memfd_retrieved++;
		if (handover.good)
			check_file(to_memfd(args->file));
	}
	args->retrieve_status = err ?: 1;
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
	/* All restored memory was freed. */
	check(mm_nr_allocated() - mm_nr_preserved() == kept);
	memfd_still_preserved = mm_nr_preserved();
	check(!slab_objects());
	check(!shim_log_warnings);
	mm_reset();
}

/*
 * Seeds: handovers by the kernel
 */

static void add_content(struct file *file, unsigned long index, unsigned int order)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, order);

	memset(folio_address(folio), 1 + index, 8);
	folio_lock(folio);
	__folio_set_swapbacked(folio);
	folio_gets(folio, FOLIO_CHARGED);
	check(!shmem_add_to_page_cache(folio, file->f_mapping, index, NULL, GFP_KERNEL));
	folio_unlock(folio);
}

static void add_memfd(seed_fn add, const char *name, struct file *file, u64 how)
{
	struct liveupdate_file_op_args args = { .handler = memfd_handler, .file = file };
	u64 words[2] = { 0, how };

	check(memfd_handler->ops->can_preserve(memfd_handler, file));
	check(!memfd_handler->ops->preserve(&args));
	check(!memfd_handler->ops->freeze(&args));
	words[0] = args.serialized_data;
	image_save(add, name, words, ARRAY_SIZE(words));

	memfd_handler->ops->unpreserve(&args);
	memfd_exists = false;
	mm_reset();
}

static struct file *start_outgoing(loff_t size)
{
	struct file *file;

	reboot();
	check(!initcall_memfd_luo_init());
	file = memfd_new_file("memfd:seed", 0);
	i_size_write(file_inode(file), size);
	return file;
}

static void add_pages(seed_fn add, const char *name, u64 how)
{
	struct file *file = start_outgoing(5 * PAGE_SIZE - 100);
	unsigned long i;

	for (i = 0; i < 5; i++)
		add_content(file, i, 0);
	file->f_pos = 17;
	add_memfd(add, name, file, how);
}

static void add_folios(seed_fn add, const char *name, u64 how)
{
	struct file *file = start_outgoing(13 * PAGE_SIZE + 1);

	add_content(file, 0, 3);
	add_content(file, 8, 2);
	add_content(file, 12, 2);
	file_inode(file)->i_mode = 0666;
	memfd_add_seals(file, F_SEAL_EXEC | F_SEAL_GROW);
	add_memfd(add, name, file, how);
}

static void seeds(seed_fn add)
{
	add_memfd(add, "empty", start_outgoing(0), 0);
	add_pages(add, "pages", 0);
	add_pages(add, "pages-small", ARG_SMALL);
	add_pages(add, "pages-discarded", ARG_DISCARD);
	add_folios(add, "folios", 0);
	add_folios(add, "folios-small", ARG_SMALL);
	add_folios(add, "folios-discarded", ARG_DISCARD | ARG_SMALL);
	add_folios(add, "folios-given-up", ARG_GIVE_UP);
	add_folios(add, "folios-given-up-small", ARG_GIVE_UP | ARG_SMALL);
}

const struct target target = {
	.run = run,
	.seeds = seeds,
};
