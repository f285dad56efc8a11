// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of live update of memfds of huge pages.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A test preserves a memfd without pages with the functions of LUO, changes what it
 * hands over, and retrieves it in the same kernel. So they need no pool. Most tests
 * with pages are in tools/testing/selftests/liveupdate/.
 */

#include <kunit/test.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/vmalloc.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <uapi/linux/memfd.h>

#include <linux/kho/abi/hugetlb.h>
#include <linux/kho/abi/luo.h>

#include "../luo_internal.h"
#include "fake_kho.h"

#define TOKEN		42
#define NR_PAGES	8

static struct {
	struct file *file;
	struct luo_file_set out;
	struct luo_file_set_ser ser;
	struct luo_file_set in;
	struct file *retrieved;
	struct hugetlb_luo_run_ser *runs;	/* a list that the handler did not make */
	struct kho_vmalloc preservation;
} ht;

static int hugetlb_test_init(struct kunit *test)
{
	if (!liveupdate_enabled())
		kunit_skip(test, "needs kho=on liveupdate=on");
	if (!hugepages_supported())
		kunit_skip(test, "there are no huge pages");

	memset(&ht, 0, sizeof(ht));
	luo_file_set_init(&ht.out);
	luo_file_set_init(&ht.in);
	fake_kho_start(test);
	ht.file = memfd_new_file("memfd:kunit", MFD_ALLOW_SEALING | MFD_HUGETLB);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ht.file);
	test->priv = &ht;
	KUNIT_ASSERT_EQ(test, vfs_truncate(&ht.file->f_path, NR_PAGES *
					   huge_page_size(hstate_file(ht.file))), 0);
	return 0;
}

static void hugetlb_test_exit(struct kunit *test)
{
	if (!test->priv)
		return;
	if (ht.retrieved)
		fput(ht.retrieved);
	luo_file_finish_all(&ht.in);
	luo_file_unpreserve_all(&ht.out);
	if (ht.runs) {
		kho_unpreserve_vmalloc(&ht.preservation);
		vfree(ht.runs);
	}
	/* The next test needs the pages that the file had. */
	__fput_sync(ht.file);
}

static int try_preserve(struct kunit *test)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	int err;

	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, get_file(ht.file));
	err = luo_file_preserve(&ht.out, fd, TOKEN);
	close_fd(fd);
	return err;
}

static struct luo_file_ser *file_entry(void)
{
	struct kho_block_header_ser *block = phys_to_virt(ht.ser.files);

	return (struct luo_file_ser *)(block + 1);
}

/* Preserve and freeze the file. Return its serialized form. */
static struct hugetlb_luo_ser *preserve(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, try_preserve(test), 0);
	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&ht.out, &ht.ser), 0);
	return phys_to_virt(file_entry()->data);
}

/* Return the list of runs. In these tests it is no longer than one page. */
static struct hugetlb_luo_run_ser *list_of(const struct hugetlb_luo_ser *ser)
{
	struct kho_vmalloc runs = ser->runs;
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(runs.first);

	return phys_to_virt(chunk->phys[0]);
}

/* Preserve the file with a list of one page. Its content is up to the test. */
static struct hugetlb_luo_ser *preserve_with_list(struct kunit *test)
{
	struct hugetlb_luo_ser *ser = preserve(test);

	ht.runs = __vmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, ht.runs);
	KUNIT_ASSERT_EQ(test, kho_preserve_vmalloc(ht.runs, &ht.preservation), 0);
	ser->runs = ht.preservation;
	return ser;
}

static struct file *try_retrieve(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&ht.in, &ht.ser), 0);
	return luo_file_retrieve(&ht.in, TOKEN);
}

static struct file *retrieve(struct kunit *test)
{
	struct file *file = try_retrieve(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	ht.retrieved = file;
	return file;
}

static void expect_refused(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, try_retrieve(test), ERR_PTR(-EIO));
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&ht.in), 0);
}

/* Preserving */

