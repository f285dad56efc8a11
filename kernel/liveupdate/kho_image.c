// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec handover: kexec images that carry a handover.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cleanup.h>
#include <linux/compiler.h>
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
#include <linux/rwsem.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/static_stub.h>

#include <linux/kho/abi/block.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/compat.h>
#include <linux/kho/image.h>
#include <linux/kho/note.h>

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

/**
 * kho_image_set_flag - note that the command line decides about a flag of the note
 * @image: its image
 * @flag:  one of %KHO_NOTE_BASE_PAGES
 * @on:    whether the option switches it on
 *
 * Context: Called with the kexec lock held, by arch_kho_note_option().
 */
void kho_image_set_flag(struct kimage *image, u32 flag, bool on)
{
	image->kho.flags_given |= flag;
	if (on)
		image->kho.flags_on |= flag;
	else
		image->kho.flags_on &= ~flag;
}

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

	if (parameq(param, "debug_pagealloc") && !kstrtobool(val, &on))
		kho_image_set_flag(cmdline->image, KHO_NOTE_DEBUG_PAGEALLOC, on);

	arch_kho_note_option(cmdline->image, param, val);
	return 0;
}

static void kho_note_switches(const struct kho_cmdline *cmdline)
{
	struct kho_image *kho = &cmdline->image->kho;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kho_switches); i++) {
		if (!kho_switches[i])
			continue;

		if (cmdline->switches[i] == KHO_SWITCH_OFF)
			*(i ? &kho->user_flaw : &kho->flaw) = kho_switches[i]->off;
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

	/* Without room for one more range, the memory stays left out. */
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

/*
 * Take the known part of the note at @area, which has @size bytes, at least
 * KHO_NOTE_MIN_SIZE, and may be misaligned. Its sender is not trusted.
 */
static bool kho_take_note(const void *area, size_t size, struct kho_note *note)
{
	*note = (struct kho_note){};
	memcpy(note, area, KHO_NOTE_MIN_SIZE);
	if (memcmp(note->magic, KHO_NOTE_MAGIC, sizeof(note->magic)) ||
	    note->size < KHO_NOTE_MIN_SIZE || note->size > size ||
	    note->version != KHO_NOTE_VERSION)
		return false;

	memcpy(note, area, min_t(size_t, note->size, sizeof(*note)));
	return true;
}

static bool kho_includes(const struct kho_note_versions *versions, u32 version)
{
	return version >= versions->lowest && version <= versions->highest;
}

/* Return whether the base token of a version string is one of these versions. */
static bool kho_reads(const struct kho_note_versions *versions, const char *compatible)
{
	u32 version;

	return !kho_compat_base_version(compatible, strlen(compatible) + 1, &version) &&
	       kho_includes(versions, version);
}

/**
 * struct kho_note_kind - a kind of files that has a field in the note
 * @name:    the name in its version string
 * @what:    the name in messages
 * @field:   offset of the field
 * @written: the version that this kernel writes, 0 if it lacks that kind
 * @mainline: the versions that mainline reads
 */
struct kho_note_kind {
	const char *name;
	const char *what;
	size_t field;
	u32 written;
	struct kho_note_versions mainline;
};

static const struct kho_note_kind kho_note_kinds[] = {
	{
		.name = "memfd",
		.what = "memfds",
		.field = offsetof(struct kho_note, memfd),
		.written = IS_ENABLED(CONFIG_LIVEUPDATE_MEMFD) ? KHO_MEMFD_HIGHEST : 0,
		.mainline = { 2, 2 },
	},
	{
		.name = "memfd-hugetlb",
		.what = "memfds of huge pages",
		.field = offsetof(struct kho_note, hugetlb),
		.written = IS_ENABLED(CONFIG_LIVEUPDATE_HUGETLB) ? KHO_HUGETLB_HIGHEST : 0,
	},
};

static const struct kho_note_versions *
kho_note_versions(const struct kho_note *note, const struct kho_note_kind *kind)
{
	return (const void *)note + kind->field;
}

/* It is not known yet whether there will be such files: see kho_image_reads(). */
static void kho_check_kinds(const struct kho_note *note)
{
	const struct kho_note_kind *kind;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kho_note_kinds); i++) {
		kind = &kho_note_kinds[i];
		if (kind->written &&
		    !kho_includes(kho_note_versions(note, kind), kind->written))
			pr_warn("the loaded kernel can't read %s of this kernel: it can't be started while there are preserved ones\n",
				kind->what);
	}
}

/* Compare the versions of KHO's user. If they differ, the next kernel is confined anyway. */
static void kho_check_user_versions(struct kimage *image, const struct kho_note *note)
{
	if (!kho_reads(&note->block, KHO_BLOCK_COMPATIBLE) ||
	    !kho_includes(&note->luo, KHO_LUO_HIGHEST)) {
		pr_warn("the loaded kernel can't read the sessions of this kernel: preserved files will be lost\n");
		image->kho.user_flaw = "its kernel reads other versions of sessions";
	} else {
		kho_check_kinds(note);
	}
}

static void kho_use_note(struct kimage *image, const struct kho_note *note)
{
	struct kho_image *kho = &image->kho;
	u32 flags = (note->flags & ~kho->flags_given) | kho->flags_on;

	kho->note = *note;
	kho->early_map = note->flags & KHO_NOTE_EARLY_MAP;
	kho->base_pages = flags & KHO_NOTE_BASE_PAGES;

	if (!kho_reads(&note->root, KHO_FDT_COMPAT_BASE) ||
	    !kho_reads(&note->radix, KHO_RADIX_COMPATIBLE) ||
	    !kho_reads(&note->vmalloc, KHO_VMALLOC_COMPATIBLE)) {
		pr_warn("the loaded kernel can't read what this kernel hands over: preserved memory will be lost\n");
		kho->flaw = "its kernel reads other versions of what is handed over";
	} else if (kho_switches[1]) {
		kho_check_user_versions(image, note);
	}
}

