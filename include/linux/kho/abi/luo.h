/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live Update Orchestrator: what one kernel leaves for the next
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
 * LUO hands over one KHO subtree, named %LUO_KHO_ENTRY_NAME. It is a blob that
 * holds one struct luo_ser and leads to everything else::
 *
 *   luo_ser
 *    |-- sessions_pa --> [ luo_session_ser | luo_session_ser | ... ] --> ...
 *    |                       |
 *    |                       `-- file_set.files --> [ luo_file_ser | ... ]
 *    |
 *    `-- flbs_pa ------> luo_flb_header_ser, luo_flb_ser, luo_flb_ser, ...
 *
 * Sessions and files are stored in chains of blocks (block.h). All addresses
 * are physical, 0 stands for none, all integers have the machine's endianness.
 *
 * The blob starts with LUO's composed version string. The string may be of
 * another length in another version: what follows it starts at the length of
 * the string that is found, with its NUL, rounded up to 8 bytes.
 *
 * Session names are unique, tokens are unique in their session. A file's
 * compatible is the composed version string of the handler that preserved it,
 * its data is that handler's own.
 *
 * Any change of layout or of meaning needs a new %LUO_ABI_COMPAT_BASE.
 */

/* The name of LUO's subtree. */
#define LUO_KHO_ENTRY_NAME		"LUO"

#define LUO_ABI_COMPAT_BASE		"luo-v5"
#define LUO_ABI_COMPATIBLE		\
	(LUO_ABI_COMPAT_BASE KHO_SUB_COMPAT(KHO_BLOCK_COMPATIBLE))
/* Where the fields after our own version string start, bytes. */
#define LUO_ABI_COMPAT_LEN		KHO_COMPAT_ALIGN(LUO_ABI_COMPATIBLE)

/* Room for the version strings of file handlers and FLBs, with the NUL. */
#define LIVEUPDATE_HNDL_COMPAT_LENGTH	48
#define LIVEUPDATE_FLB_COMPAT_LENGTH	48

/**
 * struct luo_ser - the head of everything that LUO hands over
 * @compatible: composed version string
 * @liveupdate_num: number of live updates since the last cold boot
 * @sessions_pa: first block of the chain of &struct luo_session_ser
 * @flbs_pa: the &struct luo_flb_header_ser
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
 * @data: what the handler needs to get the file back
 * @token: the file's name in its session
 */
struct luo_file_ser {
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
	u64 data;
	u64 token;
} __packed;
static_assert(sizeof(struct luo_file_ser) == 64);

/**
 * struct luo_flb_header_ser - the head of the state that files share
 * @pgcnt: size of header and entries, pages
 * @count: number of &struct luo_flb_ser that follow
 */
struct luo_flb_header_ser {
	u64 pgcnt;
	u64 count;
} __packed;
static_assert(sizeof(struct luo_flb_header_ser) == 16);

/**
 * struct luo_flb_ser - state that several files share
 * @name: version string of its owner, NUL-terminated
 * @data: what the owner needs to get it back
 * @count: number of files that depend on it
 */
struct luo_flb_ser {
	char name[LIVEUPDATE_FLB_COMPAT_LENGTH];
	u64 data;
	u64 count;
} __packed;
static_assert(sizeof(struct luo_flb_ser) == 64);

#endif /* _LINUX_KHO_ABI_LUO_H */
