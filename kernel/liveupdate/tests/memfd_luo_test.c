// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of live update of memfds.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A test preserves a memfd with the functions of LUO, then retrieves it in the same
 * kernel. The serialized list of folios is changed to name copies of the folios, each in a
 * run of its own, so that the retrieved file does not share folios with the preserved one.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/falloc.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/kho/image.h>
#include <linux/kho/note.h>
#include <linux/kho/vmalloc.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/pfn.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <linux/uidgid.h>
#include <linux/vmalloc.h>
#include <uapi/linux/memfd.h>

#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/memfd.h>

#include "../luo_internal.h"
#include "fake_kho.h"

#define TOKEN		42
#define MAX_COPIES	8

static struct {
	struct file *file;
	struct luo_file_set out;
	struct luo_file_set_ser ser;
	struct luo_file_set in;
	struct file *retrieved;
	struct memfd_luo_ser *state;
	void *saved_state;
	struct memfd_luo_v2_folio_ser *entries;	/* only of version 2 */
	struct kho_vmalloc entries_area;
	struct folio *copies[MAX_COPIES];
	unsigned int nr_copies;
} mt;

/* Let the thread look as if it had been killed. */
static void set_killed(bool killed)
{
	unsigned long flags;

	if (!lock_task_sighand(current, &flags))
		return;
	if (killed)
		sigaddset(&current->pending.signal, SIGKILL);
	else
		sigdelset(&current->pending.signal, SIGKILL);
	recalc_sigpending();
	unlock_task_sighand(current, &flags);
}

static struct folio *restore_folio_and_die(phys_addr_t phys)
{
	set_killed(true);
	return fake_restore_folio(phys);
}

static int memfd_test_init(struct kunit *test)
{
	if (!liveupdate_enabled())
		kunit_skip(test, "needs kho=on liveupdate=on");

	memset(&mt, 0, sizeof(mt));
	luo_file_set_init(&mt.out);
	luo_file_set_init(&mt.in);
	fake_kho_start(test);
	mt.file = memfd_new_file("memfd:kunit", MFD_ALLOW_SEALING);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mt.file);
	test->priv = &mt;
	return 0;
}

/*
 * The test must hold the only reference. The files of a kernel thread are closed
 * with a delay, and CPUs hold references in their batches for the LRU lists.
 */
static void expect_given_back(struct kunit *test, struct folio *folio)
{
	unsigned int tries = 100;

	while (folio_ref_count(folio) > 1 && tries--) {
		flush_delayed_fput();
		lru_add_drain_all();
		usleep_range(1000, 2000);
	}
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_put(folio);
}

static void memfd_test_exit(struct kunit *test)
{
	unsigned int i;

	if (!test->priv)
		return;
	if (mt.retrieved)
		fput(mt.retrieved);
	luo_file_finish_all(&mt.in);
	/* The folios that are preserved are those of the original list. */
	if (mt.state)
		memcpy(mt.state, mt.saved_state, PAGE_SIZE);
	luo_file_unpreserve_all(&mt.out);
	fput(mt.file);
	for (i = 0; i < mt.nr_copies; i++)
		expect_given_back(test, mt.copies[i]);
	kho_unpreserve_vmalloc(&mt.entries_area);
	vfree(mt.entries);
}

/* Write a page of @byte at page @index. If reboot() has closed the file, it fails now. */
static void write_page(struct kunit *test, pgoff_t index, int byte)
{
	loff_t pos = index << PAGE_SHIFT;
	void *page = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);

	luo_file_unfreeze_all(&mt.out);
	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(page, byte, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, kernel_write(mt.file, page, PAGE_SIZE, &pos),
			PAGE_SIZE);
}

static void expect_page(struct kunit *test, struct file *file, pgoff_t index,
			int byte)
{
	loff_t pos = index << PAGE_SHIFT;
	void *page = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, kernel_read(file, page, PAGE_SIZE, &pos), PAGE_SIZE);
	KUNIT_EXPECT_NULL(test, memchr_inv(page, byte, PAGE_SIZE));
}

static int try_preserve(struct kunit *test)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	int err;

	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, get_file(mt.file));
	err = luo_file_preserve(&mt.out, fd, TOKEN);
	close_fd(fd);
	return err;
}

static struct luo_file_ser *file_entry(struct kunit *test)
{
	struct kho_block_header_ser *block = phys_to_virt(mt.ser.files);

	return (struct luo_file_ser *)(block + 1);
}

/* Preserve and freeze the file. Return its serialized form. */
static struct memfd_luo_ser *preserve(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, try_preserve(test), 0);
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, NULL), 0);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, &mt.ser), 0);
	return phys_to_virt(file_entry(test)->data);
}

/* In these tests the list is in the page of the serialized state. */
static struct memfd_luo_run_ser *runs_of(struct kunit *test, struct memfd_luo_ser *ser)
{
	KUNIT_ASSERT_EQ(test, ser->area.first.phys, 0);
	return ser->runs;
}

/* Make the list refer to copy @i. */
static void list_copy(unsigned int i)
{
	unsigned long pfn = folio_pfn(mt.copies[i]);

	if (mt.entries)
		mt.entries[i].pfn = pfn;
	else
		mt.state->runs[i].pfn = pfn;
}

static void copy_folio(struct kunit *test, unsigned int i, struct folio *folio)
{
	struct folio *copy = folio_alloc(GFP_KERNEL, folio_order(folio));

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(folio_address(copy), folio_address(folio), folio_size(folio));
	mt.copies[i] = copy;
	list_copy(i);
}

/* Write a list with a run for each folio. */
static void split_runs(struct kunit *test, struct memfd_luo_ser *ser)
{
	struct memfd_luo_run_ser old[MAX_COPIES], *run = runs_of(test, ser);
	unsigned int i, j;

	KUNIT_ASSERT_LE(test, ser->nr_runs, MAX_COPIES);
	memcpy(old, run, ser->nr_runs * sizeof(old[0]));
	for (i = 0; i < ser->nr_runs; i++) {
		for (j = 0; j < old[i].nr; j++, run++) {
			KUNIT_ASSERT_LT(test, mt.nr_copies, MAX_COPIES);
			mt.nr_copies++;
			*run = old[i];
			run->nr = 1;
			run->pfn += (u64)j << old[i].order;
			run->index += (u64)j << old[i].order;
		}
	}
	ser->nr_runs = mt.nr_copies;
}

/* Preserve and freeze the file, and make the list refer to copies of its folios. */
static struct memfd_luo_ser *preserve_copies(struct kunit *test)
{
	unsigned int i;

	mt.saved_state = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mt.saved_state);
	mt.state = preserve(test);
	memcpy(mt.saved_state, mt.state, PAGE_SIZE);
	split_runs(test, mt.state);
	for (i = 0; i < mt.nr_copies; i++)
		copy_folio(test, i, pfn_folio(mt.state->runs[i].pfn));
	return mt.state;
}

/* Replace the copies by new ones, because a file has used them. */
static void renew_copies(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < mt.nr_copies; i++) {
		struct folio *old = mt.copies[i];

		copy_folio(test, i, old);
		expect_given_back(test, old);
	}
}

static struct file *try_retrieve(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&mt.in, &mt.ser), 0);
	return luo_file_retrieve(&mt.in, TOKEN);
}

static struct file *retrieve(struct kunit *test)
{
	struct file *file = try_retrieve(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	mt.retrieved = file;
	return file;
}

static void expect_refused(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, try_retrieve(test), ERR_PTR(-EIO));
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&mt.in), 0);
	renew_copies(test);
}

/* Preserving */

static void descriptor_has_size_position_and_seals(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	write_page(test, 0, 'a');
	KUNIT_ASSERT_EQ(test, kernel_write(mt.file, "bc", 2,
					   &(loff_t){ PAGE_SIZE }), 2);
	KUNIT_ASSERT_EQ(test, vfs_llseek(mt.file, 17, SEEK_SET), 17);
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_GROW), 0);
	ser = preserve(test);
	KUNIT_EXPECT_EQ(test, ser->size, PAGE_SIZE + 2);
	KUNIT_EXPECT_EQ(test, ser->pos, 17);
	KUNIT_EXPECT_EQ(test, ser->seals, F_SEAL_GROW);
	KUNIT_EXPECT_EQ(test, ser->nr_poisoned, 0);
}

