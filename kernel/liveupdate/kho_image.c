// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: kexec images that carry a handover.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/printk.h>

#include <linux/kho/image.h>

#include "kexec_handover_internal.h"

/**
 * kho_image_needs_scratch - check whether an image must lie within scratch
 * @image: the image
 *
 * Crash images have their own reserved memory.
 *
 * Context: Any context.
 * Return: true if segments of the image outside scratch could overwrite preserved
 * memory when the image is started.
 */
bool kho_image_needs_scratch(const struct kimage *image)
{
	return kho_out.fdt && image->type != KEXEC_TYPE_CRASH;
}

/**
 * kho_walk_scratch - search the scratch regions for room for a segment
 * @kbuf: the segment
 * @fn:	  called with each region and @kbuf; returns non-zero to stop
 *
 * Context: Called with the kexec lock held.
 * Return: 0, or the return value of @fn that stopped the walk.
 */
int kho_walk_scratch(struct kexec_buf *kbuf, kho_hole_fn fn)
{
	struct resource res = {};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < kho_scratch_cnt && !ret; i++) {
		res.start = kho_scratch[i].addr;
		res.end = kho_scratch[i].addr + kho_scratch[i].size - 1;
		ret = fn(&res, kbuf);
	}

	/* Not an error yet: the loader may retry with a different placement. */
	if (!ret && !kbuf->image->kho.unplaced)
		kbuf->image->kho.unplaced = kbuf->memsz;
	return ret;
}

/**
 * kho_explain_failed_load - log that an image found no room in scratch
 * @image: the image that could not be loaded
 * @err:   the negative error that its loader returned
 *
 * User space only gets -EADDRNOTAVAIL, so log the cause if it is lack of scratch.
 *
 * Context: Called with the kexec lock held.
 */
void kho_explain_failed_load(const struct kimage *image, int err)
{
	if (err == -EADDRNOTAVAIL && image->kho.unplaced)
		pr_err("no room in scratch for %lu bytes of the kexec image; see kho_scratch=\n",
		       image->kho.unplaced);
}

/**
 * kho_fill_kimage - add the handover to a kexec image
 * @image: the image, loaded by kexec_file_load()
 *
 * Context: Called with the kexec lock held.
 * Return: 0 on success or if the image does not carry a handover, or an error of
 * kexec_add_buffer().
 */
int kho_fill_kimage(struct kimage *image)
{
	struct kexec_buf kbuf = {
		.image = image,
		.buffer = kho_scratch,
		.bufsz = kho_scratch_cnt * sizeof(*kho_scratch),
		.memsz = kho_scratch_cnt * sizeof(*kho_scratch),
		.buf_align = PAGE_SIZE,
		.buf_max = ULONG_MAX,
		.mem = KEXEC_BUF_MEM_UNKNOWN,
		.top_down = true,
	};
	int err;

	if (!kho_image_needs_scratch(image))
		return 0;

	/* Earlier segments are optional. The load does not fail if they have no room. */
	image->kho.unplaced = 0;

	err = kexec_add_buffer(&kbuf);
	if (err)
		return err;

	image->kho.fdt = virt_to_phys(kho_out.fdt);
	image->kho.scratch = kbuf.mem;
	image->kho.scratch_size = kbuf.bufsz;
	return 0;
}

/**
 * kho_image_can_carry - check whether the loaded image carries the handover
 *
 * Context: Called with the kexec lock held.
 * Return: true if the loaded image was loaded by kexec_file_load() while kexec
 * handover was enabled, and does not return to this kernel.
 */
bool kho_image_can_carry(void)
{
	return kexec_image && kexec_image->kho.fdt &&
	       !kexec_image->preserve_context;
}