static void descriptor_has_properties(struct kunit *test)
{
	struct inode *inode = file_inode(ht.file);
	struct hugetlb_luo_ser *ser;

	inode->i_mode = S_IFREG | 0640;
	inode->i_uid = KUIDT_INIT(12);
	inode->i_gid = KGIDT_INIT(34);
	ht.file->f_pos = 17;
	KUNIT_ASSERT_EQ(test, memfd_add_seals(ht.file, F_SEAL_GROW), 0);
	ser = preserve(test);
	KUNIT_EXPECT_EQ(test, ser->size, i_size_read(inode));
	KUNIT_EXPECT_EQ(test, ser->pos, 17);
	KUNIT_EXPECT_EQ(test, ser->seals, F_SEAL_GROW);
	KUNIT_EXPECT_EQ(test, ser->mode, 0640);
	KUNIT_EXPECT_EQ(test, ser->uid, 12);
	KUNIT_EXPECT_EQ(test, ser->gid, 34);
	KUNIT_EXPECT_EQ(test, ser->page_shift, huge_page_shift(hstate_file(ht.file)));
	KUNIT_EXPECT_EQ(test, ser->flags, 0);
	KUNIT_EXPECT_EQ(test, ser->nr_runs, 0);
	KUNIT_EXPECT_EQ(test, ser->nr_pages, 0);
}

/* A list is made for pages. Those that fill holes later get another one. */
static void holes_need_no_list(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, preserve(test)->runs.total_pages, 0);
}

static void preserved_file_keeps_its_size(struct kunit *test)
{
	loff_t size = i_size_read(file_inode(ht.file));

	KUNIT_ASSERT_EQ(test, try_preserve(test), 0);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&ht.file->f_path, 0), -EPERM);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&ht.file->f_path, size), 0);
	KUNIT_EXPECT_EQ(test, vfs_fallocate(ht.file, 0, 0, size), -EOPNOTSUPP);

	luo_file_unpreserve_all(&ht.out);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&ht.file->f_path, 0), 0);
}

/* From freeze() to unfreeze() no page is added, and none is taken from the pool for it. */
static void frozen_file_is_closed(struct kunit *test)
{
	preserve(test);
	KUNIT_EXPECT_TRUE(test, hugetlbfs_closed(file_inode(ht.file)));
	KUNIT_EXPECT_PTR_EQ(test, memfd_alloc_folio(ht.file, 0), ERR_PTR(-EAGAIN));
	luo_file_unfreeze_all(&ht.out);
	KUNIT_EXPECT_FALSE(test, hugetlbfs_closed(file_inode(ht.file)));
}

/* A task that adds a page to another file does not delay it. */
static void faults_do_not_delay_freeze(struct kunit *test)
{
	int err;

	KUNIT_ASSERT_EQ(test, try_preserve(test), 0);
	mutex_lock(&hugetlb_fault_mutex_table[0]);
	err = luo_file_freeze_all(&ht.out, &ht.ser);
	mutex_unlock(&hugetlb_fault_mutex_table[0]);
	KUNIT_EXPECT_EQ(test, err, 0);
}

/* A reserved page that can't be added to the file, as it has one there, is reserved again. */
static void page_for_dma_keeps_reservation(struct kunit *test)
{
	struct hstate *h = hstate_file(ht.file);
	unsigned long reserved;
	struct folio *folio;
	bool done;

	h->nr_overcommit_huge_pages += 2;
	done = hugetlb_reserve_pages(file_inode(ht.file), 0, 2, NULL, 0);
	h->nr_overcommit_huge_pages -= 2;
	if (!done)
		kunit_skip(test, "no huge page can be allocated");
	folio = memfd_alloc_folio(ht.file, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	folio_put(folio);
	reserved = h->resv_huge_pages;
	KUNIT_EXPECT_PTR_EQ(test, memfd_alloc_folio(ht.file, 0), ERR_PTR(-EEXIST));
	KUNIT_EXPECT_EQ(test, h->resv_huge_pages, reserved);
}

/* Add a page to the preserved file, as a page fault would. It is a surplus page. */
static struct folio *add_page(struct kunit *test)
{
	struct inode *inode = file_inode(ht.file);
	struct hstate *h = hstate_file(ht.file);
	int err;

	h->nr_overcommit_huge_pages++;
	hugetlbfs_thaw(inode);
	err = vfs_fallocate(ht.file, 0, 0, huge_page_size(h));
	KUNIT_EXPECT_EQ(test, hugetlbfs_freeze(inode), 0);
	h->nr_overcommit_huge_pages--;
	if (err)
		kunit_skip(test, "no huge page can be allocated");
	return filemap_get_folio(inode->i_mapping, 0);
}

/* A page that could not be preserved in one reboot() is preserved in the next one. */
static void added_page_survives_failed_freeze(struct kunit *test)
{
	struct hugetlb_luo_ser *ser;
	struct folio *folio;

	KUNIT_ASSERT_EQ(test, try_preserve(test), 0);
	folio = add_page(test);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);

	KUNIT_ASSERT_EQ(test, kho_preserve_folio(folio), 0);
	KUNIT_EXPECT_EQ(test, luo_file_freeze_all(&ht.out, &ht.ser), -EEXIST);
	kho_unpreserve_folio(folio);

	KUNIT_ASSERT_EQ(test, luo_file_freeze_all(&ht.out, &ht.ser), 0);
	ser = phys_to_virt(file_entry()->data);
	KUNIT_EXPECT_EQ(test, ser->nr_pages, 1);
	KUNIT_EXPECT_EQ(test, list_of(ser)->pfn, folio_pfn(folio));
	folio_put(folio);
}

