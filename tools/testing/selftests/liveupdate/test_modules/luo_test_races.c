// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that preserve and restore memory at the same time
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Loading the module takes as long as its threads run, and fails if one of them gets
 * a wrong result. Each thread preserves and unpreserves memory of its own in all
 * ways that there are, and frees it. With leave=1 the module only preserves memory,
 * until it is unloaded or a kexec comes. With restore=1 all threads try to restore
 * all of that memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/vmalloc.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define NR_THREADS	4
#define NR_ITEMS	16
#define NR_LEFT		256
#define MAX_ORDER_HELD	7
#define MAX_PAGES	40
#define MAX_FOLIOS	24
/* More pages than one chunk of the vmalloc format can hold */
#define MAX_AREA	600
#define MAX_BLOB	SZ_64K
#define SUBTREE		"luo-test-races"

static unsigned int rounds = 200;
module_param(rounds, uint, 0);
MODULE_PARM_DESC(rounds, "how often each thread changes something");

static unsigned int seed;
module_param(seed, uint, 0);
MODULE_PARM_DESC(seed, "where the random numbers start");

static bool leave;
module_param(leave, bool, 0);
MODULE_PARM_DESC(leave, "only preserve something for the next kernel");

static bool restore;
module_param(restore, bool, 0);
MODULE_PARM_DESC(restore, "restore what the previous kernel has left");

struct item;

/**
 * struct way - a way to preserve memory
 * @name:  for messages
 * @take:  allocate and preserve; fills in the item
 * @again: try to preserve it once more
 * @drop:  unpreserve and free
 */
struct way {
	const char *name;
	int (*take)(struct item *item, struct rnd_state *rnd);
	int (*again)(struct item *item);
	void (*drop)(struct item *item);
};

/**
 * struct item - memory that is preserved
 * @way: how it was preserved, or NULL for an empty item
 * @mem: its address
 * @nr: number of pages or folios
 * @folios: the folios of a batch
 * @area: the description of a vmalloc area
 */
struct item {
	const struct way *way;
	void *mem;
	unsigned int nr;
	struct folio *folios[MAX_FOLIOS];
	struct kho_vmalloc area;
};

struct racer {
	struct task_struct *task;
	struct completion done;
	struct rnd_state rnd;
	struct item items[NR_ITEMS];
	unsigned int nr_restored;
	int err;
};

static unsigned int any(struct rnd_state *rnd, unsigned int below)
{
	return prandom_u32_state(rnd) % below;
}

/* Check that the call has failed because the memory is already preserved. */
static int check_refused(int err, const char *what)
{
	if (err == -EEXIST)
		return 0;
	pr_err("%s: preserving it twice gives %d\n", what, err);
	return -EINVAL;
}

/* One folio */

static int take_folio(struct item *item, struct rnd_state *rnd)
{
	struct folio *folio = folio_alloc(GFP_KERNEL,
					  any(rnd, MAX_ORDER_HELD + 1));
	int err;

	if (!folio)
		return -ENOMEM;
	err = kho_preserve_folio(folio);
	if (err)
		folio_put(folio);
	item->mem = folio;
	return err;
}

static int folio_again(struct item *item)
{
	return check_refused(kho_preserve_folio(item->mem), "folio");
}

static void drop_folio(struct item *item)
{
	kho_unpreserve_folio(item->mem);
	folio_put(item->mem);
}

/* A batch of folios, some of which are contiguous */

static void put_folios(struct item *item)
{
	while (item->nr)
		folio_put(item->folios[--item->nr]);
}

static int take_folios(struct item *item, struct rnd_state *rnd)
{
	unsigned int nr = 1 + any(rnd, MAX_FOLIOS);
	unsigned int order = any(rnd, 3);
	int err;

	for (item->nr = 0; item->nr < nr; item->nr++) {
		item->folios[item->nr] = folio_alloc(GFP_KERNEL, order);
		if (!item->folios[item->nr]) {
			put_folios(item);
			return -ENOMEM;
		}
	}
	err = kho_preserve_folios(item->folios, item->nr);
	if (err)
		put_folios(item);
	return err;
}

