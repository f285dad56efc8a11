/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MISCDEVICE_H
#define _KHO_LINUX_MISCDEVICE_H

#include <linux/fs.h>

#define MISC_DYNAMIC_MINOR	255

struct miscdevice {
	int minor;
	const char *name;
	const struct file_operations *fops;
	unsigned short mode;
};

int misc_register(struct miscdevice *misc);

#endif
