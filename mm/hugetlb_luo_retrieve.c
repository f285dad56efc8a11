// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds of huge pages: memfds of the previous kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "hugetlb_luo: " fmt

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/hugetlb.h>
#include <linux/kho/compat.h>
#include <linux/kho/note.h>
#include <linux/kho/vmalloc.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/vmalloc.h>
#include <uapi/linux/memfd.h>

#include "hugetlb_luo.h"

/**
 * struct hugetlb_luo_pos - a page in the list
 * @nr: number of pages before it
 * @run: its run
 * @in_run: number of pages before it in its run
 */
struct hugetlb_luo_pos {
	u64 nr;
	u64 run;
	u64 in_run;
};

/**
 * struct hugetlb_luo_incoming - a memfd of the previous kernel that is not finished
 * @ser: copy of its serialized state
 * @h: size of its pages, NULL if this kernel has none of that size. Then the file can only
 *     be discarded.
 * @runs: list of its pages
 * @folios: the pages that were restored and adopted, with a reference to each. NULL for
 *	    a page that could not be restored. The array is NULL if @h is.
 * @restored: the first page that was not restored yet
 * @restore_err: the last error in restoring them
 * @file: the new file, NULL until it is created
 * @added: the first page that was not added to @file yet
 *
 * After -ENOMEM and -EINTR the next retrieve() resumes from it. After success it is kept
 * until finish(): the references keep the pages where they can be preserved again.
 */
struct hugetlb_luo_incoming {
	struct hugetlb_luo_ser ser;
	struct hstate *h;
	struct hugetlb_luo_run_ser *runs;
	struct folio **folios;
	struct hugetlb_luo_pos restored;
	int restore_err;
	struct file *file;
	struct hugetlb_luo_pos added;
};

static const struct kho_compat_range hugetlb_luo_compat_range = {
	.name = "memfd-hugetlb",
	.lowest = KHO_HUGETLB_LOWEST,
	.highest = KHO_HUGETLB_HIGHEST,
};

static const struct kho_compat_range *const hugetlb_luo_compat_ranges[] = {
	&hugetlb_luo_compat_range,
	&kho_compat_table[KHO_COMPAT_VMALLOC],
};

static bool hugetlb_luo_valid(const struct hugetlb_luo_ser *ser)
{
	u64 room = (u64)ser->runs.total_pages << PAGE_SHIFT;

	return ser->size <= MAX_LFS_FILESIZE && ser->pos <= MAX_LFS_FILESIZE &&
	       !ser->flags && !(ser->seals & ~HUGETLB_LUO_SEALS) &&
	       !(ser->mode & ~HUGETLB_LUO_MODE) &&
	       uid_valid(make_kuid(&init_user_ns, ser->uid)) &&
	       gid_valid(make_kgid(&init_user_ns, ser->gid)) &&
	       ser->page_shift > PAGE_SHIFT && ser->page_shift < BITS_PER_LONG &&
	       ser->nr_runs <= room / sizeof(struct hugetlb_luo_run_ser) &&
	       ser->nr_runs <= ser->nr_pages &&
	       ser->nr_pages <= get_num_physpages() >> (ser->page_shift - PAGE_SHIFT);
}

/*
 * Copy before checking: a malicious previous kernel may have made the same memory
 * part of a file's content.
 */
static int hugetlb_luo_read_ser(phys_addr_t pa, struct hugetlb_luo_ser *ser,
				const struct kho_source *source)
{
	/* The state must be a block of its own: kho_restore_free() frees all of it. */
	if (!pa || !source->has_pages(pa, 1)) {
		pr_err("%s state at %pa is misaligned or not in preserved memory\n",
		       source->name, &pa);
		return -EIO;
	}

	memcpy(ser, phys_to_virt(pa), sizeof(*ser));
	if (!hugetlb_luo_valid(ser)) {
		pr_err("%s state at %pa is damaged: size %llu, position %llu, seals %#x, mode %#o, page shift %u, flags %#x, %llu runs, %llu pages\n",
		       source->name, &pa, ser->size, ser->pos, ser->seals, ser->mode,
		       ser->page_shift, ser->flags, ser->nr_runs, ser->nr_pages);
		return -EIO;
	}
	return 0;
}

