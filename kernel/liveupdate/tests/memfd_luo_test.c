// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of live update of memfds.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A test preserves a memfd with the functions of LUO, then retrieves it in the same
 * kernel. The serialized list of folios is changed to name copies of the folios, so
 * that the retrieved file does not share folios with the preserved one.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/swap.h>
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
	struct memfd_luo_folio_ser *entries;
	struct folio *copies[MAX_COPIES];
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
	luo_file_unpreserve_all(&mt.out);
	fput(mt.file);
	for (i = 0; i < MAX_COPIES && mt.copies[i]; i++)
		expect_given_back(test, mt.copies[i]);
}

/* Write a page of @byte at page @index. */
static void write_page(struct kunit *test, pgoff_t index, int byte)
{
	loff_t pos = index << PAGE_SHIFT;
	void *page = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);

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
	return phys_to_virt(file_entry(test)->data);
}

/* Return the list of folios. In these tests it is no longer than one page. */
static struct memfd_luo_folio_ser *folio_entries(const struct memfd_luo_ser *ser)
{
	struct kho_vmalloc folios = ser->folios;
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(folios.first);

	return phys_to_virt(chunk->phys[0]);
}

/* Copy a folio, and make entry @i refer to the copy. */
static struct folio *list_copy(struct kunit *test, unsigned int i,
			       struct folio *folio)
{
	struct folio *copy = folio_alloc(GFP_KERNEL, folio_order(folio));

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(folio_address(copy), folio_address(folio), folio_size(folio));
	mt.entries[i].pfn = folio_pfn(copy);
	return copy;
}

/* Preserve and freeze the file, and make the list refer to copies of its folios. */
static struct memfd_luo_ser *preserve_copies(struct kunit *test)
{
	struct memfd_luo_ser *ser = preserve(test);
	unsigned int i;

	KUNIT_ASSERT_LE(test, ser->nr_folios, MAX_COPIES);
	mt.entries = folio_entries(ser);
	for (i = 0; i < ser->nr_folios; i++)
		mt.copies[i] = list_copy(test, i, pfn_folio(mt.entries[i].pfn));
	return ser;
}

/* Replace the copies by new ones, because a file has used them. */
static void renew_copies(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < MAX_COPIES && mt.copies[i]; i++) {
		struct folio *old = mt.copies[i];

		mt.copies[i] = list_copy(test, i, old);
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
	KUNIT_EXPECT_EQ(test, ser->flags, 0);
}

static void folios_are_listed_in_order(struct kunit *test)
{
	struct memfd_luo_folio_ser *entries;
	struct memfd_luo_ser *ser;
	unsigned int i;
	u64 next = 0;

	write_page(test, 2, 'c');
	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	ser = preserve(test);
	entries = folio_entries(ser);
	for (i = 0; i < ser->nr_folios; i++) {
		struct folio *folio = filemap_get_folio(mt.file->f_mapping, next);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
		KUNIT_EXPECT_EQ(test, entries[i].index, next);
		KUNIT_EXPECT_EQ(test, (u64)entries[i].pfn, folio_pfn(folio));
		KUNIT_EXPECT_EQ(test, (u64)entries[i].flags,
				MEMFD_LUO_FOLIO_DIRTY |
				MEMFD_LUO_FOLIO_UPTODATE);
		next = folio_next_index(folio);
		folio_put(folio);
	}
	KUNIT_EXPECT_GE(test, next, 3);
}

static void holes_are_filled(struct kunit *test)
{
	write_page(test, 2, 'c');
	preserve_copies(test);
	KUNIT_EXPECT_GE(test, mt.file->f_mapping->nrpages, 3);
	expect_page(test, mt.file, 0, 0);
	expect_page(test, retrieve(test), 1, 0);
}

