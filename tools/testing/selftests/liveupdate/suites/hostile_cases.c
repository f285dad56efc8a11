// SPDX-License-Identifier: GPL-2.0
/*
 * hostile: the table of damaged handovers
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A rule names fields, values that they are set to, and what the next kernel must do.
 * Each value of each field is a case. For the last field of a rule, values that end in
 * "!" are in the sample: a case for each important kind of refusal.
 */
#include "kselftest.h"
#include "hostile.h"

#define RULE(_fields, _values, _says, ...)				\
	{ .fields = _fields, .values = _values, .says = _says, __VA_ARGS__ }
/* The things are refused, and their memory stays reserved. */
#define REFUSED(_fields, _values, _says, _things)			\
	RULE(_fields, _values, _says, .refused = _things)
/* The same, and each of the things gives -EIO. */
#define DAMAGED(_fields, _values, _says, _things)			\
	RULE(_fields, _values, _says, .refused = _things, .error = EIO)
/* The things were restored before the damage was found, so their memory is free. */
#define GONE(_fields, _values, _says, _things)				\
	RULE(_fields, _values, _says, .gone = _things)
/* The things are refused because blocks of the map overlap. */
#define OVERLAPPED(_fields, _values, _things)				\
	RULE(_fields, _values, OVERLAPS, .refused = _things, .overlapped = true)
/* Nothing is handed over. */
#define NO_HANDOVER(_fields, _values, _says)				\
	RULE(_fields, _values, "KHO: " _says, .gone = ALL)
/* The damage can't be detected with this ABI: the things may come back or not. */
#define OPEN(_fields, _values, _things)					\
	RULE(_fields, _values, NULL, .open = _things)
#define HARMLESS(_fields, _values)					\
	RULE(_fields, _values, NULL, .refused = 0)

/* Addresses of memory that is not preserved, or is not a block of its own */
#define NOWHERE		"@outside @end @scratch @free @fdt"
/* These, addresses that are not aligned, and memory that belongs to something else */
#define BAD_ADDRESS	"0 +1 " NOWHERE " @kept"
#define SAMPLED_ADDRESS	"0 +1 @outside @end @scratch @free! @fdt @kept"

/* The last entries of the tables on the way to the last leaf of the map */
#define MAP_CHILDREN							\
	"map5_child.phys map4_child.phys map3_child.phys map2_child.phys map1_child.phys"

/* A version string of KHO, of LUO, or of a memfd */
#define KHO_VERSION(_value, _says)					\
	NO_HANDOVER("fdt:/compatible", "=" _value, "incoming " _says)
#define LUO_VERSION(_value, _says)					\
	REFUSED("luo.compatible", "=" _value, "LUO: incoming " _says, LUO)
#define MEMFD_VERSION(_value, _says)					\
	REFUSED("file.compatible", "=" _value, _says, MEMFD)

#define MAP_REFUSED	"handover refused: its map"
#define NODE_LOST	"map has a node at .*, which is not free RAM"
#define BLOCK_MISALIGNED "KHO: block: misaligned block"
#define BLOCK_LOST	"KHO: block: block 0x.* is not preserved memory"
#define BLOCK_FULL	"KHO: block: block 0x.* has .* entries, but room for"
#define AREA_LOST	"KHO: vmalloc: no preserved memory of order"
#define AREA_KIND	"KHO: vmalloc: unknown kind of area"
#define ORDER_LARGE	"KHO: vmalloc: order .* is too large"
#define MEMFD_DAMAGED	"memfd_luo: incoming state at .* is damaged"
#define MEMFD_LOST	"memfd_luo: incoming state at .* is misaligned or not in preserved"
#define MEMFD_NO_FOLIO	"memfd_luo: no incoming folio of order .* at pfn"
#define MEMFD_NO_POISON	\
	"memfd_luo: (poisoned page at pfn .* does not fit at index|this kernel lacks MEMORY_FAILURE)"
#define MEMFD_NO_FIT	"memfd_luo: .* folios of order .* do not fit at index"
#define HUGETLB_DAMAGED	"hugetlb_luo: incoming state at .* is damaged"
#define HUGETLB_LOST	"hugetlb_luo: incoming state at .* is misaligned or not in preserved"
#define HUGETLB_LIST	"hugetlb_luo: list of .* runs is damaged"
#define HUGETLB_NO_LIST	"hugetlb_luo: list of incoming pages can't be restored"
#define HUGETLB_NO_PAGE	"hugetlb_luo: no incoming huge page at pfn"
#define HUGETLB_NO_SIZE	"hugetlb_luo: this kernel has no huge pages of .* KiB"
#define HUGETLB_PAST	"hugetlb_luo: page at index .* is past the end of the file"
#define POOL_DAMAGED	"hugetlb_luo: incoming number of pages is damaged"
#define POOL_LARGE	"hugetlb_luo: .* incoming pages of order .* are more than there is memory"
#define NO_METADATA	"KHO: exec from: unknown"
#define LAPIC_IGNORED	"KHO: lapic-timer: ignored, "
#define NOT_LISTED	"LUO: incoming sessions can't be listed"
#define FLB_TABLE	"LUO: incoming FLB table "
#define FLB_VERSION	"LUO: incoming FLB '.*' has a malformed version"
#define HIT_REFUSED	"LUO: files of incoming session 'hit' refused"
#define NOTE_DAMAGED	"notepad: note at .* is damaged"
#define NOTE_NO_TEXT	"notepad: text of a note at .* is not a preserved page"
#define REGION_BAD	"reserve_mem: .* of the previous kernel is damaged"
#define REGIONS_BAD	"reserve_mem: incoming state is damaged"