static void descriptor_has_owner_mode_times_and_flags(struct kunit *test)
{
	struct inode *inode = file_inode(mt.file);
	struct memfd_luo_ser *ser;

	inode->i_mode = S_IFREG | 0640;
	inode->i_uid = KUIDT_INIT(1);
	inode->i_gid = KGIDT_INIT(2);
	inode_set_atime(inode, 3, 4);
	inode_set_mtime(inode, -5, 6);
	inode_set_ctime(inode, 7, 8);
	mt.file->f_flags |= O_APPEND | O_LARGEFILE;
	ser = preserve(test);
	KUNIT_EXPECT_EQ(test, ser->mode, 0640);
	KUNIT_EXPECT_EQ(test, ser->uid, 1);
	KUNIT_EXPECT_EQ(test, ser->gid, 2);
	KUNIT_EXPECT_EQ(test, ser->atime.sec, 3);
	KUNIT_EXPECT_EQ(test, ser->mtime.sec, -5);
	KUNIT_EXPECT_EQ(test, ser->ctime.nsec, 8);
	KUNIT_EXPECT_EQ(test, ser->btime.sec, SHMEM_I(inode)->i_crtime.tv_sec);
	KUNIT_EXPECT_EQ(test, ser->open_flags, O_RDWR | O_APPEND);
}

/* Check that the runs cover the file from page 0 to at least @nr_pages, without gaps. */
static void expect_listed(struct kunit *test, const struct memfd_luo_run_ser *run,
			  u64 nr_runs, u64 nr_pages)
{
	u64 next = 0, i, j;

	for (i = 0; i < nr_runs; i++, run++) {
		for (j = 0; j < run->nr; j++) {
			struct folio *folio = filemap_get_folio(mt.file->f_mapping, next);

			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
			KUNIT_EXPECT_EQ(test, run->index + (j << run->order), next);
			KUNIT_EXPECT_EQ(test, run->pfn + (j << run->order),
					folio_pfn(folio));
			KUNIT_EXPECT_EQ(test, (unsigned int)run->order,
					folio_order(folio));
			next = folio_next_index(folio);
			folio_put(folio);
		}
		KUNIT_EXPECT_EQ(test, (unsigned int)run->flags, 0);
	}
	KUNIT_EXPECT_GE(test, next, nr_pages);
}

static void folios_are_listed_in_order(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	write_page(test, 2, 'c');
	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	ser = preserve(test);
	expect_listed(test, runs_of(test, ser), ser->nr_runs, 3);
}

/* Enough pages for a list that does not fit into the page, if they are scattered */
#define NR_SCATTERED	(2 * MEMFD_LUO_PAGE_RUNS + 10)

static void fill_scattered(struct kunit *test)
{
	struct folio *folio;
	pgoff_t index;

	luo_file_unfreeze_all(&mt.out);
	for (index = NR_SCATTERED; index--;) {
		folio = shmem_read_folio(mt.file->f_mapping, index);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
		folio_put(folio);
	}
}

static void expect_area_listed(struct kunit *test, struct memfd_luo_ser *ser)
{
	struct kho_vmalloc area = ser->area;
	struct memfd_luo_run_ser *runs;

	if (ser->nr_runs <= MEMFD_LUO_PAGE_RUNS)
		kunit_skip(test, "pages are not scattered");
	KUNIT_EXPECT_NE(test, area.first.phys, 0);
	/* No page of it is unused. */
	KUNIT_EXPECT_EQ(test, area.total_pages, PFN_UP(ser->nr_runs * sizeof(*runs)));
	runs = kho_restore_vmalloc(&area);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, runs);
	expect_listed(test, runs, ser->nr_runs, NR_SCATTERED);
	vfree(runs);
}

static void long_list_has_an_area(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, vfs_truncate(&mt.file->f_path,
					   (u64)NR_SCATTERED << PAGE_SHIFT), 0);
	fill_scattered(test);
	expect_area_listed(test, preserve(test));
}

static void holes_stay_holes(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	struct file *file;

	KUNIT_ASSERT_EQ(test, vfs_truncate(&mt.file->f_path, 5 * PAGE_SIZE), 0);
	write_page(test, 2, 'c');
	ser = preserve_copies(test);
	KUNIT_EXPECT_EQ(test, mt.file->f_mapping->nrpages, 1);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, 1);
	KUNIT_EXPECT_EQ(test, (u64)ser->runs[0].index, 2);
	file = retrieve(test);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 1);
	expect_page(test, file, 2, 'c');
	expect_page(test, file, 1, 0);
	expect_page(test, file, 4, 0);
}

/* A page of a preserved file is added to the list in reboot(). */
static void filled_hole_is_preserved(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	unsigned int i;

	write_page(test, 7, 'h');
	ser = preserve(test);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, 1);
	for (i = 0; i < 3; i++) {
		write_page(test, 2 * i, 'a' + i);
		KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
		KUNIT_EXPECT_EQ(test, ser->nr_runs, i + 2);
		KUNIT_EXPECT_EQ(test, (u64)runs_of(test, ser)[i].index, 2 * i);
	}
	KUNIT_EXPECT_EQ(test, (u64)runs_of(test, ser)[3].index, 7);
	/* Freezing it again changes nothing. */
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, 4);
}

/* The list grows out of the page, and once more in its area. */
static void many_filled_holes_are_preserved(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	KUNIT_ASSERT_EQ(test, vfs_truncate(&mt.file->f_path,
					   ((u64)NR_SCATTERED + 1) << PAGE_SHIFT), 0);
	ser = preserve(test);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, 0);
	fill_scattered(test);
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	expect_area_listed(test, ser);
	write_page(test, NR_SCATTERED, 'z');
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	expect_area_listed(test, ser);
}

/* Mark the page at @index as memory_failure() does. */
static struct page *poison(struct kunit *test, pgoff_t index)
{
	struct folio *folio;
	struct page *page;

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		kunit_skip(test, "no MEMORY_FAILURE");
	folio = filemap_get_folio(mt.file->f_mapping, index);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	page = folio_file_page(folio, index);
	SetPageHWPoison(page);
	num_poisoned_pages_inc(page_to_pfn(page));
	folio_put(folio);
	return page;
}

static void unpoison(struct page *page)
{
	ClearPageHWPoison(page);
	num_poisoned_pages_sub(page_to_pfn(page), 1);
}

static void expect_poison_listed(struct kunit *test, const struct memfd_luo_run_ser *entry,
				 const struct page *page, pgoff_t index)
{
	KUNIT_EXPECT_EQ(test, (u64)entry->pfn, page_to_pfn(page));
	KUNIT_EXPECT_EQ(test, (u64)entry->index, index);
	KUNIT_EXPECT_EQ(test, (u64)entry->nr, 1);
	KUNIT_EXPECT_EQ(test, (unsigned int)entry->order, 0);
	KUNIT_EXPECT_EQ(test, (unsigned int)entry->flags, 0);
}

static void poisoned_pages_are_listed(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	struct page *pages[2];

	write_page(test, 0, 'a');
	write_page(test, 2, 'b');
	write_page(test, 3, 'c');
	pages[0] = poison(test, 0);
	pages[1] = poison(test, 3);
	ser = preserve(test);
	unpoison(pages[0]);
	unpoison(pages[1]);
	expect_listed(test, runs_of(test, ser), 1, 1);
	KUNIT_ASSERT_EQ(test, ser->nr_poisoned, 2);
	expect_poison_listed(test, &ser->runs[ser->nr_runs], pages[0], 0);
	expect_poison_listed(test, &ser->runs[ser->nr_runs + 1], pages[1], 3);
}

