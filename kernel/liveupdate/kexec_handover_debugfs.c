// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: debugfs.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: KHO in debugfs
 *
 * /sys/kernel/debug/kho/ exists if kexec handover is enabled. ``out/`` shows
 * what this kernel hands over, as of the moment of reading. ``in/`` shows what
 * the previous kernel handed over. Only root can read the files.
 *
 * out/summary, in/summary
 *   A summary for people: versions, scratch regions, preserved blocks by order
 *   (incoming blocks until they are restored), nodes of the map, blobs, and
 *   lines from users of kexec handover, such as the sessions and files of LUO and the
 *   huge pages of the hugetlb pool, which are among the preserved blocks.
 *   out/summary also counts the incoming blocks that were not restored: a live update
 *   hands them on. They belong to sessions that are not finished. Without such
 *   sessions, the owner of these blocks is not known.
 *   Names are in quotes, with special characters escaped as in C.
 * out/preserved, in/preserved
 *   The ranges of memory that are preserved, in ascending order, one line for each: its
 *   physical address in hexadecimal and its size in bytes in decimal. Incoming ranges
 *   are listed until they are restored. If memory is preserved or restored during the
 *   read, a part of the list can be from before that, and the rest from after it.
 * out/image
 *   Whether the next kernel, if kexec started it now, would take over what is preserved:
 *   "carries the handover", "not loaded", or why it would not.
 * out/verify
 *   Reading it checks the map of preserved memory, the root FDT, and the files that LUO has
 *   preserved so far, as reboot() does before a kexec. "no damage found", or "damaged: see
 *   the kernel log". Reading fails with EBUSY while a session is being changed, or once
 *   sessions are frozen for a kexec. It fails with ENOMEM if a kexec failed, and memory was
 *   too short to preserve the list of a file again: the next kexec tries that first. A kexec
 *   waits for one session or one walk of the map at most.
 * out/fdt, in/fdt
 *   The root FDT, one page, for dtc and similar tools. in/fdt and in/sub_fdts/
 *   exist only if there was a handover.
 * out/sub_fdts/NAME, in/sub_fdts/NAME
 *   The blobs that the root FDT names, as raw data. Not all of them are FDTs.
 *   An incoming blob is a copy that is taken at boot, before the blob's owner
 *   can restore and free it. Reading fails with EFBIG if the blob is larger
 *   than 64 KiB, and with EINVAL if it does not lie in preserved memory. A blob
 *   has no file if its name has unprintable characters or is a duplicate.
 * out/scratch_phys, out/scratch_len
 *   The scratch regions, one line for each. The first file has their physical
 *   addresses in hexadecimal, the second one their sizes in bytes in decimal.
 */

#include <linux/cleanup.h>
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/range.h>
#include <linux/rculist.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/image.h>
#include <linux/kho/summary.h>

#include "kexec_handover_internal.h"

/* Size limit for copies of blobs. The root FDT limits their number. */
#define KHO_DEBUGFS_MAX_COPY	SZ_64K

/**
 * struct kho_in_blob - a blob of the previous kernel
 * @name: its name, a string in the root FDT
 * @phys: its physical address, not trusted
 * @size: its size in bytes, not trusted
 * @copy: its content, or an ERR_PTR() for readers
 */
struct kho_in_blob {
	const char *name;
	phys_addr_t phys;
	size_t size;
	void *copy;
};

static struct kho_in_blob *kho_in_blobs;
static unsigned int kho_nr_in_blobs;

/* out/sub_fdts */
static struct dentry *kho_out_blob_dir;

static const void *kho_in_fdt(void)
{
	return phys_to_virt(kho_in.fdt_phys);
}

/*
 * Blobs
 */

static ssize_t kho_blob_read(struct file *file, char __user *buf, size_t count,
			     loff_t *pos)
{
	if (IS_ERR(file->private_data))
		return PTR_ERR(file->private_data);

	return simple_read_from_buffer(buf, count, pos, file->private_data,
				       i_size_read(file_inode(file)));
}

