// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of the hugetlb pool
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: hugetlb pool
 *
 * The pages of preserved files are part of the pool in both kernels. The next kernel
 * learns their number from a KHO subtree before it allocates its pool. They count as
 * pages in use from then on, whether their files are retrieved or not. The subtree
 * exists while there are such pages.
 *
 * The subtree has the pages of preserved files, and those of the previous kernel that
 * no file has got yet: a kexec hands these on.
 */

#define pr_fmt(fmt) "hugetlb_luo: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/hugetlb.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/hugetlb.h>
#include <linux/kho/summary.h>
#include <linux/liveupdate.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/numa.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

/* Maximum number of entries of other page sizes that are handed on */
#define HUGETLB_POOL_LUO_MAX_FOREIGN	1024ULL

/*
 * State of the pool for the next kernel:
 *
 * @ser: the blob for the next kernel, NULL if @total is 0. It has the kept pages of all
 *	 page sizes, the pages of preserved files, and @foreign.
 * @total: number of pages in @ser
 * @foreign: pages of the previous kernel that this one can't use
 * @nr_foreign: number of entries in @foreign
 */
static struct {
	struct mutex lock;	/* protects the rest, and the number of kept pages */
	struct hugetlb_luo_pool_ser *ser;
	u64 total;
	struct hugetlb_luo_pool_entry_ser *foreign;
	u64 nr_foreign;
} hugetlb_pool_luo = {
	.lock = __MUTEX_INITIALIZER(hugetlb_pool_luo.lock),
};

/* Outgoing pages */

/* Return the entry of these pages. There is room for all sizes and nodes. */
static struct hugetlb_luo_pool_entry_ser *hugetlb_pool_luo_entry(struct hstate *h,
								 int nid)
{
	struct hugetlb_luo_pool_ser *ser = hugetlb_pool_luo.ser;
	struct hugetlb_luo_pool_entry_ser *entry;

	for (entry = ser->entries; entry < ser->entries + ser->nr_entries; entry++)
		if (entry->order == huge_page_order(h) && entry->node == nid)
			return entry;

	entry->order = huge_page_order(h);
	entry->node = nid;
	ser->nr_entries++;
	return entry;
}

/* Remove the blob if it has no pages. */
static void hugetlb_pool_luo_trim(void)
{
	if (hugetlb_pool_luo.total)
		return;

	kho_remove_subtree(hugetlb_pool_luo.ser);
	kho_unpreserve_free(hugetlb_pool_luo.ser);
	hugetlb_pool_luo.ser = NULL;
}

static void hugetlb_pool_luo_count(struct hstate *h, int nid, unsigned long nr)
{
	hugetlb_pool_luo_entry(h, nid)->count += nr;
	hugetlb_pool_luo.total += nr;
}

static void hugetlb_pool_luo_uncount(struct hstate *h, int nid, unsigned long nr)
{
	hugetlb_pool_luo_entry(h, nid)->count -= nr;
	hugetlb_pool_luo.total -= nr;
	hugetlb_pool_luo_trim();
}

/* Count the pages that no file of this kernel has got yet. */
static void hugetlb_pool_luo_count_kept(void)
{
	struct hugetlb_luo_pool_ser *ser = hugetlb_pool_luo.ser;
	struct hstate *h;
	int nid;
	u64 i;

	for_each_hstate(h)
		for_each_node(nid)
			if (h->kept_huge_pages_node[nid])
				hugetlb_pool_luo_count(h, nid, h->kept_huge_pages_node[nid]);

	for (i = 0; i < hugetlb_pool_luo.nr_foreign; i++) {
		ser->entries[ser->nr_entries++] = hugetlb_pool_luo.foreign[i];
		hugetlb_pool_luo.total += hugetlb_pool_luo.foreign[i].count;
	}
}

