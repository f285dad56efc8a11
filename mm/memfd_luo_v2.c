// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds to mainline, which reads version 2
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A preserved file is always serialized in version 3. If the next kernel is one of mainline,
 * reboot() serializes it in version 2 as well, from the list of version 3. Owner, mode,
 * times, access mode and status flags are lost. A file that would lose more is refused.
 */

#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/vmalloc.h>
#include <linux/liveupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "memfd_luo.h"

/**
 * struct memfd_luo_v2 - a memfd that is serialized in version 2
 * @ser: its serialized state, which has a page
 * @folios: list of its folios, a vmalloc area, or NULL if there are none
 * @area: describes @folios
 * @nr_folios: number of entries in the list
 * @nr_pages: size of these folios in pages
 */
struct memfd_luo_v2 {
	struct memfd_luo_v2_ser *ser;
	struct memfd_luo_v2_folio_ser *folios;
	struct kho_vmalloc area;
	u64 nr_folios;
	unsigned long nr_pages;
};

/*
 * Mainline creates the file with mode 0777 and then adds the seals. F_SEAL_EXEC on such a
 * file implies those against writing.
 */
#define MEMFD_LUO_V2_IMPLIED	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int memfd_luo_v2_check(const struct memfd_luo_outgoing *out)
{
	u32 seals = out->ser->seals;

	if (out->nr_poisoned) {
		pr_err("mainline can't take over a file with %llu poisoned page(s)\n",
		       out->nr_poisoned);
		return -EOPNOTSUPP;
	}
	if (seals & F_SEAL_EXEC &&
	    (seals & MEMFD_LUO_V2_IMPLIED) != MEMFD_LUO_V2_IMPLIED) {
		pr_err("mainline would seal a file with F_SEAL_EXEC against writing\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static u64 memfd_luo_v2_count(const struct memfd_luo_outgoing *out)
{
	u64 i, nr = 0;

	for (i = 0; i < out->nr_runs; i++)
		nr += out->runs[i].nr;
	return nr;
}

static struct memfd_luo_v2_folio_ser *
memfd_luo_v2_add_run(struct memfd_luo_v2_folio_ser *entry, struct memfd_luo_run_ser run)
{
	u64 i;

	for (i = 0; i < run.nr; i++)
		*entry++ = (struct memfd_luo_v2_folio_ser) {
			.pfn = run.pfn + (i << run.order),
			.flags = MEMFD_LUO_V2_FOLIO_FLAGS,
			.index = run.index + (i << run.order),
		};
	return entry;
}

static int memfd_luo_v2_fill(const struct memfd_luo_outgoing *out,
			     struct memfd_luo_v2_folio_ser *entry)
{
	u64 i;

	for (i = 0; i < out->nr_runs; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		entry = memfd_luo_v2_add_run(entry, out->runs[i]);
		cond_resched();
	}
	return 0;
}

/* Make the list. Do not log a lack of memory: the size depends on the file. */
static int memfd_luo_v2_make_list(const struct memfd_luo_outgoing *out,
				  struct memfd_luo_v2 *v2, gfp_t gfp)
{
	int err;

	v2->folios = __vmalloc_array(v2->nr_folios, sizeof(*v2->folios),
				     gfp | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!v2->folios)
		return -ENOMEM;

	err = memfd_luo_v2_fill(out, v2->folios);
	if (!err)
		err = kho_preserve_vmalloc(v2->folios, &v2->area);
	if (err) {
		vfree(v2->folios);
		v2->folios = NULL;
	}
	return err;
}

static void memfd_luo_v2_free_list(struct memfd_luo_v2 *v2)
{
	if (!v2->folios)
		return;
	kho_unpreserve_vmalloc(&v2->area);
	vfree(v2->folios);
	v2->folios = NULL;
}

/* List the folios. The list may lie in hot-added memory: then retry in low memory. */
static int memfd_luo_v2_list(const struct memfd_luo_outgoing *out, struct memfd_luo_v2 *v2)
{
	int err;

	v2->area = (struct kho_vmalloc){};
	v2->nr_folios = memfd_luo_v2_count(out);
	v2->nr_pages = out->nr_pages;
	if (!v2->nr_folios)
		return 0;

	err = memfd_luo_v2_make_list(out, v2, GFP_KERNEL_ACCOUNT);
	if (err == -EINVAL)
		err = memfd_luo_v2_make_list(out, v2, GFP_KERNEL_ACCOUNT | GFP_DMA32);
	return err == -EINVAL ? -EOPNOTSUPP : err;
}

static void memfd_luo_v2_store(const struct memfd_luo_outgoing *out)
{
	const struct memfd_luo_v2 *v2 = out->v2;

	*v2->ser = (struct memfd_luo_v2_ser) {
		.pos = out->ser->pos,
		.size = out->ser->size,
		.seals = out->ser->seals,
		.nr_folios = v2->nr_folios,
		.folios = v2->area,
	};
}

/**
 * memfd_luo_v2_update - serialize what has changed since memfd_luo_convert()
 * @out: the converted file, after its state in version 3 was brought up to date
 *
 * Context: May sleep.
 * Return: 0, or an error of memfd_luo_convert(). After an error nothing has changed.
 */
int memfd_luo_v2_update(struct memfd_luo_outgoing *out)
{
	struct memfd_luo_v2 new, *v2 = out->v2;
	int err;

	err = memfd_luo_v2_check(out);
	if (err)
		return err;

	/* Holes were filled: no folio leaves the list. */
	if (v2->nr_pages != out->nr_pages) {
		new = (struct memfd_luo_v2) { .ser = v2->ser };
		err = memfd_luo_v2_list(out, &new);
		if (err)
			return err;
		memfd_luo_v2_free_list(v2);
		*v2 = new;
	}
	memfd_luo_v2_store(out);
	return 0;
}

/**
 * memfd_luo_convert - serialize a preserved file in version 2: convert() of the handler
 * @args: see struct liveupdate_file_ops
 *
 * Bring the list of version 3 up to date before. Otherwise freeze() would make both lists
 * again, with the kexec lock held.
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, -EINTR if a fatal signal is pending, -EOPNOTSUPP for a file that
 * mainline would damage, or another error of memfd_luo_refresh().
 */
int memfd_luo_convert(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_outgoing *out = args->private_data;
	struct memfd_luo_v2 *v2;
	int err;

	err = memfd_luo_refresh(out, file_inode(args->file));
	err = err ?: memfd_luo_v2_check(out);
	if (err)
		return err;

	v2 = kzalloc(sizeof(*v2), GFP_KERNEL_ACCOUNT);
	if (!v2)
		return -ENOMEM;

	v2->ser = kho_alloc_preserve(sizeof(*v2->ser));
	if (IS_ERR(v2->ser)) {
		err = PTR_ERR(v2->ser);
		goto err_free;
	}
	err = memfd_luo_v2_list(out, v2);
	if (err)
		goto err_free_ser;

	/* Mainline would keep the memory of version 3 reserved. */
	memfd_luo_hide_list(out);
	out->v2 = v2;
	memfd_luo_v2_store(out);
	args->serialized_data = virt_to_phys(v2->ser);
	return 0;

err_free_ser:
	kho_unpreserve_free(v2->ser);
err_free:
	kfree(v2);
	return err;
}

/* Return the entry after those of a run, NULL if one is wrong. */
static const struct memfd_luo_v2_folio_ser *
memfd_luo_v2_check_run(const struct memfd_luo_v2_folio_ser *entry, struct memfd_luo_run_ser run)
{
	u64 i;

	for (i = 0; i < run.nr; i++, entry++)
		if (entry->pfn != run.pfn + (i << run.order) ||
		    entry->index != run.index + (i << run.order))
			return NULL;
	return entry;
}

static int memfd_luo_v2_damaged(void)
{
	pr_err("outgoing state of version 2 is damaged\n");
	return -EIO;
}

/**
 * memfd_luo_v2_verify_ser - check the state that is handed over in version 2
 * @out: the converted file
 *
 * Context: May sleep.
 * Return: 0, or -EIO if mainline could not read it.
 */
int memfd_luo_v2_verify_ser(const struct memfd_luo_outgoing *out)
{
	const struct memfd_luo_v2 *v2 = out->v2;
	struct memfd_luo_v2_ser *ser = v2->ser;

	if (!kho_outgoing_contains(virt_to_phys(ser), sizeof(*ser)) ||
	    ser->size != out->ser->size || ser->seals != out->ser->seals ||
	    ser->nr_folios != v2->nr_folios ||
	    memcmp(&ser->folios, &v2->area, sizeof(ser->folios)))
		return memfd_luo_v2_damaged();
	return 0;
}

/**
 * memfd_luo_v2_verify_list - check the list of folios that is handed over in version 2
 * @out: the converted file
 *
 * Context: May sleep.
 * Return: 0, -EIO if it is not that of version 3, or -EINTR if a fatal signal is pending.
 */
int memfd_luo_v2_verify_list(const struct memfd_luo_outgoing *out)
{
	const struct memfd_luo_v2_folio_ser *entry = out->v2->folios;
	struct kho_vmalloc area = out->v2->ser->folios;
	u64 i;

	if (out->v2->nr_folios != memfd_luo_v2_count(out) ||
	    (entry && kho_verify_vmalloc(&area, entry)))
		return memfd_luo_v2_damaged();

	for (i = 0; i < out->nr_runs; i++) {
		entry = memfd_luo_v2_check_run(entry, out->runs[i]);
		if (!entry)
			return memfd_luo_v2_damaged();
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * memfd_luo_unconvert - undo memfd_luo_convert(): unconvert() of the handler
 * @args: see struct liveupdate_file_ops
 *
 * Context: May sleep.
 */
void memfd_luo_unconvert(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_outgoing *out = args->private_data;
	struct memfd_luo_v2 *v2 = out->v2;

	memfd_luo_v2_free_list(v2);
	kho_unpreserve_free(v2->ser);
	kfree(v2);
	out->v2 = NULL;
	/* If memory is short, freeze() tries again. */
	memfd_luo_show_list(out);
	args->serialized_data = virt_to_phys(out->ser);
}
