/* SPDX-License-Identifier: GPL-2.0 */
#define init_cma_reserved_pageblock	shim_init_scratch_block

struct page;

void shim_init_scratch_block(struct page *page);