/* Create the blob if there is none. */
static int hugetlb_pool_luo_create(void)
{
	struct hugetlb_luo_pool_ser *ser;
	size_t size;
	int err;

	if (hugetlb_pool_luo.ser)
		return 0;

	size = struct_size(ser, entries, hugetlb_max_hstate * nr_node_ids +
					 hugetlb_pool_luo.nr_foreign);
	ser = kho_alloc_preserve(size);
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	strscpy_pad(ser->compatible, HUGETLB_LUO_POOL_COMPATIBLE);
	err = kho_add_subtree(HUGETLB_LUO_POOL_NAME, ser, size);
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}
	hugetlb_pool_luo.ser = ser;
	hugetlb_pool_luo_count_kept();
	return 0;
}

/**
 * hugetlb_pool_luo_add - tell the next kernel of pages of the pool
 * @h: their size
 * @nid: their node
 * @nr: number of them
 *
 * Context: May sleep.
 * Return: 0, or an error of kho_alloc_preserve() or kho_add_subtree(). While any pages
 * are added it does not fail.
 */
int hugetlb_pool_luo_add(struct hstate *h, int nid, unsigned long nr)
{
	int err;

	guard(mutex)(&hugetlb_pool_luo.lock);
	err = hugetlb_pool_luo_create();
	if (!err)
		hugetlb_pool_luo_count(h, nid, nr);
	return err;
}

/**
 * hugetlb_pool_luo_sub - undo hugetlb_pool_luo_add()
 * @h: size of the pages
 * @nid: their node
 * @nr: number of them
 *
 * Context: May sleep.
 */
void hugetlb_pool_luo_sub(struct hstate *h, int nid, unsigned long nr)
{
	guard(mutex)(&hugetlb_pool_luo.lock);
	hugetlb_pool_luo_uncount(h, nid, nr);
}

/**
 * hugetlb_pool_luo_adopt - take pages of the previous kernel into the pool
 * @h: their size
 * @folios: the pages, see hugetlb_adopt_folios()
 * @nr: number of them, at most %HUGETLB_POOL_LUO_BATCH
 *
 * Context: May sleep.
 */
void hugetlb_pool_luo_adopt(struct hstate *h, struct folio **folios, unsigned int nr)
{
	int nids[HUGETLB_POOL_LUO_BATCH];
	unsigned int i;

	guard(mutex)(&hugetlb_pool_luo.lock);
	hugetlb_adopt_folios(h, folios, nids, nr);
	/* If the blob could not be created at boot, it is missing. */
	for (i = 0; i < nr && hugetlb_pool_luo.ser; i++)
		if (nids[i] != NUMA_NO_NODE)
			hugetlb_pool_luo_uncount(h, nids[i], 1);
}

/* Find an entry that has pages of this order, if possible on node @nid. */
static struct hugetlb_luo_pool_entry_ser *
hugetlb_pool_luo_find_order(struct hugetlb_luo_pool_entry_ser *entries, u64 nr,
			    unsigned int order, int nid)
{
	struct hugetlb_luo_pool_entry_ser *found = NULL;
	u64 i;

	for (i = 0; i < nr; i++) {
		if (entries[i].order != order || !entries[i].count)
			continue;
		if (!found || entries[i].node == nid)
			found = &entries[i];
	}
	return found;
}

/**
 * hugetlb_pool_luo_sub_foreign - forget a page of a size that this kernel does not have
 * @order: log2 of its size in pages
 * @nid: its node
 *
 * Context: May sleep.
 */
void hugetlb_pool_luo_sub_foreign(unsigned int order, int nid)
{
	struct hugetlb_luo_pool_entry_ser *entry;
	struct hugetlb_luo_pool_ser *ser;

	guard(mutex)(&hugetlb_pool_luo.lock);
	entry = hugetlb_pool_luo_find_order(hugetlb_pool_luo.foreign,
					    hugetlb_pool_luo.nr_foreign, order, nid);
	/* The previous kernel may have handed over more pages than it said. */
	if (!entry)
		return;
	entry->count--;

	/* If the blob could not be created at boot, it is missing. */
	ser = hugetlb_pool_luo.ser;
	if (!ser)
		return;
	hugetlb_pool_luo_find_order(ser->entries, ser->nr_entries, order,
				    entry->node)->count--;
	hugetlb_pool_luo.total--;
	hugetlb_pool_luo_trim();
}

