/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A radix tree beside its model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_RADIX_H
#define _KHO_RADIX_H

#include "kernel/liveupdate/kho_radix.h"

#include "fuzz/model.h"

/*
 * Read the tree that has its root there, without any check. Returns false for what no
 * key may be, and for more than there is room for; the latter ends it.
 */
bool radix_model_read(struct model *model, u64 root);

/* One operation on a tree of this kernel: which one and on what is in @code. */
void radix_operate(struct kho_radix_tree *tree, struct model *model, u64 code);

/* Do all walks and lookups see the same in both? */
void radix_compare(struct kho_radix_tree *tree, const struct model *model);
void radix_compare_at(struct kho_radix_tree *tree, const struct model *model,
		      unsigned long pfn, unsigned long nr);

#endif
