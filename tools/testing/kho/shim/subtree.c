// SPDX-License-Identifier: GPL-2.0
/*
 * The only subtree that is handed over
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kexec_handover.h>
#include <linux/kho/image.h>

#include "shim/subtree.h"

struct subtree subtree_in, subtree_out;

bool is_kho_boot(void)
{
	return true;
}

const char *kho_image_flaw(void)
{
	return NULL;
}

void kho_add_image_switch(const struct kho_image_switch *added)
{
}

int kho_add_subtree(const char *name, void *blob, size_t size)
{
	subtree_out = (struct subtree){ virt_to_phys(blob), size };
	return 0;
}

void kho_remove_subtree(void *blob)
{
	subtree_out = (struct subtree){};
}

int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size)
{
	if (!subtree_in.phys)
		return -ENOENT;
	if (!kho_incoming_contains(subtree_in.phys, subtree_in.size))
		return -EINVAL;

	*phys = subtree_in.phys;
	*size = subtree_in.size;
	return 0;
}