/* The page was preserved with the file, so reboot() does not fail because of it. */
static void page_poisoned_later_is_listed(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	struct page *page;
	u64 nr_runs;
	int err;

	write_page(test, 2, 'p');
	write_page(test, 3, 'p');
	ser = preserve(test);
	nr_runs = ser->nr_runs;
	page = poison(test, 3);
	KUNIT_EXPECT_EQ(test, ser->nr_poisoned, 0);
	err = luo_file_freeze_all(&mt.out, &mt.ser);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, nr_runs);
	KUNIT_EXPECT_EQ(test, ser->nr_poisoned, 1);
	expect_poison_listed(test, &ser->runs[ser->nr_runs], page, 3);

	/* Holes are filled after that. */
	write_page(test, 0, 'a');
	err = luo_file_freeze_all(&mt.out, &mt.ser);
	unpoison(page);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, nr_runs + 1);
	KUNIT_EXPECT_EQ(test, ser->nr_poisoned, 1);
	expect_poison_listed(test, &ser->runs[ser->nr_runs], page, 3);
}

static bool image_lacks_flag(u32 flag)
{
	return flag != KHO_NOTE_MEMORY_FAILURE;
}

/* It could not retrieve the file. */
static void kernel_without_memory_failure_gets_no_poisoned_page(struct kunit *test)
{
	struct page *page;
	int err;

	write_page(test, 0, 'a');
	preserve(test);
	kunit_activate_static_stub(test, kho_image_has_flag, image_lacks_flag);
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	luo_file_unfreeze_all(&mt.out);
	page = poison(test, 0);
	err = luo_file_freeze_all(&mt.out, &mt.ser);
	KUNIT_EXPECT_EQ(test, err, -EINVAL);
	KUNIT_EXPECT_FALSE(test, shmem_closed(file_inode(mt.file)));

	kunit_deactivate_static_stub(test, kho_image_has_flag);
	err = luo_file_freeze_all(&mt.out, &mt.ser);
	unpoison(page);
	KUNIT_EXPECT_EQ(test, err, 0);
}

/* The list grows out of the page because of them. */
static void many_poisoned_pages_are_listed(struct kunit *test)
{
	const unsigned int nr = MEMFD_LUO_PAGE_RUNS;
	struct memfd_luo_run_ser *runs;
	struct memfd_luo_ser *ser;
	struct kho_vmalloc area;
	struct page **pages;
	unsigned int i;

	pages = kunit_kcalloc(test, nr, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_EQ(test, vfs_truncate(&mt.file->f_path, (u64)nr << PAGE_SHIFT), 0);
	for (i = 0; i < nr; i++) {
		struct folio *folio = shmem_read_folio(mt.file->f_mapping, i);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
		folio_put(folio);
		pages[i] = poison(test, i);
	}
	ser = preserve(test);
	for (i = 0; i < nr; i++)
		unpoison(pages[i]);
	KUNIT_ASSERT_EQ(test, ser->nr_poisoned, nr);
	area = ser->area;
	runs = kho_restore_vmalloc(&area);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, runs);
	expect_listed(test, runs, ser->nr_runs, nr);
	for (i = 0; i < nr; i++)
		expect_poison_listed(test, &runs[ser->nr_runs + i], pages[i], i);
	vfree(runs);
}

static int freeze_when_killed(void)
{
	int err;

	set_killed(true);
	err = luo_file_freeze_all(&mt.out, &mt.ser);
	set_killed(false);
	return err;
}

/* A task that is killed can't list the pages. */
static void expect_not_listed_again(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, freeze_when_killed(), 0);
}

/* The list is not made again because of it. To know that takes a look at all pages. */
static void page_of_another_file_is_not_listed(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	u64 pfn;

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		kunit_skip(test, "no MEMORY_FAILURE");
	write_page(test, 0, 'a');
	ser = preserve(test);
	pfn = ser->runs[0].pfn;
	num_poisoned_pages_inc(pfn);
	KUNIT_EXPECT_EQ(test, freeze_when_killed(), -EINTR);
	/* A list that is made again would not have what was changed here. */
	ser->runs[0].flags = 1;
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	KUNIT_EXPECT_EQ(test, (unsigned int)ser->runs[0].flags, 1);
	ser->runs[0].flags = 0;
	num_poisoned_pages_sub(pfn, 1);
	KUNIT_EXPECT_EQ(test, ser->nr_poisoned, 0);
}

static void pages_past_the_end_do_not_fill_holes(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	write_page(test, 3, 'e');
	KUNIT_ASSERT_EQ(test, vfs_fallocate(mt.file, FALLOC_FL_KEEP_SIZE, 4 * PAGE_SIZE,
					    100 * PAGE_SIZE), 0);
	ser = preserve(test);
	expect_not_listed_again(test);
	write_page(test, 1, 'b');
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, 2);
	expect_not_listed_again(test);
}

/* The next kernel would not know of a page that is added after reboot() has listed them. */
static void closed_file_gets_no_page(struct kunit *test)
{
	struct folio *folio;

	write_page(test, 1, 'b');
	preserve(test);
	KUNIT_EXPECT_PTR_EQ(test, shmem_read_folio(mt.file->f_mapping, 0), ERR_PTR(-EAGAIN));
	expect_page(test, mt.file, 0, 0);
	expect_page(test, mt.file, 1, 'b');
	KUNIT_EXPECT_EQ(test, mt.file->f_mapping->nrpages, 1);

	luo_file_unfreeze_all(&mt.out);
	folio = shmem_read_folio(mt.file->f_mapping, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	folio_put(folio);
}

static void empty_file_has_no_folios(struct kunit *test)
{
	struct memfd_luo_ser *ser = preserve(test);

	KUNIT_EXPECT_EQ(test, ser->size, 0);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, 0);
	KUNIT_EXPECT_EQ(test, ser->area.first.phys, 0);
}

static void preserved_file_keeps_its_size(struct kunit *test)
{
	loff_t end = PAGE_SIZE;

	write_page(test, 0, 'a');
	preserve(test);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&mt.file->f_path, 0), -EPERM);
	KUNIT_EXPECT_EQ(test, kernel_write(mt.file, "b", 1, &end), -EPERM);
	KUNIT_EXPECT_EQ(test, vfs_fallocate(mt.file, 0, 0, 2 * PAGE_SIZE),
			-EOPNOTSUPP);

	luo_file_unpreserve_all(&mt.out);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&mt.file->f_path, 0), 0);
}

/* Reclaim must skip the folios, which it can't free. */
static void preserved_file_is_unevictable(struct kunit *test)
{
	write_page(test, 0, 'a');
	KUNIT_EXPECT_FALSE(test, mapping_unevictable(mt.file->f_mapping));
	preserve(test);
	KUNIT_EXPECT_TRUE(test, mapping_unevictable(mt.file->f_mapping));

	luo_file_unpreserve_all(&mt.out);
	KUNIT_EXPECT_FALSE(test, mapping_unevictable(mt.file->f_mapping));
}

static void preserved_file_can_be_written_inside(struct kunit *test)
{
	write_page(test, 0, 'a');
	preserve_copies(test);
	write_page(test, 0, 'b');
	expect_page(test, retrieve(test), 0, 'a');
}

static void position_and_seals_are_read_again_at_freeze(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	write_page(test, 0, 'a');
	ser = preserve(test);
	KUNIT_ASSERT_EQ(test, vfs_llseek(mt.file, 9, SEEK_SET), 9);
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_SHRINK), 0);
	KUNIT_EXPECT_EQ(test, ser->pos, 0);
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	KUNIT_EXPECT_EQ(test, ser->pos, 9);
	KUNIT_EXPECT_EQ(test, ser->seals, F_SEAL_SHRINK);
}

/* The seal was added before the x bits: it does not imply the seals against writing. */
static void executable_sealed_against_change_of_mode_is_carried(struct kunit *test)
{
	struct file *file;

	file_inode(mt.file)->i_mode &= ~0111;
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
	file_inode(mt.file)->i_mode |= 0111;
	preserve(test);
	file = retrieve(test);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_EXEC);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode & 0111, 0111);
}

static void descriptor_for_ioctl_is_refused(struct kunit *test)
{
	mt.file->f_flags |= O_ACCMODE;
	KUNIT_EXPECT_EQ(test, try_preserve(test), -EOPNOTSUPP);
}