/* Retrieving */

static void retrieved_file_has_properties(struct kunit *test)
{
	struct hugetlb_luo_ser *ser = preserve(test);
	struct inode *inode;
	struct file *file;

	/* With x bits F_SEAL_EXEC must not imply F_SEAL_WRITE. */
	ser->seals = F_SEAL_EXEC | F_SEAL_SHRINK;
	ser->mode = 0755;
	ser->uid = 12;
	ser->pos = 3;
	file = retrieve(test);
	inode = file_inode(file);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_EXEC | F_SEAL_SHRINK);
	KUNIT_EXPECT_EQ(test, inode->i_mode, S_IFREG | 0755);
	KUNIT_EXPECT_TRUE(test, uid_eq(inode->i_uid, KUIDT_INIT(12)));
	KUNIT_EXPECT_EQ(test, i_size_read(inode), ser->size);
	KUNIT_EXPECT_EQ(test, file->f_pos, 3);
	KUNIT_EXPECT_TRUE(test, hugetlbfs_frozen(inode));
	KUNIT_EXPECT_EQ(test, luo_file_finish_all(&ht.in), 0);
	KUNIT_EXPECT_FALSE(test, hugetlbfs_frozen(inode));
}

static void large_size_is_refused(struct kunit *test)
{
	preserve(test)->size = (u64)MAX_LFS_FILESIZE + 1;
	expect_refused(test);
}

static void large_position_is_refused(struct kunit *test)
{
	preserve(test)->pos = (u64)MAX_LFS_FILESIZE + 1;
	expect_refused(test);
}

static void unknown_seal_is_refused(struct kunit *test)
{
	preserve(test)->seals = HUGETLB_LUO_SEALS + 1;
	expect_refused(test);
}

static void unknown_flag_is_refused(struct kunit *test)
{
	preserve(test)->flags = 1;
	expect_refused(test);
}

static void file_type_in_mode_is_refused(struct kunit *test)
{
	preserve(test)->mode = S_IFDIR;
	expect_refused(test);
}

static void no_owner_is_refused(struct kunit *test)
{
	preserve(test)->uid = -1;
	expect_refused(test);
}

static void page_size_is_checked(struct kunit *test)
{
	const u32 shifts[] = { 0, PAGE_SHIFT, BITS_PER_LONG, 255, PAGE_SHIFT + 1 };
	struct hugetlb_luo_ser *ser = preserve(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		ser->page_shift = shifts[i];
		expect_refused(test);
	}
}

static void more_runs_than_room_are_refused(struct kunit *test)
{
	struct hugetlb_luo_ser *ser = preserve_with_list(test);

	ser->nr_runs = ((u64)ser->runs.total_pages << PAGE_SHIFT) /
		       sizeof(struct hugetlb_luo_run_ser) + 1;
	ser->nr_pages = ser->nr_runs;
	expect_refused(test);
}

static void more_pages_than_memory_are_refused(struct kunit *test)
{
	struct hugetlb_luo_ser *ser = preserve_with_list(test);

	ser->nr_runs = 1;
	ser->nr_pages = 1ULL << 60;
	list_of(ser)[0] = (struct hugetlb_luo_run_ser){ .pfn = 1, .nr = 1ULL << 60 };
	expect_refused(test);
}

static void runs_without_pages_are_refused(struct kunit *test)
{
	struct hugetlb_luo_ser *ser = preserve_with_list(test);

	ser->nr_runs = 1;
	ser->nr_pages = 1;
	list_of(ser)[0] = (struct hugetlb_luo_run_ser){ .pfn = 1 };
	expect_refused(test);
}

