#!/usr/bin/env python3
# Usage: scripts/test/layers.py OBJECTS <LIST
# Check that our files use each other in one direction only, as HACKING.md says: the
# #includes of the files in LIST, and the symbols of the objects in the build directory
# OBJECTS. Print each include, and each use of another object's symbols, that the tables
# below do not allow.
# SPDX-License-Identifier: GPL-2.0
"""The dependency rule. Function pointers are not seen: a layer that has to call one
above it does so through a hook."""

import fnmatch
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# An object uses symbols of objects on lines above its own, and of no others. Objects of
# kernel/liveupdate/ stand without their directory.
LAYERS = """
	kho_state
	kho_scratch
	kho_page
	kho_radix_walk kho_compat
	kho_radix
	kho_boot kho_withhold kho_preserve kho_restore
	kho_block kho_vmalloc kho_image
	kexec_handover
	kexec_handover_debugfs
	luo_state luo_ioctl
	luo_handler
	luo_flb_incoming
	luo_flb
	luo_file
	luo_session
	luo_core
	luo_debugfs
	mm/memfd_luo mm/hugetlb_luo
	tests/* lib/test_kho lib/test_luo
"""

# The test FLBs are registered with each file handler.
EXCEPTIONS = {
	("luo_handler", "lib/test_luo"):
		{"liveupdate_test_register", "liveupdate_test_unregister"},
}

# An ABI header includes ABI headers on lines above its own, and these headers.
ABI_LAYERS = """
	compat scratch
	radix_tree vmalloc block
	kexec_handover kexec_metadata memblock luo
	memfd
"""
ABI_BASICS = """
	asm/page.h linux/align.h linux/bits.h linux/build_bug.h
	linux/compiler_attributes.h linux/math.h linux/types.h
	uapi/linux/fcntl.h uapi/linux/liveupdate.h
"""

# Files, and those of our files that they may include: the first line that has the file
# counts. "!" excludes.
ABI = "include/linux/kho/abi/"
KHO = "kernel/liveupdate/kexec_handover_internal.h kernel/liveupdate/kho_*.h"
LUO = "include/* kernel/liveupdate/luo_internal.h"
INCLUDES = (
	("include/uapi/*", ""),
	(ABI + "*", ABI + "* include/uapi/*"),
	("include/linux/kexec_handover.h", "include/linux/kho/*"),
	("include/linux/kho/*", f"include/linux/kho/* include/linux/kexec_handover.h !{ABI}luo.h !{ABI}memfd.h"),
	("include/*", "include/*"),
	("kernel/liveupdate/tests/*", "include/* kernel/liveupdate/*.h"),
	("kernel/liveupdate/luo_debugfs.c", LUO),
	("kernel/liveupdate/luo_*", LUO + " !include/linux/kho/summary.h"),
	("kernel/liveupdate/k*", KHO + f" include/linux/kexec_handover.h include/linux/kho/* !{ABI}luo.h !{ABI}memfd.h"),
	("mm/*", "include/*"),
	("lib/*", "include/*"),
	("samples/*", "include/* samples/*"),
	("tools/liveupdate/*", "include/uapi/* tools/liveupdate/*"),
	("tools/*", "*"),
)


def matches(name, patterns):
	"""Is the name in a list of patterns?"""
	patterns = patterns.split()
	return (any(fnmatch.fnmatch(name, p) for p in patterns) and
		not any(fnmatch.fnmatch(name, p[1:]) for p in patterns if p[0] == "!"))


def layer_of(name, layers):
	"""The number of the line that has the name, None if there is none."""
	lines = [line for line in layers.splitlines() if line.strip()]
	return next((i for i, line in enumerate(lines) if matches(name, line)), None)


def resolve(path, quoted, header):
	"""The file of ours that an include means, None for one of the base."""
	if quoted:
		places = [os.path.dirname(path)]
	elif path.startswith("tools/"):
		places = ["include/uapi", "include"]
	else:
		places = ["include"]
	for place in places:
		name = os.path.normpath(os.path.join(place, header))
		if os.path.exists(os.path.join(TOP, name)):
			return name
	return None


def abi_fault(path, header, target):
	"""What is wrong with an include of an ABI header, if anything."""
	if target is None or not target.startswith(ABI):
		return None if header in ABI_BASICS.split() else "is not a basic header"
	own, other = (layer_of(name[len(ABI):-2], ABI_LAYERS) for name in (path, target))
	if own is None or other is None:
		return "is not in ABI_LAYERS"
	return None if other < own else "is not a layer below"


def include_faults(path):
	"""Complain about the includes of a file."""
	allowed = next((may for files, may in INCLUDES if matches(path, files)), None)
	if allowed is None:
		yield f"{path}: no line of INCLUDES has it"
		return
	with open(os.path.join(TOP, path), encoding="utf-8") as file:
		lines = file.read().splitlines()
	for number, line in enumerate(lines, 1):
		found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
		if not found:
			continue
		header = found[2]
		target = resolve(path, found[1] == '"', header)
		fault = abi_fault(path, header, target) if path.startswith(ABI) else None
		if not fault and target and not matches(target, allowed):
			fault = "must not be included here"
		if fault:
			yield f"{path}:{number}: {header} {fault}"


def symbols(path):
	"""The global symbols that an object defines, and those that it uses."""
	defined, used = set(), set()
	out = subprocess.run(["nm", "-g", path], check=True, stdout=subprocess.PIPE, text=True).stdout
	for line in out.splitlines():
		kind, symbol = line.split()[-2:]
		(used if kind == "U" else defined).add(symbol)
	return defined, used


def symbol_faults(objects):
	"""Complain about the uses of other objects' symbols."""
	tables = {name: symbols(path) for name, path in objects.items()}
	for name, (_, used) in tables.items():
		own = layer_of(name, LAYERS)
		if own is None:
			yield f"{name}.o: no line of LAYERS has it"
			continue
		for other, (defined, _) in tables.items():
			below = layer_of(other, LAYERS)
			common = used & defined - EXCEPTIONS.get((name, other), set())
			if other != name and common and below is not None and below >= own:
				yield f"{name}.o must not use {other}.o: {' '.join(sorted(common))}"


def main():
	"""Check all files of the list."""
	files = [path for path in sys.stdin.read().split() if re.search(r"\.[ch]$", path)]
	objects = {}
	for path in files:
		made = os.path.join(sys.argv[1], path[:-2] + ".o")
		if re.match(r"(kernel|mm|lib)/.*\.c$", path) and os.path.exists(made):
			objects[path[:-2].removeprefix("kernel/liveupdate/")] = made
	if not objects:
		sys.exit("layers: no objects, see make kernel")
	faults = [fault for path in files for fault in include_faults(path)]
	faults += symbol_faults(objects)
	for fault in faults:
		print(fault)
	sys.exit(bool(faults))


main()
