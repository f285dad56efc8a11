// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: kexec images that carry a handover.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/range.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

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

/*
 * Command line of the next kernel
 */

static const struct kho_image_switch kho_switch = {
	.option = "kho",
	.off = "kho= on its command line is off",
};

/* Options that the next kernel needs to be on: kho=, and one of KHO's user */
static const struct kho_image_switch *kho_switches[2] = { &kho_switch };

/**
 * kho_add_image_switch - name an option that the next kernel needs to be on
 * @added: the option
 *
 * Context: Initcalls.
 */
void kho_add_image_switch(const struct kho_image_switch *added)
{
	kho_switches[1] = added;
}

enum kho_switch_state {
	KHO_SWITCH_MISSING,
	KHO_SWITCH_OFF,
	KHO_SWITCH_ON,
};

/**
 * struct kho_cmdline - state of the parser of a command line
 * @image:    the image
 * @switches: the states of kho_switches[]
 */
struct kho_cmdline {
	struct kimage *image;
	enum kho_switch_state switches[ARRAY_SIZE(kho_switches)];
};

static int kho_note_option(char *param, char *val, const char *unused, void *arg)
{
	struct kho_cmdline *cmdline = arg;
	unsigned int i;
	bool on;

	/* As in the next kernel, the last valid value counts. */
	for (i = 0; i < ARRAY_SIZE(kho_switches); i++)
		if (kho_switches[i] && parameq(param, kho_switches[i]->option) &&
		    !kstrtobool(val, &on))
			cmdline->switches[i] = on ? KHO_SWITCH_ON : KHO_SWITCH_OFF;

	if (parameq(param, "elfcorehdr") && val)
		cmdline->image->kho.flaw =
			"elfcorehdr= on its command line is for crash kernels";

	arch_kho_note_option(cmdline->image, param, val);
	return 0;
}

static void kho_note_switches(const struct kho_cmdline *cmdline)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kho_switches); i++) {
		if (!kho_switches[i])
			continue;

		if (cmdline->switches[i] == KHO_SWITCH_OFF)
			cmdline->image->kho.flaw = kho_switches[i]->off;
		else if (cmdline->switches[i] == KHO_SWITCH_MISSING)
			pr_warn("%s= is not on the command line of the loaded kernel: its default decides whether preserved memory is lost\n",
				kho_switches[i]->option);
	}
}

