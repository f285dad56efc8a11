/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fields of a kexec image that a handover needs
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_LINUX_KEXEC_H
#define _KHO_LINUX_KEXEC_H

#include <linux/types.h>

#define KEXEC_TYPE_CRASH	1
#define KEXEC_BUF_MEM_UNKNOWN	0

struct kimage {
	unsigned int type;
	bool preserve_context;
	struct {
		phys_addr_t fdt;
		phys_addr_t scratch;
		size_t scratch_size;
		unsigned long unplaced;
	} kho;
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
