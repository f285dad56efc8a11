// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

/**
 * DOC: memfd preservation
 *
 * A live update carries the content, the size and the seals of a memfd, its mode, owner and
 * timestamps, and the position, access mode and status flags of the open file. The content
 * is not copied: the folios in the page cache are preserved, and the next kernel inserts
 * them into the page cache of a new memfd.
 *
 * Preserving a memfd freezes it. It can still be read and written, but its size
 * can't change, and its folios can't be moved, reclaimed or replaced by holes.
 * Holes stay holes. If they are filled later, reboot() preserves the new folios.
 *
 * The content of a page with a hardware memory error is lost: reading it fails in the next
 * kernel as well, which never uses its memory. Of a large folio the other pages are kept.
 *
 * A retrieved memfd is frozen until its session is finished, because reboot() preserves
 * it again if it is not. Nothing that other tasks do to it meanwhile can make that fail,
 * unless they fill holes and what has filled them can't be listed or can't stay.
 *
 * Nothing else is carried over: the retrieved file is a new one. Its name, for example, does
 * not depend on the preserved file.
 */

#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/kho/image.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "memfd_luo.h"
#include "memfd_luo_userfaultfd.h"

/*
 * Accept memfds only. A file in a tmpfs has a name or can get one, and belongs to
 * a mount with limits of its own. Private inodes, for example those of SysV shared
 * memory, belong to the kernel.
 */
static bool memfd_luo_can_preserve(struct liveupdate_file_handler *handler,
				   struct file *file)
{
	struct inode *inode = file_inode(file);

	return shmem_file(file) && !inode->i_nlink && !IS_PRIVATE(inode) &&
	       (inode->i_sb->s_flags & SB_KERNMOUNT);
}

static unsigned long memfd_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file);
}

static int memfd_luo_check_seals(struct file *file)
{
	return memfd_get_seals(file) & ~MEMFD_LUO_SEALS ? -EOPNOTSUPP : 0;
}

static int memfd_luo_preserve_content(struct memfd_luo_outgoing *out,
				      struct inode *inode)
{
	int err;

	out->ser->size = i_size_read(inode);
	err = memfd_luo_hold(out, inode);
	if (!err)
		err = memfd_luo_preserve_folios(out);
	if (err)
		memfd_luo_drop(out, inode);
	return err;
}

static void memfd_luo_unpreserve_content(struct memfd_luo_outgoing *out,
					 struct inode *inode)
{
	memfd_luo_unpreserve_folios(out);
	memfd_luo_drop(out, inode);
}

static struct memfd_luo_time_ser memfd_luo_time(struct timespec64 time)
{
	return (struct memfd_luo_time_ser) { .sec = time.tv_sec, .nsec = time.tv_nsec };
}

/* Store the properties that can change until the kexec. */
static void memfd_luo_store_state(struct file *file, struct memfd_luo_ser *ser)
{
	struct inode *inode = file_inode(file);

	ser->pos = READ_ONCE(file->f_pos);
	ser->seals = memfd_get_seals(file);
	ser->open_flags = READ_ONCE(file->f_flags) & MEMFD_LUO_OPEN_FLAGS;
	ser->mode = READ_ONCE(inode->i_mode) & MEMFD_LUO_MODE;
	ser->uid = from_kuid(&init_user_ns, inode->i_uid);
	ser->gid = from_kgid(&init_user_ns, inode->i_gid);
	ser->atime = memfd_luo_time(inode_get_atime(inode));
	ser->mtime = memfd_luo_time(inode_get_mtime(inode));
	ser->ctime = memfd_luo_time(inode_get_ctime(inode));
	ser->btime = memfd_luo_time(SHMEM_I(inode)->i_crtime);
}

/*
 * Freeze the file, and check what another task could have changed until then. A file
 * that is frozen already was retrieved and not finished: LUO preserves no other file
 * twice. It can be carried, whatever has been done to it since.
 *
 * A reference keeps a folio in memory, but reclaim would still unmap it on each
 * attempt. So mark the mapping unevictable.
 */
static int memfd_luo_freeze_file(struct memfd_luo_outgoing *out, struct file *file)
{
	struct inode *inode = file_inode(file);
	int err;

	if (shmem_frozen(inode))
		return 0;

	err = shmem_luo_freeze(inode);
	if (err)
		return err;
	err = memfd_luo_check_seals(file);
	if (!err)
		err = memfd_luo_check_userfaultfd(inode->i_mapping);
	if (err) {
		shmem_luo_thaw(inode);
		return err;
	}
	mapping_set_unevictable(inode->i_mapping);
	out->frozen = true;
	return 0;
}

static void memfd_luo_thaw_file(struct memfd_luo_outgoing *out, struct file *file)
{
	if (out->frozen)
		shmem_luo_thaw(file_inode(file));
}

