// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: what it shows in debugfs.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: KHO in debugfs
 *
 * /sys/kernel/debug/kho/ is there when kexec handover is enabled. ``out/`` is
 * what this kernel hands over, at the moment of reading; ``in/`` is what the
 * previous kernel has handed over. All files can be read by root only.
 *
 * out/summary, in/summary
 *   For people: versions, scratch regions, preserved blocks by order (incoming
 *   ones until they are restored), nodes of the map, blobs, and what users of
 *   kexec handover add: LUO its sessions and files. Names in quotes have odd
 *   characters escaped as in C.
 * out/fdt, in/fdt
 *   The root FDT, a page, for dtc and the like. in/fdt is there if anything was
 *   handed over, as is in/sub_fdts/.
 * out/sub_fdts/NAME, in/sub_fdts/NAME
 *   The blobs that the root FDT names, FDTs or not, raw. An incoming one is the
 *   copy that was taken before its owner could restore and free it. Reading
 *   fails with EFBIG if it was too large for that (64 KiB), with EINVAL if it
 *   does not lie in preserved memory. A blob has no file if its name has
 *   characters that are not printable, or was there before.
 * out/scratch_phys, out/scratch_len
 *   The scratch regions, one line for each in both files: the physical address
 *   in hexadecimal, and the size in bytes in decimal.
 */

#include <linux/cleanup.h>
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/libfdt.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/uaccess.h>

#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/radix_tree.h>
#include <linux/kho/summary.h>

#include "kexec_handover_internal.h"

/* More of a blob is not copied. There are no more blobs than fit into a page. */
#define KHO_DEBUGFS_MAX_COPY	SZ_64K

/**
 * struct kho_in_blob - a blob of the previous kernel
 * @name: its name, in the root FDT
 * @phys: its physical address, not to be trusted
 * @size: its size in bytes, neither
 * @copy: its content, or an ERR_PTR() that says why there is none
 */
struct kho_in_blob {
	const char *name;
	phys_addr_t phys;
	size_t size;
	void *copy;
};

static struct kho_in_blob *kho_in_blobs;
static unsigned int kho_nr_in_blobs;

/* out/sub_fdts, NULL until there is debugfs; guarded by kho_out.fdt_lock */
static struct dentry *kho_out_blob_dir;

static const void *kho_in_fdt(void)
{
	return phys_to_virt(kho_in.fdt_phys);
}

/*
 * Files of blobs
 */

/*
 * Whoever removes the file, and then frees the blob, waits as long as the blob
 * is in use here. So that must not be as long as user space likes: its memory
 * may be mapped from anywhere.
 */
static int kho_blob_copy(struct file *file, void *to, loff_t pos, size_t len)
{
	struct dentry *dentry = file->f_path.dentry;
	int err;

	err = debugfs_file_get(dentry);
	if (err)
		return err;

	memcpy(to, file->private_data + pos, len);
	debugfs_file_put(dentry);
	return 0;
}

static ssize_t kho_blob_read(struct file *file, char __user *buf, size_t count,
			     loff_t *pos)
{
	loff_t size = i_size_read(file_inode(file));
	size_t len;
	void *page;
	int err;

	if (IS_ERR(file->private_data))
		return PTR_ERR(file->private_data);
	if (*pos >= size || !count)
		return 0;

	page = (void *)__get_free_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;

	len = min3(count, (size_t)(size - *pos), PAGE_SIZE);
	err = kho_blob_copy(file, page, *pos, len);
	if (!err && copy_to_user(buf, page, len))
		err = -EFAULT;
	free_page((unsigned long)page);
	if (err)
		return err;

	*pos += len;
	return len;
}

static const struct file_operations kho_blob_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = kho_blob_read,
	.llseek = default_llseek,
};

