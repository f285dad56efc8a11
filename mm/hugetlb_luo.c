// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds of huge pages
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: hugetlb memfd preservation
 *
 * A live update carries the content, the size, the file position, the seals, the mode
 * and the owner of a memfd of huge pages. The content is not copied: the pages are
 * preserved, and become pages of the next kernel's pool, in the page cache of a new
 * memfd. Holes are not filled: the pool may not have the pages.
 *
 * Preserving a memfd freezes it. It can still be read and written, but its size can't
 * change, and its pages can't be moved or replaced by holes. A page fault in a hole adds
 * a page until reboot() freezes the session and lists it.
 *
 * A retrieved memfd is frozen until its session is finished, because reboot() preserves
 * it again if it is not.
 */

#define pr_fmt(fmt) "hugetlb_luo: " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/hugetlb.h>
#include <linux/kho/vmalloc.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/vmalloc.h>

#include "hugetlb_luo.h"
#include "memfd_luo_userfaultfd.h"

#define HUGETLB_LUO_LIST_GFP	(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_RETRY_MAYFAIL | \
				 __GFP_NOWARN)
/* Number of entries in the longest list that may use low memory */
#define HUGETLB_LUO_LOW_MAX	(SZ_256M / sizeof(struct hugetlb_luo_run_ser))
/* Number of pages that are looked at without a check for a signal */
#define HUGETLB_LUO_SCAN	SZ_1K

/**
 * struct hugetlb_luo_list - the pages of a preserved memfd
 * @runs: the pages by ascending index, with a reference to each. NULL if @capacity is 0.
 * @nr_runs: number of entries in @runs
 * @capacity: number of entries that fit into @runs
 * @nr_pages: number of pages
 * @preservation: describes @runs to the next kernel
 */
struct hugetlb_luo_list {
	struct hugetlb_luo_run_ser *runs;
	u64 nr_runs;
	u64 capacity;
	u64 nr_pages;
	struct kho_vmalloc preservation;
};

/**
 * struct hugetlb_luo_outgoing - a preserved memfd
 * @list: its pages
 * @relisted: the list was replaced since freeze() began
 * @frozen: preserve() froze the file, so it has to be thawed. Otherwise it was retrieved
 *	    and is not finished.
 */
struct hugetlb_luo_outgoing {
	struct hugetlb_luo_list list;
	bool relisted;
	bool frozen;
};

/*
 * Accept memfds only. A file in a hugetlbfs has a name or can get one, and belongs to a
 * mount with limits of its own. Private inodes are SysV shared memory.
 */
static bool hugetlb_luo_can_preserve(struct liveupdate_file_handler *handler,
				     struct file *file)
{
	struct inode *inode = file_inode(file);

	return is_file_hugepages(file) && !inode->i_nlink && !IS_PRIVATE(inode) &&
	       (inode->i_sb->s_flags & SB_KERNMOUNT);
}

static unsigned long hugetlb_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file);
}

static int hugetlb_luo_alloc_runs(struct hugetlb_luo_list *list, gfp_t zone)
{
	int err;

	list->runs = __vmalloc_array(list->capacity, sizeof(*list->runs),
				     HUGETLB_LUO_LIST_GFP | zone);
	if (!list->runs)
		return -ENOMEM;

	err = kho_preserve_vmalloc(list->runs, &list->preservation);
	if (err)
		vfree(list->runs);
	return err;
}

/* Allocate a list, and preserve its memory. */
static int hugetlb_luo_alloc_list(struct hugetlb_luo_list *list, u64 capacity)
{
	int err;

	list->capacity = capacity;
	err = hugetlb_luo_alloc_runs(list, 0);
	/*
	 * The list may lie in hot-added memory. Retry in low memory, which was
	 * present at boot but is scarce.
	 */
	if (err == -EINVAL && capacity <= HUGETLB_LUO_LOW_MAX)
		err = hugetlb_luo_alloc_runs(list, GFP_DMA32);
	return err == -EINVAL ? -EOPNOTSUPP : err;
}

static void hugetlb_luo_free_list(struct hugetlb_luo_list *list)
{
	if (!list->capacity)
		return;
	kho_unpreserve_vmalloc(&list->preservation);
	vfree(list->runs);
}

