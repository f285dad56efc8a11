// SPDX-License-Identifier: GPL-2.0
/*
 * memfds whose page cache is an array
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <string.h>

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/page-flags.h>
#include <linux/shmem_fs.h>

#include "shim/check.h"
#include "shim/faults.h"
#include "shim/shmem.h"

bool shim_large_folios = true;
bool memfd_exists;
atomic_long_t num_poisoned_pages;

static struct super_block super_block = { .s_flags = SB_KERNMOUNT };
static struct memfd memfd;

static int release(struct inode *inode, struct file *file)
{
	unsigned int i;

	/* The other one may still be open. */
	if (memfd.file.count || memfd.opened.count)
		return 0;
	for (i = 0; i < memfd.nr_folios; i++)
		folio_put(memfd.folios[i]);
	memfd_exists = false;
	return 0;
}

static const struct file_operations memfd_fops = { .release = release };

struct memfd *to_memfd(const struct file *file)
{
	check(file == &memfd.file || file == &memfd.opened);
	return &memfd;
}

struct file *memfd_new_file(const char *name, unsigned int flags)
{
	if (shim_should_fail())
		return ERR_PTR(-ENOMEM);

	check(!memfd_exists);
	memfd_exists = true;
	memfd.mapping = (struct address_space){ .host = &memfd.inode };
	memfd.inode = (struct inode){
		.i_sb = &super_block,
		.i_mode = 0777,
		.i_mapping = &memfd.mapping,
	};
	memfd.file = (struct file){
		.f_op = &memfd_fops,
		.count = 1,
		.f_inode = &memfd.inode,
		.f_mapping = &memfd.mapping,
		.f_mode = FMODE_WRITE,
		.f_flags = O_RDWR,
	};
	memfd.opened = (struct file){};
	memfd.info = (struct shmem_inode_info){};
	memfd.flags = flags;
	memfd.seals = 0;
	memfd.frozen = false;
	memfd.closed = false;
	memfd.nr_blocks = 0;
	memfd.nr_folios = 0;
	return &memfd.file;
}

struct file *alloc_file_clone(struct file *base, int flags,
			      const struct file_operations *fops)
{
	if (shim_should_fail())
		return ERR_PTR(-ENFILE);

	check(base == &memfd.file && fops == base->f_op && !memfd.opened.count);
	memfd.opened = memfd.file;
	memfd.opened.count = 1;
	memfd.opened.f_flags = flags & ~O_LARGEFILE;
	return &memfd.opened;
}

struct shmem_inode_info *SHMEM_I(struct inode *inode)
{
	check(inode == &memfd.inode);
	return &memfd.info;
}

int memfd_add_seals(struct file *file, unsigned int seals)
{
	check(!(seals & ~0x3f));
	to_memfd(file)->seals |= seals;
	return 0;
}

int memfd_get_seals(struct file *file)
{
	return to_memfd(file)->seals;
}

bool shmem_file(const struct file *file)
{
	return true;
}

bool shmem_frozen(struct inode *inode)
{
	return memfd.frozen;
}

int shmem_freeze(struct inode *inode)
{
	memfd.frozen = true;
	return 0;
}

void shmem_thaw(struct inode *inode)
{
	memfd.frozen = false;
}

void shmem_close(struct inode *inode)
{
	memfd.closed = true;
}

void shmem_reopen(struct inode *inode)
{
	memfd.closed = false;
}

/*
 * The page cache
 */

static struct folio *find_folio(unsigned long index, unsigned long nr)
{
	unsigned int i;

	for (i = 0; i < memfd.nr_folios; i++) {
		struct folio *folio = memfd.folios[i];

		if (folio->page.index < index + nr &&
		    folio->page.index + folio_nr_pages(folio) > index)
			return folio;
	}

	return NULL;
}