/* "unsafe": kho_blob_read() itself sees to it that the blob is there. */
static void kho_create_blob_file(const char *name, struct dentry *dir,
				 void *blob, size_t size)
{
	struct dentry *dentry;

	dentry = debugfs_create_file_unsafe(name, 0400, dir, blob,
					    &kho_blob_fops);
	if (!IS_ERR(dentry) && !IS_ERR(blob))
		i_size_write(d_inode(dentry), size);
}

/* Would debugfs take the name, and could a terminal show it? */
static bool kho_is_file_name(const char *name)
{
	size_t len = strlen(name);
	size_t i;

	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !isprint(name[i]) || name[i] == '/')
			return false;

	return len && len <= NAME_MAX && strcmp(name, ".") && strcmp(name, "..");
}

/**
 * kho_debugfs_add_blob - show a blob that is handed over
 * @name: its name
 * @blob: the blob in the direct map
 * @size: its size in bytes
 *
 * Context: May sleep. The caller holds kho_out.fdt_lock.
 */
void kho_debugfs_add_blob(const char *name, void *blob, size_t size)
{
	lockdep_assert_held(&kho_out.fdt_lock);
	if (kho_out_blob_dir && kho_is_file_name(name))
		kho_create_blob_file(name, kho_out_blob_dir, blob, size);
}

/**
 * kho_debugfs_remove_blob - undo kho_debugfs_add_blob()
 * @name: the blob's name
 *
 * Context: May sleep: waits until nobody reads the blob. The caller holds
 * kho_out.fdt_lock, which must not be needed to read a blob.
 */
void kho_debugfs_remove_blob(const char *name)
{
	lockdep_assert_held(&kho_out.fdt_lock);
	if (kho_out_blob_dir && kho_is_file_name(name))
		debugfs_lookup_and_remove(name, kho_out_blob_dir);
}

/*
 * What came in
 */

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

static void __init kho_keep_blob(const void *fdt, int node)
{
	struct kho_in_blob *blob = &kho_in_blobs[kho_nr_in_blobs++];

	/* FDTs of ancient versions may have nodes without a name. */
	blob->name = fdt_get_name(fdt, node, NULL) ?: "";
	blob->phys = kho_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME);
	blob->size = kho_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME);
	blob->copy = kho_copy_in_blob(blob->phys, blob->size);
}

/**
 * kho_debugfs_keep_incoming - copy the blobs of the previous kernel
 *
 * Context: kho_init(), before anybody can have restored one.
 */
void __init kho_debugfs_keep_incoming(void)
{
	unsigned int nr = 0;
	const void *fdt;
	int node;

	if (!is_kho_boot())
		return;

	fdt = kho_in_fdt();
	fdt_for_each_subnode(node, fdt, 0)
		nr++;
	kho_in_blobs = kcalloc(nr, sizeof(*kho_in_blobs), GFP_KERNEL);
	if (!kho_in_blobs)
		return;

	fdt_for_each_subnode(node, fdt, 0)
		kho_keep_blob(fdt, node);
}

/*
 * The outgoing root FDT
 */

/* A copy for each reader: a change in the middle would make it unreadable. */
static int kho_out_fdt_open(struct inode *inode, struct file *file)
{
	guard(mutex)(&kho_out.fdt_lock);
	file->private_data = kmemdup(kho_out.fdt, PAGE_SIZE, GFP_KERNEL);
	return file->private_data ? 0 : -ENOMEM;
}

static ssize_t kho_out_fdt_read(struct file *file, char __user *buf,
				size_t count, loff_t *pos)
{
	return simple_read_from_buffer(buf, count, pos, file->private_data,
				       PAGE_SIZE);
}

static int kho_out_fdt_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations kho_out_fdt_fops = {
	.owner = THIS_MODULE,
	.open = kho_out_fdt_open,
	.read = kho_out_fdt_read,
	.llseek = default_llseek,
	.release = kho_out_fdt_release,
};

/*
 * Scratch regions
 */

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

/*
 * Summaries: what kexec handover itself has to say, each part a record
 */

