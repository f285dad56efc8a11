/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of memfds: use of userfaultfd
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _MM_MEMFD_LUO_USERFAULTFD_H
#define _MM_MEMFD_LUO_USERFAULTFD_H

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/userfaultfd_k.h>

/*
 * A program that registered missing pages with userfaultfd provides them when they are
 * accessed: a virtual machine that is being migrated, for example. The next kernel would
 * provide zeros. The other modes of userfaultfd are about present pages.
 *
 * There may be a registration without holes, but to allow that one would make the result
 * depend on the progress of the migration.
 */
static inline int memfd_luo_check_userfaultfd(struct address_space *mapping)
{
	struct vm_area_struct *vma;
	int err = 0;

	i_mmap_lock_read(mapping);
	vma_interval_tree_foreach(vma, &mapping->i_mmap, 0, ULONG_MAX) {
		if (userfaultfd_missing(vma)) {
			err = -EBUSY;
			break;
		}
	}
	i_mmap_unlock_read(mapping);
	return err;
}

#endif /* _MM_MEMFD_LUO_USERFAULTFD_H */