/* Pages in memory that was hot-added after boot can't be preserved: -EOPNOTSUPP. */
static int hugetlb_luo_preserve_page(struct hstate *h, struct folio *folio)
{
	int err;

	if (folio_test_hwpoison(folio))
		return -EOPNOTSUPP;
	err = kho_preserve_folio(folio);
	if (err)
		return err == -EINVAL ? -EOPNOTSUPP : err;

	err = hugetlb_pool_luo_add(h, folio_nid(folio), 1);
	if (err)
		kho_unpreserve_folio(folio);
	return err;
}

static void hugetlb_luo_unpreserve_page(struct hstate *h, struct folio *folio)
{
	hugetlb_pool_luo_sub(h, folio_nid(folio), 1);
	kho_unpreserve_folio(folio);
	folio_put(folio);
}

/* Return a page of a run. */
static struct folio *hugetlb_luo_folio(const struct hugetlb_luo_run_ser *run, u64 nr,
				       struct hstate *h)
{
	return pfn_folio(run->pfn + (nr << huge_page_order(h)));
}

/* Drop the pages of the runs from @start on. */
static void hugetlb_luo_drop(struct hugetlb_luo_list *list, struct hstate *h, u64 start)
{
	const struct hugetlb_luo_run_ser *run;
	u64 i;

	for (run = list->runs + start; run < list->runs + list->nr_runs; run++) {
		for (i = 0; i < run->nr; i++)
			hugetlb_luo_unpreserve_page(h, hugetlb_luo_folio(run, i, h));
		cond_resched();
	}
}

/*
 * Append a page to the runs from @start on. If the list is full it is left out: another
 * task adds pages to the file, and freeze() appends them.
 */
static int hugetlb_luo_append(struct hugetlb_luo_list *list, struct hstate *h, u64 start,
			      struct folio *folio)
{
	u64 index = folio->index >> huge_page_order(h), pfn = folio_pfn(folio);
	struct hugetlb_luo_run_ser *last = list->runs + list->nr_runs - 1;
	bool merge = list->nr_runs > start && last->index + last->nr == index &&
		     last->pfn + (last->nr << huge_page_order(h)) == pfn;
	int err;

	if (!merge && list->nr_runs == list->capacity)
		return 0;
	err = hugetlb_luo_preserve_page(h, folio);
	if (err)
		return err;

	folio_get(folio);
	list->nr_pages++;
	if (merge)
		last->nr++;
	else
		list->runs[list->nr_runs++] = (struct hugetlb_luo_run_ser){
			.pfn = pfn, .index = index, .nr = 1,
		};
	return 0;
}

/* Return whether the first @nr runs have a page. @pos only moves to higher indices. */
static bool hugetlb_luo_has(const struct hugetlb_luo_list *list, u64 nr, u64 *pos,
			    u64 index)
{
	const struct hugetlb_luo_run_ser *runs = list->runs;

	while (*pos < nr && runs[*pos].index + runs[*pos].nr <= index)
		(*pos)++;
	return *pos < nr && runs[*pos].index <= index;
}

/*
 * Append all pages inside the size of the file that the list does not have. A referenced
 * page stays in the file and at its address.
 */