typedef void (*kho_part_fn)(struct seq_file *m);

static void kho_show_scratch(struct seq_file *m)
{
	unsigned int i;

	seq_printf(m, "scratch: %u regions\n", kho_scratch_cnt);
	for (i = 0; i < kho_scratch_cnt; i++)
		seq_printf(m, "  [mem %#018llx-%#018llx] %llu bytes\n",
			   (u64)kho_scratch[i].addr,
			   (u64)(kho_scratch[i].addr + kho_scratch[i].size - 1),
			   (u64)kho_scratch[i].size);
}

static void kho_show_blocks(struct seq_file *m, const char *what,
			    unsigned long nr_blocks, unsigned long nr_pages)
{
	seq_printf(m, "%s: %lu blocks, %lu pages, %llu bytes\n", what, nr_blocks,
		   nr_pages, (u64)nr_pages << PAGE_SHIFT);
}

static void kho_show_map(struct seq_file *m, struct kho_radix_tree *tree,
			 const char *what)
{
	unsigned long nr_blocks = 0, nr_pages = 0;
	struct kho_radix_stats stats;
	unsigned int order;
	char name[16];

	kho_radix_count_all(tree, &stats);
	for (order = 0; order <= KHO_RADIX_MAX_ORDER; order++) {
		nr_blocks += stats.nr_blocks[order];
		nr_pages += stats.nr_blocks[order] << order;
	}

	kho_show_blocks(m, what, nr_blocks, nr_pages);
	for (order = 0; order <= KHO_RADIX_MAX_ORDER; order++) {
		if (!stats.nr_blocks[order])
			continue;
		snprintf(name, sizeof(name), "  order %u", order);
		kho_show_blocks(m, name, stats.nr_blocks[order],
				stats.nr_blocks[order] << order);
	}
	seq_printf(m, "tree: %lu nodes, %llu bytes\n", stats.nr_nodes,
		   (u64)stats.nr_nodes << PAGE_SHIFT);
}

static void kho_show_blob(struct seq_file *m, const char *name, u64 phys,
			  u64 size)
{
	seq_puts(m, "  ");
	kho_summary_quote(m, name);
	seq_printf(m, " %llu bytes at %#llx", size, phys);
}

static void kho_show_out_version(struct seq_file *m)
{
	seq_puts(m, "version: ");
	kho_summary_quote(m, KHO_FDT_COMPATIBLE);
	seq_putc(m, '\n');
}

