/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_PAGEVEC_H
#define _KHO_LINUX_PAGEVEC_H

#include <linux/pagemap.h>

#define PAGEVEC_SIZE	31

struct folio_batch {
	unsigned int nr;
	struct folio *folios[PAGEVEC_SIZE];
};

#define folio_batch_init(batch)		((batch)->nr = 0)
#define folio_batch_reinit(batch)	((batch)->nr = 0)
#define folio_batch_count(batch)	((batch)->nr)

/* Get the folios from @index to @last, with a reference to each. See shim/hugetlb.c. */
unsigned int filemap_get_folios(struct address_space *mapping, pgoff_t *index, pgoff_t last,
				struct folio_batch *batch);

#endif