static int hugetlb_luo_append_new(struct hugetlb_luo_list *list, struct inode *inode)
{
	u64 old = list->nr_runs, pos = 0;
	struct hstate *h = hstate_inode(inode);
	unsigned int order = huge_page_order(h), i;
	u64 end = hugetlb_luo_nr_pages(h, i_size_read(inode)) << order;
	struct folio_batch fbatch;
	pgoff_t index = 0;
	int err = 0;

	folio_batch_init(&fbatch);
	while (!err && index < end &&
	       filemap_get_folios(inode->i_mapping, &index, end - 1, &fbatch)) {
		for (i = 0; i < folio_batch_count(&fbatch); i++) {
			struct folio *folio = fbatch.folios[i];

			if (!err && !hugetlb_luo_has(list, old, &pos, folio->index >> order))
				err = hugetlb_luo_append(list, h, old, folio);
			folio_put(folio);
		}
		folio_batch_reinit(&fbatch);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	if (err)
		hugetlb_luo_drop(list, h, old);
	return err;
}

static int hugetlb_luo_cmp(const void *a, const void *b)
{
	const struct hugetlb_luo_run_ser *ra = a, *rb = b;

	return ra->index < rb->index ? -1 : ra->index > rb->index;
}

/*
 * Replace the list if pages were added to the file, by one that has these as well. None
 * were removed: the file is frozen. After an error the list is as it was.
 */
static int hugetlb_luo_update_list(struct hugetlb_luo_outgoing *out, struct inode *inode)
{
	u64 nr = READ_ONCE(inode->i_mapping->nrpages) >> huge_page_order(hstate_inode(inode));
	struct hugetlb_luo_list *old = &out->list, new = {
		.nr_runs = old->nr_runs,
		.nr_pages = old->nr_pages,
	};
	int err;

	if (nr <= old->nr_pages)
		return 0;

	err = hugetlb_luo_alloc_list(&new, old->nr_runs + nr - old->nr_pages);
	if (err)
		return err;
	if (old->nr_runs)
		memcpy(new.runs, old->runs, old->nr_runs * sizeof(*old->runs));
	err = hugetlb_luo_append_new(&new, inode);
	if (err) {
		hugetlb_luo_free_list(&new);
		return err;
	}

	if (old->nr_runs)
		sort(new.runs, new.nr_runs, sizeof(*new.runs), hugetlb_luo_cmp, NULL);
	hugetlb_luo_free_list(old);
	*old = new;
	out->relisted = true;
	return 0;
}

static void hugetlb_luo_store_list(const struct hugetlb_luo_list *list,
				   struct hugetlb_luo_ser *ser)
{
	ser->nr_runs = list->nr_runs;
	ser->nr_pages = list->nr_pages;
	ser->runs = list->preservation;
}

/* Store the properties that can change until the kexec. */
static void hugetlb_luo_store_state(struct file *file, struct hugetlb_luo_ser *ser)
{
	struct inode *inode = file_inode(file);

	ser->pos = READ_ONCE(file->f_pos);
	ser->seals = memfd_get_seals(file);
	ser->mode = inode->i_mode & HUGETLB_LUO_MODE;
	ser->uid = from_kuid(&init_user_ns, inode->i_uid);
	ser->gid = from_kgid(&init_user_ns, inode->i_gid);
}

/*
 * A file that is frozen already was retrieved and not finished: LUO preserves no other
 * file twice.
 */
static int hugetlb_luo_freeze_file(struct hugetlb_luo_outgoing *out, struct file *file)
{
	struct inode *inode = file_inode(file);
	int err;

	if (hugetlbfs_frozen(inode))
		return 0;

	err = hugetlbfs_freeze(inode);
	if (err)
		return err;
	err = memfd_get_seals(file) & ~HUGETLB_LUO_SEALS ?
	      -EOPNOTSUPP : memfd_luo_check_userfaultfd(inode->i_mapping);
	if (err) {
		hugetlbfs_thaw(inode);
		return err;
	}
	out->frozen = true;
	return 0;
}

static void hugetlb_luo_thaw_file(struct hugetlb_luo_outgoing *out, struct file *file)
{
	if (out->frozen)
		hugetlbfs_thaw(file_inode(file));
}

static int hugetlb_luo_preserve_content(struct hugetlb_luo_outgoing *out,
					struct file *file, struct hugetlb_luo_ser *ser)
{
	struct inode *inode = file_inode(file);
	int err;

	ser->size = i_size_read(inode);
	ser->page_shift = huge_page_shift(hstate_inode(inode));
	hugetlb_luo_store_state(file, ser);
	err = hugetlb_luo_update_list(out, inode);
	if (!err)
		hugetlb_luo_store_list(&out->list, ser);
	return err;
}

static int hugetlb_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_outgoing *out;
	struct hugetlb_luo_ser *ser;
	int err;

	/* The retrieved file is always writable. */
	if (!(args->file->f_mode & FMODE_WRITE))
		return -EOPNOTSUPP;

	out = kzalloc(sizeof(*out), GFP_KERNEL_ACCOUNT);
	if (!out)
		return -ENOMEM;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser)) {
		err = PTR_ERR(ser);
		goto err_free_out;
	}

	err = hugetlb_luo_freeze_file(out, args->file);
	if (err)
		goto err_free_ser;
	err = hugetlb_luo_preserve_content(out, args->file, ser);
	if (err)
		goto err_thaw;

	args->serialized_data = virt_to_phys(ser);
	args->private_data = out;
	return 0;

err_thaw:
	hugetlb_luo_thaw_file(out, args->file);
err_free_ser:
	kho_unpreserve_free(ser);
err_free_out:
	kfree(out);
	return err;
}

