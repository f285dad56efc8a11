/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only subtree that is handed over, and the form that it has
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _KHO_SHIM_SUBTREE_H
#define _KHO_SHIM_SUBTREE_H

#include <linux/kho/image.h>
#include <linux/types.h>

struct subtree {
	u64 phys;	/* 0 for none */
	u64 size;
};

/* The form that the next kernel gets */
extern enum kho_form shim_form;

extern struct subtree subtree_in, subtree_out;

/* Called in reboot() before the kernel checks what it has serialized, unless NULL */
extern void (*shim_before_verify)(void);

#endif