static void executable_can_not_be_sealed_while_preserved(struct kunit *test)
{
	file_inode(mt.file)->i_mode |= 0111;
	preserve(test);
	KUNIT_EXPECT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), -EPERM);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(mt.file), 0);

	luo_file_unpreserve_all(&mt.out);
	KUNIT_EXPECT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
}

/* An access control list can set x bits in spite of the seal. */
static void freeze_does_not_depend_on_the_mode(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	file_inode(mt.file)->i_mode &= ~0111;
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
	KUNIT_ASSERT_EQ(test, try_preserve(test), 0);
	file_inode(mt.file)->i_mode |= 0111;
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	ser = phys_to_virt(file_entry(test)->data);
	KUNIT_EXPECT_EQ(test, ser->seals, F_SEAL_EXEC);
}

static void killed_preserve_leaves_the_file_alone(struct kunit *test)
{
	int err;

	write_page(test, 0, 'a');
	set_killed(true);
	err = try_preserve(test);
	set_killed(false);
	KUNIT_EXPECT_EQ(test, err, -EINTR);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&mt.file->f_path, 2 * PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, try_preserve(test), 0);
}

static void more_holes_than_memory_are_no_obstacle(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, vfs_truncate(&mt.file->f_path, SZ_1T), 0);
	KUNIT_EXPECT_EQ(test, try_preserve(test), 0);
	KUNIT_EXPECT_EQ(test, mt.file->f_mapping->nrpages, 0);
}

static void failed_preserve_leaves_the_file_alone(struct kunit *test)
{
	struct folio *folio;
	pgoff_t offset;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	/* A folio in scratch can't be preserved. */
	KUNIT_ASSERT_EQ(test, memfd_pin_folios(mt.file, PAGE_SIZE,
					       2 * PAGE_SIZE - 1, &folio, 1,
					       &offset), 1);
	KUNIT_ASSERT_EQ(test, kho_preserve_folio(folio), 0);
	KUNIT_EXPECT_EQ(test, try_preserve(test), -EEXIST);
	kho_unpreserve_folio(folio);
	unpin_folio(folio);

	KUNIT_EXPECT_EQ(test, vfs_truncate(&mt.file->f_path, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, try_preserve(test), 0);
}

/* Retrieving */

static void retrieved_file_is_the_same(struct kunit *test)
{
	struct file *file;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	KUNIT_ASSERT_EQ(test, vfs_llseek(mt.file, 5, SEEK_SET), 5);
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_SEAL), 0);
	preserve_copies(test);

	file = retrieve(test);
	KUNIT_EXPECT_EQ(test, i_size_read(file_inode(file)), 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, file->f_pos, 5);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_SEAL);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_blocks,
			file_inode(mt.file)->i_blocks);
	expect_page(test, file, 0, 'a');
	expect_page(test, file, 1, 'b');
}

/* The first attempt ends before folios are restored, the second one after that. */
static void killed_retrieve_is_taken_up_again(struct kunit *test)
{
	struct file *file;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	preserve_copies(test);
	set_killed(true);
	file = try_retrieve(test);
	set_killed(false);
	KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(-EINTR));

	kunit_activate_static_stub(test, kho_restore_folio, restore_folio_and_die);
	file = luo_file_retrieve(&mt.in, TOKEN);
	kunit_activate_static_stub(test, kho_restore_folio, fake_restore_folio);
	set_killed(false);
	KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(-EINTR));

	mt.retrieved = luo_file_retrieve(&mt.in, TOKEN);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mt.retrieved);
	KUNIT_EXPECT_EQ(test, file_inode(mt.retrieved)->i_blocks,
			file_inode(mt.file)->i_blocks);
	expect_page(test, mt.retrieved, 0, 'a');
	expect_page(test, mt.retrieved, 1, 'b');
}

/* Finishing the session frees all folios, also for a task that is being killed. */
static void killed_retrieve_is_discarded(struct kunit *test)
{
	int err;

	write_page(test, 0, 'a');
	preserve_copies(test);
	kunit_activate_static_stub(test, kho_restore_folio, restore_folio_and_die);
	KUNIT_EXPECT_PTR_EQ(test, try_retrieve(test), ERR_PTR(-EINTR));
	err = luo_file_finish_all(&mt.in);
	set_killed(false);
	KUNIT_EXPECT_EQ(test, err, 0);
}

static void retrieved_file_sealed_without_x_can_be_written(struct kunit *test)
{
	struct file *file;

	file_inode(mt.file)->i_mode &= ~0111;
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
	preserve(test);

	file = retrieve(test);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_EXEC);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode & 0111, 0);
	/* Until it is finished, the empty file can't grow. */
	KUNIT_EXPECT_EQ(test, kernel_write(file, "a", 1, &(loff_t){ 0 }), -EPERM);
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&mt.in), 0);
	KUNIT_EXPECT_EQ(test, kernel_write(file, "a", 1, &(loff_t){ 0 }), 1);
}

static void retrieved_file_has_owner_mode_times_and_flags(struct kunit *test)
{
	struct memfd_luo_ser *ser = preserve(test);
	struct inode *inode;
	struct file *file;

	ser->mode = 04511;
	ser->uid = 1;
	ser->gid = 2;
	ser->atime = (struct memfd_luo_time_ser) { 3, 4 };
	ser->mtime = (struct memfd_luo_time_ser) { -5, 6 };
	ser->ctime = (struct memfd_luo_time_ser) { 7, 8 };
	ser->btime = (struct memfd_luo_time_ser) { 9, 10 };
	ser->open_flags = O_WRONLY | O_APPEND;
	file = retrieve(test);
	inode = file_inode(file);
	KUNIT_EXPECT_EQ(test, inode->i_mode, S_IFREG | 04511);
	KUNIT_EXPECT_TRUE(test, uid_eq(inode->i_uid, KUIDT_INIT(1)));
	KUNIT_EXPECT_TRUE(test, gid_eq(inode->i_gid, KGIDT_INIT(2)));
	KUNIT_EXPECT_EQ(test, inode_get_atime_sec(inode), 3);
	KUNIT_EXPECT_EQ(test, inode_get_mtime_sec(inode), -5);
	KUNIT_EXPECT_EQ(test, inode_get_ctime_nsec(inode), 8);
	KUNIT_EXPECT_EQ(test, SHMEM_I(inode)->i_crtime.tv_sec, 9);
	KUNIT_EXPECT_EQ(test, file->f_flags & MEMFD_LUO_OPEN_FLAGS, O_WRONLY | O_APPEND);
	KUNIT_EXPECT_FALSE(test, file->f_mode & FMODE_READ);
	KUNIT_EXPECT_TRUE(test, file->f_mode & FMODE_WRITE);
	KUNIT_EXPECT_TRUE(test, file->f_mode & FMODE_PWRITE);
}

static void retrieved_file_is_appended_to(struct kunit *test)
{
	struct memfd_luo_ser *ser = preserve(test);
	struct file *file;

	ser->open_flags = O_RDWR | O_APPEND;
	file = retrieve(test);
	KUNIT_EXPECT_EQ(test, file->f_flags & MEMFD_LUO_OPEN_FLAGS, O_RDWR | O_APPEND);
	/* write() uses these. */
	KUNIT_EXPECT_EQ(test, file->f_iocb_flags, iocb_flags(file));
	KUNIT_EXPECT_TRUE(test, file->f_iocb_flags & IOCB_APPEND);
}

/* Where the list has no folio. */
static void gap_in_the_list_is_a_hole(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	struct file *file;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	ser = preserve_copies(test);
	ser->runs[0] = ser->runs[1];
	ser->nr_runs = 1;

	file = retrieve(test);
	expect_page(test, file, 0, 0);
	expect_page(test, file, 1, 'b');
}

/* Preserve pages 'a', 'b', 'c', and list the second one as poisoned. */
static struct memfd_luo_ser *preserve_poisoned(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	write_page(test, 2, 'c');
	ser = preserve_copies(test);
	KUNIT_ASSERT_EQ(test, ser->nr_runs, 3);
	ser->nr_poisoned = 1;
	ser->runs[3] = ser->runs[1];
	return ser;
}

