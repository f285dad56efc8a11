// SPDX-License-Identifier: GPL-2.0
/*
 * Sample: a device whose open files are carried across a live update
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each open file of /dev/notepad is a note of up to one page. Writes append to it,
 * reads continue where the last read ended. Each note has a number, shown in
 * /proc/PID/fdinfo/FD, that no other note has had since the last cold boot.
 *
 * A live update carries the text, the number, the read position and the access
 * mode of each note. It also carries the last number that was assigned, in state
 * that all notes share.
 *
 * Documentation/core-api/liveupdate.rst explains this file step by step. The
 * format that is handed over is in notepad.h.
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

/* Notes, independent of live update */

struct note {
	struct mutex lock; /* guards text, len and pos */
	struct folio *text;
	u64 number;
	size_t len;
	size_t pos;
};

static atomic64_t last_number;
/* last_number is set, so new notes can be numbered. */
static bool notepad_ready;

/*
 * The text must not be in scratch, where movable allocations can be. GFP_KERNEL is
 * not movable. It can still be in memory that was plugged in after boot, which
 * can't be preserved (-EINVAL).
 */
static struct folio *note_alloc_text(void)
{
	return folio_alloc(GFP_KERNEL_ACCOUNT | __GFP_ZERO, 0);
}

/* On success the note owns the text. */
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

	/* note_retrieve() can fail before the note has its text. */
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

/* State that all notes share */

static const struct kho_compat_range notepad_range = {
	.name = "sample-notepad",
	.lowest = 1,
	.highest = 1,
};

static const struct kho_compat_range *const notepad_ranges[] = {
	&notepad_range,
};

/* Called before the first note is preserved. */
static int notepad_preserve(struct liveupdate_flb_op_args *args)
{
	struct notepad_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return PTR_ERR(ser);

	args->obj = ser;
	args->data = virt_to_phys(ser);
	return 0;
}

/* Called after the last note was unpreserved. */
static void notepad_unpreserve(struct liveupdate_flb_op_args *args)
{
	kho_unpreserve_free(args->obj);
}

/* Called by the first liveupdate_flb_get_incoming(). */
static int notepad_retrieve(struct liveupdate_flb_op_args *args)
{
	phys_addr_t pa = args->data;

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

	args->obj = phys_to_virt(pa);
	return 0;
}

/*
 * Called after the last incoming note was finished. If retrieve() was not called or
 * failed, the address is not checked, and the memory stays reserved until the next
 * kexec.
 */
static void notepad_finish(struct liveupdate_flb_op_args *args)
{
	if (args->retrieve_status > 0)
		kho_restore_free(args->obj);
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

/* Continue after the last number of the previous kernel. */
static void notepad_continue_numbers(void)
{
	struct notepad_ser *ser;
	void *object;
	int err;

	err = liveupdate_flb_get_incoming(&notepad_flb, &object);
	if (err) {
		if (err != -ENOENT)
			pr_warn("numbers start at 1: %pe\n", ERR_PTR(err));
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

/* Store what does not change until the kexec. note_freeze() stores the rest. */
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
 * An unfreeze() callback is not needed: the next freeze() overwrites what this one
 * stored. Text that a program writes after freeze() is lost.
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

/* Two files of one note must not both be preserved. */
static unsigned long note_get_id(struct file *file)
{
	return (unsigned long)file->private_data;
}

/* Retrieving a note. The data of the previous kernel is not trusted. */

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

/* Copy the structure before it is checked, so that it can't change afterwards. */
static int note_copy_ser(phys_addr_t pa, struct note_ser *ser,
			 const struct kho_source *source)
{
	if (!pa || !IS_ALIGNED(pa, sizeof(u64)) || !source->contains(pa, sizeof(*ser))) {
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

static int note_read_ser(const struct liveupdate_file_op_args *args,
			 struct note_ser *ser)
{
	if (kho_compat_check(KBUILD_MODNAME, args->incoming_compatible,
			     LIVEUPDATE_HNDL_COMPAT_LENGTH, note_ranges,
			     ARRAY_SIZE(note_ranges)))
		return -EIO;
	return note_copy_ser(args->serialized_data, ser, &kho_from_previous);
}

/* Read what is handed over before the kexec, as the next kernel will. */
static int note_verify(const struct liveupdate_file_op_args *args)
{
	struct note_ser ser;
	int err;

	err = note_copy_ser(args->serialized_data, &ser, &kho_for_next);
	if (err)
		return err;
	return kho_outgoing_has_folios(ser.text_pa, 1, 0) ? 0 : -EIO;
}

/* Restore the text for the caller, and free the serialized note. */
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
		pr_err("text of a note at %#llx is not a preserved page\n",
		       ser->text_pa);
		return ERR_PTR(-EIO);
	}
	return text;
}

/* Create a note without its text. */
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
 * Allocate all memory before anything is restored. So after -EAGAIN a later call can
 * start from the beginning.
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
 * A retrieved note belongs to its file. After a failed retrieve() the memory was
 * freed or stays reserved. So only a note that was never retrieved is freed here.
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
	.verify = note_verify,
	.retrieve = note_retrieve,
	.finish = note_finish,
	.get_id = note_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler note_handler = {
	.ops = &note_ops,
	.compatible = NOTE_COMPATIBLE,
};

/* Without live update the device works nevertheless. */
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
 * Neither call can fail here. Users of the handler and the FLB hold a reference to
 * this module, and there are none before its init function has succeeded.
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

	/* After this init can't fail: a retrieved FLB can't be unregistered. */
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
MODULE_DESCRIPTION("Sample: a device whose files are carried across a live update");
