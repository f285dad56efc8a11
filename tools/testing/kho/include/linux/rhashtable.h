/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hash table of a fixed size
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_RHASHTABLE_H
#define _KHO_LINUX_RHASHTABLE_H

#include <linux/types.h>

/* With a single thread, no reader can hold the object. */
#define kfree_rcu(object, ...)	kfree(object)

struct rcu_head {
};

struct rhash_head {
	struct rhash_head *next;
};

struct rhashtable {
	struct rhash_head *buckets[64];
};

struct rhashtable_params {
	size_t key_len;
	size_t key_offset;
	size_t head_offset;
	bool automatic_shrinking;
};

int rhashtable_init(struct rhashtable *ht, const struct rhashtable_params *params);
void rhashtable_destroy(struct rhashtable *ht);
void *rhashtable_lookup_fast(struct rhashtable *ht, const void *key,
			     const struct rhashtable_params params);
int rhashtable_lookup_insert_fast(struct rhashtable *ht, struct rhash_head *head,
				  const struct rhashtable_params params);
int rhashtable_remove_fast(struct rhashtable *ht, struct rhash_head *head,
			   const struct rhashtable_params params);

#endif