static void hugetlb_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_ser *ser = phys_to_virt(args->serialized_data);
	struct hugetlb_luo_outgoing *out = args->private_data;

	hugetlb_luo_drop(&out->list, hstate_file(args->file), 0);
	hugetlb_luo_free_list(&out->list);
	hugetlb_luo_thaw_file(out, args->file);
	kho_unpreserve_free(ser);
	kfree(out);
}

/* A page may have been poisoned after it was preserved: -EOPNOTSUPP. */
static int hugetlb_luo_check_poison(const struct hugetlb_luo_list *list, struct hstate *h)
{
	const struct hugetlb_luo_run_ser *run;
	u64 i;

	for (run = list->runs; run < list->runs + list->nr_runs; run++) {
		for (i = 0; i < run->nr; i++) {
			if (!(i % HUGETLB_LUO_SCAN)) {
				if (fatal_signal_pending(current))
					return -EINTR;
				cond_resched();
			}
			if (folio_test_hwpoison(hugetlb_luo_folio(run, i, h)))
				return -EOPNOTSUPP;
		}
	}
	return 0;
}

static int hugetlb_luo_update(struct hugetlb_luo_outgoing *out, struct inode *inode)
{
	int err = hugetlb_luo_update_list(out, inode);

	if (!err)
		err = hugetlb_luo_check_poison(&out->list, hstate_inode(inode));
	if (err == -EOPNOTSUPP)
		pr_err("a page that was poisoned, or added in hot-added memory, can't be handed over\n");
	else if (err && err != -EINTR)
		pr_err("pages that were added to a preserved file can't be preserved: %pe\n",
		       ERR_PTR(err));
	return err;
}

/* From now on the file gets no page that the next kernel would not know. */
static int hugetlb_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_ser *ser = phys_to_virt(args->serialized_data);
	struct hugetlb_luo_outgoing *out = args->private_data;
	struct inode *inode = file_inode(args->file);
	int err;

	err = hugetlbfs_close(inode);
	if (err)
		return err;
	out->relisted = false;
	err = hugetlb_luo_update(out, inode);
	/* Also if it has failed: the old list may be gone. */
	hugetlb_luo_store_list(&out->list, ser);
	if (err) {
		hugetlbfs_reopen(inode);
		return err;
	}
	hugetlb_luo_store_state(args->file, ser);
	return 0;
}

static void hugetlb_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	hugetlbfs_reopen(file_inode(args->file));
}

/* Check what freeze() stores each time: also where the list is. */
static bool hugetlb_luo_is_stored(const struct hugetlb_luo_list *list,
				  const struct hugetlb_luo_ser *ser)
{
	return ser->nr_pages == list->nr_pages &&
	       !memcmp(&ser->runs, &list->preservation, sizeof(ser->runs));
}

static int hugetlb_luo_verify(const struct liveupdate_file_op_args *args)
{
	const struct hugetlb_luo_outgoing *out = args->private_data;
	phys_addr_t pa = args->serialized_data;
	int err;

	err = hugetlb_luo_verify_outgoing(pa, out->list.runs, out->list.nr_runs,
					  !args->frozen || out->relisted);
	if (err || hugetlb_luo_is_stored(&out->list, phys_to_virt(pa)))
		return err;

	pr_err("outgoing state at %pa does not fit its list\n", &pa);
	return -EIO;
}

static const struct liveupdate_file_ops hugetlb_luo_ops = {
	.can_preserve = hugetlb_luo_can_preserve,
	.preserve = hugetlb_luo_preserve,
	.unpreserve = hugetlb_luo_unpreserve,
	.freeze = hugetlb_luo_freeze,
	.unfreeze = hugetlb_luo_unfreeze,
	.verify = hugetlb_luo_verify,
	.retrieve = hugetlb_luo_retrieve,
	.finish = hugetlb_luo_finish,
	.get_id = hugetlb_luo_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler hugetlb_luo_handler = {
	.ops = &hugetlb_luo_ops,
	.compatible = HUGETLB_LUO_FH_COMPATIBLE,
};

static int __init hugetlb_luo_init(void)
{
	int err = liveupdate_register_file_handler(&hugetlb_luo_handler);

	if (err && err != -EOPNOTSUPP)
		pr_err("can't be registered: %pe\n", ERR_PTR(err));
	return err == -EOPNOTSUPP ? 0 : err;
}
late_initcall(hugetlb_luo_init);