static unsigned int hugetlb_luo_order(const struct hugetlb_luo_incoming *in)
{
	return in->ser.page_shift - PAGE_SHIFT;
}

/*
 * To retrieve the file this kernel must have pages of its size. If it does not, the memory
 * stays reserved: another kernel may have that size.
 */
static int hugetlb_luo_find_hstate(struct hugetlb_luo_incoming *in, bool discard)
{
	in->h = size_to_hstate(1UL << in->ser.page_shift);
	if (in->h || discard)
		return 0;

	pr_err("this kernel has no huge pages of %lu KiB\n",
	       1UL << (in->ser.page_shift - 10));
	return -EPROTONOSUPPORT;
}

static int hugetlb_luo_alloc_folios(struct hugetlb_luo_incoming *in)
{
	if (!in->h)
		return 0;

	in->folios = kvcalloc(in->ser.nr_pages, sizeof(*in->folios),
			      GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	return in->folios ? 0 : -ENOMEM;
}

/* Check that all pages of a run have addresses. */
static bool hugetlb_luo_run_fits(const struct hugetlb_luo_incoming *in,
				 const struct hugetlb_luo_run_ser *run)
{
	u64 end = PHYS_PFN(PHYS_ADDR_MAX) + 1ULL;

	return run->pfn < end && run->nr <= (end - run->pfn) >> hugetlb_luo_order(in);
}

/* Check that the runs have as many pages as the state says. */
static int hugetlb_luo_check_runs(const struct hugetlb_luo_incoming *in)
{
	u64 i, left = in->ser.nr_pages;

	for (i = 0; i < in->ser.nr_runs; i++) {
		const struct hugetlb_luo_run_ser *run = &in->runs[i];

		if (!run->nr || run->nr > left || !hugetlb_luo_run_fits(in, run) ||
		    run->index > in->ser.size)
			break;
		left -= run->nr;
	}
	if (!left && i == in->ser.nr_runs)
		return 0;

	pr_err("list of %llu runs is damaged\n", in->ser.nr_runs);
	return -EIO;
}

static int hugetlb_luo_take_runs(struct hugetlb_luo_incoming *in)
{
	struct kho_vmalloc preservation = in->ser.runs;
	void *runs;

	if (!preservation.total_pages)
		return 0;

	runs = kho_try_restore_vmalloc(&preservation);
	if (runs == ERR_PTR(-ENOMEM))
		return -ENOMEM;
	if (IS_ERR(runs)) {
		pr_err("list of incoming pages can't be restored\n");
		return -EIO;
	}
	in->runs = runs;
	return 0;
}

/*
 * Take over the serialized state and the list. On failure, take neither, except that a
 * damaged list is freed.
 */
static int hugetlb_luo_take(const struct liveupdate_file_op_args *args,
			    struct hugetlb_luo_incoming *in, bool discard)
{
	int err;

	if (kho_compat_check("memfd-hugetlb", args->incoming_compatible,
			     LIVEUPDATE_HNDL_COMPAT_LENGTH,
			     hugetlb_luo_compat_ranges,
			     ARRAY_SIZE(hugetlb_luo_compat_ranges)))
		return -EPROTONOSUPPORT;

	err = hugetlb_luo_read_ser(args->serialized_data, &in->ser, &kho_from_previous);
	if (err)
		return err;
	err = hugetlb_luo_find_hstate(in, discard);
	if (err)
		return err;
	err = hugetlb_luo_alloc_folios(in);
	if (err)
		return err;

	err = hugetlb_luo_take_runs(in);
	if (err)
		goto err_free_folios;
	kho_restore_free(phys_to_virt(args->serialized_data));

	err = hugetlb_luo_check_runs(in);
	if (!err)
		return 0;

	vfree(in->runs);
err_free_folios:
	kvfree(in->folios);
	return err;
}

/*
 * Return the state that the last retrieve() kept, or a new one. With @discard it need not be
 * possible to retrieve the file.
 */
static struct hugetlb_luo_incoming *
hugetlb_luo_get_incoming(struct liveupdate_file_op_args *args, bool discard)
{
	struct hugetlb_luo_incoming *in = args->private_data;
	int err;

	if (in)
		return in;

	in = kzalloc(sizeof(*in), GFP_KERNEL);
	if (!in)
		return ERR_PTR(-ENOMEM);

	err = hugetlb_luo_take(args, in, discard);
	if (err) {
		kfree(in);
		return ERR_PTR(err);
	}
	args->private_data = in;
	return in;
}

/* Free the state. Pages that no file has become free pages of the pool. */
static void hugetlb_luo_put_incoming(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_incoming *in = args->private_data;
	u64 i;

	for (i = 0; in->folios && i < in->restored.nr; i++) {
		if (in->folios[i])
			folio_put(in->folios[i]);
		cond_resched();
	}
	if (in->file)
		fput(in->file);
	kvfree(in->folios);
	vfree(in->runs);
	kfree(in);
	args->private_data = NULL;
}

static void hugetlb_luo_advance(const struct hugetlb_luo_incoming *in,
				struct hugetlb_luo_pos *pos)
{
	pos->nr++;
	if (++pos->in_run == in->runs[pos->run].nr) {
		pos->run++;
		pos->in_run = 0;
	}
}

/* Return the PFN of the next page to restore. */
static u64 hugetlb_luo_next_pfn(const struct hugetlb_luo_incoming *in)
{
	return in->runs[in->restored.run].pfn +
	       (in->restored.in_run << hugetlb_luo_order(in));
}

static struct folio *hugetlb_luo_restore_page(const struct hugetlb_luo_incoming *in)
{
	u64 pfn = hugetlb_luo_next_pfn(in);
	struct folio *folio = kho_restore_compound(PFN_PHYS(pfn), hugetlb_luo_order(in));

	if (!folio)
		pr_err_ratelimited("no incoming huge page at pfn %#llx\n", pfn);
	return folio;
}

/* Restore the next pages. From then on they belong to the pool of this kernel. */
static void hugetlb_luo_restore_next(struct hugetlb_luo_incoming *in)
{
	u64 end = min(in->restored.nr + HUGETLB_POOL_LUO_BATCH, in->ser.nr_pages);
	struct folio *folios[HUGETLB_POOL_LUO_BATCH];
	unsigned int nr = 0;

	while (in->restored.nr < end) {
		struct folio *folio = hugetlb_luo_restore_page(in);

		in->folios[in->restored.nr] = folio;
		hugetlb_luo_advance(in, &in->restored);
		if (folio)
			folios[nr++] = folio;
		else
			in->restore_err = -EIO;
		cond_resched();
	}
	hugetlb_pool_luo_adopt(in->h, folios, nr);
}

/* Restore the pages. After -EINTR a later call resumes. */
static int hugetlb_luo_restore(struct hugetlb_luo_incoming *in)
{
	while (in->restored.nr < in->ser.nr_pages) {
		if (fatal_signal_pending(current))
			return -EINTR;
		hugetlb_luo_restore_next(in);
	}
	return in->restore_err;
}

static int hugetlb_luo_add_next(struct hugetlb_luo_incoming *in)
{
	const struct hugetlb_luo_run_ser *run = &in->runs[in->added.run];
	u64 index = run->index + in->added.in_run;
	int err;

	if (index >= hugetlb_luo_nr_pages(in->h, in->ser.size)) {
		pr_err("page at index %llu is past the end of the file\n", index);
		return -EIO;
	}

	err = hugetlb_add_adopted_folio(in->file, index, in->folios[in->added.nr]);
	if (err == -EEXIST) {
		pr_err("two pages at index %llu\n", index);
		return -EIO;
	}
	if (!err)
		hugetlb_luo_advance(in, &in->added);
	return err;
}

/* Add the pages to the file. After -ENOMEM and -EINTR a later call resumes here. */
static int hugetlb_luo_fill(struct hugetlb_luo_incoming *in)
{
	int err = 0;

	while (in->added.nr < in->ser.nr_pages && !err) {
		err = fatal_signal_pending(current) ? -EINTR :
						      hugetlb_luo_add_next(in);
		cond_resched();
	}
	return err;
}

/* With x bits F_SEAL_EXEC would imply the seals against writing, so the mode goes last. */
static int hugetlb_luo_set_state(struct hugetlb_luo_incoming *in, struct file *file)
{
	struct inode *inode = file_inode(file);
	int err;

	inode->i_mode &= ~0111;
	err = memfd_add_seals(file, in->ser.seals);
	if (err)
		return err;

	inode->i_mode = (inode->i_mode & ~HUGETLB_LUO_MODE) | in->ser.mode;
	inode->i_uid = make_kuid(&init_user_ns, in->ser.uid);
	inode->i_gid = make_kgid(&init_user_ns, in->ser.gid);
	i_size_write(inode, in->ser.size);
	file->f_pos = in->ser.pos;
	return hugetlbfs_freeze(inode);
}

/* Create a memfd with all properties of the preserved one except its content. */
static int hugetlb_luo_new_file(struct hugetlb_luo_incoming *in)
{
	struct file *file;
	int err;

	if (in->file)
		return 0;

	file = memfd_new_file("memfd:luo", MFD_ALLOW_SEALING | MFD_EXEC | MFD_HUGETLB |
			      in->ser.page_shift << MFD_HUGE_SHIFT);
	if (IS_ERR(file))
		return PTR_ERR(file);

	err = hugetlb_luo_set_state(in, file);
	if (err) {
		fput(file);
		return err;
	}
	in->file = file;
	return 0;
}

static int hugetlb_luo_make_file(struct hugetlb_luo_incoming *in)
{
	int err;

	err = hugetlb_luo_restore(in);
	if (err)
		return err;
	err = hugetlb_luo_new_file(in);
	if (err)
		return err;
	return hugetlb_luo_fill(in);
}

/* hugetlbfs returns -ENOSPC if it can't allocate an inode. */
static bool hugetlb_luo_may_retry(int err)
{
	return err == -ENOMEM || err == -ENFILE || err == -ENOSPC;
}

/**
 * hugetlb_luo_retrieve - create a memfd like a preserved one
 * @args: arguments of the callback
 *
 * Context: May sleep.
 * Return: 0; -EAGAIN if memory, or a limit of a cgroup, is too low, or -EINTR: the next
 * call resumes; -EPROTONOSUPPORT if this kernel does not support the version or the size
 * of the pages; -EIO if what was handed over is damaged.
 */
int hugetlb_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_incoming *in;
	int err;

	in = hugetlb_luo_get_incoming(args, false);
	if (IS_ERR(in))
		return hugetlb_luo_may_retry(PTR_ERR(in)) ? -EAGAIN : PTR_ERR(in);

	err = hugetlb_luo_make_file(in);
	if (hugetlb_luo_may_retry(err))
		return -EAGAIN;
	if (err == -EINTR)
		return err;
	if (err) {
		hugetlb_luo_put_incoming(args);
		return err;
	}

	args->file = in->file;
	in->file = NULL;
	return 0;
}