/* Incoming pages */

static bool __init hugetlb_pool_luo_usable(unsigned int order)
{
	struct hstate *h;

	for_each_hstate(h)
		if (huge_page_order(h) == order)
			return true;
	return false;
}

/* Check that there can be so many pages besides @nr_others of the same size. */
static bool __init hugetlb_pool_luo_fits(const struct hugetlb_luo_pool_entry_ser *entry,
					 unsigned long nr_others)
{
	if (entry->order < BITS_PER_LONG &&
	    entry->count <= (get_num_physpages() >> entry->order) - nr_others)
		return true;

	pr_err("%llu incoming pages of order %u are more than there is memory\n",
	       entry->count, entry->order);
	return false;
}

/* Count the pages of an entry. A node that this kernel lacks may have another number now. */
static void __init hugetlb_pool_luo_keep(struct hstate *h,
					 const struct hugetlb_luo_pool_entry_ser *entry)
{
	u32 nid = entry->node;

	if (!hugetlb_pool_luo_fits(entry, h->kept_huge_pages))
		return;
	if (nid >= nr_node_ids || !node_state(nid, N_MEMORY))
		nid = first_memory_node;
	hugetlb_keep_pages(h, nid, entry->count);
}

static const struct hugetlb_luo_pool_ser * __init hugetlb_pool_luo_find(size_t *size)
{
	const struct hugetlb_luo_pool_ser *ser;
	phys_addr_t phys;
	int err;

	err = kho_retrieve_subtree(HUGETLB_LUO_POOL_NAME, &phys, size);
	if (err == -ENOENT || err == -EOPNOTSUPP)
		return NULL;

	ser = err ? NULL : phys_to_virt(phys);
	if (!ser || *size < sizeof(*ser) ||
	    strncmp(ser->compatible, HUGETLB_LUO_POOL_COMPATIBLE,
		    sizeof(ser->compatible)) ||
	    ser->nr_entries > (*size - sizeof(*ser)) / sizeof(ser->entries[0])) {
		pr_err_once("incoming number of pages is damaged or of an unknown version\n");
		return NULL;
	}
	return ser;
}

/**
 * hugetlb_pool_luo_read - count the pages that the previous kernel has handed over
 * @h: their size
 *
 * If live update is off their files can't be retrieved. Then their memory stays
 * reserved, and the pool is allocated as if they did not exist.
 *
 * Context: Boot, before pages of this size are allocated. For gigantic pages this is while
 * the command line is parsed.
 */
void __init hugetlb_pool_luo_read(struct hstate *h)
{
	const struct hugetlb_luo_pool_ser *ser;
	size_t size;
	u64 i;

	ser = liveupdate_enabled() ? hugetlb_pool_luo_find(&size) : NULL;
	for (i = 0; ser && i < ser->nr_entries; i++)
		if (ser->entries[i].order == huge_page_order(h))
			hugetlb_pool_luo_keep(h, &ser->entries[i]);
}

/* Keep the entries of page sizes that this kernel does not have: the next one may. */
static void __init hugetlb_pool_luo_read_foreign(const struct hugetlb_luo_pool_ser *ser)
{
	struct hugetlb_luo_pool_entry_ser *foreign;
	u64 i, nr = 0, max = min(ser->nr_entries, HUGETLB_POOL_LUO_MAX_FOREIGN);

	foreign = kvmalloc_array(max, sizeof(*foreign), GFP_KERNEL);
	for (i = 0; i < ser->nr_entries && nr < max; i++) {
		const struct hugetlb_luo_pool_entry_ser *entry = &ser->entries[i];

		if (!entry->count || hugetlb_pool_luo_usable(entry->order))
			continue;
		if (!hugetlb_pool_luo_fits(entry, 0))
			continue;
		pr_warn("%llu incoming pages of order %u can't be used by this kernel\n",
			entry->count, entry->order);
		if (foreign)
			foreign[nr++] = *entry;
	}
	hugetlb_pool_luo.foreign = foreign;
	hugetlb_pool_luo.nr_foreign = nr;
}