/* Undo the work of a retrieve(). */
static void unpoison_copy(struct kunit *test, unsigned int i)
{
	struct page *page = folio_page(mt.copies[i], 0);

	KUNIT_ASSERT_TRUE(test, PageHWPoison(page));
	unpoison(page);
	put_page(page);
}

static void poisoned_page_can_not_be_read(struct kunit *test)
{
	struct file *file;
	char byte;

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		kunit_skip(test, "no MEMORY_FAILURE");
	preserve_poisoned(test);
	file = retrieve(test);
	expect_page(test, file, 0, 'a');
	expect_page(test, file, 2, 'c');
	KUNIT_EXPECT_EQ(test, kernel_read(file, &byte, 1, &(loff_t){ PAGE_SIZE }), -EIO);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_blocks, file_inode(mt.file)->i_blocks);
	KUNIT_EXPECT_FALSE(test, folio_test_lru(mt.copies[1]));
	KUNIT_EXPECT_FALSE(test, PageHWPoison(folio_page(mt.copies[0], 0)));
	KUNIT_EXPECT_FALSE(test, PageHWPoison(folio_page(mt.copies[2], 0)));
	unpoison_copy(test, 1);
}

/* Its memory is not used again. */
static void discarded_file_keeps_its_poisoned_page(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		kunit_skip(test, "no MEMORY_FAILURE");
	preserve_poisoned(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&mt.in, &mt.ser), 0);
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&mt.in), 0);
	KUNIT_EXPECT_EQ(test, folio_ref_count(mt.copies[1]), 2);
	unpoison_copy(test, 1);
}

/* Another kernel may be able to read it. */
static void poisoned_page_needs_memory_failure(struct kunit *test)
{
	unsigned int nr_freed;

	if (IS_ENABLED(CONFIG_MEMORY_FAILURE))
		kunit_skip(test, "MEMORY_FAILURE");
	preserve_poisoned(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&mt.in, &mt.ser), 0);
	nr_freed = fake_kho.nr_freed;
	KUNIT_EXPECT_PTR_EQ(test, luo_file_retrieve(&mt.in, TOKEN), ERR_PTR(-EIO));
	KUNIT_EXPECT_EQ(test, fake_kho.nr_freed, nr_freed);
}

static void list_in_an_area_is_read(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	struct memfd_luo_run_ser *runs;
	struct kho_vmalloc area;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	ser = preserve_copies(test);
	runs = __vmalloc_array(ser->nr_runs, sizeof(*runs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, runs);
	memcpy(runs, ser->runs, ser->nr_runs * sizeof(*runs));
	KUNIT_ASSERT_EQ(test, kho_preserve_vmalloc(runs, &area), 0);
	ser->area = area;
	expect_page(test, retrieve(test), 1, 'b');

	kho_unpreserve_vmalloc(&area);
	ser->area = area;
	vfree(runs);
}

/* memfd_test_exit() checks that the folios were freed. */
static void discarded_file_gives_its_folios_back(struct kunit *test)
{
	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	preserve_copies(test);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&mt.in, &mt.ser), 0);
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&mt.in), 0);
}

/* Images are checked against the highest version that this kernel reads. */
static void highest_version_is_written(struct kunit *test)
{
	u32 version;

	KUNIT_EXPECT_EQ(test, kho_compat_base_version(MEMFD_LUO_FH_COMPATIBLE,
						      sizeof(MEMFD_LUO_FH_COMPATIBLE),
						      &version), 0);
	KUNIT_EXPECT_EQ(test, version, KHO_MEMFD_HIGHEST);
}

static void other_versions_are_refused(struct kunit *test)
{
	static const char *const versions[] = {
		"memfd-v1;vmalloc-v1",
		"memfd-v4;vmalloc-v1",
		"memfd-v1",
		"memfd-v2;vmalloc-v2",
		"memfd-v3;vmalloc-v2",
		"memfd-v3;vmalloc-v1;zzz-v1",
	};
	unsigned int i;

	write_page(test, 0, 'a');
	preserve_copies(test);
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		strscpy_pad(file_entry(test)->compatible, versions[i]);
		expect_refused(test);
	}
}

static void damaged_addresses_are_refused(struct kunit *test)
{
	u64 good;

	write_page(test, 0, 'a');
	preserve_copies(test);
	good = file_entry(test)->data;
	file_entry(test)->data = 0;
	expect_refused(test);
	file_entry(test)->data = good + 1;
	expect_refused(test);
	file_entry(test)->data = BIT_ULL(62);
	expect_refused(test);
	file_entry(test)->data = good;
	fake_kho.lost = good;
	expect_refused(test);
}

static void damaged_descriptors_are_refused(struct kunit *test)
{
	struct memfd_luo_ser *ser, good, bad;

	write_page(test, 0, 'a');
	ser = preserve_copies(test);
	good = *ser;
#define EXPECT_REFUSED_WITH(field, bad_value)		\
	do {						\
		bad = good;				\
		bad.field = (bad_value);		\
		*ser = bad;				\
		expect_refused(test);			\
		*ser = good;				\
	} while (0)
	EXPECT_REFUSED_WITH(size, U64_MAX);
	EXPECT_REFUSED_WITH(size, 0);
	EXPECT_REFUSED_WITH(pos, U64_MAX);
	EXPECT_REFUSED_WITH(seals, BIT(31));
	EXPECT_REFUSED_WITH(open_flags, O_ACCMODE);
	EXPECT_REFUSED_WITH(open_flags, O_RDWR | O_PATH);
	EXPECT_REFUSED_WITH(mode, 010000);
	EXPECT_REFUSED_WITH(uid, U32_MAX);
	EXPECT_REFUSED_WITH(gid, U32_MAX);
	EXPECT_REFUSED_WITH(nr_poisoned, MEMFD_LUO_PAGE_RUNS);
	EXPECT_REFUSED_WITH(nr_poisoned, U32_MAX);
	EXPECT_REFUSED_WITH(atime.nsec, NSEC_PER_SEC);
	EXPECT_REFUSED_WITH(mtime.nsec, NSEC_PER_SEC);
	EXPECT_REFUSED_WITH(ctime.nsec, NSEC_PER_SEC);
	EXPECT_REFUSED_WITH(btime.nsec, U64_MAX);
	EXPECT_REFUSED_WITH(nr_runs, U64_MAX);
	EXPECT_REFUSED_WITH(nr_runs, MEMFD_LUO_PAGE_RUNS + 1);
	EXPECT_REFUSED_WITH(nr_runs, 2);
	EXPECT_REFUSED_WITH(area.total_pages, 1);
	EXPECT_REFUSED_WITH(area.flags, 1);
	EXPECT_REFUSED_WITH(area.order, 1);
	EXPECT_REFUSED_WITH(area.first.phys, PAGE_SIZE);
#undef EXPECT_REFUSED_WITH
}

/* There are two runs of a page each, at indices 0 and 1. */
static void damaged_runs_are_refused(struct kunit *test)
{
	struct memfd_luo_run_ser *second, good, bad;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	second = &preserve_copies(test)->runs[1];
	good = *second;
#define EXPECT_REFUSED_WITH(field, bad_value)		\
	do {						\
		bad = good;				\
		bad.field = (bad_value);		\
		*second = bad;				\
		expect_refused(test);			\
		good.pfn = second->pfn;			\
		*second = good;				\
	} while (0)
	EXPECT_REFUSED_WITH(nr, 0);
	EXPECT_REFUSED_WITH(nr, 2);
	EXPECT_REFUSED_WITH(nr, MEMFD_LUO_RUN_MAX);
	EXPECT_REFUSED_WITH(index, 0);
	EXPECT_REFUSED_WITH(index, 2);
	EXPECT_REFUSED_WITH(index, BIT_ULL(52) - 1);
	EXPECT_REFUSED_WITH(order, 1);
	EXPECT_REFUSED_WITH(order, MAX_PAGE_ORDER + 1);
	EXPECT_REFUSED_WITH(order, 63);
	EXPECT_REFUSED_WITH(flags, 1);
	EXPECT_REFUSED_WITH(flags, 63);
#undef EXPECT_REFUSED_WITH
	second->pfn = 0;
	fake_kho.nr_folios = 0;
	KUNIT_EXPECT_PTR_EQ(test, try_retrieve(test), ERR_PTR(-EIO));
	/* The folio before it is freed. */
	KUNIT_EXPECT_EQ(test, fake_kho.nr_folios, 1);
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&mt.in), 0);
	renew_copies(test);
}

