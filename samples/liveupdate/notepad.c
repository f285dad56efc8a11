// SPDX-License-Identifier: GPL-2.0
/*
 * A device whose open files live through a live update
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each open file of /dev/notepad is a note, one page long. What is written is
 * appended, reads go on where the last one ended. A note has a number that no
 * other note has had since the last cold boot; /proc/PID/fdinfo/FD shows it.
 *
 * A live update carries the notes: their text, number, place of the next read
 * and access mode. The number that was given out last is carried with them, in
 * state that all notes share.
 *
 * Documentation/core-api/liveupdate.rst goes through this file. What passes from
 * one kernel to the next is in notepad.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "notepad.h"

/* The notes themselves know nothing of live update. */

struct note {
	struct mutex lock; /* all that follows */
	struct folio *text;
	u64 number;
	size_t len;
	size_t pos;
};

static atomic64_t last_number;
/* It is known where numbers go on: a new note gets none that is taken. */
static bool notepad_ready;

/*
 * Memory for user space is movable, and may be in scratch. GFP_KERNEL's isn't. It
 * may have been plugged in after boot: then preserving it fails with -EINVAL.
 */
static struct folio *note_alloc_text(void)
{
	return folio_alloc(GFP_KERNEL_ACCOUNT | __GFP_ZERO, 0);
}

/* On failure the text is still the caller's. */
static struct note *note_new(struct folio *text)
{
	struct note *note = kzalloc(sizeof(*note), GFP_KERNEL_ACCOUNT);

	if (!note)
		return NULL;

	mutex_init(&note->lock);
	note->text = text;
	return note;
}

static int note_open(struct inode *inode, struct file *file)
{
	struct folio *text;
	struct note *note;

	/* Pairs with the release in notepad_init(). */
	if (!smp_load_acquire(&notepad_ready))
		return -EAGAIN;

	text = note_alloc_text();
	if (!text)
		return -ENOMEM;

	note = note_new(text);
	if (!note) {
		folio_put(text);
		return -ENOMEM;
	}

	note->number = atomic64_inc_return(&last_number);
	file->private_data = note;
	return stream_open(inode, file);
}

static int note_release(struct inode *inode, struct file *file)
{
	struct note *note = file->private_data;

	/* One that failed to be retrieved has none. */
	if (note->text)
		folio_put(note->text);
	mutex_destroy(&note->lock);
	kfree(note);
	return 0;
}

static ssize_t note_read(struct file *file, char __user *buf, size_t len,
			 loff_t *pos)
{
	struct note *note = file->private_data;

	guard(mutex)(&note->lock);
	len = min(len, note->len - note->pos);
	if (copy_to_user(buf, folio_address(note->text) + note->pos, len))
		return -EFAULT;

	note->pos += len;
	return len;
}

static ssize_t note_write(struct file *file, const char __user *buf, size_t len,
			  loff_t *pos)
{
	struct note *note = file->private_data;

	guard(mutex)(&note->lock);
	if (len && note->len == PAGE_SIZE)
		return -ENOSPC;

	len = min(len, PAGE_SIZE - note->len);
	if (copy_from_user(folio_address(note->text) + note->len, buf, len))
		return -EFAULT;

	note->len += len;
	return len;
}

static void note_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct note *note = file->private_data;

	seq_printf(m, "note:\t%llu\n", note->number);
}

static const struct file_operations note_fops = {
	.owner = THIS_MODULE,
	.open = note_open,
	.release = note_release,
	.read = note_read,
	.write = note_write,
	.show_fdinfo = note_show_fdinfo,
};

static struct miscdevice notepad_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "notepad",
	.fops = &note_fops,
	.mode = 0600,
};

/* What all notes share */

static const struct kho_compat_range notepad_range = {
	.name = "sample-notepad",
	.lowest = 1,
	.highest = 1,
};

static const struct kho_compat_range *const notepad_ranges[] = {
	&notepad_range,
};

/* The first note is about to be preserved. */
static int notepad_preserve(struct liveupdate_flb_op_args *args)
{
	struct notepad_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return PTR_ERR(ser);

	args->object = ser;
	args->serialized_data = virt_to_phys(ser);
	return 0;
}

/* The last one is not preserved any more. */
static void notepad_unpreserve(struct liveupdate_flb_op_args *args)
{
	kho_unpreserve_free(args->object);
}

