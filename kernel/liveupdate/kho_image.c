// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: kexec images that carry it.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>

#include "kexec_handover_internal.h"

/**
 * kho_image_needs_scratch - must a kexec image stay within scratch?
 * @image: the image
 *
 * A crash kernel has memory of its own and is left alone.
 *
 * Context: Any.
 * Return: true if the image's segments could overwrite preserved memory when it
 * starts.
 */
bool kho_image_needs_scratch(const struct kimage *image)
{
	return kho_out.fdt && image->type != KEXEC_TYPE_CRASH;
}

/**
 * kho_walk_scratch - offer each scratch region to a search for a segment's place
 * @kbuf: what is searched for
 * @fn:	  called for each region with @kbuf; returns non-zero to stop
 *
 * Context: Called with the kexec lock held.
 * Return: 0, or what @fn returned.
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

	/* No error yet: loaders may try with the other segments elsewhere. */
	if (!ret && !kbuf->image->kho.unplaced)
		kbuf->image->kho.unplaced = kbuf->memsz;
	return ret;
}

/**
 * kho_explain_failed_load - say so when a kexec image found no room in scratch
 * @image: the image, which could not be loaded
 * @err:   the error, negative, that its loader returned
 *
 * The caller can only return the error, which says little.
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
 * kho_fill_kimage - make a kexec image carry the handover
 * @image: the image, loaded by kexec_file_load()
 *
 * Context: Called with the kexec lock held.
 * Return: 0, also if the image is to carry nothing, or an error of
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

	/* Without what found no room before, the image can be loaded. */
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
 * kho_image_can_carry - would a kexec now carry the handover?
 *
 * Context: Called with the kexec lock held.
 * Return: true if the loaded image was loaded by kexec_file_load() while kexec
 * handover was enabled, and replaces this kernel for good.
 */
bool kho_image_can_carry(void)
{
	return kexec_image && kexec_image->kho.fdt &&
	       !kexec_image->preserve_context;
}
