/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover: kexec images that carry a handover.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_IMAGE_H
#define _LINUX_KHO_IMAGE_H

#include <linux/kho/abi/note.h>
#include <linux/range.h>
#include <linux/types.h>

struct kexec_buf;
struct kimage;
struct resource;

/* Number of separate ranges of memory that are recorded */
#define KHO_IMAGE_RANGES	32

/**
 * struct kho_image_ranges - ranges of physical memory
 * @ranges: the ranges (end exclusive), which do not touch each other
 * @nr:	    their number
 */
struct kho_image_ranges {
	struct range ranges[KHO_IMAGE_RANGES];
	unsigned int nr;
};

/* Has room for the release of any kernel, with a NUL. */
#define KHO_RELEASE_LENGTH	65

/**
 * enum kho_form - form of the version strings, and of the data that depends on them
 * @KHO_FORM_COMPOSED: strings name what a component contains; memfds are in version 3
 * @KHO_FORM_MAINLINE: what mainline 7.3 reads and writes; memfds are in version 2
 */
enum kho_form {
	KHO_FORM_COMPOSED,
	KHO_FORM_MAINLINE,
};

/**
 * struct kho_image - what kexec handover knows about a kexec image
 * @fdt:	  physical address of this kernel's root FDT; 0 if the image does
 *		  not carry a handover
 * @scratch:	  physical address of a copy of the array of scratch regions
 * @scratch_size: size of that copy in bytes
 * @unplaced:	  size of the first segment that found no room in scratch
 * @note:	  its note, without what is longer than &struct kho_note; all 0 if it
 *		  has none
 * @release:	  its release, cut if it is longer, empty if unknown
 * @early_map:	  the next kernel reads the map of preserved memory early
 * @base_pages:	  its direct map consists of base pages
 * @flags_given:  flags of its note whose options are on its command line
 * @flags_on:	  those of them that the options switch on
 * @flaw:	  why the next kernel will ignore the handover, or NULL
 * @user_flaw:	  why it will ignore the state of KHO's user only, or NULL
 * @left_out:	  memory of this kernel that the next one will not use as RAM,
 *		  because its command line leaves it out
 * @retyped:	  the same, because its command line gives it another type
 */
struct kho_image {
	phys_addr_t fdt;
	phys_addr_t scratch;
	unsigned long scratch_size;
	unsigned long unplaced;
	struct kho_note note;
	char release[KHO_RELEASE_LENGTH];
	bool early_map;
	bool base_pages;
	u32 flags_given;
	u32 flags_on;
	const char *flaw;
	const char *user_flaw;
	struct kho_image_ranges left_out;
	struct kho_image_ranges retyped;
};

/**
 * struct kho_image_switch - a boolean option that the next kernel must enable
 * @option: its name on the command line
 * @off:    the flaw of an image that switches it off
 */
struct kho_image_switch {
	const char *option;
	const char *off;
};

/* Called for a region that a kexec segment can be placed in; returns non-zero to stop */
typedef int (*kho_hole_fn)(struct resource *region, void *kbuf);

#ifdef CONFIG_KEXEC_HANDOVER

bool kho_image_needs_scratch(const struct kimage *image);
int kho_walk_scratch(struct kexec_buf *kbuf, kho_hole_fn fn);
void kho_explain_failed_load(const struct kimage *image, int err);
int kho_fill_kimage(struct kimage *image);
void kho_image_read_note(struct kimage *image, const void *area, size_t size);
int kho_check_kimage(const struct kimage *image);
const char *kho_image_flaw(void);
const char *kho_image_verdict(void);
bool kho_image_has_note(void);
bool kho_image_reads(const char *compatible);
bool kho_image_reads_file(const char *compatible);
bool kho_image_has_flag(u32 flag);
int kho_image_check_room(void);
void kho_add_image_switch(const struct kho_image_switch *added);
void kho_image_retire(const struct kimage *image);

void kho_image_set_release(struct kimage *image, const char *release, size_t size);
void kho_image_find_release(struct kimage *image, const char *kernel, size_t size);
const char *kho_form_name(enum kho_form form);
enum kho_form kho_image_form(void);
int kho_peek_image_form(enum kho_form *form);

void kho_image_leave_out(struct kimage *image, u64 start, u64 end);
void kho_image_leave_out_all(struct kimage *image);
void kho_image_put_back(struct kimage *image, u64 start, u64 end);
void kho_image_retype(struct kimage *image, u64 start, u64 end);
void kho_image_set_flag(struct kimage *image, u32 flag, bool on);

/**
 * arch_kho_note_option - note what an option leaves of RAM, and how RAM is mapped
 * @image: the image that has the option on its command line
 * @param: name of the option
 * @val:   its value, which may be changed, or NULL
 *
 * Called for each option in order. Calls kho_image_leave_out() for memory that the
 * option removes from RAM, kho_image_put_back() for memory that it adds, and
 * kho_image_retype() for memory that is not RAM even if a later option adds it. Calls
 * kho_image_set_flag() for options that have a flag in the note of an image.
 */
void arch_kho_note_option(struct kimage *image, const char *param, char *val);

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

static inline void kho_image_read_note(struct kimage *image, const void *area,
				       size_t size)
{
}

static inline void kho_image_set_release(struct kimage *image, const char *release,
					 size_t size)
{
}

static inline void kho_image_find_release(struct kimage *image, const char *kernel,
					  size_t size)
{
}

static inline int kho_check_kimage(const struct kimage *image)
{
	return 0;
}

static inline void kho_image_retire(const struct kimage *image)
{
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KHO_IMAGE_H */