static bool __init hugetlb_pool_luo_any_kept(void)
{
	struct hstate *h;

	for_each_hstate(h)
		if (h->kept_huge_pages)
			return true;
	return hugetlb_pool_luo.nr_foreign;
}

/* Let the next kernel know of pages that no file gets until then. */
static int __init hugetlb_pool_luo_init(void)
{
	const struct hugetlb_luo_pool_ser *ser;
	phys_addr_t phys;
	size_t size;

	if (!liveupdate_enabled())
		return 0;

	ser = hugetlb_pool_luo_find(&size);
	if (ser)
		hugetlb_pool_luo_read_foreign(ser);
	if (!kho_retrieve_subtree(HUGETLB_LUO_POOL_NAME, &phys, &size))
		kho_discard_subtree(phys, size);

	guard(mutex)(&hugetlb_pool_luo.lock);
	if (hugetlb_pool_luo_any_kept() && hugetlb_pool_luo_create())
		pr_warn("no memory to tell the next kernel of pages that are not retrieved\n");
	return 0;
}
late_initcall(hugetlb_pool_luo_init);

/* debugfs */

static void hugetlb_pool_luo_show(struct seq_file *m, const char *note,
				  unsigned int order, u32 node, u64 count)
{
	if (count)
		seq_printf(m, "huge pages of %llu KiB on node %u%s: %llu pages, %llu bytes\n",
			   1ULL << (order + PAGE_SHIFT - 10), node, note, count,
			   count << (order + PAGE_SHIFT));
}

/* Show all that the next kernel is told. */
static int hugetlb_pool_luo_show_out(struct seq_file *m)
{
	const struct hugetlb_luo_pool_ser *ser;
	const struct hugetlb_luo_pool_entry_ser *entry;
	u64 i;

	guard(mutex)(&hugetlb_pool_luo.lock);
	ser = hugetlb_pool_luo.ser;
	for (i = 0; ser && i < ser->nr_entries; i++) {
		entry = &ser->entries[i];
		hugetlb_pool_luo_show(m, "", entry->order, entry->node, entry->count);
	}
	return 0;
}

/* Show the pages that no file has got yet. */
static int hugetlb_pool_luo_show_in(struct seq_file *m)
{
	const struct hugetlb_luo_pool_entry_ser *entry = hugetlb_pool_luo.foreign;
	struct hstate *h;
	int nid;
	u64 i;

	guard(mutex)(&hugetlb_pool_luo.lock);
	for_each_hstate(h)
		for_each_node(nid)
			hugetlb_pool_luo_show(m, ", not retrieved", huge_page_order(h), nid,
					      h->kept_huge_pages_node[nid]);
	for (i = 0; i < hugetlb_pool_luo.nr_foreign; i++, entry++)
		hugetlb_pool_luo_show(m, ", not usable by this kernel", entry->order,
				      entry->node, entry->count);
	return 0;
}

static struct kho_summary hugetlb_pool_luo_summary = {
	.show_out = hugetlb_pool_luo_show_out,
	.show_in = hugetlb_pool_luo_show_in,
};

/* After luo_late_init(), which can disable LUO. */
static int __init hugetlb_pool_luo_init_summary(void)
{
	if (IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUGFS) && liveupdate_enabled())
		kho_summary_register(&hugetlb_pool_luo_summary);
	return 0;
}
late_initcall_sync(hugetlb_pool_luo_init_summary);