/* Return true if retrieve() failed after it had consumed the serialized state. */
static bool hugetlb_luo_is_gone(const struct liveupdate_file_op_args *args)
{
	return args->retrieve_status &&
	       !kho_incoming_contains(args->serialized_data,
				      sizeof(struct hugetlb_luo_ser));
}

/* Free the next page, of a size that this kernel does not have. It leaves the pool. */
static void hugetlb_luo_free_next(struct hugetlb_luo_incoming *in)
{
	unsigned int order = hugetlb_luo_order(in);
	u64 incoming = hugetlb_luo_next_pfn(in);
	struct page *page = NULL;
	unsigned long pfn, end;

	hugetlb_luo_advance(in, &in->restored);
	if (kho_incoming_order(PFN_PHYS(incoming)) == (int)order)
		page = kho_restore_pages(PFN_PHYS(incoming), 1UL << order);
	if (!page) {
		pr_err_ratelimited("no incoming huge page at pfn %#llx\n", incoming);
		return;
	}

	pfn = page_to_pfn(page);
	hugetlb_pool_luo_sub_foreign(order, pfn_to_nid(pfn));
	for (end = pfn + (1UL << order); pfn < end; pfn++) {
		__free_page(pfn_to_page(pfn));
		cond_resched();
	}
}

