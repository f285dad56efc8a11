#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Copyright (C) 2026 The KHO LTS developers
#
# Test kexec handover across real kexecs, in guests. Each suite of suites/*.c has a
# line here. --list prints the names of the guests.

set -euo pipefail

# shellcheck source=tools/testing/selftests/kho/guest.sh
. "$(dirname "$(readlink -f "$0")")/guest.sh"

guest_start kho_guest test_kho kho_scratch_test kho_reserve_test kho_debugfs_test \
	kho_fragments_test kho_pin_test
guest_add_program dtc

# Without a TSC deadline timer the frequency of the local APIC timer is handed over.
timer=
[[ "$guest_machine" != x86_64 ]] || timer=lapic=notscdeadline
guest_add chain 300 "kho=on $timer"
guest_add late 90 "kho=on"
# Some memory is above 4 GiB, so that each node gets scratch of its own.
six_gib=$(vm_nodes 3072 3072)
guest_add late:six_gib 120 "kho=on kho_scratch=200%" "$six_gib"
guest_add late:one_cpu 90 "kho=on" -m 1G
# No range of free memory is that large.
guest_add late:split_scratch 90 "kho=on kho_scratch=1100M,0,0"
# Here half of it does not fit into the first node either.
[[ "$guest_machine" != x86_64 ]] ||
	guest_add late:three_parts 90 \
		"nokaslr memmap=16M\$504M kho=on kho_scratch=1100M,0,0"
guest_add late:no_debugfs 90 "kho=on debugfs=off"
two_gib=$(vm_nodes 1024 1024)
guest_add fragments 200 "kho=on stride=2" "$two_gib"
guest_add fragments:whole_node 200 "kho=on stride=1" "$two_gib"
guest_add fragments:no_scratch_there 200 "kho=on stride=1 kho_scratch=96M,16M,0" "$two_gib"
guest_add pins 120 "kho=on" -m 1G
guest_add kaslr 200 "kho=on"
guest_add bare 60 "kho=on"
guest_ends bare "Kernel panic - not syncing: VFS: Unable to mount root fs"
default=
if grep -qs '^CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y' "$guest_objtree/.config"; then
	default=kho_is_default
fi
guest_add off 120 "$default"
guest_add image 120 "kho=on crashkernel=256M"
guest_add crash 120 "kho=on crashkernel=256M"
guest_panics crash
# The suite changes the regions with hexadecimal sizes for later kernels.
regions="reserve_mem=1M:64K:kept reserve_mem=5000:64:odd"
regions+=" reserve_mem=0x40000:4K:moved reserve_mem=0x4000000:4K:gone"
regions+=" reserve_mem=18446744073709551615:4K:absurd"
guest_add reserve 120 "kho=on $regions"
guest_add no_room 60 "kho=on kho_scratch=16M,64G,0"
# Each node has room for a page of 1 GiB beside the kernel, which stays low.
for how in hugepages=2 hugepages=0:1,1:1 hugetlb_cma=2G; do
	guest_add "gigantic:${how//[^a-zA-Z0-9]/_}" 240 \
		"kho=on nokaslr gigantic=$how" "$six_gib"
done
guest_add debugfs 120 "kho=on reserve_mem=40K:4K:kept"
guest_add early 120 "kho=on kho_scratch=0,160M,0" -m 16G
guest_add small 90 "kho=on enough"
# A region of each size, up to one that is enough
for size in 4 16 24 28 32 36 40 48 64; do
	guest_add_if_asked "small:$size" 90 "kho=on kho_scratch=0,${size}M,0"
done
guest_add_if_asked small:96 90 "kho=on enough kho_scratch=0,96M,0"
# Most of this memory is never used.
huge() {
	echo "-m ${1}G -object memory-backend-ram,id=all,size=${1}G,reserve=off" \
		"-machine memory-backend=all"
}
for size in 8 32 64; do
	guest_add_if_asked "small:${size}_gib" 300 "kho=on enough" "$(huge $size)"
done
guest_add_if_asked small:64_gib_split 300 "kho=on enough kho_scratch=16M,512M,256M" "$(huge 64)"
guest_add sizes 90 "kho=on kho_scratch=16M,256M,64M"
guest_add scratch:two_sizes 60 "kho=on kho_scratch=16M,64M"
guest_add scratch:four_sizes 60 "kho=on kho_scratch=16M,64M,32M,8M"
guest_add scratch:bad_unit 60 "kho=on kho_scratch=16M,64M,32Q"
guest_add scratch:no_number 60 "kho=on kho_scratch=%"
guest_add scratch:zero_percent 60 "kho=on kho_scratch=0%"
guest_add scratch:overflow 60 "kho=on kho_scratch=99999999999999999999%"
guest_add scratch:size_overflow 60 "kho=on kho_scratch=17179869184G,64M,64M"
guest_add scratch:good_then_bad 60 \
	"kho=on kho_scratch=16M,64M,64M kho_scratch=16M"
guest_finish
