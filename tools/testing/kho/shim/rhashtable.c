// SPDX-License-Identifier: GPL-2.0
/*
 * A hash table of a fixed size
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <string.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/rhashtable.h>

static const void *object_key(const struct rhash_head *head,
			      const struct rhashtable_params *params)
{
	return (const void *)head - params->head_offset + params->key_offset;
}

static struct rhash_head **find_bucket(struct rhashtable *ht, const void *key,
				       const struct rhashtable_params *params)
{
	const u8 *bytes = key;
	unsigned int hash = 0;
	size_t i;

	for (i = 0; i < params->key_len; i++)
		hash = 31 * hash + bytes[i];

	return &ht->buckets[hash % ARRAY_SIZE(ht->buckets)];
}

int rhashtable_init(struct rhashtable *ht, const struct rhashtable_params *params)
{
	*ht = (struct rhashtable){};
	return 0;
}

void rhashtable_destroy(struct rhashtable *ht)
{
}

void *rhashtable_lookup_fast(struct rhashtable *ht, const void *key,
			     const struct rhashtable_params params)
{
	struct rhash_head *head = *find_bucket(ht, key, &params);

	for (; head; head = head->next)
		if (!memcmp(object_key(head, &params), key, params.key_len))
			return (void *)head - params.head_offset;

	return NULL;
}

int rhashtable_lookup_insert_fast(struct rhashtable *ht, struct rhash_head *head,
				  const struct rhashtable_params params)
{
	const void *key = object_key(head, &params);
	struct rhash_head **bucket = find_bucket(ht, key, &params);

	if (rhashtable_lookup_fast(ht, key, params))
		return -EEXIST;

	head->next = *bucket;
	*bucket = head;
	return 0;
}

int rhashtable_remove_fast(struct rhashtable *ht, struct rhash_head *head,
			   const struct rhashtable_params params)
{
	struct rhash_head **link = find_bucket(ht, object_key(head, &params), &params);

	for (; *link; link = &(*link)->next)
		if (*link == head) {
			*link = head->next;
			return 0;
		}

	return -ENOENT;
}
