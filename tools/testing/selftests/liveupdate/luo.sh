#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Copyright (C) 2026 The KHO LTS developers
#
# Test /dev/liveupdate, in one kernel and across real kexecs, in guests. Each suite
# of suites/*.c has a line here. --list prints the names of the guests.

set -euo pipefail

# shellcheck source=tools/testing/selftests/kho/guest.sh
. "$(dirname "$(readlink -f "$0")")/../kho/guest.sh"

guest_start luo_guest luo_test_handler luo_test_flb luo_test_races \
	luo_test_hostile notepad
guest_add_program busybox keep kexec luoctl luod

on="kho=on liveupdate=on"
guest_add rules 120 "$on"
guest_add busy 240 "$on" -m 512M -smp 2
guest_add kexec 300 "$on"
guest_add memfd 180 "$on"
# Pages of 64 KiB need a layout from the caller, see below.
hugetlb_layout="-m 1G -smp 2"
[[ -z "${VM_LAYOUT:-}" ]] || hugetlb_layout=
hugetlb_append="$on default_hugepagesz=2M hugepages=40"
guest_add hugetlb 240 "$hugetlb_append" "$hugetlb_layout"
# Scratch has more than half of the free memory, so that movable pages are taken from it.
guest_add hugetlb:large_scratch 240 "$hugetlb_append kho_scratch=16M,0,600M" -m 1G -smp 2
# One kernel frees struct pages of huge pages (HVO), the next one does not.
guest_add_if_asked hugetlb:hvo 240 "$hugetlb_append hvo hugetlb_free_vmemmap=on" -m 1G -smp 2
# Each node has room for its pages of 1 GiB beside the kernel and scratch.
guest_add_if_asked hugetlb_gigantic 240 "$on nokaslr hugepagesz=1G hugepages=0:1,1:3" \
	"$(vm_nodes 3072 5120)"
# The second kernel lacks huge pages.
guest_add_if_asked hugetlb_without 240 "$on default_hugepagesz=2M hugepages=20" -m 1G -smp 2
[[ -n "${KHO_OTHER_KERNEL:-}" ]] ||
	guest_lacks hugetlb_without "KHO_OTHER_KERNEL= does not name a kernel without huge pages"
guest_add handon 300 "$on"
guest_add handoff 120 "$on"
guest_add peers 180 "$on"
guest_add disabled 180 "kho=on"
guest_add cmdline 180 "$on"
guest_add options:sample 180 "$on options=3"
guest_add_if_asked options:all 600 "$on"
guest_add handler 120 "$on"
guest_add stalled 120 "$on"
guest_add flb 180 "$on"
guest_add sample 180 "$on"
# arm64's board supports memory hotplug with ACPI only, which needs EFI. The EFI
# firmware describes its flash as RAM that belongs to no node, so that the kernel
# makes one node of all memory.
[[ "$guest_machine" != aarch64 ]] ||
	guest_lacks hotplug "what QEMU plugs in has no node of its own on arm64"
guest_add hotplug 120 "$on memhp_default_state=online_kernel" \
	-m 1G,slots=1,maxmem=2G -smp 2,sockets=2 \
	-object memory-backend-ram,id=n0,size=1G \
	-numa node,nodeid=0,cpus=0,memdev=n0 -numa node,nodeid=1,cpus=1 \
	-object memory-backend-ram,id=dimm,size=512M \
	-device pc-dimm,memdev=dimm,node=1
guest_add far 120 "$on far=4" "$(vm_nodes 3072 3072)"
# With four levels of page tables, the first entry of the top level covers 512 GiB. On
# x86 memmap= leaves most of that memory out. Elsewhere the host has to provide memory
# for its struct pages in two kernels: 17 GiB with pages of 4 KiB.
address_bits=$(sed -nE '/^address sizes/{s/.*: ([0-9]+) bits physical.*/\1/p;q}' /proc/cpuinfo)
if [[ "$ACCEL" == kvm ]] && ((${address_bits:-40} < 40)); then
	guest_lacks far:512G "physical addresses have $address_bits bits: ACCEL=tcg has more"
fi
far_append="$on far=512"
add_far=guest_add_if_asked
if [[ "$guest_machine" == x86_64 ]]; then
	far_append+=" memmap=508G\$5G"
	add_far=guest_add