/* A batch is all or nothing: if one folio is preserved, the other one is not taken. */
static int folios_again(struct item *item)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	struct folio *both[] = { folio, item->folios[item->nr / 2] };
	int err;

	if (!folio)
		return -ENOMEM;
	err = check_refused(kho_preserve_folios(both, ARRAY_SIZE(both)),
			    "folios");
	if (!err)
		err = kho_preserve_folio(folio);
	if (!err)
		kho_unpreserve_folio(folio);
	folio_put(folio);
	return err;
}

static void drop_folios(struct item *item)
{
	kho_unpreserve_folios(item->folios, item->nr);
	put_folios(item);
}

/* Single pages */

static int take_pages(struct item *item, struct rnd_state *rnd)
{
	int err;

	item->nr = 1 + any(rnd, MAX_PAGES);
	item->mem = alloc_pages_exact(item->nr * PAGE_SIZE, GFP_KERNEL);
	if (!item->mem)
		return -ENOMEM;
	err = kho_preserve_pages(virt_to_page(item->mem), item->nr);
	if (err)
		free_pages_exact(item->mem, item->nr * PAGE_SIZE);
	return err;
}

static int pages_again(struct item *item)
{
	return check_refused(kho_preserve_pages(virt_to_page(item->mem),
						item->nr), "pages");
}

static void drop_pages(struct item *item)
{
	kho_unpreserve_pages(virt_to_page(item->mem), item->nr);
	free_pages_exact(item->mem, item->nr * PAGE_SIZE);
}

/* A vmalloc area, sometimes of huge pages */

static int take_area(struct item *item, struct rnd_state *rnd)
{
	int err;

	if (any(rnd, 8))
		item->mem = vmalloc((1 + any(rnd, MAX_AREA)) * PAGE_SIZE);
	else
		item->mem = vmalloc_huge(PMD_SIZE, GFP_KERNEL);
	if (!item->mem)
		return -ENOMEM;
	err = kho_preserve_vmalloc(item->mem, &item->area);
	if (err)
		vfree(item->mem);
	return err;
}

static int area_again(struct item *item)
{
	struct kho_vmalloc area;
	int err = check_refused(kho_preserve_vmalloc(item->mem, &area), "area");

	return err ?: memchr_inv(&area, 0, sizeof(area)) ? -EINVAL : 0;
}

static void drop_area(struct item *item)
{
	kho_unpreserve_vmalloc(&item->area);
	vfree(item->mem);
}

/* Memory for serialized state */

static int take_state(struct item *item, struct rnd_state *rnd)
{
	size_t size = 1 + any(rnd, MAX_BLOB);

	item->mem = kho_alloc_preserve(size);
	if (IS_ERR(item->mem))
		return PTR_ERR(item->mem);
	if (memchr_inv(item->mem, 0, size)) {
		kho_unpreserve_free(item->mem);
		return -EINVAL;
	}
	memset(item->mem, 0xa5, size);
	return 0;
}

static int state_again(struct item *item)
{
	return check_refused(kho_preserve_folio(virt_to_folio(item->mem)),
			     "state");
}

static void drop_state(struct item *item)
{
	kho_unpreserve_free(item->mem);
}

/*
 * A blob with one of a few names. take_blob() returns 1 if another thread uses the
 * name.
 */

static int take_blob(struct item *item, struct rnd_state *rnd)
{
	char name[16];
	int err;

	item->mem = kho_alloc_preserve(PAGE_SIZE);
	if (IS_ERR(item->mem))
		return PTR_ERR(item->mem);
	item->nr = any(rnd, 2 * NR_THREADS);
	snprintf(name, sizeof(name), "race-%u", item->nr);
	err = kho_add_subtree(name, item->mem, PAGE_SIZE);
	if (err)
		kho_unpreserve_free(item->mem);
	return err == -EEXIST ? 1 : err;
}