static void expect_fails_verification(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, NULL), -EIO);
}

/* The state is checked again after freeze(), the list is not unless freeze() has made it. */
static void expect_state_fails_verification(struct kunit *test)
{
	expect_fails_verification(test);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, &mt.ser), -EIO);
}

static void expect_list_fails_verification(struct kunit *test)
{
	expect_fails_verification(test);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, &mt.ser), 0);
}

static void damage_fails_verification(struct kunit *test)
{
	struct memfd_luo_run_ser *run, good_run;
	struct memfd_luo_ser *ser, good;
	struct folio *folio;

	write_page(test, 0, 'a');
	write_page(test, 2, 'b');
	ser = preserve(test);
	run = &runs_of(test, ser)[1];
	good_run = *run;
	good = *ser;
#define EXPECT_FAILS_WITH(what, field, bad_value)		\
	do {							\
		(field) = (bad_value);				\
		expect_##what##_fails_verification(test);	\
		*run = good_run;				\
		memcpy(ser, &good, sizeof(good));		\
	} while (0)
	EXPECT_FAILS_WITH(list, run->pfn, 0);
	EXPECT_FAILS_WITH(list, run->nr, 0);
	EXPECT_FAILS_WITH(list, run->nr, 2);
	EXPECT_FAILS_WITH(list, run->index, 0);
	EXPECT_FAILS_WITH(list, run->order, 1);
	EXPECT_FAILS_WITH(list, run->order, 63);
	EXPECT_FAILS_WITH(list, run->flags, 1);
	EXPECT_FAILS_WITH(list, ser->size, PAGE_SIZE);
	EXPECT_FAILS_WITH(state, ser->nr_runs, 0);
	EXPECT_FAILS_WITH(state, ser->nr_runs, 1);
	EXPECT_FAILS_WITH(state, ser->nr_poisoned, 1);
	EXPECT_FAILS_WITH(state, ser->seals, BIT(31));
	EXPECT_FAILS_WITH(state, ser->area.total_pages, 1);
#undef EXPECT_FAILS_WITH
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, NULL), 0);

	/* A folio that would be lost */
	folio = pfn_folio(run->pfn);
	kho_unpreserve_folio(folio);
	expect_list_fails_verification(test);
	KUNIT_ASSERT_EQ(test, kho_preserve_folio(folio), 0);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, NULL), 0);
}

/* The folio is preserved while the file is frozen, and lost before the check. */
static void list_of_freeze_is_verified(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	struct folio *folio;

	write_page(test, 2, 'a');
	preserve(test);
	write_page(test, 0, 'b');
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	ser = phys_to_virt(file_entry(test)->data);
	KUNIT_ASSERT_EQ(test, ser->nr_runs, 2);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, &mt.ser), 0);
	folio = pfn_folio(runs_of(test, ser)[0].pfn);
	kho_unpreserve_folio(folio);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, &mt.ser), -EIO);
	KUNIT_ASSERT_EQ(test, kho_preserve_folio(folio), 0);

	/* The next freeze() finds nothing new. */
	luo_file_unfreeze_all(&mt.out);
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	kho_unpreserve_folio(folio);
	expect_list_fails_verification(test);
	KUNIT_ASSERT_EQ(test, kho_preserve_folio(folio), 0);
}

static void killed_verification_ends(struct kunit *test)
{
	write_page(test, 0, 'a');
	preserve(test);
	set_killed(true);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, NULL), -EINTR);
	set_killed(false);
	KUNIT_EXPECT_EQ(test, luo_file_verify_all(&mt.out, NULL), 0);
}

static void damaged_poisoned_pages_are_refused(struct kunit *test)
{
	struct memfd_luo_run_ser *entry, *run, bad;

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		kunit_skip(test, "no MEMORY_FAILURE");
	run = preserve_poisoned(test)->runs;
	entry = &run[3];
#define EXPECT_REFUSED_WITH(field, bad_value)		\
	do {						\
		bad = run[1];				\
		bad.field = (bad_value);		\
		*entry = bad;				\
		expect_refused(test);			\
	} while (0)
	EXPECT_REFUSED_WITH(pfn, 0);
	EXPECT_REFUSED_WITH(pfn, run[1].pfn + 1);
	EXPECT_REFUSED_WITH(pfn, BIT_ULL(44) - 1);
	EXPECT_REFUSED_WITH(nr, 0);
	EXPECT_REFUSED_WITH(nr, 2);
	EXPECT_REFUSED_WITH(index, 0);
	EXPECT_REFUSED_WITH(index, 2);
	EXPECT_REFUSED_WITH(index, 3);
	EXPECT_REFUSED_WITH(index, BIT_ULL(52) - 1);
	EXPECT_REFUSED_WITH(order, 1);
	EXPECT_REFUSED_WITH(flags, 1);
#undef EXPECT_REFUSED_WITH
	/* Twice, in the wrong order, more than the list has */
	mt.state->nr_poisoned = 2;
	entry[0] = run[1];
	entry[1] = run[1];
	expect_refused(test);
	entry[0] = run[1];
	entry[1] = run[0];
	expect_refused(test);
	entry[0] = run[1];
	entry[1] = (struct memfd_luo_run_ser) { };
	expect_refused(test);
	entry[0] = run[1];
	entry[1] = run[2];
	run[2].flags = 1;
	expect_refused(test);
	run[2].flags = 0;
	/* It is not known which of the pages must not be freed. */
	KUNIT_EXPECT_EQ(test, fake_kho.nr_folios, 0);
}

/* The block at the address has another size than the list says. */
static void folio_of_another_order_is_refused(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	write_page(test, 3, 'b');
	ser = preserve_copies(test);
	folio_put(mt.copies[0]);
	mt.copies[0] = folio_alloc(GFP_KERNEL, 2);
	KUNIT_ASSERT_NOT_NULL(test, mt.copies[0]);
	ser->runs[0].pfn = folio_pfn(mt.copies[0]);
	ser->runs[0].order = 0;
	expect_refused(test);
}

static void lost_folio_is_refused_and_the_others_are_freed(struct kunit *test)
{
	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	write_page(test, 2, 'c');
	preserve_copies(test);
	fake_kho.lost = PFN_PHYS(folio_pfn(mt.copies[1]));
	expect_refused(test);
	fake_kho.lost = PFN_PHYS(folio_pfn(mt.copies[1]));
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&mt.in, &mt.ser), 0);
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&mt.in), 0);
}

/* Version 2 */

/*
 * Preserve and freeze the file, and rewrite the serialized state and the list as version 2.
 * The list refers to copies of the folios.
 */
static struct memfd_luo_v2_ser *preserve_v2(struct kunit *test)
{
	const struct memfd_luo_ser *ser = preserve_copies(test);
	struct memfd_luo_v2_ser *v2 = phys_to_virt(file_entry(test)->data);
	struct memfd_luo_v2_ser new = {
		.pos = ser->pos,
		.size = ser->size,
		.seals = ser->seals,
		.nr_folios = mt.nr_copies,
	};
	unsigned int i;

	mt.entries = vzalloc(PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, mt.entries);
	for (i = 0; i < mt.nr_copies; i++)
		mt.entries[i] = (struct memfd_luo_v2_folio_ser) {
			.pfn = ser->runs[i].pfn,
			.flags = MEMFD_LUO_V2_FOLIO_FLAGS,
			.index = ser->runs[i].index,
		};
	KUNIT_ASSERT_EQ(test, kho_preserve_vmalloc(mt.entries, &mt.entries_area), 0);
	new.folios = mt.entries_area;
	*v2 = new;
	strscpy_pad(file_entry(test)->compatible, MEMFD_LUO_V2_COMPATIBLE);
	return v2;
}

