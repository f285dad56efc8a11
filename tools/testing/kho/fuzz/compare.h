/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparing a radix tree with its model
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_FUZZ_COMPARE_H
#define _KHO_FUZZ_COMPARE_H

#include "kernel/liveupdate/kho_radix.h"

#include "fuzz/model.h"

/*
 * Read a tree without any checks. Return false if a key is invalid, or if there are too
 * many keys; then reading stops.
 */
bool radix_model_read(struct model *model, u64 root);

/* Do the operation that @code encodes, on a tree of this kernel and on its model. */
void radix_operate(struct kho_radix_tree *tree, struct model *model, u64 code);

/* Let the kernel look for blocks that overlap, and check the result. */
void radix_notice_overlaps(struct kho_radix_tree *tree, const struct model *model);

/* Check that all walks and lookups have the same results in both. */
void radix_compare(struct kho_radix_tree *tree, const struct model *model);
void radix_compare_at(struct kho_radix_tree *tree, const struct model *model,
		      unsigned long pfn, unsigned long nr);

#endif
