// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: whether the next kernel has room to boot.
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A kernel can only use other memory than scratch once it knows what is preserved. With too
 * little scratch it dies before it has a console. What it needs until then depends on when
 * it reads the map:
 *
 * - A kernel whose note says that it reads the map early needs little more than its image.
 * - Mainline reads it late, after it has allocated its struct pages. But before that it
 *   adds to scratch each whole GiB without any preserved page. So room depends on what is
 *   preserved, and is checked once that is known.
 * - Others read it late, and only use scratch until then.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/errno.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/range.h>
#include <linux/sizes.h>

#include <linux/kho/image.h>
#include <linux/kho/radix_tree.h>

#include "kexec_handover_internal.h"

/* Room for small allocations that depend on the configuration of the next kernel */
#define KHO_EARLY_MARGIN	SZ_8M

/* Mainline uses memory outside scratch in units of this size. User-space tests have less. */
#ifndef KHO_MAINLINE_UNIT
#define KHO_MAINLINE_UNIT	SZ_1G
#endif

/* Mainline was measured to boot for 378 s with so many ranges of preserved memory. */
#define KHO_MAINLINE_RANGES	131072UL
#define KHO_MAINLINE_SECONDS	378UL

/* Warn if that is expected to take longer. */
#define KHO_SECONDS_MAX		10

static u64 kho_image_size(const struct kimage *image)
{
	unsigned long i;
	u64 size = 0;

	for (i = 0; i < image->nr_segments; i++)
		size += PAGE_ALIGN(image->segment[i].memsz);

	return size;
}

static bool kho_is_mainline(const struct kimage *image)
{
	return !image->kho.early_map && !kho_image_is_ours(image);
}

/* Return what an image needs of scratch, whatever is preserved. */
static u64 kho_need(const struct kimage *image)
{
	u64 size = kho_image_size(image);

	if (image->kho.early_map || kho_is_mainline(image))
		return size + kho_early_size(image->kho.base_pages) + KHO_EARLY_MARGIN;
	return size + kho_boot_size();
}

/* With a flaw the next kernel is not confined; with less RAM it needs less. */
static bool kho_may_use_all(const struct kimage *image)
{
	return !kho_image_needs_scratch(image) || image->kho.flaw ||
	       image->kho.left_out.nr || image->kho.retyped.nr;
}

/**
 * kho_check_kimage - refuse an image that can't boot within scratch
 * @image: the image, with all its segments
 *
 * Context: Called with the kexec lock held.
 * Return: 0 or -EADDRNOTAVAIL.
 */
int kho_check_kimage(const struct kimage *image)
{
	u64 need = kho_need(image), have = kho_scratch_size();

	if (kho_image_needs_scratch(image) && kho_image_has_user() &&
	    !image->kho.flaw && !image->kho.user_flaw)
		kho_report_form(image);
	if (kho_may_use_all(image) || need <= have)
		return 0;

	/* The spare quarter is for the alignment of regions and segments. */
	if (image->kho.early_map)
		pr_err("scratch of %llu MiB is too small: the kexec image needs %llu MiB of it to boot; kho_scratch=0,%lluM,0 would do\n",
		       have / SZ_1M, DIV_ROUND_UP(need, SZ_1M),
		       DIV_ROUND_UP(need + need / 4, SZ_1M));
	else
		pr_err("scratch of %llu MiB is too small: the kexec image needs %llu MiB of it to boot; kho_scratch=%u%% would do\n",
		       have / SZ_1M, DIV_ROUND_UP(need, SZ_1M),
		       kho_sufficient_percent(need));
	return -EADDRNOTAVAIL;
}

static bool kho_is_preserved(u64 start, u64 size)
{
	unsigned long pfn = PHYS_PFN(start), nr = PHYS_PFN(size);

	return kho_radix_overlaps(&kho_out.tree, pfn, nr) ||
	       (is_kho_boot() && kho_radix_overlaps(&kho_in.tree, pfn, nr));
}

/* Return how much memory outside scratch mainline adds to it. */
static u64 kho_mainline_adds(void)
{
	const u64 unit = KHO_MAINLINE_UNIT;
	const struct range ram = kho_ram_span();
	u64 start, free, size = 0;

	for (start = round_up(ram.start, unit); start + unit <= ram.end; start += unit) {
		free = kho_ram_outside_scratch(start, start + unit);
		/* The scratch regions in the unit don't keep it from being whole. */
		if (free + kho_scratch_inside(start, start + unit) == unit &&
		    !kho_is_preserved(start, unit))
			size += free;
	}
	return size;
}

static int kho_count_range(phys_addr_t start, phys_addr_t end, void *arg)
{
	unsigned long *nr = arg;

	(*nr)++;
	return 0;
}

/* Mainline's boot time grows with the square of the number of ranges. */
static void kho_warn_of_slow_boot(void)
{
	u64 nr, seconds;
	unsigned long nr_ranges = 0;

	kho_radix_walk_ranges(&kho_out.tree, kho_count_range, &nr_ranges);
	nr = min(nr_ranges, 100 * KHO_MAINLINE_RANGES);
	seconds = nr * nr / KHO_MAINLINE_RANGES * KHO_MAINLINE_SECONDS / KHO_MAINLINE_RANGES;
	if (seconds > KHO_SECONDS_MAX)
		pr_warn("preserved memory is in %lu ranges: the loaded kernel may boot for %llu seconds\n",
			nr_ranges, seconds);
}

/**
 * kho_image_check_room - check that the loaded image has room to boot
 *
 * kho_check_kimage() can't do this for a kernel whose room depends on what is preserved.
 *
 * Context: May sleep. Called with the kexec lock held, once all that is handed over has
 * been preserved.
 * Return: 0 or -EINVAL.
 */
int kho_image_check_room(void)
{
	const struct kimage *image = kexec_image;
	u64 need, have;

	if (!image || !image->kho.fdt || image->preserve_context)
		return 0;
	if (kho_may_use_all(image) || !kho_is_mainline(image))
		return 0;

	kho_warn_of_slow_boot();
	need = kho_image_size(image) + kho_boot_size();
	have = kho_scratch_size() + kho_mainline_adds();
	if (need <= have)
		return 0;

	pr_err("the loaded kernel needs %llu MiB to boot, but scratch and each GiB without preserved memory have only %llu MiB; after a cold boot with kho_scratch=%u%% it could be started\n",
	       DIV_ROUND_UP(need, SZ_1M), have / SZ_1M, kho_sufficient_percent(need));
	return -EINVAL;
}