static const struct file_operations kho_blob_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = kho_blob_read,
	.llseek = default_llseek,
};

/* Check that debugfs accepts @name and that a terminal can show it. */
static bool kho_is_file_name(const char *name)
{
	size_t len = strlen(name);
	size_t i;

	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !isprint(name[i]) || name[i] == '/')
			return false;

	return len && len <= NAME_MAX && strcmp(name, ".") && strcmp(name, "..");
}

static void kho_create_blob_file(const char *name, struct dentry *dir,
				 void *blob, size_t size)
{
	struct dentry *dentry;

	if (!kho_is_file_name(name))
		return;

	dentry = debugfs_create_file(name, 0400, dir, blob, &kho_blob_fops);
	if (!IS_ERR(dentry) && !IS_ERR(blob))
		i_size_write(d_inode(dentry), size);
}

static void kho_out_blob_added(const char *name, void *blob, size_t size)
{
	kho_create_blob_file(name, kho_out_blob_dir, blob, size);
}

/* The caller frees the blob afterwards, so wait until no task reads it. */
static void kho_out_blob_removed(const char *name)
{
	if (kho_is_file_name(name))
		debugfs_lookup_and_remove(name, kho_out_blob_dir);
}

static const struct kho_subtree_hooks kho_debugfs_hooks = {
	.added = kho_out_blob_added,
	.removed = kho_out_blob_removed,
};

static void *__init kho_copy_in_blob(phys_addr_t phys, size_t size)
{
	void *copy;

	if (!phys || !kho_incoming_contains(phys, size))
		return ERR_PTR(-EINVAL);
	if (size > KHO_DEBUGFS_MAX_COPY)
		return ERR_PTR(-EFBIG);

	copy = kvmemdup(phys_to_virt(phys), size, GFP_KERNEL);
	return copy ?: ERR_PTR(-ENOMEM);
}

/* Copy the blobs of the previous kernel before their owners can restore them. */
static int __init kho_copy_in_blobs(void)
{
	unsigned int nr = 0;
	const void *fdt;
	int node;

	if (!kho_is_enabled() || !is_kho_boot())
		return 0;

	fdt = kho_in_fdt();
	fdt_for_each_subnode(node, fdt, 0)
		nr++;
	kho_in_blobs = kcalloc(nr, sizeof(*kho_in_blobs), GFP_KERNEL);
	if (!kho_in_blobs)
		return -ENOMEM;

	fdt_for_each_subnode(node, fdt, 0) {
		struct kho_in_blob *blob = &kho_in_blobs[kho_nr_in_blobs++];

		/* Nodes can lack a name in FDTs of version 15 and older. */
		blob->name = fdt_get_name(fdt, node, NULL) ?: "";
		blob->phys = kho_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME);
		blob->size = kho_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME);
		blob->copy = kho_copy_in_blob(blob->phys, blob->size);
	}

	return 0;
}
early_initcall(kho_copy_in_blobs);

/*
 * Other files of out/
 */

static int kho_out_fdt_show(struct seq_file *m, void *v)
{
	guard(mutex)(&kho_out.fdt_lock);
	seq_write(m, kho_out.fdt, PAGE_SIZE);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kho_out_fdt);

static int kho_scratch_phys_show(struct seq_file *m, void *v)
{
	unsigned int i;

	for (i = 0; i < kho_scratch_cnt; i++)
		seq_printf(m, "%#llx\n", (u64)kho_scratch[i].addr);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kho_scratch_phys);

static int kho_scratch_len_show(struct seq_file *m, void *v)
{
	unsigned int i;

	for (i = 0; i < kho_scratch_cnt; i++)
		seq_printf(m, "%llu\n", (u64)kho_scratch[i].size);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kho_scratch_len);

static int kho_out_image_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%s\n", kho_image_verdict());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kho_out_image);