static void v2_file_is_the_same(struct kunit *test)
{
	struct file *file;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	KUNIT_ASSERT_EQ(test, vfs_llseek(mt.file, 5, SEEK_SET), 5);
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_SEAL), 0);
	preserve_v2(test);

	file = retrieve(test);
	KUNIT_EXPECT_EQ(test, i_size_read(file_inode(file)), 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, file->f_pos, 5);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_SEAL);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode, S_IFREG | 0777);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_blocks,
			file_inode(mt.file)->i_blocks);
	expect_page(test, file, 0, 'a');
	expect_page(test, file, 1, 'b');
}

/* Mainline writes the base token alone. */
static void v2_file_of_mainline_is_the_same(struct kunit *test)
{
	struct file *file;

	write_page(test, 0, 'a');
	preserve_v2(test);
	strscpy_pad(file_entry(test)->compatible, "memfd-v2");
	file = retrieve(test);
	expect_page(test, file, 0, 'a');
}

static void v2_file_without_content_is_the_same(struct kunit *test)
{
	struct memfd_luo_v2_ser *v2;

	file_inode(mt.file)->i_mode &= ~0111;
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
	v2 = preserve_v2(test);
	v2->nr_folios = 0;
	KUNIT_EXPECT_EQ(test, file_inode(retrieve(test))->i_mode, S_IFREG | 0666);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(mt.retrieved), F_SEAL_EXEC);
}

static void v2_folios_can_be_in_any_order(struct kunit *test)
{
	struct file *file;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	preserve_v2(test);
	swap(mt.entries[0], mt.entries[1]);
	swap(mt.copies[0], mt.copies[1]);
	file = retrieve(test);
	expect_page(test, file, 0, 'a');
	expect_page(test, file, 1, 'b');
}

static void v2_entry_without_folio_is_a_hole(struct kunit *test)
{
	struct file *file;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	preserve_v2(test);
	mt.entries[0].pfn = 0;

	file = retrieve(test);
	expect_page(test, file, 0, 0);
	expect_page(test, file, 1, 'b');
}

static void v2_folio_that_is_not_uptodate_reads_as_zeros(struct kunit *test)
{
	struct file *file;

	write_page(test, 0, 'a');
	preserve_v2(test);
	mt.entries[0].flags = 0;

	file = retrieve(test);
	expect_page(test, file, 0, 0);
}

static void damaged_v2_descriptors_are_refused(struct kunit *test)
{
	struct memfd_luo_v2_ser *ser, good, bad;

	write_page(test, 0, 'a');
	ser = preserve_v2(test);
	good = *ser;
#define EXPECT_REFUSED_WITH(field, bad_value)		\
	do {						\
		bad = good;				\
		bad.field = (bad_value);		\
		*ser = bad;				\
		expect_refused(test);			\
		*ser = good;				\
	} while (0)
	EXPECT_REFUSED_WITH(size, U64_MAX);
	EXPECT_REFUSED_WITH(pos, U64_MAX);
	EXPECT_REFUSED_WITH(seals, BIT(31));
	EXPECT_REFUSED_WITH(flags, 1);
	EXPECT_REFUSED_WITH(nr_folios, U64_MAX);
	EXPECT_REFUSED_WITH(nr_folios,
			    PAGE_SIZE / sizeof(struct memfd_luo_v2_folio_ser) + 1);
	EXPECT_REFUSED_WITH(folios.first.phys, 0);
	EXPECT_REFUSED_WITH(folios.total_pages, UINT_MAX);
#undef EXPECT_REFUSED_WITH
}

/* The list is converted in its memory, so each attempt needs it anew. */
static void expect_v2_entry_refused(struct kunit *test, u64 index, u64 flags)
{
	struct memfd_luo_v2_folio_ser entries[2];

	memcpy(entries, mt.entries, sizeof(entries));
	mt.entries[1].index = index;
	mt.entries[1].flags = flags;
	KUNIT_EXPECT_PTR_EQ(test, try_retrieve(test), ERR_PTR(-EIO));
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&mt.in), 0);
	memcpy(mt.entries, entries, sizeof(entries));
	renew_copies(test);
}

static void v2_folios_that_do_not_fit_are_refused(struct kunit *test)
{
	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	preserve_v2(test);
	/* The index of the other folio */
	expect_v2_entry_refused(test, 0, MEMFD_LUO_V2_FOLIO_FLAGS);
	/* Past the end of the file */
	expect_v2_entry_refused(test, 2, MEMFD_LUO_V2_FOLIO_FLAGS);
	expect_v2_entry_refused(test, U64_MAX, MEMFD_LUO_V2_FOLIO_FLAGS);
	expect_v2_entry_refused(test, 1, BIT(2));
}

static void misaligned_large_v2_folio_is_refused(struct kunit *test)
{
	write_page(test, 0, 'a');
	write_page(test, 7, 'b');
	preserve_v2(test);
	folio_put(mt.copies[1]);
	mt.copies[1] = folio_alloc(GFP_KERNEL, 2);
	KUNIT_ASSERT_NOT_NULL(test, mt.copies[1]);
	list_copy(1);
	/* Skip the other folio, so that the index is free. */
	mt.entries[0].pfn = 0;
	expect_v2_entry_refused(test, mt.entries[1].index, MEMFD_LUO_V2_FOLIO_FLAGS);
}

/* Version 2 for mainline, beside version 3 */

static void convert(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, try_preserve(test), 0);
	luo_form = KHO_FORM_MAINLINE;
	KUNIT_ASSERT_EQ(test, luo_file_convert_all(&mt.out), 0);
}

static void unconvert(void)
{
	luo_file_unfreeze_all(&mt.out);
	luo_file_unconvert_all(&mt.out);
	luo_form = KHO_FORM_COMPOSED;
}

static struct memfd_luo_v2_ser *freeze_v2(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	KUNIT_EXPECT_MEMEQ(test, file_entry(test)->compatible, "memfd-v2\0\0", 10);
	return phys_to_virt(file_entry(test)->data);
}

/* In these tests the list has one page. */
static void expect_v2_pages(struct kunit *test, const struct memfd_luo_v2_ser *ser,
			    const pgoff_t *indices, unsigned int nr)
{
	const struct kho_vmalloc_chunk *chunk = phys_to_virt(ser->folios.first.phys);
	const struct memfd_luo_v2_folio_ser *entry;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, ser->nr_folios, nr);
	KUNIT_ASSERT_EQ(test, ser->folios.total_pages, 1);
	entry = phys_to_virt(chunk->phys[0]);
	for (i = 0; i < nr; i++, entry++) {
		struct folio *folio = filemap_get_folio(mt.file->f_mapping, indices[i]);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
		KUNIT_EXPECT_EQ(test, (u64)entry->pfn, folio_pfn(folio));
		KUNIT_EXPECT_EQ(test, entry->index, indices[i]);
		KUNIT_EXPECT_EQ(test, (u64)entry->flags, MEMFD_LUO_V2_FOLIO_FLAGS);
		folio_put(folio);
	}
}

static void file_is_converted_for_mainline(struct kunit *test)
{
	static const pgoff_t before[] = { 0, 1, 3 }, after[] = { 0, 1, 2, 3 };
	struct memfd_luo_v2_ser *ser;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	write_page(test, 3, 'd');
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_GROW), 0);
	convert(test);
	KUNIT_ASSERT_EQ(test, vfs_llseek(mt.file, 17, SEEK_SET), 17);
	ser = freeze_v2(test);
	KUNIT_EXPECT_EQ(test, ser->size, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, ser->pos, 17);
	KUNIT_EXPECT_EQ(test, ser->seals, F_SEAL_GROW);
	KUNIT_EXPECT_EQ(test, ser->flags, 0);
	expect_v2_pages(test, ser, before, ARRAY_SIZE(before));

	/* The next attempt lists a hole that was filled. */
	write_page(test, 2, 'c');
	expect_v2_pages(test, freeze_v2(test), after, ARRAY_SIZE(after));

	/* The last attempt is for another kernel. */
	unconvert();
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	KUNIT_EXPECT_STREQ(test, file_entry(test)->compatible, MEMFD_LUO_FH_COMPATIBLE);
	KUNIT_EXPECT_EQ(test, ((struct memfd_luo_ser *)phys_to_virt(file_entry(test)->data))->size,
			4 * PAGE_SIZE);
}