/* Somebody asks for it for the first time. */
static int notepad_retrieve(struct liveupdate_flb_op_args *args)
{
	phys_addr_t pa = args->serialized_data;

	if (kho_compat_check(KBUILD_MODNAME, args->incoming_compatible,
			     LIVEUPDATE_FLB_COMPAT_LENGTH, notepad_ranges,
			     ARRAY_SIZE(notepad_ranges)))
		return -EIO;
	if (!pa || !IS_ALIGNED(pa, sizeof(u64)) ||
	    !kho_incoming_contains(pa, sizeof(struct notepad_ser))) {
		pr_err("shared state at %pa is misaligned or not in preserved memory\n",
		       &pa);
		return -EIO;
	}

	args->object = phys_to_virt(pa);
	return 0;
}

/*
 * The last note that the previous kernel left is finished. Where retrieve() was
 * not called, or has failed, the address was not checked: what it leads to
 * stays reserved until the next kexec.
 */
static void notepad_finish(struct liveupdate_flb_op_args *args)
{
	if (args->retrieve_status > 0)
		kho_restore_free(args->object);
}

static const struct liveupdate_flb_ops notepad_ops = {
	.preserve = notepad_preserve,
	.unpreserve = notepad_unpreserve,
	.retrieve = notepad_retrieve,
	.finish = notepad_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_flb notepad_flb = {
	.ops = &notepad_ops,
	.compatible = NOTEPAD_COMPATIBLE,
};

/* Numbers go on where those of the previous kernel ended. */
static void notepad_continue_numbers(void)
{
	struct notepad_ser *ser;
	void *object;
	int err;

	err = liveupdate_flb_get_incoming(&notepad_flb, &object);
	if (err) {
		if (err != -ENOENT)
			pr_warn("numbers start anew: %pe\n", ERR_PTR(err));
		return;
	}

	ser = object;
	atomic64_set(&last_number, ser->last_number);
	liveupdate_flb_put_incoming(&notepad_flb);
}

/* Preserving a note */

static bool note_can_preserve(struct liveupdate_file_handler *handler,
			      struct file *file)
{
	return file->f_op == &note_fops;
}

/* All that is still the same at the kexec; note_freeze() stores the rest. */
static int note_preserve(struct liveupdate_file_op_args *args)
{
	struct note *note = args->file->private_data;
	struct note_ser *ser;
	int err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	err = kho_preserve_folio(note->text);
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}

	ser->text_pa = PFN_PHYS(folio_pfn(note->text));
	ser->number = note->number;
	ser->accmode = args->file->f_flags & O_ACCMODE;
	args->serialized_data = virt_to_phys(ser);
	args->private_data = ser;
	return 0;
}

static void note_unpreserve(struct liveupdate_file_op_args *args)
{
	struct note *note = args->file->private_data;

	kho_unpreserve_folio(note->text);
	kho_unpreserve_free(args->private_data);
}

/*
 * There is no unfreeze(): what is stored here is stored again the next time. A
 * program that still writes now races with the kexec: what it writes is lost.
 */
static int note_freeze(struct liveupdate_file_op_args *args)
{
	struct note *note = args->file->private_data;
	struct note_ser *ser = args->private_data;
	struct notepad_ser *shared;
	void *object;
	int err;

	scoped_guard(mutex, &note->lock) {
		ser->len = note->len;
		ser->pos = note->pos;
	}

	err = liveupdate_flb_get_outgoing(&notepad_flb, &object);
	if (err)
		return err;

	shared = object;
	shared->last_number = atomic64_read(&last_number);
	liveupdate_flb_put_outgoing(&notepad_flb);
	return 0;
}

/* The note is what must not be preserved twice, however it was opened. */
static unsigned long note_get_id(struct liveupdate_file_op_args *args)
{
	return (unsigned long)args->file->private_data;
}

/* Retrieving it. Nothing that the previous kernel left is trusted. */

static const struct kho_compat_range note_range = {
	.name = "sample-note",
	.lowest = 1,
	.highest = 1,
};

static const struct kho_compat_range *const note_ranges[] = {
	&note_range,
};

static bool note_valid(const struct note_ser *ser)
{
	return ser->len <= PAGE_SIZE && ser->pos <= ser->len &&
	       (ser->accmode == O_RDONLY || ser->accmode == O_WRONLY ||
		ser->accmode == O_RDWR);
}

/* Get a copy: nobody can change it once it was checked. */
static int note_read_ser(const struct liveupdate_file_op_args *args,
			 struct note_ser *ser)
{
	phys_addr_t pa = args->serialized_data;