static void other_number_of_pages_is_refused(struct kunit *test)
{
	struct hugetlb_luo_ser *ser = preserve_with_list(test);

	ser->nr_runs = 1;
	ser->nr_pages = 3;
	list_of(ser)[0] = (struct hugetlb_luo_run_ser){ .pfn = 1, .nr = 2 };
	expect_refused(test);
	list_of(ser)[0].nr = U64_MAX;
	expect_refused(test);
}

/* The fake returns a page that is part of the kernel's memory, and not huge. */
static void small_folio_is_refused(struct kunit *test)
{
	struct hugetlb_luo_ser *ser = preserve_with_list(test);
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	ser->nr_runs = 1;
	ser->nr_pages = 1;
	list_of(ser)[0] = (struct hugetlb_luo_run_ser){ .pfn = folio_pfn(folio), .nr = 1 };
	expect_refused(test);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_put(folio);
}

/* The pool */

static bool subtree_exists(struct kunit *test)
{
	void *page = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, page);
	err = kho_add_subtree(HUGETLB_LUO_POOL_NAME, page, 1);
	if (!err)
		kho_remove_subtree(page);
	return err == -EEXIST;
}

static void pool_is_handed_over_while_it_has_pages(struct kunit *test)
{
	struct hstate *h = hstate_file(ht.file);

	KUNIT_EXPECT_FALSE(test, subtree_exists(test));
	KUNIT_ASSERT_EQ(test, hugetlb_pool_luo_add(h, 0, 2), 0);
	KUNIT_EXPECT_EQ(test, hugetlb_pool_luo_add(h, 0, 3), 0);
	hugetlb_pool_luo_sub(h, 0, 4);
	KUNIT_EXPECT_TRUE(test, subtree_exists(test));
	hugetlb_pool_luo_sub(h, 0, 1);
	KUNIT_EXPECT_FALSE(test, subtree_exists(test));
}

/* Those that could not be handed over at boot are with the next pages. */
static void kept_pages_are_handed_over_with_others(struct kunit *test)
{
	struct hstate *h = hstate_file(ht.file);

	KUNIT_ASSERT_FALSE(test, subtree_exists(test));
	h->kept_huge_pages_node[0] += 2;
	KUNIT_ASSERT_EQ(test, hugetlb_pool_luo_add(h, 0, 1), 0);
	h->kept_huge_pages_node[0] -= 2;
	hugetlb_pool_luo_sub(h, 0, 1);
	KUNIT_EXPECT_TRUE(test, subtree_exists(test));
	hugetlb_pool_luo_sub(h, 0, 2);
	KUNIT_EXPECT_FALSE(test, subtree_exists(test));
}

static struct kunit_case hugetlb_luo_cases[] = {
	KUNIT_CASE(descriptor_has_properties),
	KUNIT_CASE(holes_need_no_list),
	KUNIT_CASE(preserved_file_keeps_its_size),
	KUNIT_CASE(frozen_file_is_closed),
	KUNIT_CASE(faults_do_not_delay_freeze),
	KUNIT_CASE(page_for_dma_keeps_reservation),
	KUNIT_CASE(added_page_survives_failed_freeze),
	KUNIT_CASE(retrieved_file_has_properties),
	KUNIT_CASE(large_size_is_refused),
	KUNIT_CASE(large_position_is_refused),
	KUNIT_CASE(unknown_seal_is_refused),
	KUNIT_CASE(unknown_flag_is_refused),
	KUNIT_CASE(file_type_in_mode_is_refused),
	KUNIT_CASE(no_owner_is_refused),
	KUNIT_CASE(page_size_is_checked),
	KUNIT_CASE(more_runs_than_room_are_refused),
	KUNIT_CASE(more_pages_than_memory_are_refused),
	KUNIT_CASE(runs_without_pages_are_refused),
	KUNIT_CASE(other_number_of_pages_is_refused),
	KUNIT_CASE(small_folio_is_refused),
	KUNIT_CASE(pool_is_handed_over_while_it_has_pages),
	KUNIT_CASE(kept_pages_are_handed_over_with_others),
	{}
};

static struct kunit_suite hugetlb_luo_suite = {
	.name = "liveupdate-hugetlb",
	.init = hugetlb_test_init,
	.exit = hugetlb_test_exit,
	.test_cases = hugetlb_luo_cases,
};

kunit_test_suite(hugetlb_luo_suite);
