/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KHO_LINUX_LLIST_H
#define _KHO_LINUX_LLIST_H

#include <linux/kernel.h>

/* There is one task. */

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

#define LLIST_HEAD(name)	struct llist_head name = {}

static inline bool llist_empty(const struct llist_head *head)
{
	return !head->first;
}

static inline bool llist_add(struct llist_node *new, struct llist_head *head)
{
	new->next = head->first;
	head->first = new;
	return !new->next;
}

static inline struct llist_node *llist_del_all(struct llist_head *head)
{
	struct llist_node *first = head->first;

	head->first = NULL;
	return first;
}

#define llist_entry(node, type, member)	container_of(node, type, member)

#endif