static struct memfd_luo_outgoing *memfd_luo_new_outgoing(void)
{
	struct memfd_luo_outgoing *out = kzalloc(sizeof(*out), GFP_KERNEL_ACCOUNT);

	if (!out)
		return ERR_PTR(-ENOMEM);

	out->ser = kho_alloc_preserve(PAGE_SIZE);
	if (IS_ERR(out->ser)) {
		int err = PTR_ERR(out->ser);

		kfree(out);
		return ERR_PTR(err);
	}
	out->runs = out->ser->runs;
	out->capacity = MEMFD_LUO_PAGE_RUNS;
	return out;
}

static void memfd_luo_free_outgoing(struct memfd_luo_outgoing *out)
{
	if (out->hidden)
		__free_page(virt_to_page(out->ser));
	else
		kho_unpreserve_free(out->ser);
	kfree(out);
}

static int memfd_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct file *file = args->file;
	struct memfd_luo_outgoing *out;
	int err;

	/* A descriptor that can only be used with ioctl() */
	if ((file->f_flags & O_ACCMODE) == O_ACCMODE)
		return -EOPNOTSUPP;

	out = memfd_luo_new_outgoing();
	if (IS_ERR(out))
		return PTR_ERR(out);

	err = memfd_luo_freeze_file(out, file);
	if (err)
		goto err_free_out;
	memfd_luo_store_state(file, out->ser);
	err = memfd_luo_preserve_content(out, file_inode(file));
	if (err)
		goto err_thaw;

	args->serialized_data = virt_to_phys(out->ser);
	args->private_data = out;
	return 0;

err_thaw:
	memfd_luo_thaw_file(out, file);
err_free_out:
	memfd_luo_free_outgoing(out);
	return err;
}

static void memfd_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_outgoing *out = args->private_data;

	memfd_luo_unpreserve_content(out, file_inode(args->file));
	memfd_luo_thaw_file(out, args->file);
	memfd_luo_free_outgoing(out);
}

/* Without MEMORY_FAILURE the next kernel could not retrieve a file with poisoned pages. */
static int memfd_luo_check_image(const struct memfd_luo_outgoing *out)
{
	if (!out->nr_poisoned || kho_image_has_flag(KHO_NOTE_MEMORY_FAILURE))
		return 0;

	pr_err("the loaded kernel can't take over a file with %llu poisoned page(s), it is not known to have MEMORY_FAILURE; load another kernel, or close or finish the session\n",
	       out->nr_poisoned);
	return -EINVAL;
}

/*
 * From now on the file gets no page that the next kernel would not know.
 *
 * Whatever another task has done to the file must not keep the system from being updated.
 * This can only fail if holes were filled or pages have got a hardware memory error, and
 * memory is too short to list them, one that has filled a hole can't be moved, or the next
 * kernel can't have poisoned pages. A fatal signal ends it while it looks at pages.
 */
static int memfd_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_outgoing *out = args->private_data;
	struct inode *inode = file_inode(args->file);
	int err;

	shmem_close(inode);
	out->relisted = false;
	err = memfd_luo_refresh(out, inode);
	if (!err)
		err = memfd_luo_check_image(out);
	if (!err) {
		memfd_luo_store_state(args->file, out->ser);
		err = out->v2 ? memfd_luo_v2_update(out) : memfd_luo_show_list(out);
	}
	if (err)
		shmem_reopen(inode);
	return err;
}

/* The next freeze overwrites the stored state. */
static void memfd_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	shmem_reopen(file_inode(args->file));
}

static const struct liveupdate_file_ops memfd_luo_ops = {
	.can_preserve = memfd_luo_can_preserve,
	.preserve = memfd_luo_preserve,
	.unpreserve = memfd_luo_unpreserve,
	.convert = memfd_luo_convert,
	.unconvert = memfd_luo_unconvert,
	.freeze = memfd_luo_freeze,
	.unfreeze = memfd_luo_unfreeze,
	.verify = memfd_luo_verify,
	.retrieve = memfd_luo_retrieve,
	.finish = memfd_luo_finish,
	.get_id = memfd_luo_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler memfd_luo_handler = {
	.ops = &memfd_luo_ops,
	.compatible = MEMFD_LUO_FH_COMPATIBLE,
	.versions = &memfd_luo_compat_range,
	.mainline = MEMFD_LUO_MAINLINE_COMPATIBLE,
};

static int __init memfd_luo_init(void)
{
	int err = liveupdate_register_file_handler(&memfd_luo_handler);

	if (err && err != -EOPNOTSUPP)
		pr_err("can't be registered: %pe\n", ERR_PTR(err));
	return err == -EOPNOTSUPP ? 0 : err;
}
late_initcall(memfd_luo_init);