/* Note what the next kernel's command line says, as that kernel will parse it. */
static int kho_parse_cmdline(struct kimage *image)
{
	struct kho_cmdline cmdline = { .image = image };
	char *copy;

	/* The parser changes its input. */
	copy = kstrndup(image->cmdline_buf ?: "", image->cmdline_buf_len, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;

	parse_args("next kernel", copy, NULL, 0, 0, 0, &cmdline, kho_note_option);
	kfree(copy);
	kho_note_switches(&cmdline);
	return 0;
}

/* Add memory to ranges, unless this kernel does not use it either. */
static void kho_add_range(struct kho_image_ranges *ranges, u64 start, u64 end)
{
	struct range *last = &ranges->ranges[KHO_IMAGE_RANGES - 1];

	if (!kho_overlaps_ram(start, end))
		return;

	/* If there are too many, cover one of them and the new one by one range. */
	if (ranges->nr == KHO_IMAGE_RANGES) {
		start = min(start, last->start);
		end = max(end, last->end);
		*last = (struct range){};
		ranges->nr--;
	}
	ranges->nr = add_range_with_merge(ranges->ranges, KHO_IMAGE_RANGES, ranges->nr,
					  start, end);
}

/**
 * kho_image_leave_out - note that the next kernel removes memory from its map
 * @image: its image
 * @start: physical address of the memory
 * @end:   physical address of its end, exclusive
 *
 * If there are too many ranges, memory between two of them is left out, too. Then the
 * image may be refused although it could carry what is preserved.
 *
 * Context: Called with the kexec lock held, by arch_kho_note_option().
 */
void kho_image_leave_out(struct kimage *image, u64 start, u64 end)
{
	kho_add_range(&image->kho.left_out, start, end);
}

/**
 * kho_image_retype - note that the next kernel gives memory another type than RAM
 * @image: its image
 * @start: physical address of the memory
 * @end:   physical address of its end, exclusive
 *
 * Unlike kho_image_leave_out(), this is not undone by kho_image_put_back(): if entries
 * of the memory map overlap, RAM is the weakest type.
 *
 * Context: Called with the kexec lock held, by arch_kho_note_option().
 */
void kho_image_retype(struct kimage *image, u64 start, u64 end)
{
	kho_add_range(&image->kho.retyped, start, end);
}

/**
 * kho_image_leave_out_all - note that the next kernel clears its memory map
 * @image: its image
 *
 * Context: Called with the kexec lock held, by arch_kho_note_option().
 */
void kho_image_leave_out_all(struct kimage *image)
{
	image->kho.retyped = (struct kho_image_ranges){};
	kho_image_leave_out(image, 0, ULLONG_MAX);
}

static bool kho_splits_range(const struct kho_image_ranges *ranges, u64 start, u64 end)
{
	unsigned int i;

	for (i = 0; i < ranges->nr; i++)
		if (ranges->ranges[i].start < start && ranges->ranges[i].end > end)
			return true;

	return false;
}

/**
 * kho_image_put_back - undo kho_image_leave_out() for memory
 * @image: the image
 * @start: physical address of the memory
 * @end:   physical address of its end, exclusive
 *
 * Context: Called with the kexec lock held, by arch_kho_note_option().
 */
void kho_image_put_back(struct kimage *image, u64 start, u64 end)
{
	struct kho_image_ranges *ranges = &image->kho.left_out;

	/* If there is no room for one more range, the memory stays left out. */
	if (ranges->nr == KHO_IMAGE_RANGES && kho_splits_range(ranges, start, end))
		return;

	subtract_range(ranges->ranges, KHO_IMAGE_RANGES, start, end);
	ranges->nr = clean_sort_range(ranges->ranges, KHO_IMAGE_RANGES);
}

static int kho_node_is_left_out(phys_addr_t node, unsigned int level, void *arg)
{
	const struct range *range = arg;

	return node + PAGE_SIZE > range->start && node < range->end;
}

/*
 * Return whether the next kernel needs any memory of a range that it does not use. It
 * also gets the incoming memory that was not restored: see kho_preserve_incoming().
 */
static bool kho_needs_range(struct range *range)
{
	unsigned long pfn = PFN_DOWN(range->start), last = PFN_DOWN(range->end - 1);
	phys_addr_t fdt = virt_to_phys(kho_out.fdt);

	return kho_overlaps_scratch(range->start, range->end) ||
	       (fdt + PAGE_SIZE > range->start && fdt < range->end) ||
	       kho_radix_overlaps(&kho_out.tree, pfn, last - pfn + 1) ||
	       (is_kho_boot() &&
		kho_radix_overlaps(&kho_in.tree, pfn, last - pfn + 1)) ||
	       kho_radix_walk_nodes(&kho_out.tree, kho_node_is_left_out, range);
}

static bool kho_needs_ranges(struct kho_image_ranges *ranges)
{
	unsigned int i;

	for (i = 0; i < ranges->nr; i++)
		if (kho_needs_range(&ranges->ranges[i]))
			return true;

	return false;
}

/*
 * The loaded image
 */

/**
 * kho_fill_kimage - add the handover to a kexec image
 * @image: the image, loaded by kexec_file_load()
 *
 * Context: Called with the kexec lock held.
 * Return: 0 on success or if the image does not carry a handover, -ENOMEM, or an
 * error of kexec_add_buffer().
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

	err = kho_parse_cmdline(image);
	if (err)
		return err;

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

static u64 kho_image_size(const struct kimage *image)
{
	unsigned long i;
	u64 size = 0;

	for (i = 0; i < image->nr_segments; i++)
		size += PAGE_ALIGN(image->segment[i].memsz);

	return size;
}

/**
 * kho_check_kimage - refuse an image that can't boot within scratch
 * @image: the image, with all its segments
 *
 * A kernel can only use other memory than scratch once it knows what is preserved.
 * Not every kernel knows that when it allocates its struct pages, and images don't say
 * which do. With too little scratch such a kernel dies before it has a console. So
 * there must be room for the image and the struct pages. The kernel's other early
 * allocations are not known.
 *
 * Context: Called with the kexec lock held.
 * Return: 0 or -EADDRNOTAVAIL.
 */
int kho_check_kimage(const struct kimage *image)
{
	u64 need, have = kho_scratch_size();

	/* With a flaw the kernel is not confined; with less RAM it needs less. */
	if (!kho_image_needs_scratch(image) || image->kho.flaw ||
	    image->kho.left_out.nr || image->kho.retyped.nr)
		return 0;

	need = kho_image_size(image) + kho_struct_pages_size();
	if (need <= have)
		return 0;

	pr_err("scratch of %llu MiB is too small: the kexec image needs more than %llu MiB of it to boot; kho_scratch=%u%% would do\n",
	       have / SZ_1M, need / SZ_1M, kho_sufficient_percent(need));
	return -EADDRNOTAVAIL;
}

/**
 * kho_image_flaw - check whether the loaded image carries the handover
 *
 * Memory that is preserved later is not considered.
 *
 * Context: May sleep. Called with the kexec lock held.
 * Return: NULL if the next kernel will take over what is preserved, otherwise why
 * it won't, for a log message.
 */
const char *kho_image_flaw(void)
{
	struct kimage *image = kexec_image;

	if (!image || !image->kho.fdt)
		return "it was not loaded by kexec_file_load()";
	if (image->preserve_context)
		return "it returns to this kernel";
	if (image->kho.flaw)
		return image->kho.flaw;

	if (kho_needs_ranges(&image->kho.left_out) ||
	    kho_needs_ranges(&image->kho.retyped))
		return "mem= or memmap= on its command line leaves out preserved memory";

	return NULL;
}