/*
 * Preserved ranges. A list can be too long for one buffer, so it is an iterator: the
 * position is the page frame number from which on the next range is searched.
 */

/**
 * struct kho_range_list - state of reading a list of ranges
 * @tree:  the map that has them
 * @range: the current range
 */
struct kho_range_list {
	struct kho_radix_tree *tree;
	struct range range;
};

static int kho_take_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	struct range *range = arg;

	*range = (struct range){ .start = PHYS_PFN(start), .end = PHYS_PFN(end) };
	return 1;
}

static void *kho_find_range(struct kho_range_list *list, loff_t *pos)
{
	guard(mutex)(&list->tree->lock);
	if (kho_radix_walk_window(list->tree, *pos, KHO_RADIX_END_PFN, kho_take_range,
				  &list->range) <= 0)
		return NULL;

	*pos = list->range.start;
	return &list->range;
}

static void *kho_ranges_start(struct seq_file *m, loff_t *pos)
{
	return kho_find_range(m->private, pos);
}

static void *kho_ranges_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct kho_range_list *list = m->private;

	*pos = list->range.end;
	return kho_find_range(list, pos);
}

static void kho_ranges_stop(struct seq_file *m, void *v)
{
}

static int kho_ranges_show(struct seq_file *m, void *v)
{
	const struct range *range = v;

	seq_printf(m, "%#llx %llu\n", (u64)PFN_PHYS(range->start),
		   (u64)PFN_PHYS(range->end - range->start));
	return 0;
}

static const struct seq_operations kho_ranges_ops = {
	.start = kho_ranges_start,
	.next = kho_ranges_next,
	.stop = kho_ranges_stop,
	.show = kho_ranges_show,
};

static int kho_ranges_open(struct inode *inode, struct file *file)
{
	struct kho_range_list *list;

	list = __seq_open_private(file, &kho_ranges_ops, sizeof(*list));
	if (!list)
		return -ENOMEM;

	list->tree = inode->i_private;
	return 0;
}