static void empty_file_is_converted_for_mainline(struct kunit *test)
{
	struct memfd_luo_v2_ser *ser;

	convert(test);
	ser = freeze_v2(test);
	KUNIT_EXPECT_EQ(test, ser->size, 0);
	KUNIT_EXPECT_EQ(test, ser->nr_folios, 0);
	KUNIT_EXPECT_EQ(test, ser->folios.first.phys, 0);
	unconvert();
}

static void expect_not_converted(struct kunit *test)
{
	luo_form = KHO_FORM_MAINLINE;
	KUNIT_EXPECT_EQ(test, luo_file_convert_all(&mt.out), -EOPNOTSUPP);
	luo_form = KHO_FORM_COMPOSED;
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
}

/* It could not be written any more. */
static void file_sealed_against_change_of_mode_is_not_converted(struct kunit *test)
{
	file_inode(mt.file)->i_mode &= ~0111;
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
	preserve(test);
	luo_file_unfreeze_all(&mt.out);
	expect_not_converted(test);
}

/* Nor is it if it is sealed once it is converted. */
static void file_that_mainline_would_damage_is_not_frozen(struct kunit *test)
{
	write_page(test, 0, 'a');
	file_inode(mt.file)->i_mode &= ~0111;
	convert(test);
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), -EOPNOTSUPP);
	KUNIT_EXPECT_FALSE(test, shmem_closed(file_inode(mt.file)));
	unconvert();
}

static void file_with_poisoned_page_is_not_converted(struct kunit *test)
{
	struct page *page;
	int err;

	write_page(test, 0, 'a');
	convert(test);
	page = poison(test, 0);
	err = luo_file_freeze_all(&mt.out, &mt.ser);
	unconvert();
	KUNIT_EXPECT_EQ(test, err, -EOPNOTSUPP);

	/* The state of version 3 lists the page now. */
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&mt.out, &mt.ser), 0);
	luo_file_unfreeze_all(&mt.out);
	luo_form = KHO_FORM_MAINLINE;
	err = luo_file_convert_all(&mt.out);
	luo_form = KHO_FORM_COMPOSED;
	unpoison(page);
	KUNIT_EXPECT_EQ(test, err, -EOPNOTSUPP);
}

/* A file that can't be written has nothing to lose. */
static void sealed_executable_is_converted(struct kunit *test)
{
	write_page(test, 0, 'a');
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
	convert(test);
	KUNIT_EXPECT_TRUE(test, freeze_v2(test)->seals & F_SEAL_EXEC);
	unconvert();
}

static void converted_file_is_the_same(struct kunit *test)
{
	struct file *file;

	/* Without folios, as the list can't refer to copies. */
	KUNIT_ASSERT_EQ(test, vfs_truncate(&mt.file->f_path, PAGE_SIZE + 5), 0);
	KUNIT_ASSERT_EQ(test, vfs_llseek(mt.file, 5, SEEK_SET), 5);
	convert(test);
	freeze_v2(test);
	file = retrieve(test);
	KUNIT_EXPECT_EQ(test, i_size_read(file_inode(file)), PAGE_SIZE + 5);
	KUNIT_EXPECT_EQ(test, file->f_pos, 5);
	unconvert();
}

static struct kunit_case memfd_cases[] = {
	KUNIT_CASE(descriptor_has_size_position_and_seals),
	KUNIT_CASE(descriptor_has_owner_mode_times_and_flags),
	KUNIT_CASE(folios_are_listed_in_order),
	KUNIT_CASE(long_list_has_an_area),
	KUNIT_CASE(holes_stay_holes),
	KUNIT_CASE(filled_hole_is_preserved),
	KUNIT_CASE(many_filled_holes_are_preserved),
	KUNIT_CASE(poisoned_pages_are_listed),
	KUNIT_CASE(page_poisoned_later_is_listed),
	KUNIT_CASE(kernel_without_memory_failure_gets_no_poisoned_page),
	KUNIT_CASE(many_poisoned_pages_are_listed),
	KUNIT_CASE(page_of_another_file_is_not_listed),
	KUNIT_CASE(pages_past_the_end_do_not_fill_holes),
	KUNIT_CASE(closed_file_gets_no_page),
	KUNIT_CASE(empty_file_has_no_folios),
	KUNIT_CASE(preserved_file_keeps_its_size),
	KUNIT_CASE(preserved_file_is_unevictable),
	KUNIT_CASE(preserved_file_can_be_written_inside),
	KUNIT_CASE(position_and_seals_are_read_again_at_freeze),
	KUNIT_CASE(executable_sealed_against_change_of_mode_is_carried),
	KUNIT_CASE(descriptor_for_ioctl_is_refused),
	KUNIT_CASE(executable_can_not_be_sealed_while_preserved),
	KUNIT_CASE(freeze_does_not_depend_on_the_mode),
	KUNIT_CASE(killed_preserve_leaves_the_file_alone),
	KUNIT_CASE(more_holes_than_memory_are_no_obstacle),
	KUNIT_CASE(failed_preserve_leaves_the_file_alone),
	KUNIT_CASE(retrieved_file_is_the_same),
	KUNIT_CASE(retrieved_file_has_owner_mode_times_and_flags),
	KUNIT_CASE(retrieved_file_is_appended_to),
	KUNIT_CASE(killed_retrieve_is_taken_up_again),
	KUNIT_CASE(killed_retrieve_is_discarded),
	KUNIT_CASE(retrieved_file_sealed_without_x_can_be_written),
	KUNIT_CASE(gap_in_the_list_is_a_hole),
	KUNIT_CASE(poisoned_page_can_not_be_read),
	KUNIT_CASE(discarded_file_keeps_its_poisoned_page),
	KUNIT_CASE(poisoned_page_needs_memory_failure),
	KUNIT_CASE(list_in_an_area_is_read),
	KUNIT_CASE(discarded_file_gives_its_folios_back),
	KUNIT_CASE(highest_version_is_written),
	KUNIT_CASE(other_versions_are_refused),
	KUNIT_CASE(damaged_addresses_are_refused),
	KUNIT_CASE(damaged_descriptors_are_refused),
	KUNIT_CASE(damaged_runs_are_refused),
	KUNIT_CASE(damage_fails_verification),
	KUNIT_CASE(list_of_freeze_is_verified),
	KUNIT_CASE(killed_verification_ends),
	KUNIT_CASE(damaged_poisoned_pages_are_refused),
	KUNIT_CASE(folio_of_another_order_is_refused),
	KUNIT_CASE(lost_folio_is_refused_and_the_others_are_freed),
	KUNIT_CASE(v2_file_is_the_same),
	KUNIT_CASE(v2_file_of_mainline_is_the_same),
	KUNIT_CASE(v2_file_without_content_is_the_same),
	KUNIT_CASE(v2_folios_can_be_in_any_order),
	KUNIT_CASE(v2_entry_without_folio_is_a_hole),
	KUNIT_CASE(v2_folio_that_is_not_uptodate_reads_as_zeros),
	KUNIT_CASE(damaged_v2_descriptors_are_refused),
	KUNIT_CASE(v2_folios_that_do_not_fit_are_refused),
	KUNIT_CASE(misaligned_large_v2_folio_is_refused),
	KUNIT_CASE(file_is_converted_for_mainline),
	KUNIT_CASE(empty_file_is_converted_for_mainline),
	KUNIT_CASE(file_sealed_against_change_of_mode_is_not_converted),
	KUNIT_CASE(file_that_mainline_would_damage_is_not_frozen),
	KUNIT_CASE(file_with_poisoned_page_is_not_converted),
	KUNIT_CASE(sealed_executable_is_converted),
	KUNIT_CASE(converted_file_is_the_same),
	{}
};

static struct kunit_suite memfd_suite = {
	.name = "liveupdate-memfd",
	.init = memfd_test_init,
	.exit = memfd_test_exit,
	.test_cases = memfd_cases,
};

kunit_test_suite(memfd_suite);