/* Discard a file that was not retrieved. Signals must not stop this. */
static void hugetlb_luo_discard(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_incoming *in;

	if (hugetlb_luo_is_gone(args))
		return;

	in = hugetlb_luo_get_incoming(args, true);
	if (IS_ERR(in)) {
		pr_warn("discarded file could not be freed completely\n");
		return;
	}
	while (in->restored.nr < in->ser.nr_pages) {
		if (in->h)
			hugetlb_luo_restore_next(in);
		else
			hugetlb_luo_free_next(in);
		cond_resched();
	}
	hugetlb_luo_put_incoming(args);
}

/**
 * hugetlb_luo_finish - discard a preserved memfd, or thaw the retrieved one
 * @args: arguments of the callback
 *
 * Context: May sleep.
 */
void hugetlb_luo_finish(struct liveupdate_file_op_args *args)
{
	if (args->retrieve_status <= 0) {
		hugetlb_luo_discard(args);
		return;
	}

	hugetlb_luo_put_incoming(args);
	hugetlbfs_thaw(file_inode(args->file));
}

/* Check that the list is preserved, and all of its pages, each at its order. */
static int hugetlb_luo_verify_list(const struct hugetlb_luo_incoming *in)
{
	struct kho_vmalloc preservation = in->ser.runs;
	const struct hugetlb_luo_run_ser *run;

	if ((preservation.total_pages && kho_verify_vmalloc(&preservation, in->runs)) ||
	    hugetlb_luo_check_runs(in))
		return -EIO;

	for (run = in->runs; run < in->runs + in->ser.nr_runs; run++) {
		if (!kho_outgoing_has_folios(PFN_PHYS(run->pfn), run->nr,
					     huge_page_order(in->h))) {
			pr_err("%llu huge pages at pfn %#llx are not preserved\n",
			       (u64)run->nr, (u64)run->pfn);
			return -EIO;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * hugetlb_luo_verify_outgoing - check that the next kernel could retrieve a memfd
 * @pa: physical address of its serialized state
 * @runs: list of its pages, NULL if it has none
 * @nr_runs: number of entries in @runs
 * @all: also check the list and the pages, not the state alone
 *
 * Context: May sleep.
 * Return: 0, -EIO, or -EINTR if a fatal signal is pending.
 */
int hugetlb_luo_verify_outgoing(phys_addr_t pa, struct hugetlb_luo_run_ser *runs, u64 nr_runs,
				bool all)
{
	struct hugetlb_luo_incoming in = { .runs = runs };

	if (hugetlb_luo_read_ser(pa, &in.ser, &kho_for_next) || hugetlb_luo_find_hstate(&in, false))
		return -EIO;
	if (in.ser.nr_runs != nr_runs) {
		pr_err("outgoing state at %pa has %llu runs, not %llu\n", &pa, in.ser.nr_runs,
		       nr_runs);
		return -EIO;
	}
	return all ? hugetlb_luo_verify_list(&in) : 0;
}