static void kho_show_out_map(struct seq_file *m)
{
	kho_show_map(m, &kho_out.tree, "preserved");
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

static void kho_show_in_version(struct seq_file *m)
{
	if (!is_kho_boot()) {
		seq_puts(m, "nothing was handed over\n");
		return;
	}

	seq_puts(m, "version: ");
	kho_summary_quote(m, fdt_getprop(kho_in_fdt(), 0, "compatible", NULL));
	seq_putc(m, '\n');
}

static void kho_show_in_map(struct seq_file *m)
{
	if (is_kho_boot())
		kho_show_map(m, &kho_in.tree, "preserved, not restored");
}

static void kho_show_in_blobs(struct seq_file *m)
{
	unsigned int i;

	if (!is_kho_boot())
		return;

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

static const kho_part_fn kho_out_parts[] = {
	kho_show_out_version,
	kho_show_scratch,
	kho_show_out_map,
	kho_show_out_blobs,
};

static const kho_part_fn kho_in_parts[] = {
	kho_show_in_version,
	kho_show_in_map,
	kho_show_in_blobs,
};

/* The state counts the parts that were reached. */
static int kho_out_part_next(void *state)
{
	unsigned int *nr = state;

	return (*nr)++ < ARRAY_SIZE(kho_out_parts);
}

static int kho_out_part_show(struct seq_file *m, const void *state)
{
	const unsigned int *nr = state;

	kho_out_parts[*nr - 1](m);
	return 0;
}

static int kho_in_part_next(void *state)
{
	unsigned int *nr = state;

	return (*nr)++ < ARRAY_SIZE(kho_in_parts);
}

static int kho_in_part_show(struct seq_file *m, const void *state)
{
	const unsigned int *nr = state;

	kho_in_parts[*nr - 1](m);
	return 0;
}

static const struct kho_summary_ops kho_out_ops = {
	.state_size = sizeof(unsigned int),
	.next = kho_out_part_next,
	.show = kho_out_part_show,
};

static const struct kho_summary_ops kho_in_ops = {
	.state_size = sizeof(unsigned int),
	.next = kho_in_part_next,
	.show = kho_in_part_show,
};

static struct kho_summary kho_summary = {
	.out = &kho_out_ops,
	.in = &kho_in_ops,
	.list = LIST_HEAD_INIT(kho_summary.list),
};

/*
 * Summaries: all that was registered
 */

static LIST_HEAD(kho_summaries);
static DEFINE_MUTEX(kho_summaries_lock);

enum kho_direction {
	KHO_OUT,
	KHO_IN,
};

/**
 * struct kho_summary_reader - an open summary
 * @direction: which one
 * @summary: the part that is being read, NULL behind the last one
 * @state: the part's own, NULL until it is entered
 * @arrived: @state is at the record that the file's position means; false when
 *	     going there has failed
 */
struct kho_summary_reader {
	enum kho_direction direction;
	struct kho_summary *summary;
	void *state;
	bool arrived;
};

/**
 * kho_summary_register - add a part to the summaries in debugfs
 * @summary: the part, for good: so only code that is built in can add one
 *
 * Context: May sleep.
 */
void kho_summary_register(struct kho_summary *summary)
{
	guard(mutex)(&kho_summaries_lock);
	list_add_tail(&summary->list, &kho_summaries);
}

/**
 * kho_summary_quote - print a name that anybody may have chosen
 * @m:   the summary
 * @str: the name
 *
 * Prints it in double quotes, on one line, in printable ASCII.
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

static const struct kho_summary_ops *
kho_summary_ops(const struct kho_summary_reader *reader)
{
	return reader->direction == KHO_OUT ? reader->summary->out :
					      reader->summary->in;
}

/* The part behind @summary, the first one for NULL. None is ever removed. */
static struct kho_summary *kho_summary_after(struct kho_summary *summary)
{
	struct list_head *at = summary ? &summary->list : &kho_summaries;

	guard(mutex)(&kho_summaries_lock);
	return list_is_last(at, &kho_summaries) ? NULL :
	       list_entry(at->next, struct kho_summary, list);
}

static void kho_summary_leave(struct kho_summary_reader *reader)
{
	if (reader->state && kho_summary_ops(reader)->release)
		kho_summary_ops(reader)->release(reader->state);
	kfree(reader->state);
	reader->state = NULL;
}

static int kho_summary_enter(struct kho_summary_reader *reader)
{
	if (!reader->state)
		reader->state = kzalloc(kho_summary_ops(reader)->state_size,
					GFP_KERNEL);
	return reader->state ? 0 : -ENOMEM;
}

/* Go to the next record; if that fails it can be tried again. */
static void *kho_summary_advance(struct kho_summary_reader *reader)
{
	int ret;

	reader->arrived = false;
	while (reader->summary) {
		ret = kho_summary_enter(reader);
		if (!ret)
			ret = kho_summary_ops(reader)->next(reader->state);
		if (ret < 0)
			return ERR_PTR(ret);
		if (ret)
			break;
		kho_summary_leave(reader);
		reader->summary = kho_summary_after(reader->summary);
	}

	reader->arrived = true;
	return reader->summary ? reader : NULL;
}

static void *kho_summary_start(struct seq_file *m, loff_t *pos)
{
	struct kho_summary_reader *reader = m->private;

	if (!*pos) {
		kho_summary_leave(reader);
		reader->summary = kho_summary_after(NULL);
		reader->arrived = false;
	}
	if (!reader->arrived)
		return kho_summary_advance(reader);

	return reader->summary ? reader : NULL;
}

static void *kho_summary_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return kho_summary_advance(v);
}

static void kho_summary_stop(struct seq_file *m, void *v)
{
}

static int kho_summary_show(struct seq_file *m, void *v)
{
	struct kho_summary_reader *reader = v;

	return kho_summary_ops(reader)->show(m, reader->state);
}

static const struct seq_operations kho_summary_seq_ops = {
	.start = kho_summary_start,
	.next = kho_summary_next,
	.stop = kho_summary_stop,
	.show = kho_summary_show,
};

static int kho_summary_open(struct inode *inode, struct file *file)
{
	struct kho_summary_reader *reader;

	reader = __seq_open_private(file, &kho_summary_seq_ops, sizeof(*reader));
	if (!reader)
		return -ENOMEM;

	reader->direction = (uintptr_t)inode->i_private;
	return 0;
}

static int kho_summary_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	kho_summary_leave(m->private);
	return seq_release_private(inode, file);
}

