/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live Update Orchestrator: wire format
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _LINUX_KHO_ABI_LUO_H
#define _LINUX_KHO_ABI_LUO_H

#include <linux/build_bug.h>
#include <linux/compiler_attributes.h>
#include <linux/kho/abi/block.h>
#include <linux/kho/abi/compat.h>
#include <linux/types.h>
#include <uapi/linux/liveupdate.h>

/**
 * DOC: Live Update Orchestrator ABI
 *
 * LUO hands over a KHO subtree named %LUO_KHO_ENTRY_NAME. The blob is a struct
 * luo_ser, which leads to all other state::
 *
 *   luo_ser
 *    |-- sessions_pa --> [ luo_session_ser | luo_session_ser | ... ] --> ...
 *    |                       |
 *    |                       `-- file_set.files --> [ luo_file_ser | ... ]
 *    |
 *    `-- flbs_pa ------> luo_flb_header_ser, luo_flb_ser, luo_flb_ser, ...
 *
 * Sessions and files are stored in chains of blocks (block.h). All addresses
 * are physical, and 0 stands for none. All integers are native-endian.
 *
 * The blob starts with the version string of LUO. Other versions can have a
 * string of another length. So the offset of the other fields is the length of
 * the string in the blob, including its NUL, rounded up to 8 bytes.
 *
 * Mainline gets the base token alone, which takes 8 bytes. flbs_pa is never 0 there, and
 * chains have no empty block and at most 10,000 blocks.
 *
 * Session names are unique. Tokens are unique in their session. The compatible
 * field of a file is the version string of the handler that preserved it, and
 * the handler determines the meaning of the data field.
 *
 * If the layout or the meaning of a field changes, %LUO_ABI_COMPAT_BASE
 * changes.
 */

/* Name of LUO's subtree */
#define LUO_KHO_ENTRY_NAME		"LUO"

#define LUO_ABI_COMPAT_BASE		"luo-v5"
#define LUO_ABI_COMPATIBLE		\
	(LUO_ABI_COMPAT_BASE KHO_SUB_COMPAT(KHO_BLOCK_COMPATIBLE))
/* Offset of the fields after this version's string in bytes */
#define LUO_ABI_COMPAT_LEN		KHO_COMPAT_ALIGN(LUO_ABI_COMPATIBLE)

/* Sizes of the version strings of file handlers and FLBs, including the NUL */
#define LIVEUPDATE_HNDL_COMPAT_LENGTH	48
#define LIVEUPDATE_FLB_COMPAT_LENGTH	48

/**
 * struct luo_ser - state of LUO
 * @compatible: version string
 * @liveupdate_num: number of live updates since the last cold boot, including the
 *		    one that starts the reader
 * @sessions_pa: first block of the chain of &struct luo_session_ser
 * @flbs_pa: address of the &struct luo_flb_header_ser
 */
struct luo_ser {
	char compatible[LUO_ABI_COMPAT_LEN];
	u64 liveupdate_num;
	u64 sessions_pa;
	u64 flbs_pa;
} __packed;
static_assert(sizeof(struct luo_ser) == 40);

/**
 * struct luo_file_set_ser - the files of a session
 * @files: first block of the chain of &struct luo_file_ser
 * @count: number of files in the chain
 */
struct luo_file_set_ser {
	u64 files;
	u64 count;
} __packed;
static_assert(sizeof(struct luo_file_set_ser) == 16);

/**
 * struct luo_session_ser - a session
 * @name: its name, NUL-terminated
 * @file_set: its files
 */
struct luo_session_ser {
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct luo_file_set_ser file_set;
} __packed;
static_assert(sizeof(struct luo_session_ser) == 80);

/**
 * struct luo_file_ser - a file
 * @compatible: version string of the handler that preserved it, NUL-terminated
 * @data: data of the handler, which it needs to retrieve the file
 * @token: identifies the file in its session
 */
struct luo_file_ser {
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	u64 data;
	u64 token;
} __packed;
static_assert(sizeof(struct luo_file_ser) == 64);

/**
 * struct luo_flb_header_ser - header of the table of FLBs
 * @pgcnt: size of header and entries in pages
 * @count: number of &struct luo_flb_ser that follow
 */
struct luo_flb_header_ser {
	u64 pgcnt;
	u64 count;
} __packed;
static_assert(sizeof(struct luo_flb_header_ser) == 16);

/**
 * struct luo_flb_ser - an FLB, which is state that several files share
 * @name: version string of the FLB, NUL-terminated
 * @data: data of the FLB's owner, which it needs to retrieve the state
 * @count: number of files that depend on the FLB, at least 1. Readers must not rely on
 *	   it: some kernels add the references that were held.
 */
struct luo_flb_ser {
	char name[LIVEUPDATE_FLB_COMPAT_LENGTH];
	u64 data;
	u64 count;
} __packed;
static_assert(sizeof(struct luo_flb_ser) == 64);

#endif /* _LINUX_KHO_ABI_LUO_H */