	if (kho_compat_check(KBUILD_MODNAME, args->incoming_compatible,
			     LIVEUPDATE_HNDL_COMPAT_LENGTH, note_ranges,
			     ARRAY_SIZE(note_ranges)))
		return -EIO;
	if (!pa || !IS_ALIGNED(pa, sizeof(u64)) ||
	    !kho_incoming_contains(pa, sizeof(*ser))) {
		pr_err("note at %pa is misaligned or not in preserved memory\n",
		       &pa);
		return -EIO;
	}

	memcpy(ser, phys_to_virt(pa), sizeof(*ser));
	if (!note_valid(ser)) {
		pr_err("note at %pa is damaged: length %llu, position %llu, mode %llu\n",
		       &pa, ser->len, ser->pos, ser->accmode);
		return -EIO;
	}
	return 0;
}

/* The text is the caller's afterwards, the rest of the note's memory is free. */
static struct folio *note_take(const struct liveupdate_file_op_args *args,
			       const struct note_ser *ser)
{
	struct folio *text;

	text = kho_restore_folio(ser->text_pa);
	kho_restore_free(phys_to_virt(args->serialized_data));
	if (text && folio_order(text)) {
		folio_put(text);
		text = NULL;
	}
	if (!text) {
		pr_err("text of a note at %#llx is no preserved page\n",
		       ser->text_pa);
		return ERR_PTR(-EIO);
	}
	return text;
}

/* A note that has everything but its text. */
static struct file *note_open_again(const struct note_ser *ser)
{
	struct note *note = note_new(NULL);
	struct file *file;

	if (!note)
		return ERR_PTR(-ENOMEM);

	note->number = ser->number;
	note->len = ser->len;
	note->pos = ser->pos;
	file = anon_inode_getfile("[note]", &note_fops, note, ser->accmode);
	if (IS_ERR(file)) {
		kfree(note);
		return file;
	}

	stream_open(file_inode(file), file);
	return file;
}

/*
 * All that needs memory comes before anything is taken: so it can be tried again
 * if there is too little.
 */
static int note_retrieve(struct liveupdate_file_op_args *args)
{
	struct note_ser ser;
	struct folio *text;
	struct note *note;
	struct file *file;
	int err;

	err = note_read_ser(args, &ser);
	if (err)
		return err;

	file = note_open_again(&ser);
	if (IS_ERR(file))
		return -EAGAIN;

	text = note_take(args, &ser);
	if (IS_ERR(text)) {
		fput(file);
		return PTR_ERR(text);
	}

	note = file->private_data;
	note->text = text;
	args->file = file;
	return 0;
}

/*
 * What was retrieved belongs to the file. What failed to be is gone, or was refused
 * and stays reserved. The rest is discarded.
 */
static void note_finish(struct liveupdate_file_op_args *args)
{
	struct note_ser ser;
	struct folio *text;

	if (args->retrieve_status || note_read_ser(args, &ser))
		return;

	text = note_take(args, &ser);
	if (!IS_ERR(text))
		folio_put(text);
}

static const struct liveupdate_file_ops note_ops = {
	.can_preserve = note_can_preserve,
	.preserve = note_preserve,
	.unpreserve = note_unpreserve,
	.freeze = note_freeze,
	.retrieve = note_retrieve,
	.finish = note_finish,
	.get_id = note_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler note_handler = {
	.ops = &note_ops,
	.compatible = NOTE_COMPATIBLE,
};

/* The device works without live update, too. */
static int __init notepad_register_liveupdate(void)
{
	int err;

	err = liveupdate_register_file_handler(&note_handler);
	if (err)
		return err == -EOPNOTSUPP ? 0 : err;

	err = liveupdate_register_flb(&note_handler, &notepad_flb);
	if (err) {
		liveupdate_unregister_file_handler(&note_handler);
		return err;
	}

	return 0;
}

/*
 * Neither can fail here: what uses them holds a reference to this module, and
 * nothing does before its init has succeeded.
 */
static void notepad_unregister_liveupdate(void)
{
	liveupdate_unregister_flb(&note_handler, &notepad_flb);
	liveupdate_unregister_file_handler(&note_handler);
}

static int __init notepad_init(void)
{
	int err;

	err = notepad_register_liveupdate();
	if (err)
		return err;

	err = misc_register(&notepad_device);
	if (err) {
		notepad_unregister_liveupdate();
		return err;
	}

	/* Last: while it is retrieved the FLB can't be unregistered. */
	notepad_continue_numbers();
	/* Pairs with the acquire in note_open(). */
	smp_store_release(&notepad_ready, true);
	return 0;
}
module_init(notepad_init);

static void __exit notepad_exit(void)
{
	misc_deregister(&notepad_device);
	notepad_unregister_liveupdate();
}
module_exit(notepad_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Sample: a device whose files live through a live update");
