// SPDX-License-Identifier: GPL-2.0
/*
 * Files, and the descriptors of a single process
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/errno.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>

#include "shim/check.h"
#include "shim/files.h"

static struct miscdevice *device;
static struct file *descriptors[16];

struct file *anon_inode_getfile(const char *name, const struct file_operations *fops,
				void *private_data, int flags)
{
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return ERR_PTR(-ENOMEM);

	*file = (struct file){ .f_op = fops, .private_data = private_data, .count = 1 };
	return file;
}

struct file *get_file(struct file *file)
{
	check(file->count);
	file->count++;
	return file;
}

void fput(struct file *file)
{
	check(file->count);
	if (--file->count)
		return;

	if (file->f_op && file->f_op->release)
		file->f_op->release(NULL, file);
	/* A file with an inode is embedded in a struct memfd. */
	if (!file->f_inode)
		kfree(file);
}

struct file *fget(unsigned int fd)
{
	if (fd >= ARRAY_SIZE(descriptors) || !descriptors[fd])
		return NULL;

	return get_file(descriptors[fd]);
}

int get_unused_fd_flags(unsigned int flags)
{
	unsigned int fd;

	for (fd = 0; fd < ARRAY_SIZE(descriptors); fd++)
		if (!descriptors[fd])
			return fd;

	return -EMFILE;
}

void put_unused_fd(unsigned int fd)
{
}

void fd_install(unsigned int fd, struct file *file)
{
	check(!descriptors[fd]);
	descriptors[fd] = file;
}

int misc_register(struct miscdevice *misc)
{
	device = misc;
	return 0;
}

/*
 * System calls
 */

int sys_open_device(void)
{
	struct file *file;
	int fd, err;

	file = anon_inode_getfile(device->name, device->fops, NULL, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);

	err = file->f_op->open(NULL, file);
	if (err) {
		kfree(file);
		return err;
	}

	fd = get_unused_fd_flags(0);
	fd_install(fd, file);
	return fd;
}

long sys_ioctl(int fd, unsigned int cmd, void *arg)
{
	check(descriptors[fd]);
	return descriptors[fd]->f_op->unlocked_ioctl(descriptors[fd], cmd, (unsigned long)arg);
}

void sys_close(int fd)
{
	struct file *file = descriptors[fd];

	check(file);
	descriptors[fd] = NULL;
	if (file->f_op && file->f_op->flush)
		file->f_op->flush(file, NULL);
	fput(file);
}

void close_all(void)
{
	unsigned int fd;

	for (fd = 0; fd < ARRAY_SIZE(descriptors); fd++)
		if (descriptors[fd])
			sys_close(fd);
}

void forget_files(void)
{
	unsigned int fd;

	for (fd = 0; fd < ARRAY_SIZE(descriptors); fd++)
		descriptors[fd] = NULL;
}