static int blob_again(struct item *item)
{
	char name[16];

	snprintf(name, sizeof(name), "race-%u", item->nr);
	return check_refused(kho_add_subtree(name, item->mem, PAGE_SIZE),
			     "blob");
}

static void drop_blob(struct item *item)
{
	kho_remove_subtree(item->mem);
	kho_unpreserve_free(item->mem);
}

static const struct way ways[] = {
	{ "folio", take_folio, folio_again, drop_folio },
	{ "folios", take_folios, folios_again, drop_folios },
	{ "pages", take_pages, pages_again, drop_pages },
	{ "area", take_area, area_again, drop_area },
	{ "state", take_state, state_again, drop_state },
	{ "blob", take_blob, blob_again, drop_blob },
};

/* Threads that preserve */

static void drop(struct item *item)
{
	if (item->way)
		item->way->drop(item);
	item->way = NULL;
}

/* If another thread uses the name of the blob, the item stays empty. */
static int take(struct item *item, struct rnd_state *rnd)
{
	const struct way *way = &ways[any(rnd, ARRAY_SIZE(ways))];
	int err = way->take(item, rnd);

	if (!err)
		item->way = way;
	if (err < 0)
		pr_err("%s: preserving it gives %d\n", way->name, err);
	return min(err, 0);
}

static int change(struct item *item, struct rnd_state *rnd)
{
	if (!item->way)
		return take(item, rnd);
	if (any(rnd, 2))
		return item->way->again(item);
	drop(item);
	return 0;
}

static int preserve_thread(void *data)
{
	struct racer *racer = data;
	unsigned int i;

	for (i = 0; i < rounds && !racer->err; i++) {
		racer->err = change(&racer->items[any(&racer->rnd, NR_ITEMS)],
				    &racer->rnd);
		cond_resched();
	}
	for (i = 0; i < NR_ITEMS; i++)
		drop(&racer->items[i]);
	kthread_complete_and_exit(&racer->done, 0);
}

/* Memory for the next kernel: folios and single pages */

/**
 * struct left_ser - a piece of memory that starts with its own address
 * @phys: that address
 * @nr: number of single pages, 0 for a folio
 */
struct left_ser {
	u64 phys;
	u64 nr;
};

static struct left_ser *left_list;
static struct item left[NR_LEFT];
static atomic_t left_arrived[NR_LEFT];

static int leave_one(unsigned int i, struct rnd_state *rnd)
{
	struct item *item = &left[i];
	const struct way *way = &ways[i % 2 ? 0 : 2];
	void *mem;
	int err;

	err = way->take(item, rnd);
	if (err)
		return err;

	item->way = way;
	mem = i % 2 ? folio_address(item->mem) : item->mem;
	left_list[i].phys = virt_to_phys(mem);
	left_list[i].nr = i % 2 ? 0 : item->nr;
	*(u64 *)mem = left_list[i].phys;
	return 0;
}

static void leave_nothing(void)
{
	unsigned int i;

	kho_remove_subtree(left_list);
	for (i = 0; i < NR_LEFT; i++)
		drop(&left[i]);
	kho_unpreserve_free(left_list);
}

static int leave_all(void)
{
	struct rnd_state rnd;
	unsigned int i;
	int err = 0;

	left_list = kho_alloc_preserve(sizeof(*left_list) * NR_LEFT);
	if (IS_ERR(left_list))
		return PTR_ERR(left_list);

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < NR_LEFT && !err; i++)
		err = leave_one(i, &rnd);
	if (!err)
		err = kho_add_subtree(SUBTREE, left_list,
				      sizeof(*left_list) * NR_LEFT);
	if (err)
		leave_nothing();
	return err;
}

/* Threads that restore */

