/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover: kexec images that carry a handover.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_IMAGE_H
#define _LINUX_KHO_IMAGE_H

#include <linux/types.h>

struct kexec_buf;
struct kimage;
struct resource;

/* Called for a region that a kexec segment can be placed in; returns non-zero to stop */
typedef int (*kho_hole_fn)(struct resource *region, void *kbuf);

#ifdef CONFIG_KEXEC_HANDOVER

bool kho_image_needs_scratch(const struct kimage *image);
int kho_walk_scratch(struct kexec_buf *kbuf, kho_hole_fn fn);
void kho_explain_failed_load(const struct kimage *image, int err);
int kho_fill_kimage(struct kimage *image);
bool kho_image_can_carry(void);

#else

static inline bool kho_image_needs_scratch(const struct kimage *image)
{
	return false;
}

static inline int kho_walk_scratch(struct kexec_buf *kbuf, kho_hole_fn fn)
{
	return 0;
}

static inline void kho_explain_failed_load(const struct kimage *image, int err)
{
}

static inline int kho_fill_kimage(struct kimage *image)
{
	return 0;
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KHO_IMAGE_H */