static void empty_file_has_no_folios(struct kunit *test)
{
	struct memfd_luo_ser *ser = preserve(test);

	KUNIT_EXPECT_EQ(test, ser->size, 0);
	KUNIT_EXPECT_EQ(test, ser->nr_folios, 0);
	KUNIT_EXPECT_EQ(test, ser->folios.first.phys, 0);
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

static void executable_sealed_against_change_of_mode_is_refused(struct kunit *test)
{
	file_inode(mt.file)->i_mode |= 0111;
	KUNIT_ASSERT_EQ(test, memfd_add_seals(mt.file, F_SEAL_EXEC), 0);
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

static void more_holes_than_memory_are_refused(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, vfs_truncate(&mt.file->f_path, SZ_1T), 0);
	KUNIT_EXPECT_EQ(test, try_preserve(test), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mt.file->f_mapping->nrpages, 0);
}

static void more_pages_than_can_be_listed_are_refused(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, vfs_truncate(&mt.file->f_path,
					   ((u64)UINT_MAX + 1) << PAGE_SHIFT), 0);
	KUNIT_EXPECT_EQ(test, try_preserve(test), -EFBIG);
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

static void entry_without_folio_is_a_hole(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	struct file *file;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	ser = preserve_copies(test);
	folio_entries(ser)[0].pfn = 0;

	file = retrieve(test);
	expect_page(test, file, 0, 0);
	expect_page(test, file, 1, 'b');
}

static void folio_that_is_not_uptodate_reads_as_zeros(struct kunit *test)
{
	struct memfd_luo_ser *ser;
	struct file *file;

	write_page(test, 0, 'a');
	ser = preserve_copies(test);
	folio_entries(ser)[0].flags = 0;

	file = retrieve(test);
	expect_page(test, file, 0, 0);
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

static void other_versions_are_refused(struct kunit *test)
{
	static const char *const versions[] = {
		"memfd-v1;vmalloc-v1",
		"memfd-v3;vmalloc-v1",
		"memfd-v2",
		"memfd-v2;vmalloc-v2",
		"memfd-v2;vmalloc-v1;zzz-v1",
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
	EXPECT_REFUSED_WITH(pos, U64_MAX);
	EXPECT_REFUSED_WITH(seals, BIT(31));
	EXPECT_REFUSED_WITH(flags, 1);
	EXPECT_REFUSED_WITH(nr_folios, U64_MAX);
	EXPECT_REFUSED_WITH(nr_folios,
			    PAGE_SIZE / sizeof(struct memfd_luo_folio_ser) + 1);
	EXPECT_REFUSED_WITH(folios.first.phys, 0);
	EXPECT_REFUSED_WITH(folios.total_pages, UINT_MAX);
#undef EXPECT_REFUSED_WITH
}

static void folios_that_do_not_fit_are_refused(struct kunit *test)
{
	static const struct {
		u64 index;
		u64 flags;
	} bad[] = {
		{ 0, MEMFD_LUO_FOLIO_FLAGS },	/* the index of the other folio */
		{ 2, MEMFD_LUO_FOLIO_FLAGS },	/* past the end of the file */
		{ U64_MAX, MEMFD_LUO_FOLIO_FLAGS },
		{ 1, BIT(2) },
	};
	struct memfd_luo_folio_ser *second;
	unsigned int i;

	write_page(test, 0, 'a');
	write_page(test, 1, 'b');
	second = folio_entries(preserve_copies(test)) + 1;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		second->index = bad[i].index;
		second->flags = bad[i].flags;
		expect_refused(test);
	}
}

static void misaligned_large_folio_is_refused(struct kunit *test)
{
	struct memfd_luo_ser *ser;

	write_page(test, 0, 'a');
	write_page(test, 7, 'b');
	ser = preserve_copies(test);
	folio_put(mt.copies[1]);
	mt.copies[1] = folio_alloc(GFP_KERNEL, 2);
	KUNIT_ASSERT_NOT_NULL(test, mt.copies[1]);
	folio_entries(ser)[1].pfn = folio_pfn(mt.copies[1]);
	/* Skip the other folio, so that the index is free. */
	folio_entries(ser)[0].pfn = 0;
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

static struct kunit_case memfd_cases[] = {
	KUNIT_CASE(descriptor_has_size_position_and_seals),
	KUNIT_CASE(folios_are_listed_in_order),
	KUNIT_CASE(holes_are_filled),
	KUNIT_CASE(empty_file_has_no_folios),
	KUNIT_CASE(preserved_file_keeps_its_size),
	KUNIT_CASE(preserved_file_is_unevictable),
	KUNIT_CASE(preserved_file_can_be_written_inside),
	KUNIT_CASE(position_and_seals_are_read_again_at_freeze),
	KUNIT_CASE(executable_sealed_against_change_of_mode_is_refused),
	KUNIT_CASE(executable_can_not_be_sealed_while_preserved),
	KUNIT_CASE(freeze_does_not_depend_on_the_mode),
	KUNIT_CASE(killed_preserve_leaves_the_file_alone),
	KUNIT_CASE(more_holes_than_memory_are_refused),
	KUNIT_CASE(more_pages_than_can_be_listed_are_refused),
	KUNIT_CASE(failed_preserve_leaves_the_file_alone),
	KUNIT_CASE(retrieved_file_is_the_same),
	KUNIT_CASE(killed_retrieve_is_taken_up_again),
	KUNIT_CASE(killed_retrieve_is_discarded),
	KUNIT_CASE(retrieved_file_sealed_without_x_can_be_written),
	KUNIT_CASE(entry_without_folio_is_a_hole),
	KUNIT_CASE(folio_that_is_not_uptodate_reads_as_zeros),
	KUNIT_CASE(discarded_file_gives_its_folios_back),
	KUNIT_CASE(other_versions_are_refused),
	KUNIT_CASE(damaged_addresses_are_refused),
	KUNIT_CASE(damaged_descriptors_are_refused),
	KUNIT_CASE(folios_that_do_not_fit_are_refused),
	KUNIT_CASE(misaligned_large_folio_is_refused),
	KUNIT_CASE(lost_folio_is_refused_and_the_others_are_freed),
	{}
};

static struct kunit_suite memfd_suite = {
	.name = "liveupdate-memfd",
	.init = memfd_test_init,
	.exit = memfd_test_exit,
	.test_cases = memfd_cases,
};

kunit_test_suite(memfd_suite);