static const struct file_operations kho_summary_fops = {
	.owner = THIS_MODULE,
	.open = kho_summary_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = kho_summary_release,
};

/*
 * The directories. debugfs takes what it has returned, and may be switched off.
 */

static void __init kho_create_out_blobs(struct dentry *out)
{
	const void *fdt = kho_out.fdt;
	int node;

	guard(mutex)(&kho_out.fdt_lock);
	kho_out_blob_dir = debugfs_create_dir("sub_fdts", out);
	fdt_for_each_subnode(node, fdt, 0)
		kho_debugfs_add_blob(fdt_get_name(fdt, node, NULL),
				     phys_to_virt(kho_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME)),
				     kho_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME));
}

static void __init kho_create_out(struct dentry *root)
{
	struct dentry *out = debugfs_create_dir("out", root);

	debugfs_create_file("summary", 0400, out, (void *)KHO_OUT,
			    &kho_summary_fops);
	debugfs_create_file("fdt", 0400, out, NULL, &kho_out_fdt_fops);
	debugfs_create_file("scratch_phys", 0400, out, NULL,
			    &kho_scratch_phys_fops);
	debugfs_create_file("scratch_len", 0400, out, NULL,
			    &kho_scratch_len_fops);
	kho_create_out_blobs(out);
}

static bool __init kho_is_first_of_name(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(kho_in_blobs[i].name, kho_in_blobs[nr].name))
			return false;

	return true;
}

static void __init kho_create_in_blobs(struct dentry *in)
{
	struct dentry *dir = debugfs_create_dir("sub_fdts", in);
	unsigned int i;

	for (i = 0; i < kho_nr_in_blobs; i++)
		if (kho_is_file_name(kho_in_blobs[i].name) &&
		    kho_is_first_of_name(i))
			kho_create_blob_file(kho_in_blobs[i].name, dir,
					     kho_in_blobs[i].copy,
					     kho_in_blobs[i].size);
}

static void __init kho_create_in(struct dentry *root)
{
	struct dentry *in = debugfs_create_dir("in", root);

	debugfs_create_file("summary", 0400, in, (void *)KHO_IN,
			    &kho_summary_fops);
	if (!is_kho_boot())
		return;

	kho_create_blob_file("fdt", in, (void *)kho_in_fdt(), PAGE_SIZE);
	kho_create_in_blobs(in);
}

static int __init kho_debugfs_init(void)
{
	struct dentry *root;

	if (!kho_is_enabled())
		return 0;

	/* In front of what others have registered */
	scoped_guard(mutex, &kho_summaries_lock)
		list_add(&kho_summary.list, &kho_summaries);

	root = debugfs_create_dir("kho", NULL);
	kho_create_out(root);
	kho_create_in(root);
	return 0;
}
fs_initcall(kho_debugfs_init);