static int add_folio(struct folio *folio, unsigned long index)
{
	check(folio->page.allocated && !folio->page.preserved);
	/* A poisoned page is never freed. */
	check(folio->page.count == 1 + folio_test_hwpoison(folio));
	check(!memfd.closed);
	check(folio_has(folio, FOLIO_LOCKED) && folio_has(folio, FOLIO_SWAPBACKED));
	check(folio_has(folio, FOLIO_CHARGED) != folio_test_hwpoison(folio));
	if (find_folio(index, folio_nr_pages(folio)))
		return -EEXIST;
	if (shim_should_fail())
		return -ENOMEM;

	check(memfd.nr_folios < SHMEM_MAX_FOLIOS);
	folio->page.mapping = &memfd.mapping;
	folio->page.index = index;
	memfd.folios[memfd.nr_folios++] = folio;
	memfd.mapping.nrpages += folio_nr_pages(folio);
	return 0;
}

int shmem_add_to_page_cache(struct folio *folio, struct address_space *mapping,
			    unsigned long index, void *expected, gfp_t gfp)
{
	int err = add_folio(folio, index);

	if (!err)
		folio_get(folio);
	return err;
}

int shmem_add_pages(struct address_space *mapping, unsigned long index, struct folio **folios,
		    unsigned int nr, unsigned int *nr_added, gfp_t gfp)
{
	int err = 0;

	for (*nr_added = 0; *nr_added < nr && !err; *nr_added += !err)
		err = add_folio(folios[*nr_added], index + *nr_added);

	return err;
}

void lru_add_pages(struct folio **folios, unsigned int nr)
{
	while (nr--)
		folio_add_lru(folios[nr]);
}

bool shmem_luo_find(struct inode *inode, unsigned long *index, unsigned long end)
{
	for (; *index < end; ++*index)
		if (find_folio(*index, 1))
			return true;

	return false;
}

unsigned long shmem_luo_nr_present(struct inode *inode)
{
	return memfd.mapping.nrpages;
}

unsigned int shmem_luo_get_folios(struct inode *inode, unsigned long index, unsigned long end,
				  struct folio **folios, unsigned int max)
{
	struct folio *folio;
	unsigned int nr = 0;

	while (nr < max && index < end && (folio = find_folio(index, 1))) {
		folio_get(folio);
		folios[nr++] = folio;
		index = folio->page.index + folio_nr_pages(folio);
	}
	return nr;
}

/*
 * Accounting
 */

int shmem_inode_acct_blocks(struct inode *inode, long pages)
{
	if (shim_should_fail())
		return -ENOSPC;

	memfd.nr_blocks += pages;
	return 0;
}

void shmem_inode_unacct_blocks(struct inode *inode, long pages)
{
	memfd.nr_blocks -= pages;
}

/* The accounted pages must equal the pages in the page cache. */
void shmem_recalc_inode(struct inode *inode, long alloced, long swapped)
{
	check(memfd.nr_blocks == alloced);
	check(memfd.mapping.nrpages == (unsigned long)alloced);
}

/* There is one memcg. It counts the pages that are charged and that no folio has got. */
static struct mem_cgroup {
	unsigned long nr_charged;
} memcg_of_all;

int mem_cgroup_try_charge_pages(struct mem_cgroup **memcg, unsigned long nr, gfp_t gfp)
{
	if (shim_should_fail())
		return -ENOMEM;

	*memcg = &memcg_of_all;
	memcg_of_all.nr_charged += nr;
	return 0;
}

void mem_cgroup_cancel_charge(struct mem_cgroup *memcg, unsigned int nr_pages)
{
	check(memcg->nr_charged >= nr_pages);
	memcg->nr_charged -= nr_pages;
}

void mem_cgroup_commit_charge_folios(struct mem_cgroup *memcg, struct folio **folios,
				     unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		check(!folio_has(folios[i], FOLIO_CHARGED));
		folio_gets(folios[i], FOLIO_CHARGED);
		mem_cgroup_cancel_charge(memcg, folio_nr_pages(folios[i]));
	}
}

void mem_cgroup_uncharge(struct folio *folio)
{
	folio_loses(folio, FOLIO_CHARGED);
}

/* Every charge must have been used or canceled. */
void mem_cgroup_put(struct mem_cgroup *memcg)
{
	check(!memcg->nr_charged);
}