static const struct file_operations kho_ranges_fops = {
	.owner = THIS_MODULE,
	.open = kho_ranges_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

/*
 * Summaries
 */

/* Entries are only added. A user mode helper can read a summary while initcalls do so. */
static LIST_HEAD(kho_summaries);

/**
 * kho_summary_register - add lines to the summaries in debugfs
 * @summary: the callbacks that print them; can't be unregistered
 *
 * The lines follow those of kexec handover, in the order of registration.
 *
 * Context: Initcalls.
 */
void __init kho_summary_register(struct kho_summary *summary)
{
	list_add_tail_rcu(&summary->list, &kho_summaries);
}

/**
 * kho_summary_quote - print a string that can have any characters
 * @m:   the summary
 * @str: the string
 *
 * Print it in double quotes, on one line, in printable ASCII.
 *
 * Context: Any.
 */
void kho_summary_quote(struct seq_file *m, const char *str)
{
	seq_putc(m, '"');
	seq_escape_str(m, str,
		       ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_HEX | ESCAPE_NAP |
		       ESCAPE_APPEND, "\"\\");
	seq_putc(m, '"');
}

static void kho_show_version(struct seq_file *m, const char *version)
{
	seq_puts(m, "version: ");
	kho_summary_quote(m, version);
	seq_putc(m, '\n');
}

static void kho_show_blocks(struct seq_file *m, unsigned long nr_blocks,
			    unsigned long nr_pages)
{
	seq_printf(m, ": %lu blocks, %lu pages, %llu bytes\n", nr_blocks,
		   nr_pages, (u64)nr_pages << PAGE_SHIFT);
}

static void kho_show_total(struct seq_file *m, const char *what,
			   const struct kho_radix_stats *stats)
{
	unsigned long nr_blocks = 0, nr_pages = 0;
	unsigned int order;

	for (order = 0; order <= KHO_RADIX_MAX_ORDER; order++) {
		nr_blocks += stats->nr_blocks[order];
		nr_pages += stats->nr_blocks[order] << order;
	}

	seq_puts(m, what);
	kho_show_blocks(m, nr_blocks, nr_pages);
}

static void kho_show_map(struct seq_file *m, struct kho_radix_tree *tree,
			 const char *what)
{
	struct kho_radix_stats stats;
	unsigned int order;

	kho_radix_count_all(tree, &stats);
	kho_show_total(m, what, &stats);
	for (order = 0; order <= KHO_RADIX_MAX_ORDER; order++) {
		if (!stats.nr_blocks[order])
			continue;
		seq_printf(m, "  order %u", order);
		kho_show_blocks(m, stats.nr_blocks[order],
				stats.nr_blocks[order] << order);
	}
	seq_printf(m, "tree: %lu nodes, %llu bytes\n", stats.nr_nodes,
		   (u64)stats.nr_nodes << PAGE_SHIFT);
}

static int kho_count_overlap(phys_addr_t start, phys_addr_t end, void *arg)
{
	unsigned long *nr_pages = arg;

	*nr_pages += PHYS_PFN(end - start);
	return 0;
}

static void kho_show_overlaps(struct seq_file *m)
{
	unsigned long nr_pages = 0;

	kho_radix_walk_overlaps(&kho_in.tree, kho_count_overlap, &nr_pages);
	if (nr_pages)
		seq_printf(m, "in blocks that overlap, never restored: %lu pages, %llu bytes\n",
			   nr_pages, (u64)nr_pages << PAGE_SHIFT);
}

/* The count includes blocks that overlap or are reserved, which are not handed on. */
static void kho_show_left(struct seq_file *m)
{
	struct kho_radix_stats stats;

	if (!is_kho_boot())
		return;

	kho_radix_count_all(&kho_in.tree, &stats);
	kho_show_total(m, "handed on unless restored", &stats);
}

static void kho_show_blob(struct seq_file *m, const char *name, u64 phys,
			  u64 size)
{
	seq_puts(m, "  ");
	kho_summary_quote(m, name);
	seq_printf(m, " %llu bytes at %#llx", size, phys);
}

static void kho_show_out_blobs(struct seq_file *m)
{
	const void *fdt = kho_out.fdt;
	int node;

	seq_puts(m, "blobs:\n");
	guard(mutex)(&kho_out.fdt_lock);
	fdt_for_each_subnode(node, fdt, 0) {
		kho_show_blob(m, fdt_get_name(fdt, node, NULL),
			      kho_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME),
			      kho_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME));
		seq_putc(m, '\n');
	}
}

static void kho_show_in_blobs(struct seq_file *m)
{
	unsigned int i;

	seq_puts(m, "blobs:\n");
	for (i = 0; i < kho_nr_in_blobs; i++) {
		const struct kho_in_blob *blob = &kho_in_blobs[i];

		kho_show_blob(m, blob->name, blob->phys, blob->size);
		if (PTR_ERR_OR_ZERO(blob->copy) == -EINVAL)
			seq_puts(m, ", not in preserved memory\n");
		else if (kho_incoming_contains(blob->phys, blob->size))
			seq_puts(m, ", not restored\n");
		else
			seq_puts(m, ", restored\n");
	}
}

static int kho_out_summary_show(struct seq_file *m, void *v)
{
	struct kho_summary *summary;
	unsigned int i;
	int err = 0;

	kho_show_version(m, KHO_FDT_COMPATIBLE);
	seq_printf(m, "scratch: %u regions\n", kho_scratch_cnt);
	for (i = 0; i < kho_scratch_cnt; i++)
		seq_printf(m, "  [mem %#018llx-%#018llx] %llu bytes\n",
			   (u64)kho_scratch[i].addr,
			   (u64)(kho_scratch[i].addr + kho_scratch[i].size - 1),
			   (u64)kho_scratch[i].size);
	kho_show_map(m, &kho_out.tree, "preserved");
	kho_show_left(m);
	kho_show_out_blobs(m);
	list_for_each_entry_lockless(summary, &kho_summaries, list)
		err = err ?: summary->show_out(m);

	return err;
}
DEFINE_SHOW_ATTRIBUTE(kho_out_summary);