static bool is_content(const struct left_ser *ser)
{
	if (*(u64 *)phys_to_virt(ser->phys) == ser->phys)
		return true;
	pr_err("wrong content at %#llx\n", ser->phys);
	return false;
}

static int restore_pages(struct racer *racer, const struct left_ser *ser)
{
	struct page *page = kho_restore_pages(ser->phys, ser->nr);
	bool good;
	u64 i;

	if (!page)
		return 0;
	good = is_content(ser);
	for (i = 0; i < ser->nr; i++)
		__free_page(page + i);
	racer->nr_restored++;
	return good ? 0 : -EINVAL;
}

static int restore_folio(struct racer *racer, const struct left_ser *ser)
{
	struct folio *folio = kho_restore_folio(ser->phys);
	bool good;

	if (!folio)
		return 0;
	good = is_content(ser);
	folio_put(folio);
	racer->nr_restored++;
	return good ? 0 : -EINVAL;
}

/* Wait until all threads are at this piece, but not long, as some may have failed. */
static void meet_at(unsigned int i)
{
	unsigned int tries = 100000;

	atomic_inc(&left_arrived[i]);
	while (atomic_read(&left_arrived[i]) < NR_THREADS && tries--)
		cond_resched();
}

static int restore_thread(void *data)
{
	struct racer *racer = data;
	unsigned int i;

	for (i = 0; i < NR_LEFT && !racer->err; i++) {
		const struct left_ser *ser = &left_list[i];

		meet_at(i);
		racer->err = ser->nr ? restore_pages(racer, ser) :
				       restore_folio(racer, ser);
	}
	kthread_complete_and_exit(&racer->done, 0);
}

/* All threads */

static int create(struct racer *racer, int (*fn)(void *), unsigned int i)
{
	init_completion(&racer->done);
	prandom_seed_state(&racer->rnd, seed + i);
	racer->task = kthread_create(fn, racer, "luo_race/%u", i);
	return PTR_ERR_OR_ZERO(racer->task);
}

/* All threads are created before the first one starts. */
static int race(struct racer *racers, int (*fn)(void *))
{
	unsigned int i;
	int err;

	for (i = 0; i < NR_THREADS; i++) {
		err = create(&racers[i], fn, i);
		if (err)
			goto err_stop;
	}
	for (i = 0; i < NR_THREADS; i++)
		wake_up_process(racers[i].task);
	for (i = 0; i < NR_THREADS; i++) {
		wait_for_completion(&racers[i].done);
		err = err ?: racers[i].err;
	}
	return err;

err_stop:
	while (i--)
		kthread_stop(racers[i].task);
	return err;
}

/* Check that one thread has restored each piece. The list stays preserved until then. */
static int restore_all(struct racer *racers)
{
	unsigned int i, nr_restored = 0;
	phys_addr_t phys;
	int err;

	err = kho_retrieve_subtree(SUBTREE, &phys, NULL);
	if (err)
		return err;
	left_list = phys_to_virt(phys);
	err = race(racers, restore_thread);
	kho_restore_free(left_list);

	for (i = 0; i < NR_THREADS; i++)
		nr_restored += racers[i].nr_restored;
	if (nr_restored != NR_LEFT) {
		pr_err("of %u pieces %u were restored\n", NR_LEFT, nr_restored);
		return -EINVAL;
	}
	return err;
}

static int __init luo_test_races_init(void)
{
	struct racer *racers;
	int err;

	if (leave)
		return leave_all();

	racers = kvcalloc(NR_THREADS, sizeof(*racers), GFP_KERNEL);
	if (!racers)
		return -ENOMEM;
	err = restore ? restore_all(racers) : race(racers, preserve_thread);
	kvfree(racers);
	return err;
}
module_init(luo_test_races_init);

static void __exit luo_test_races_exit(void)
{
	if (leave)
		leave_nothing();
}
module_exit(luo_test_races_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Preserve and restore memory by several threads at once");