fi
"$add_far" far:512G 240 "$far_append" -m 514G -smp 2 \
	-object memory-backend-ram,id=n0,size=512G,reserve=off \
	-numa node,cpus=0-1,memdev=n0 \
	-object memory-backend-ram,id=n1,size=2G -numa node,memdev=n1
guest_add debugfs 180 "$on"
guest_add tools 120 "$on"
guest_add luod 120 "$on"
guest_add luoctl 180 "$on"
# Scratch is so large that files are allocated in it, and have to be moved when they
# are preserved.
guest_add races 300 "$on kho_scratch=16M,0,600M"
guest_add_if_asked full 300 "$on kho_scratch=256M,0,0 ramdisk_size=65536" "$(vm_nodes 1024 256)"
guest_add faults 300 "$on"
# The whole table takes 27 guests, each of which runs every 27th case. By default a
# sample of it runs.
hostile_parts=27
# Scratch has room for a kernel with KASAN and the shadow of all memory. With pages of
# 64 KiB its regions take 512 MiB each: such kernels need a layout from the caller, and
# some cases fail, as they have values for pages of 4 KiB.
hostile_append="$on reserve_mem=4K:4K:second reserve_mem=4K:4K:kept kho_scratch=16M,240M,0"
# Without a TSC deadline timer the frequency of the local APIC timer is handed over.
[[ "$guest_machine" != x86_64 ]] || hostile_append+=" lapic=notscdeadline"
hostile_layout=$(vm_nodes 512 256)
[[ -z "${VM_LAYOUT:-}" ]] || hostile_layout=
guest_add hostile:sample 1500 "$hostile_append part=sample" "$hostile_layout"
guest_chain hostile:sample
for ((part = 0; part < hostile_parts; part++)); do
	guest_add_if_asked "hostile:$part" 300 "$hostile_append part=$part/$hostile_parts" \
		"$hostile_layout"
	guest_chain "hostile:$part"
done
# A kernel of another series finds less memory than one of ours before it knows what is
# preserved, so scratch is larger than by default. In later kernels without PROC_SYSCTL,
# only an option keeps records of programs from being dropped.
peer_on="$on printk.devkmsg=on"
peer_append="$peer_on kho_scratch=64M,448M,0"
peer_layout=$(vm_nodes 1024 2048)
peer_reserve="reserve_mem=1M:4096:test"
guest_add_peer mainline ours 600 "$peer_append $peer_reserve" "$peer_layout"
guest_add_peer mainline:back peer 600 "$peer_append $peer_reserve back" "$peer_layout"
guest_add_peer mainline_refused ours 240 "$peer_append default_hugepagesz=2M hugepages=4" \
	"$peer_layout"
guest_add_peer mainline_room ours 300 "$peer_on" "$peer_layout"
guest_add_peer mainline_room:scratch ours 300 "$peer_on kho_scratch=200%" "$peer_layout"
# A thousand kernels, the storm, and the large load take a while.
kexecs=${KHO_KEXECS:-10}
guest_add soak $((120 + 10 * kexecs)) "$on loglevel=6 kexecs=$kexecs" -m 512M -smp 1
failing_kexecs=$((kexecs < 200 ? 3 * kexecs : 200))
guest_add_if_asked soak:failing $((120 + 10 * failing_kexecs)) \
	"$on loglevel=6 kexecs=$failing_kexecs failing=10" -m 512M -smp 1
# A file has almost all pages of the pool. There is no memory for twice as many.
guest_add_if_asked soak:hugetlb $((120 + 15 * kexecs)) \
	"$on loglevel=6 kexecs=$kexecs default_hugepagesz=2M hugepages=300 huge=296" -m 1G -smp 1
storm_seconds=${KHO_STORM_SECONDS:-600}
guest_add_if_asked storm $((900 + storm_seconds)) "$on storm=$storm_seconds" -m 2G -smp 2
guest_add_if_asked load 600 "$on sessions=10000 files=100000" -m 4G
for syscall in s c; do
	guest_add "tools_crash:$syscall" 180 \
		"$on crashkernel=256M kexec_syscall=$syscall"
	guest_panics "tools_crash:$syscall"
done
guest_finish
