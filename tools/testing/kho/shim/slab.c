// SPDX-License-Identifier: GPL-2.0
/*
 * kmalloc(), with a list of all objects
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "shim/check.h"
#include "shim/faults.h"

static LIST_HEAD(objects);
static unsigned long nr_objects;

struct object {
	struct list_head list;
	u64 content[];
};

unsigned long slab_objects(void)
{
	return nr_objects;
}

void slab_reset(void)
{
	struct object *object, *next;

	list_for_each_entry_safe(object, next, &objects, list)
		kfree(object->content);
}

static struct object *to_object(const void *mem)
{
	return container_of(mem, struct object, content);
}

static void *keep(struct object *object)
{
	if (!object)
		die("no memory");

	list_add(&object->list, &objects);
	nr_objects++;
	return object->content;
}

static void forget(const void *mem)
{
	list_del(&to_object(mem)->list);
	nr_objects--;
}

void *kmalloc(size_t size, gfp_t gfp)
{
	if (shim_should_fail())
		return NULL;

	size += sizeof(struct object);
	return keep(gfp & __GFP_ZERO ? calloc(1, size) : malloc(size));
}

void *kmalloc_array(size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	return check_mul_overflow(nr, size, &bytes) ? NULL : kmalloc(bytes, gfp);
}

void *kvrealloc(const void *mem, size_t size, gfp_t gfp)
{
	if (shim_should_fail())
		return NULL;
	if (mem)
		forget(mem);

	return keep(realloc(mem ? to_object(mem) : NULL, sizeof(struct object) + size));
}

void *kmemdup(const void *mem, size_t size, gfp_t gfp)
{
	void *copy = kmalloc(size, gfp);

	return copy ? memcpy(copy, mem, size) : NULL;
}

char *kstrndup(const char *str, size_t max, gfp_t gfp)
{
	size_t len = strnlen(str, max);
	char *copy = kmalloc(len + 1, gfp);

	if (!copy)
		return NULL;

	copy[len] = '\0';
	return memcpy(copy, str, len);
}

void kfree(const void *mem)
{
	if (!mem)
		return;

	forget(mem);
	free(to_object(mem));
}
