#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Copyright (C) 2026 The KHO LTS developers
#
# /dev/liveupdate, in one kernel and across real kexecs, in guests.

set -euo pipefail

# shellcheck source=tools/testing/selftests/kho/guest.sh
. "$(dirname "$(readlink -f "$0")")/../kho/guest.sh"

guest_start luo_guest luo_test_handler luo_test_flb luo_test_forge \
	luo_test_races luo_test_hostile notepad
guest_add_program keep kexec

guest_add rules 120 "kho=on liveupdate=on"
guest_add kexec 300 "kho=on liveupdate=on"
guest_add disabled 180 "kho=on"
guest_add handler 120 "kho=on liveupdate=on"
guest_add flb 180 "kho=on liveupdate=on"
guest_add sample 180 "kho=on liveupdate=on"
guest_add flb_refused 240 "kho=on liveupdate=off"
guest_add sample_refused 120 "kho=on liveupdate=off"
# arm64's board plugs in memory only where there is ACPI, which comes with EFI, and EFI
# takes its flash for RAM, which is of no node: the kernel makes one node of all then.
[[ "$guest_machine" != aarch64 ]] ||
	guest_lacks hotplug "what QEMU plugs in has no node of its own on arm64"
guest_add hotplug 120 "kho=on liveupdate=on memhp_default_state=online_kernel" \
	-m 1G,slots=1,maxmem=2G -smp 2,sockets=2 \
	-object memory-backend-ram,id=n0,size=1G \
	-numa node,nodeid=0,cpus=0,memdev=n0 -numa node,nodeid=1,cpus=1 \
	-object memory-backend-ram,id=dimm,size=512M \
	-device pc-dimm,memdev=dimm,node=1
guest_add far 120 "kho=on liveupdate=on far=4" -m 6G -smp 2 \
	-object memory-backend-ram,id=n0,size=3G -numa node,cpus=0-1,memdev=n0 \
	-object memory-backend-ram,id=n1,size=3G -numa node,memdev=n1
# Where a table of the first of four levels ends. The host has to have what the guest
# touches only: that is little on x86, which can leave memory out; elsewhere it is all
# struct pages, twice, 17 GiB with pages of 4 KiB.
address_bits=$(sed -nE '/^address sizes/{s/.*: ([0-9]+) bits physical.*/\1/p;q}' /proc/cpuinfo)
if [[ "$ACCEL" == kvm ]] && ((${address_bits:-40} < 40)); then
	guest_lacks far:512G "physical addresses have $address_bits bits: ACCEL=tcg has more"
fi
far_append="kho=on liveupdate=on far=512"
[[ "$guest_machine" != x86_64 ]] || far_append+=" memmap=508G\$5G"
[[ -z "${KHO_SUITES:-}" && "$guest_machine" != x86_64 ]] ||
	guest_add far:512G 240 "$far_append" -m 514G -smp 2 \
		-object memory-backend-ram,id=n0,size=512G,reserve=off \
		-numa node,cpus=0-1,memdev=n0 \
		-object memory-backend-ram,id=n1,size=2G -numa node,memdev=n1
guest_add debugfs 180 "kho=on liveupdate=on"
guest_add tools 120 "kho=on liveupdate=on"
# Files lie in that much scratch, and have to move out of it when preserved.
guest_add races 120 "kho=on liveupdate=on kho_scratch=16M,0,600M"
guest_add faults 300 "kho=on liveupdate=on"
# A sample of the table; or all of it, if it is asked for: then each guest has every
# 27th case.
hostile_parts=27
# Scratch has room for a kernel with KASAN and its shadow of all memory. With pages of
# 64 KiB its regions take 512 MiB each: who tests such kernels has to give a layout, and
# some cases fail there that have values for pages of 4 KiB.
hostile_append="kho=on liveupdate=on reserve_mem=4K:4K:kept kho_scratch=16M,240M,0"
hostile_layout=(-m 768M -smp "2,sockets=2"
	-object "memory-backend-ram,id=n0,size=512M" -numa "node,cpus=0,memdev=n0"
	-object "memory-backend-ram,id=n1,size=256M" -numa "node,cpus=1,memdev=n1")
[[ -z "${VM_LAYOUT:-}" ]] || hostile_layout=()
add_hostile() {
	guest_add "hostile:$1" 300 "$hostile_append part=${2:-$1}" "${hostile_layout[@]}"
	guest_chain "hostile:$1"
}
add_hostile sample
for ((part = 0; part < hostile_parts; part++)); do
	[[ -z "${KHO_SUITES:-}" ]] || add_hostile "$part" "$part/$hostile_parts"
done
# A thousand kernels, and much load, take a while.
kexecs=${KHO_KEXECS:-10}
guest_add soak $((120 + 10 * kexecs)) \
	"kho=on liveupdate=on loglevel=6 kexecs=$kexecs" -m 512M -smp 1
[[ -z "${KHO_SUITES:-}" ]] ||
	guest_add load 600 "kho=on liveupdate=on sessions=10000 files=100000" -m 4G
for syscall in s c; do
	guest_add "tools_crash:$syscall" 180 \
		"kho=on liveupdate=on crashkernel=256M kexec_syscall=$syscall"
	guest_panics "tools_crash:$syscall"
done
guest_finish