static int kho_in_summary_show(struct seq_file *m, void *v)
{
	struct kho_summary *summary;
	int err = 0;

	if (is_kho_boot()) {
		kho_show_version(m, fdt_getprop(kho_in_fdt(), 0, "compatible",
						NULL));
		kho_show_map(m, &kho_in.tree, "preserved, not restored");
		kho_show_overlaps(m);
		kho_show_in_blobs(m);
	} else {
		seq_puts(m, "nothing was handed over\n");
	}
	list_for_each_entry_lockless(summary, &kho_summaries, list)
		err = err ?: summary->show_in(m);

	return err;
}
DEFINE_SHOW_ATTRIBUTE(kho_in_summary);

static int kho_out_verify_show(struct seq_file *m, void *v)
{
	struct kho_summary *summary;
	int err;

	err = kho_verify_outgoing();
	list_for_each_entry_lockless(summary, &kho_summaries, list)
		if (!err && summary->verify)
			err = summary->verify();
	if (err && err != -EIO)
		return err;

	seq_puts(m, err ? "damaged: see the kernel log\n" : "no damage found\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kho_out_verify);

/*
 * Directories. The return values of debugfs are not checked: it accepts its own
 * errors as arguments, and it may be disabled.
 */

static void __init kho_create_out(struct dentry *root)
{
	struct dentry *out = debugfs_create_dir("out", root);
	const void *fdt = kho_out.fdt;
	int node;

	debugfs_create_file("summary", 0400, out, NULL, &kho_out_summary_fops);
	debugfs_create_file("fdt", 0400, out, NULL, &kho_out_fdt_fops);
	debugfs_create_file("scratch_phys", 0400, out, NULL,
			    &kho_scratch_phys_fops);
	debugfs_create_file("scratch_len", 0400, out, NULL,
			    &kho_scratch_len_fops);
	debugfs_create_file("preserved", 0400, out, &kho_out.tree,
			    &kho_ranges_fops);
	debugfs_create_file("image", 0400, out, NULL, &kho_out_image_fops);
	debugfs_create_file("verify", 0400, out, NULL, &kho_out_verify_fops);

	kho_out_blob_dir = debugfs_create_dir("sub_fdts", out);
	guard(mutex)(&kho_out.fdt_lock);
	fdt_for_each_subnode(node, fdt, 0)
		kho_out_blob_added(fdt_get_name(fdt, node, NULL),
				   phys_to_virt(kho_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME)),
				   kho_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME));
	kho_out.hooks = &kho_debugfs_hooks;
}

static void __init kho_create_in(struct dentry *root)
{
	struct dentry *in = debugfs_create_dir("in", root);
	struct dentry *dir;
	unsigned int i;

	debugfs_create_file("summary", 0400, in, NULL, &kho_in_summary_fops);
	if (!is_kho_boot())
		return;

	kho_create_blob_file("fdt", in, (void *)kho_in_fdt(), PAGE_SIZE);
	debugfs_create_file("preserved", 0400, in, &kho_in.tree, &kho_ranges_fops);
	dir = debugfs_create_dir("sub_fdts", in);
	for (i = 0; i < kho_nr_in_blobs; i++)
		kho_create_blob_file(kho_in_blobs[i].name, dir,
				     kho_in_blobs[i].copy, kho_in_blobs[i].size);
}

static int __init kho_debugfs_init(void)
{
	struct dentry *root;

	if (!kho_is_enabled())
		return 0;

	root = debugfs_create_dir("kho", NULL);
	kho_create_out(root);
	kho_create_in(root);
	return 0;
}
fs_initcall(kho_debugfs_init);
