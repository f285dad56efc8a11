/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of what a kernel tells the next one about itself.
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_KEXEC_METADATA_H
#define _LINUX_KHO_ABI_KEXEC_METADATA_H

#include <linux/build_bug.h>
#include <linux/types.h>

/**
 * DOC: KHO kexec metadata
 *
 * The blob ``kexec-metadata`` says which kernel handed over, and how many kexecs
 * there have been since the last cold boot. It is for the log; nobody depends on
 * it, so it has a version of its own and is ignored when it is absent or of
 * another version.
 */

/* Name of the blob in the root FDT */
#define KHO_METADATA_NODE_NAME	"kexec-metadata"

#define KHO_METADATA_VERSION	1

/* As long as new_utsname's member */
#define KHO_METADATA_RELEASE_LENGTH	65

/**
 * struct kho_kexec_metadata - what a kernel tells the next one about itself
 * @version:	      %KHO_METADATA_VERSION
 * @previous_release: utsname()->release of the kernel that hands over,
 *		      NUL-terminated
 * @kexec_count:      number of kexecs since the last cold boot that the reader's
 *		      boot is: 1 for the first one
 */
struct kho_kexec_metadata {
	u32 version;
	char previous_release[KHO_METADATA_RELEASE_LENGTH];
	u32 kexec_count;
} __packed;

static_assert(sizeof(struct kho_kexec_metadata) == 73);

#endif /* _LINUX_KHO_ABI_KEXEC_METADATA_H */
