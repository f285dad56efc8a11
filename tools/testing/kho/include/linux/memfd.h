/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_MEMFD_H
#define _KHO_LINUX_MEMFD_H

#include <linux/pagemap.h>

struct file *memfd_new_file(const char *name, unsigned int flags);
int memfd_add_seals(struct file *file, unsigned int seals);
int memfd_get_seals(struct file *file);

/* Folios never have to be migrated. */
static inline long memfd_pin_folios(struct file *file, loff_t start, loff_t end,
				    struct folio **folios, unsigned int max_folios,
				    unsigned long *offset)
{
	return -ENOMEM;
}

#define unpin_folio(folio)		((void)(folio))
#define unpin_folios(folios, nr)	((void)(folios), (void)(nr))

#endif
