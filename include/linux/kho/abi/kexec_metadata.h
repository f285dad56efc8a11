/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the kexec metadata.
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
 * The blob ``kexec-metadata`` has the release of the previous kernel and the
 * number of kexecs since the last cold boot. It only serves the log, so it has
 * its own version, and a kernel ignores it if it is missing or has another
 * version.
 */

/* Name of the blob in the root FDT */
#define KHO_METADATA_NODE_NAME	"kexec-metadata"

#define KHO_METADATA_VERSION	1

/* Size of the release in struct new_utsname */
#define KHO_METADATA_RELEASE_LENGTH	65

/**
 * struct kho_kexec_metadata - information about the previous kernel
 * @version:	      %KHO_METADATA_VERSION
 * @previous_release: utsname()->release of the kernel that hands over,
 *		      NUL-terminated
 * @kexec_count:      number of kexecs since the last cold boot, including the
 *		      one that starts the reader
 */
struct kho_kexec_metadata {
	u32 version;
	char previous_release[KHO_METADATA_RELEASE_LENGTH];
	u32 kexec_count;
} __packed;

static_assert(sizeof(struct kho_kexec_metadata) == 73);

#endif /* _LINUX_KHO_ABI_KEXEC_METADATA_H */
