/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files, and the descriptors of a single process: see shim/files.c
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_FS_H
#define _KHO_LINUX_FS_H

#include <fcntl.h>

#include <linux/list.h>
#include <linux/module.h>
#include <linux/types.h>

#define SB_KERNMOUNT		1
#define MAX_LFS_FILESIZE	0x7fffffffffffffffLL

struct file;
struct inode;

#define fl_owner_t	void *

struct file_operations {
	struct module *owner;
	int (*open)(struct inode *inode, struct file *file);
	int (*flush)(struct file *file, fl_owner_t id);
	int (*release)(struct inode *inode, struct file *file);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	long (*compat_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
};

#define compat_ptr_ioctl	NULL

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

struct super_block {
	unsigned long s_flags;
};

struct address_space {
	struct inode *host;
	unsigned long nrpages;
};

struct inode {
	struct super_block *i_sb;
	unsigned int i_nlink;
	unsigned short i_mode;
	loff_t i_size;
	struct address_space *i_mapping;
	unsigned int i_uid;
	unsigned int i_gid;
	struct timespec64 atime, mtime, ctime;
};

struct file {
	const struct file_operations *f_op;
	void *private_data;
	unsigned int count;
	struct inode *f_inode;
	struct address_space *f_mapping;
	unsigned int f_mode;
	unsigned int f_flags;
	loff_t f_pos;
};

#define FMODE_WRITE	0x2
#define FMODE_LSEEK	0x4
#define FMODE_PREAD	0x8
#define FMODE_PWRITE	0x10

#define file_inode(file)		((file)->f_inode)
#define file_count(file)		((file)->count)
#define i_size_read(inode)		((inode)->i_size)
#define i_size_write(inode, size)	((inode)->i_size = (size))
#define IS_PRIVATE(inode)		((void)(inode), false)
#define inode_get_atime(inode)		((inode)->atime)
#define inode_get_mtime(inode)		((inode)->mtime)
#define inode_get_ctime(inode)		((inode)->ctime)
#define inode_set_atime_to_ts(inode, ts)	((inode)->atime = (ts))
#define inode_set_mtime_to_ts(inode, ts)	((inode)->mtime = (ts))
#define inode_set_ctime_to_ts(inode, ts)	((inode)->ctime = (ts))

struct file *anon_inode_getfile(const char *name, const struct file_operations *fops,
				void *private_data, int flags);
/* @base is a memfd. */
struct file *alloc_file_clone(struct file *base, int flags,
			      const struct file_operations *fops);
struct file *get_file(struct file *file);
void fput(struct file *file);

struct file *fget(unsigned int fd);
int get_unused_fd_flags(unsigned int flags);
void put_unused_fd(unsigned int fd);
void fd_install(unsigned int fd, struct file *file);

#endif