/**
 * kho_image_read_note - look for the note of an image
 * @image: the image
 * @area:  the part of the kernel's file that the note is in, if there is one
 * @size:  size of that part in bytes
 *
 * Architectures call this before they add segments. Without a note, or if it is damaged,
 * the image is assumed to read the map late, and the versions of this kernel.
 *
 * Context: Called with the kexec lock held, after kho_fill_kimage().
 */
void kho_image_read_note(struct kimage *image, const void *area, size_t size)
{
	struct kho_note note;
	size_t at;

	if (!image->kho.fdt)
		return;

	for (at = 0; at < size && size - at >= KHO_NOTE_MIN_SIZE; at += sizeof(u32)) {
		if (kho_take_note(area + at, size - at, &note)) {
			kho_use_note(image, &note);
			return;
		}
	}
}

/**
 * kho_image_has_user - check whether the state of KHO's user can be handed over
 *
 * Context: Any, after initcalls.
 * Return: true if there is such a user.
 */
bool kho_image_has_user(void)
{
	return kho_switches[1];
}

static const char *kho_flaw_of(struct kimage *image)
{
	if (!image || !image->kho.fdt)
		return "it was not loaded by kexec_file_load()";
	if (image->preserve_context)
		return "it returns to this kernel";
	if (image->kho.flaw || image->kho.user_flaw)
		return image->kho.flaw ?: image->kho.user_flaw;

	if (kho_needs_ranges(&image->kho.left_out) ||
	    kho_needs_ranges(&image->kho.retyped))
		return "mem= or memmap= on its command line leaves out preserved memory";

	return NULL;
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
	return kho_flaw_of(kexec_image);
}

/**
 * kho_image_verdict - describe whether an image is loaded that carries the handover
 *
 * Context: May sleep, without the kexec lock.
 * Return: the text for out/image in debugfs.
 */
const char *kho_image_verdict(void)
{
	struct kimage *image;

	guard(rwsem_read)(&kho_image_rwsem);
	image = READ_ONCE(kexec_image);
	return image ? kho_flaw_of(image) ?: "carries the handover" : "not loaded";
}

/**
 * kho_image_has_note - check whether the loaded image says which versions it reads
 *
 * Context: Called with the kexec lock held, for an image without a flaw.
 * Return: true if it has a note.
 */
bool kho_image_has_note(void)
{
	return kexec_image->kho.note.size;
}

/* Longer names are not in the note. */
#define KHO_NAME_MAX	64

static const struct kho_note_kind *kho_find_kind(const char *compatible)
{
	size_t size = strlen(compatible) + 1;
	char name[KHO_NAME_MAX];
	unsigned int i;

	if (size > sizeof(name) || kho_compat_base_name(compatible, size, name))
		return NULL;

	for (i = 0; i < ARRAY_SIZE(kho_note_kinds); i++)
		if (!strcmp(kho_note_kinds[i].name, name))
			return &kho_note_kinds[i];
	return NULL;
}

/**
 * kho_image_reads - check whether the loaded image reads a kind of files
 * @compatible: the version string that is stored with the files
 *
 * The note of an image has the versions of the kinds of files that are part of the kernel.
 * Modules can add others.
 *
 * Context: Called with the kexec lock held, for an image without a flaw.
 * Return: false if the note says that the image does not read this version, or if mainline
 * does not and the image gets its form; true otherwise, also if nothing is known about it.
 */
bool kho_image_reads(const char *compatible)
{
	const struct kho_note *note = &kexec_image->kho.note;
	const struct kho_note_kind *kind = kho_find_kind(compatible);

	if (!kind)
		return true;
	if (note->size)
		return kho_reads(kho_note_versions(note, kind), compatible);
	return kho_image_form() == KHO_FORM_COMPOSED ||
	       kho_reads(&kind->mainline, compatible);
}

/**
 * kho_image_reads_file - check whether the loaded image reads a file
 * @compatible: the version string that is stored with the file
 *
 * Like kho_image_reads(), but mainline loses all sessions if it does not know the kind of a
 * file. So don't rely on modules, unless an option says that it is to get its form.
 *
 * Context: Called with the kexec lock held, for an image without a flaw.
 * Return: false if it does not, or if the rest would be lost as well in that case.
 */
bool kho_image_reads_file(const char *compatible)
{
	return kho_image_reads(compatible) &&
	       (kho_find_kind(compatible) || kho_image_has_note() || kho_form_is_forced() ||
		kho_image_form() == KHO_FORM_COMPOSED);
}

/**
 * kho_image_has_flag - check whether the note of the loaded image has a flag
 * @flag: %KHO_NOTE_MEMORY_FAILURE, or another flag that the command line can't change
 *
 * Context: Called with the kexec lock held.
 * Return: false if the image has a note without the flag; true otherwise, also if nothing
 * is known about it.
 */
bool kho_image_has_flag(u32 flag)
{
	const struct kho_note *note;

	KUNIT_STATIC_STUB_REDIRECT(kho_image_has_flag, flag);

	note = kexec_image ? &kexec_image->kho.note : NULL;
	return !note || !note->size || note->flags & flag;
}
