/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MEMFD_H
#define _KHO_LINUX_MEMFD_H

#include <linux/pagemap.h>

struct file *memfd_new_file(const char *name, unsigned int flags);
int memfd_add_seals(struct file *file, unsigned int seals);
int memfd_get_seals(struct file *file);

#endif