const struct hostile_rule hostile_rules[] = {
	/* The kexec image */
	NO_HANDOVER("image.fdt_addr",
		    "0 +1 @outside @end @scratch @free @memfd!",
		    "handover refused: "),
	NO_HANDOVER("image.fdt_size", "0 1 +1 +65536 max", "handover refused: "),
	NO_HANDOVER("image.scratch_addr", "0 +8 @outside @end @free @fdt", "handover refused: "),
	NO_HANDOVER("image.scratch_size", "0 1 +1 +16 max", "handover refused: "),
#ifdef __x86_64__
	GONE("image.len", "0 31 +1", "kexec handover ignored: setup_data has a wrong length", ALL),
#else
	/* One property includes the other one, or has another name. */
	GONE("image.len", "44", "kexec handover ignored: linux,kho-fdt", ALL),
	GONE("image.name", "0", "kexec handover ignored: linux,kho-fdt", ALL),
#endif
	NO_HANDOVER("scratch.addr", "0 +1 +4096 @outside @end", "handover refused: "),
	NO_HANDOVER("scratch.size", "0 1 +4096! max", "handover refused: "),
	/* The second region is larger, and may not fit there. */
	NO_HANDOVER("scratch2.addr", "@scratch_start",
		    "scratch region(s 0 and 1 overlap| 1 .* is not in RAM)"),

	/* The root FDT */
	NO_HANDOVER("fdt.magic", "0 max", "root FDT is damaged"),
	NO_HANDOVER("fdt.totalsize", "0 1 64 +1 max!", "root FDT is damaged"),
	NO_HANDOVER("fdt.version", "0 1", "root FDT is damaged"),
	NO_HANDOVER("fdt.last_comp_version", "+2 max", "root FDT is damaged"),
	NO_HANDOVER("fdt.off_dt_struct", "0 +1", "root FDT"),
	NO_HANDOVER("fdt.off_dt_strings", "0", "root FDT"),
	NO_HANDOVER("fdt.size_dt_strings fdt.size_dt_struct", "0 1", "root FDT"),
	NO_HANDOVER("fdt.off_dt_struct fdt.off_dt_strings fdt.off_mem_rsvmap", "max",
		    "root FDT is damaged"),
	NO_HANDOVER("fdt.size_dt_strings fdt.size_dt_struct", "max", "root FDT is damaged"),
	NO_HANDOVER("fdt:.tag", "0 9 max", "root FDT has no version"),
	NO_HANDOVER("fdt:/compatible.tag", "1 9", "root FDT has no version"),
	NO_HANDOVER("fdt:/compatible.name", "max", "root FDT has no version"),
	NO_HANDOVER("fdt:/compatible.len", "0 1 26", "incoming version string has no end"),
	NO_HANDOVER("fdt:/compatible.len", "max", "root FDT has no version"),
	KHO_VERSION("kho-v9;radix-v1;vmalloc-v1", "'kho-v9' not supported"),
	KHO_VERSION("kho-v3;radix-v1;vmalloc-v1", "'kho-v3' not supported"),
	KHO_VERSION("kho-v4;radix-v2;vmalloc-v1!", "'radix-v2' not supported"),
	KHO_VERSION("kho-v4;radix-v1;vmalloc-v0", "'vmalloc-v0' not supported"),
	KHO_VERSION("radix-v1;vmalloc-v1", "'radix-v1' not supported"),
	KHO_VERSION("kho-v4;radix-v1", "version string lacks 'vmalloc'"),
	KHO_VERSION("kho-v4;vmalloc-v1", "version string lacks 'radix'"),
	KHO_VERSION("kho-v4;vmalloc-v1;radix-v1", "'radix-v1' in wrong order"),
	KHO_VERSION("kho-v4;radix-v1;radix-v1", "'radix-v1' is a duplicate"),
	KHO_VERSION("kho-v4;luo-v1;radix-v1", "'luo-v1' is unknown"),
	KHO_VERSION("kho-v04;radix-v1", "version token 'kho-v04' is malformed"),
	KHO_VERSION("kho-v4;radix;vmalloc-v1", "version token 'radix' is malformed"),
	KHO_VERSION("kho-v4;;vmalloc-v1", "version token '' is malformed"),
	KHO_VERSION("kho-v;radix-v1", "version token 'kho-v' is malformed"),
	KHO_VERSION("kho-v4294967296", "version token 'kho-v4294967296' is malformed"),
	KHO_VERSION("", "version token '' is malformed"),
	KHO_VERSION("kho-v4*", "version string has no end"),
	NO_HANDOVER("fdt:/preserved-memory-map.tag", "9", "root FDT has no preserved-memory-map"),
	NO_HANDOVER("fdt:/preserved-memory-map.name", "max",
		    "root FDT has no preserved-memory-map"),
	NO_HANDOVER("fdt:/preserved-memory-map.len", "0 4 9 max",
		    "root FDT has no preserved-memory-map"),

	/* The map of preserved memory */
	NO_HANDOVER("fdt:/preserved-memory-map",
		    "0 +1 @outside @end @scratch @firmware @fdt",
		    "root of the map at"),
	NO_HANDOVER("fdt:/preserved-memory-map", "@map4! @map1 @map0 @memfd", MAP_REFUSED),
	OPEN("fdt:/preserved-memory-map", "@free", ALL),
	NO_HANDOVER(MAP_CHILDREN, "+1", "radix: misaligned child"),
	NO_HANDOVER(MAP_CHILDREN, "@outside @end @scratch @fdt @firmware", NODE_LOST),
	NO_HANDOVER(MAP_CHILDREN, "@self! @map5 @page2", MAP_REFUSED),
	OPEN(MAP_CHILDREN, "0", ALL),
	NO_HANDOVER("map.twin", "1! 2 3", "map has the node at pfn .* twice"),
	NO_HANDOVER("map.twin", "4 5", MAP_REFUSED),
	NO_HANDOVER("map.crowd", "1!", "map has more nodes than there are pages"),
	NO_HANDOVER("map.key", "0", "radix: malformed key 0"),
	NO_HANDOVER("map.key", "1!", "radix: malformed key 1"),
	NO_HANDOVER("map.key", "2 3", MAP_REFUSED),
	NO_HANDOVER("map.key", "0x20000000000000 max", "radix: malformed keys from"),
	NO_HANDOVER("map.page", "@scratch @outside",
		    "map has .*, which is not RAM outside of scratch"),
	NO_HANDOVER("map.page", "@firmware", "map has .*, which (this kernel uses|is not RAM)"),
	NO_HANDOVER("map.page", "@map5! @map1 @map0", "map preserves its own node"),
	/* Only the blocks that overlap are lost. */
	OVERLAPPED("map.page", "@kept! @inside", FOLIO),
	OVERLAPPED("map.page", "@huge_page!", HUGE),
	HARMLESS("map.page", "@free @fdt"),

	/* Blobs */
	REFUSED("fdt:LUO/preserved-data", SAMPLED_ADDRESS, "LUO: incoming", LUO),
	REFUSED("fdt:LUO/blob-size", "0 1 max", "LUO: incoming", LUO),
	REFUSED("fdt:LUO/preserved-data.name fdt:LUO/blob-size.name", "max",
		"LUO: incoming", LUO),
	HARMLESS("fdt:LUO/blob-size", "+1"),
	REFUSED("fdt:LUO/blob-size", "16", "LUO: incoming state of 16 bytes is truncated", LUO),
	REFUSED("fdt:LUO/blob-size", "39", "LUO: incoming state of 39 bytes is truncated", LUO),
	REFUSED("fdt:LUO/blob-size", "0x7fffffffffffffff",
		"LUO: incoming state can't be found", LUO),
	REFUSED("fdt:LUO.name", "=LU0 =", NULL, LUO),
	/* The tree ends early, is too deep, or is malformed. */
	OPEN("fdt:LUO.tag", "0 2 4 9 max", LUO | REGION),
	OPEN("fdt:LUO/preserved-data.tag", "1", LUO | REGION),
	OPEN("fdt:LUO/blob-size.tag", "1", LUO | REGION),
	OPEN("fdt:LUO/preserved-data.len", "0 4 max", LUO | REGION),
	REFUSED("fdt:memblock/preserved-data", BAD_ADDRESS, "reserve_mem: ", REGION),
	REFUSED("fdt:memblock/blob-size", "0 1 max", "reserve_mem: ", REGION),
	REFUSED("fdt:memblock/preserved-data.name fdt:memblock/blob-size.name", "max",
		"reserve_mem: ", REGION),
	REFUSED("fdt:memblock.name", "=memblocc", NULL, REGION),
	REFUSED("fdt:kexec-metadata/preserved-data", BAD_ADDRESS " @page2!", NO_METADATA, 0),
	REFUSED("fdt:kexec-metadata/blob-size", "0! 1 max", NO_METADATA, 0),
	REFUSED("fdt:kexec-metadata/preserved-data.name fdt:kexec-metadata/blob-size.name", "max",
		NO_METADATA, 0),
	HARMLESS("fdt:kexec-metadata.name", "=kexec-metadatA"),

	/* Metadata */
	REFUSED("metadata.version", "0 2! max", NO_METADATA, 0),
	REFUSED("metadata.previous_release", "=6*", NO_METADATA, 0),
	HARMLESS("metadata.previous_release", "="),
	HARMLESS("metadata.kexec_count", "0 max"),

#ifdef __x86_64__
	/* The frequency of the local APIC timer: then this kernel measures it. */
	REFUSED("fdt:lapic-timer/preserved-data", BAD_ADDRESS " @page2!", LAPIC_IGNORED, 0),
	REFUSED("fdt:lapic-timer/blob-size", "0! 1 27 max",
		LAPIC_IGNORED "its entry is damaged", 0),
	HARMLESS("fdt:lapic-timer.name", "=lapic-timeR"),
	REFUSED("lapic.version", "0 2! max", LAPIC_IGNORED "version", 0),
	REFUSED("lapic.signature lapic.vendor[2] lapic.vendor[0]", "0 +1!",
		LAPIC_IGNORED "it is for another model of CPU", 0),
	REFUSED("lapic.frequency", "0 999999! 10000000001 max",
		LAPIC_IGNORED ".* Hz is out of range", 0),
	REFUSED("lapic.frequency", "2000000 +1000000000!",
		"APIC timer: .* frequency does not fit the TSC", 0),
#endif

	/* Regions of reserve_mem= */
	REFUSED("region_fdt.magic region_fdt.version", "0", REGIONS_BAD, REGION),
	REFUSED("region_fdt.size_dt_strings region_fdt.size_dt_struct", "0", REGIONS_BAD, REGION),
	REFUSED("region_fdt.off_dt_struct region_fdt.off_dt_strings region_fdt.last_comp_version",
		"max", REGIONS_BAD, REGION),
	REFUSED("region_fdt.totalsize", "0 1 64! +1 max", REGIONS_BAD, REGION),
	REFUSED("region_fdt:/compatible", "=memblock-v9 =m*", REGIONS_BAD, REGION),
	REFUSED("region_fdt:/compatible.len", "max", REGIONS_BAD, REGION),
	REFUSED("region_fdt:kept/compatible", "=reserve-mem-v9 =", REGION_BAD, REGION),
	REFUSED("region_fdt:kept/start", BAD_ADDRESS " @inside!", REGION_BAD, REGION),
	OPEN("region_fdt:kept/start", "@memfd @page2", MEMFD | REGION),
	/* The region is a new one. */
	RULE("region_fdt:kept/start", "@self!", NULL, .gone = REGION, .error = ENODATA),
	REFUSED("region_fdt:kept/start.name region_fdt:kept/size.name", "max", REGION_BAD, REGION),
	REFUSED("region_fdt:kept/size", "0", REGION_BAD, REGION),
	GONE("region_fdt:kept/size", "1",
	     "reserve_mem: kept of the previous kernel has .* bytes at",
	     REGION),
	REFUSED("region_fdt:kept/size", "+1! max", REGION_BAD, REGION),
	GONE("region_fdt:kept.name", "=kep7",
	     "reserve_mem: freed .*kep7 of the previous kernel", REGION),
	/* A region that is not on the next command line, but a part of the folio */
	RULE("region_fdt:kept.name", "=kep8!", NULL, .refused = REGION,
	     .also = "region_fdt:kept/start @inside",
	     .never = "kep8 of the previous kernel"),
	/* The name of one region starts with that of another. */
	RULE("region_fdt:second.name", "=kept@1!", NULL, .refused = 0,
	     .never = "reserve_mem: kept of the previous kernel"),

	/* LUO */
	LUO_VERSION("luo-v9;block-v1!", "'luo-v9' not supported"),
	LUO_VERSION("luo-v4;block-v1", "'luo-v4' not supported"),
	LUO_VERSION("luo-v5;block-v2", "'block-v2' not supported"),
	LUO_VERSION("luo-v5;radix-v1", "'radix-v1' is unknown"),
	LUO_VERSION("luo-v5;;block-v", "version token '' is malformed"),
	LUO_VERSION("block-v1", "'block-v1' not supported"),
	LUO_VERSION("luo-v05", "version token 'luo-v05' is malformed"),
	LUO_VERSION("luo-v4294967296", "version token 'luo-v4294967296.*' is malformed"),
	LUO_VERSION("luo5", "version token 'luo5' is malformed"),
	LUO_VERSION("l*", "version"),
	LUO_VERSION("", "version token '' is malformed"),
	HARMLESS("luo.liveupdate_num", "0 max"),
	REFUSED("luo.sessions_pa", "0", NULL, SESSIONS),
	REFUSED("luo.sessions_pa", "@files", NOT_LISTED, SESSIONS),
	REFUSED("luo.sessions_pa", "@sessions2", NULL, SESSIONS),

	/* FLBs: files can be retrieved without them. "flb" is the first of the table. */
	REFUSED("luo.flbs_pa", "0", NULL, FLBS),
	DAMAGED("luo.flbs_pa", "+1 @outside @end @scratch @free! @luo", FLB_TABLE "at", FLBS),
	DAMAGED("luo.flbs_pa", "@sessions", FLB_TABLE "of", FLBS),
	DAMAGED("flbs.pgcnt", "0", FLB_TABLE "of 0 pages", FLBS),
	DAMAGED("flbs.pgcnt", "max", FLB_TABLE "of", FLBS),
	DAMAGED("flbs.count", "max! 64", FLB_TABLE "of .* has no room for", FLBS),
	DAMAGED("flbs.count", "+1", FLB_VERSION, FLBS),
	REFUSED("flbs.count", "0", NULL, FLBS),
	DAMAGED("flb.name", "= =x*!", FLB_VERSION, FLBS),
	REFUSED("flb.name", "=test-luo-flb-b-v1!",
		"LUO: incoming FLB 'test-luo-flb-b-v1' exists twice", 0),
	DAMAGED("flb.name", "=luo-test-flb-shared-v2!",
		"LUO: incoming FLB 'luo-test-flb-shared-v.' exists twice",
		SHARED),
	HARMLESS("flb.name", "=other-v1"),
	DAMAGED("flb.count", "0", "LUO: incoming FLB '.*' belongs to no file", FLBS),
	HARMLESS("flb.count", "max"),
	REFUSED("flb.data", "@outside @kept", "LUO: 'test-luo-flb-.-v1' can't be retrieved", 0),

	/* Sessions */
	REFUSED("luo.sessions_pa sessions.next", "+1", BLOCK_MISALIGNED, SESSIONS),
	REFUSED("luo.sessions_pa sessions.next", NOWHERE " @luo", BLOCK_LOST, SESSIONS),
	REFUSED("sessions.next luo.sessions_pa", "@memfd!", BLOCK_FULL, SESSIONS),
	REFUSED("sessions.next", "@self!", "KHO: block: chain leads back", SESSIONS),
	REFUSED("sessions.next", "@files", NOT_LISTED, SESSIONS),
	HARMLESS("sessions.next", "0"),
	REFUSED("sessions2.next", "@self @sessions", "KHO: block: chain leads back", SESSIONS),
	REFUSED("sessions2.next", "+1", BLOCK_MISALIGNED, SESSIONS),
	REFUSED("sessions2.next", "@outside", "KHO: block: block 0x.* is not preserved", SESSIONS),
	REFUSED("sessions.count", "max +1", BLOCK_FULL, SESSIONS),
	REFUSED("sessions.count", "0",
		"KHO: block: block 0x.* is empty, but not the last", SESSIONS),
	REFUSED("sessions.count", "1", NULL, OTHER),
	REFUSED("sessions2.count", "max 52", BLOCK_FULL, SESSIONS),
	REFUSED("sessions2.count", "+1", "LUO: incoming session has an invalid name", SESSIONS),
	HARMLESS("sessions2.count", "0"),
	REFUSED("session.name", "= =x*!", "LUO: incoming session has an invalid name", SESSIONS),
	REFUSED("session.name", "=spared!",
		"LUO: incoming session 'spared' exists twice", SESSIONS),
	REFUSED("session.name", "=another", NULL, HIT),
	REFUSED("session.file_set.files", "0", "LUO: incoming session has 0 files, not", HIT),
	REFUSED("session.file_set.files", "@files2",
		"LUO: incoming session has .* files, not", HIT),
	REFUSED("session.file_set.files", "@sessions", HIT_REFUSED, HIT),
	REFUSED("session.file_set.count", "0", "LUO: incoming session has .* files, not 0", HIT),
	REFUSED("session.file_set.count", "1", "LUO: incoming session has .* files, not 1", HIT),
	REFUSED("session.file_set.count", "+1! max",
		"LUO: incoming session has .* files, not", HIT),

	/* Files */
	REFUSED("session.file_set.files files.next", "+1", BLOCK_MISALIGNED, HIT),
	REFUSED("session.file_set.files files.next", NOWHERE " @luo", BLOCK_LOST, HIT),
	REFUSED("session.file_set.files files.next", "@memfd", BLOCK_FULL, HIT),
	REFUSED("files.next", "0", "LUO: incoming session has 63 files, not 66", HIT),
	REFUSED("files.next", "@self!", "KHO: block: chain leads back", HIT),
	REFUSED("files2.next", "@files @self", "KHO: block: chain leads back", HIT),
	REFUSED("files.count", "max +1", BLOCK_FULL, HIT),
	REFUSED("files.count", "0", "KHO: block: block 0x.* is empty, but not the last", HIT),
	REFUSED("files.count", "1", "LUO: incoming session has 4 files, not 66", HIT),
	REFUSED("files2.count", "max 64", BLOCK_FULL, HIT),
	REFUSED("files2.count", "0", "LUO: incoming session has 63 files, not 66", HIT),
	REFUSED("files2.count", "+1", "LUO: incoming session has 67 files, not 66", HIT),
	MEMFD_VERSION("no-such-handler-v1",
		      "LUO: no handler for 'no-such-handler-v1' with token 0x1"),
	MEMFD_VERSION("memfd-v1;vmalloc-v1", "LUO: incoming 'memfd-v1;vmalloc-v1' not supported"),
	/* The state is not one of that version. */
	MEMFD_VERSION("memfd-v2;vmalloc-v1!", MEMFD_DAMAGED),
	MEMFD_VERSION("memfd-v9;vmalloc-v1", "LUO: incoming 'memfd-v9;vmalloc-v1' not supported"),
	MEMFD_VERSION("memfd-v3;vmalloc-v2!", "memfd: incoming 'vmalloc-v2' not supported"),
	MEMFD_VERSION("memfd-v3;radix-v1;vmalloc-v1", "memfd: incoming 'radix-v1' is unknown"),
	MEMFD_VERSION("memfd-v3;vmalloc-v1;radix-v1", "memfd: incoming 'radix-v1' in wrong order"),
	MEMFD_VERSION("memfd-v3;vmalloc-v1;vmalloc-v1",
		      "memfd: incoming 'vmalloc-v1' is a duplicate"),
	MEMFD_VERSION("memfd-v3;vmalloc", "memfd: incoming version token 'vmalloc' is malformed"),
	MEMFD_VERSION("memfd-v3;", "memfd: incoming version token '' is malformed"),
	MEMFD_VERSION("memfd", "LUO: no handler for 'memfd' with token 0x1"),
	MEMFD_VERSION("memfd-v", "LUO: no handler for 'memfd-v' with token 0x1"),
	MEMFD_VERSION("memfd-v03;vmalloc-v1", "LUO: no handler for 'memfd-v03;vmalloc-v1'"),
	MEMFD_VERSION("memfd-v4294967299;vmalloc-v1",
		      "LUO: no handler for 'memfd-v4294967299;vmalloc-v1'"),
	MEMFD_VERSION("", "LUO: no handler for '' with token 0x1"),
	MEMFD_VERSION("m*", "LUO: incoming file with token 0x1 has an endless version"),
	REFUSED("test_file.compatible", "=luo-test-file-v9",
		"LUO: incoming 'luo-test-file-v9' not supported", NUMBER),
	REFUSED("test_file.compatible", "=no-such-handler-v1",
		"LUO: no handler for 'no-such-handler-v1' with token 0x2",
		NUMBER),
	REFUSED("file.token", "2!", "LUO: incoming token 0x2 exists twice", MEMFD | NUMBER),
	REFUSED("file.token", "0 max", NULL, MEMFD),

	/* memfds */
	REFUSED("file.data", "0 +1 +4 +64! " NOWHERE " @self @sessions @kept", MEMFD_LOST, MEMFD),
	REFUSED("file.data", "@page2", MEMFD_DAMAGED, MEMFD),
	REFUSED("memfd.pos", "max", MEMFD_DAMAGED, MEMFD),
	OPEN("memfd.pos", "1", MEMFD),
	REFUSED("memfd.size", "max!", MEMFD_DAMAGED, MEMFD),
	REFUSED("memfd.size", "0", MEMFD_NO_FIT, MEMFD),
	GONE("memfd.size", "1!", MEMFD_NO_FIT, MEMFD),
	OPEN("memfd.size", "+1", MEMFD),
	REFUSED("memfd.seals", "max |0x40", MEMFD_DAMAGED, MEMFD),
	REFUSED("memfd.open_flags", "3! |0x200000 max", MEMFD_DAMAGED, MEMFD),
	HARMLESS("memfd.open_flags", "0"),
	OPEN("memfd.open_flags", "1", MEMFD),
	REFUSED("memfd.mode", "0x1000 max", MEMFD_DAMAGED, MEMFD),
	HARMLESS("memfd.mode", "0 0xfff"),
	REFUSED("memfd.uid memfd.gid", "max", MEMFD_DAMAGED, MEMFD),
	HARMLESS("memfd.uid memfd.gid", "+1"),
	REFUSED("memfd.nr_poisoned", "max", MEMFD_DAMAGED, MEMFD),
	REFUSED("memfd.nr_poisoned", "1!", MEMFD_NO_POISON, MEMFD),
	REFUSED("memfd.atime.nsec memfd.mtime.nsec memfd.ctime.nsec memfd.btime.nsec",
		"1000000000 max", MEMFD_DAMAGED, MEMFD),
	HARMLESS("memfd.mtime.sec", "0 max"),
	REFUSED("memfd.nr_runs", "65536! max 0x1000000000000001", MEMFD_DAMAGED, MEMFD),
	GONE("memfd.nr_runs", "+1", MEMFD_NO_FIT, MEMFD),
	OPEN("memfd.nr_runs", "0 1", MEMFD),
	REFUSED("memfd.area.total_pages memfd.area.flags memfd.area.order", "1 max",
		MEMFD_DAMAGED, MEMFD),
	REFUSED("memfd.area.first", "1 @self @kept", MEMFD_DAMAGED, MEMFD),
	RULE("memfd.area.first", "1 @outside @kept!", AREA_KIND, .refused = MEMFD,
	     .also = "memfd.area.total_pages 1"),
	REFUSED("run.pfn", "0", MEMFD_NO_FIT, MEMFD),
	/* The runs before it are freed. */
	GONE("run2.pfn", "0", MEMFD_NO_FIT, MEMFD),
	/* This run has a single page. */
	GONE("run2.pfn",
	     "@outside @scratch! @free @fdt @self @page2 max @region",
	     MEMFD_NO_FOLIO, MEMFD),
	/* A block of another order */
	GONE("run2.pfn", "@kept!", MEMFD_NO_FOLIO, MEMFD | FOLIO),
	OPEN("run2.pfn", "@ledger", ALL),
	REFUSED("run.nr", "0 max", MEMFD_NO_FIT, MEMFD),
	GONE("run2.nr", "0 max", MEMFD_NO_FIT, MEMFD),
	GONE("run.nr", "+1!", MEMFD_NO_FIT, MEMFD),
	GONE("run.index", "1 20 max", MEMFD_NO_FIT, MEMFD),
	GONE("run2.index", "0!", MEMFD_NO_FIT, MEMFD),
	/* The index of the second run is odd. Whether order 1 fits the first depends on its PFN. */
	GONE("run2.order", "1!", MEMFD_NO_FIT, MEMFD),
	REFUSED("run.order", "10! 11 max", MEMFD_NO_FIT, MEMFD),
	REFUSED("run.flags", "1! 32 max", MEMFD_NO_FIT, MEMFD),

	/* memfds of huge pages */
	REFUSED("huge_file.compatible", "=memfd-hugetlb-v2;vmalloc-v1!",
		"LUO: incoming 'memfd-hugetlb-v2;vmalloc-v1' not supported", HUGETLB),
	REFUSED("huge_file.compatible", "=memfd-hugetlb-v1;radix-v1",
		"memfd-hugetlb: incoming 'radix-v1' is unknown", HUGETLB),
	REFUSED("huge_file.data", "0 +1 +64! " NOWHERE " @self @sessions @kept", HUGETLB_LOST,
		HUGETLB),
	REFUSED("hugetlb.size hugetlb.pos", "max!", HUGETLB_DAMAGED, HUGETLB),
	REFUSED("hugetlb.size", "0 1", HUGETLB_LIST, HUGETLB),
	GONE("hugetlb.size", "4096!", HUGETLB_PAST, HUGETLB),
	HARMLESS("hugetlb.pos", "1"),
	REFUSED("hugetlb.seals", "max |0x40", HUGETLB_DAMAGED, HUGETLB),
	REFUSED("hugetlb.mode", "0x1000 max", HUGETLB_DAMAGED, HUGETLB),
	REFUSED("hugetlb.uid hugetlb.gid", "max", HUGETLB_DAMAGED, HUGETLB),
	HARMLESS("hugetlb.uid hugetlb.gid", "+1"),
	REFUSED("hugetlb.flags", "1 max", HUGETLB_DAMAGED, HUGETLB),
	REFUSED("hugetlb.page_shift", "0 12 64 max", HUGETLB_DAMAGED, HUGETLB),
	REFUSED("hugetlb.page_shift", "13! 22", HUGETLB_NO_SIZE, HUGETLB),
	REFUSED("hugetlb.nr_runs", "3 max", HUGETLB_DAMAGED, HUGETLB),
	REFUSED("hugetlb.nr_runs", "0 1", HUGETLB_LIST, HUGETLB),
	REFUSED("hugetlb.nr_pages", "0 1 max", HUGETLB_DAMAGED, HUGETLB),
	REFUSED("hugetlb.nr_pages", "3!", HUGETLB_LIST, HUGETLB),
	REFUSED("hugetlb.runs.first", BAD_ADDRESS " @self", HUGETLB_NO_LIST, HUGETLB),
	REFUSED("hugetlb.runs.total_pages", "0", HUGETLB_DAMAGED, HUGETLB),
	REFUSED("hugetlb.runs.total_pages", "+1! max", HUGETLB_NO_LIST, HUGETLB),
	REFUSED("hugetlb.runs.flags hugetlb.runs.order", "4 max", HUGETLB_NO_LIST, HUGETLB),
	/* The other page is restored, and freed. */
	GONE("huge_run.pfn", "0 @outside @scratch! @free @fdt @self @page2 @kept @huge_page",
	     HUGETLB_NO_PAGE, HUGETLB),
	GONE("huge_run.pfn", "@huge_page2!", HUGETLB_NO_PAGE, HUGETLB),
	OPEN("huge_run.pfn", "@huge_start", HUGETLB | HUGE),
	/* The page would end past the last address. */
	REFUSED("huge_run.pfn", "0xfffffffffffff000", HUGETLB_LIST, HUGETLB),
	REFUSED("huge_run.nr", "0! +1 max", HUGETLB_LIST, HUGETLB),
	RULE("huge_run.nr", "+1", HUGETLB_NO_PAGE, .gone = HUGETLB,
	     .also = "hugetlb.nr_pages 3"),
	REFUSED("huge_run.index", "max", HUGETLB_LIST, HUGETLB),
	GONE("huge_run.index", "3!", HUGETLB_PAST, HUGETLB),
	GONE("huge_run.index", "2!", "hugetlb_luo: two pages at index", HUGETLB),

	/* The pool: files don't depend on the number of its pages. */
	REFUSED("fdt:hugetlb/preserved-data", "0 +1 @outside @end @scratch @free! @fdt @kept",
		POOL_DAMAGED, 0),
	REFUSED("fdt:hugetlb/blob-size", "1 max", POOL_DAMAGED, 0),
	REFUSED("pool.compatible", "=hugetlb-v2! =h*", POOL_DAMAGED, 0),
	REFUSED("pool.nr_entries", "1000! max", POOL_DAMAGED, 0),
	HARMLESS("pool.nr_entries", "0"),
	REFUSED("pool_entry.order", "64! max", POOL_LARGE, 0),
	REFUSED("pool_entry.order", "0",
		"hugetlb_luo: .* incoming pages of order 0 can't be used by this kernel", 0),
	HARMLESS("pool_entry.node", "+1 max"),
	HARMLESS("pool_entry.count", "0 +1"),
	REFUSED("pool_entry.count", "max!", POOL_LARGE, 0),

	/* Notes of the sample driver */
	DAMAGED("note_file.compatible", "=sample-note-v2!",
		"LUO: incoming 'sample-note-v2' not supported", NOTE),
	DAMAGED("note_file.compatible", "=sample-note-v1;radix-v1!",
		"notepad: incoming 'radix-v1' is unknown", NOTE),
	DAMAGED("note_file.data", "0 @free!",
		"notepad: note at .* is misaligned or not in preserved", NOTE),
	DAMAGED("note.text_pa", "0 +1 @free!", NOTE_NO_TEXT, NOTE),
	RULE("note.text_pa", "@kept!", NOTE_NO_TEXT, .refused = NOTE, .open = FOLIO, .error = EIO),
	DAMAGED("note.len", "+1!", NOTE_DAMAGED, NOTE),
	DAMAGED("note.pos", "+11!", NOTE_DAMAGED, NOTE),
	DAMAGED("note.accmode", "3!", NOTE_DAMAGED, NOTE),

	/* vmalloc areas */
	REFUSED("area.first", BAD_ADDRESS " @self @area_chunk2", AREA_LOST, AREA),
	REFUSED("area.total_pages", "+1", AREA_LOST, AREA),
	REFUSED("area.order", "1", "KHO: vmalloc: ", AREA),
	REFUSED("area.order", "11 max", ORDER_LARGE, AREA),
	REFUSED("area.flags", "0 |4 max", AREA_KIND, AREA),
	REFUSED("area.total_pages", "0", "KHO: vmalloc: impossible size", AREA),
	REFUSED("area.total_pages", "1", "KHO: vmalloc: more addresses than", AREA),
	REFUSED("area.total_pages", "511", "KHO: vmalloc: more chunks than", AREA),
	REFUSED("area.total_pages", "512", "KHO: vmalloc: more addresses than", AREA),
	REFUSED("area.total_pages", "max", "KHO: vmalloc: impossible size", AREA),
	REFUSED("area_chunk.next", BAD_ADDRESS, AREA_LOST, AREA),
	REFUSED("area_chunk.next", "@self!", "KHO: vmalloc: more addresses than", AREA),
	REFUSED("area_chunk.phys", BAD_ADDRESS, AREA_LOST, AREA),
	GONE("area_chunk.phys", "@area_page2!", "KHO: vmalloc: can't restore", AREA),
	OPEN("area_chunk.phys", "@area_chunk", AREA),
	OPEN("area_chunk.phys", "@page2", AREA | MEMFD),
	REFUSED("area_chunk2.phys", BAD_ADDRESS, AREA_LOST, AREA),
	REFUSED("area_chunk2.behind", "@area_page2", "KHO: vmalloc: more addresses than", AREA),
	REFUSED("area_chunk2.next", "@self @area_chunk", "KHO: vmalloc: more chunks than", AREA),
	REFUSED("huge.order", "0", "KHO: vmalloc: no preserved memory of order 0", HUGE),
	REFUSED("huge.order", "8!", "KHO: vmalloc: ", HUGE),
	REFUSED("huge.order", "10", "KHO: vmalloc: no preserved memory of order 10", HUGE),
	REFUSED("huge.total_pages", "512", "KHO: vmalloc: more addresses than", HUGE),
	REFUSED("huge.total_pages", "+1", "KHO: vmalloc: impossible size", HUGE),
	REFUSED("huge.total_pages", "+512", AREA_LOST, HUGE),
};

const size_t nr_hostile_rules = ARRAY_SIZE(hostile_rules);
