/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fields of a kexec image that a handover needs
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_KEXEC_H
#define _KHO_LINUX_KEXEC_H

#include <linux/atomic.h>
#include <linux/kho/image.h>
#include <linux/types.h>

#define KEXEC_TYPE_CRASH	1
#define KEXEC_BUF_MEM_UNKNOWN	0

#define KEXEC_SEGMENT_MAX	16

struct kexec_segment {
	size_t memsz;
};

struct kimage {
	unsigned int type;
	bool preserve_context;
	unsigned long nr_segments;
	struct kexec_segment segment[KEXEC_SEGMENT_MAX];
	char *cmdline_buf;
	unsigned long cmdline_buf_len;
	struct kho_image kho;
};

struct kexec_buf {
	struct kimage *image;
	void *buffer;
	unsigned long bufsz;
	unsigned long mem;
	unsigned long memsz;
	unsigned long buf_align;
	unsigned long buf_max;
	bool top_down;
};

struct resource {
	u64 start;
	u64 end;
};

extern struct kimage *kexec_image;
extern bool kexec_in_progress;

int kexec_add_buffer(struct kexec_buf *kbuf);

#endif
