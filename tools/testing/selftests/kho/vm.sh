# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Copyright (C) 2026 The KHO LTS developers
#
# Run kernels in QEMU: a bash library for tests that need a real kexec.
#
#   vm_accel [KERNEL]     print "kvm" or "tcg"
#   vm_pack DIR OUT       pack DIR into the initrd OUT
#   vm_run KERNEL INITRD APPEND LOG SECONDS [QEMU ARGS...]
#                         run one guest to its end
#   vm_check_log LOG      fail when the kernel complained
#
# A guest ends itself with reboot() or poweroff. It has 2 CPUs and 2 GiB in two
# NUMA nodes; -m, -smp or -numa among the QEMU ARGS replace that layout, and
# any other argument may override what stands before it.
#
# Environment: ACCEL=kvm|tcg picks the accelerator without a probe, QEMU= the
# program, VM_CPU= the CPU model, VM_PATIENCE=N makes all limits N times as long
# (for a slow host, or a kernel full of checks). VM_APPEND= words for every
# guest's command line, VM_ARGS= arguments for every QEMU, VM_LAYOUT= the layout
# of those guests that don't bring one.

VM_PROBE_SECONDS=15
VM_TAIL_LINES=40

# What a kernel prints when something is wrong, with any subsystem before it.
VM_TROUBLE='WARNING:|BUG:|kernel BUG at|Oops|[Bb]ad page|Bad rss-counter'
VM_TROUBLE+='|KASAN|KCSAN|UBSAN|KFENCE: memory|general protection fault'
VM_TROUBLE+='|INFO: (task|rcu|possible|trying|inconsistent|suspicious)'
VM_TROUBLE+='|detected stalls|self-detected stall|blocked for more than'
VM_TROUBLE+='|unchecked MSR|Call Trace:|Kernel panic|double free|list_(add|del) corruption'
VM_TROUBLE+='|kmemleak: [0-9]+ new suspected'

# Lines that match the above on a healthy kernel.
VM_HARMLESS='Spectre V2 : WARNING:'

vm_qemu() {
	echo "${QEMU:-qemu-system-x86_64}"
}

# Refuse to start without what a guest needs; the reason goes to stdout.
vm_missing() {
	local tool

	for tool in "$(vm_qemu)" cpio timeout; do
		if ! command -v "$tool" >/dev/null; then
			echo "$tool is not installed"
			return 0
		fi
	done
	return 1
}

# Where the kernel under test stands: KHO_KERNEL, or the bzImage of the build
# tree (KBUILD_OUTPUT, or what holds this directory) that these tests are in.
vm_kernel() {
	local here dir

	if [[ -n "${KHO_KERNEL:-}" ]]; then
		echo "$KHO_KERNEL"
		return
	fi
	here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
	for dir in ${KBUILD_OUTPUT:+"$KBUILD_OUTPUT"} ${O:+"$O"} \
		   "$here/../../../../.." "$here/../../../.." "$here/../.."; do
		if [[ -f "$dir/arch/x86/boot/bzImage" ]]; then
			readlink -f "$dir/arch/x86/boot/bzImage"
			return
		fi
	done
	return 1
}

vm_cpu() {
	if [[ -n "${VM_CPU:-}" ]]; then
		echo "$VM_CPU"
	elif [[ "$1" == kvm ]]; then
		echo host
	else
		# Emulated byte by byte, "rep stosb" takes most of a guest's time.
		echo max,erms=off
	fi
}

# A kernel without initrd that comes as far as its panic for want of a root
# proves the accelerator; there are hosts whose /dev/kvm opens and then hangs.
vm_kvm_works() {
	local kernel=$1 log status=1

	[[ -r /dev/kvm && -w /dev/kvm ]] || return 1
	log=$(mktemp)
	# In a shell of its own, which keeps to itself that QEMU aborted.
	if (timeout -k 2 "$VM_PROBE_SECONDS" "$(vm_qemu)" -accel kvm -cpu host \
		-m 512M -nodefaults -nographic -no-reboot -serial "file:$log" \
		-kernel "$kernel" -append "console=ttyS0 panic=-1" \
		</dev/null || exit 1) >/dev/null 2>&1 && grep -q 'Linux version' "$log"; then
		status=0
	fi
	rm -f "$log"
	return "$status"
}

# Set ACCEL once for this shell and its children.
vm_choose_accel() {
	local kernel

	[[ -z "${ACCEL:-}" ]] || return 0
	ACCEL=tcg
	kernel=${1:-$(vm_kernel || true)}
	if [[ -n "$kernel" ]] && vm_kvm_works "$kernel"; then
		ACCEL=kvm
	fi
	export ACCEL
}

vm_accel() {
	vm_choose_accel "${1:-}"
	echo "$ACCEL"
}

vm_pack() {
	local dir=$1 out=$2

	out=$(readlink -f "$(dirname "$out")")/$(basename "$out")
	(
		cd "$dir" || exit
		find . -mindepth 1 -print0 | LC_ALL=C sort -z |
			cpio --null --create --format=newc --owner=0:0 --quiet
	) >"$out"
}

# The guest's layout, unless the caller brings one.
vm_layout() {
	local arg

	for arg in "$@"; do
		case $arg in
		-m | -smp | -numa) return 0 ;;
		esac
	done
	if [[ -n "${VM_LAYOUT:-}" ]]; then
		xargs -n 1 <<<"$VM_LAYOUT"
		return
	fi
	printf '%s\n' -m 2G -smp 2,sockets=2 \
		-object memory-backend-ram,id=vm_node0,size=1G \
		-object memory-backend-ram,id=vm_node1,size=1G \
		-numa node,nodeid=0,cpus=0,memdev=vm_node0 \
		-numa node,nodeid=1,cpus=1,memdev=vm_node1
}

# An emulated CPU on a loaded host may miss the timer's check at boot; there is
# no such check under KVM.
vm_run() {
	local kernel=$1 initrd=$2 append=$3 log=$4 status=0
	local seconds=$(($5 * ${VM_PATIENCE:-1}))
	local -a layout more

	shift 5
	read -ra more <<<"${VM_ARGS:-}"
	vm_choose_accel "$kernel"
	mapfile -t layout < <(vm_layout "$@")
	: >"$log"
	timeout -k 5 "$seconds" "$(vm_qemu)" \
		-accel "$ACCEL" -cpu "$(vm_cpu "$ACCEL")" \
		"${layout[@]}" -nodefaults -nographic -no-reboot \
		-serial "file:$log" -kernel "$kernel" -initrd "$initrd" \
		-append "console=ttyS0 panic=-1 no_timer_check $append ${VM_APPEND:-}" \
		"${more[@]}" "$@" \
		</dev/null || status=$?
	case $status in
	0) return 0 ;;
	124 | 137)
		echo "guest did not end within $seconds s, last lines of $log:" >&2
		tail -n "$VM_TAIL_LINES" "$log" >&2
		return 124 ;;
	*)
		echo "QEMU failed with status $status, log: $log" >&2
		return "$status" ;;
	esac
}

vm_check_log() {
	local log=$1 found

	found=$(grep -aE "$VM_TROUBLE" "$log" | grep -avE "$VM_HARMLESS" || true)
	[[ -n "$found" ]] || return 0
	echo "$log: the kernel complains:" >&2
	echo "$found" >&2
	return 1
}
