# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Copyright (C) 2026 The KHO LTS developers
#
# Run kernels in QEMU: a bash library for tests that need a real kexec.
#
#   vm_image DIR          print where the kernel is that was built in DIR
#   vm_machine KERNEL     print what it runs on, as uname -m names it
#   vm_console KERNEL     print the console of its guests, as console= names it
#   vm_efi MACHINE        print the file with EFI's firmware for it
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
VM_TROUBLE+='|KASAN|UBSAN|KFENCE: memory|general protection fault'
VM_TROUBLE+='|INFO: (task|rcu|possible|trying|inconsistent|suspicious)'
VM_TROUBLE+='|detected stalls|self-detected stall|blocked for more than'
VM_TROUBLE+='|unchecked MSR|Call [Tt]race:|Internal error:|SError Interrupt'
VM_TROUBLE+='|Unable to handle kernel|Kernel panic|double free'
VM_TROUBLE+='|list_(add|del) corruption'
VM_TROUBLE+='|kmemleak: [0-9]+ new suspected'

# Lines that match the above on a healthy kernel.
VM_HARMLESS='Spectre V2 : WARNING:'

# Where each architecture leaves its kernel
VM_IMAGES=(arch/x86/boot/bzImage arch/arm64/boot/Image)

# What the guests of each machine differ in: QEMU's kind of board, and the console;
# a CPU without what takes most of a guest's time when emulated ("rep stosb" byte
# by byte, the ciphers of pointer authentication), and without LPA2, with which the
# base can't load a kexec image; words for the kernel (on a loaded host an emulated
# CPU may miss the timer's check at boot); and EFI's firmware, where Debian has it.
declare -A VM_BOARD=([x86_64]=pc [aarch64]=virt)
declare -A VM_CONSOLE=([x86_64]=ttyS0 [aarch64]=ttyAMA0)
declare -A VM_TCG_CPU=([x86_64]="max,erms=off"
	[aarch64]="max,pauth-impdef=on,lpa2=off")
declare -A VM_WORDS=([x86_64]=no_timer_check [aarch64]='')
declare -A VM_EFI=([x86_64]=/usr/share/ovmf/OVMF.fd
	[aarch64]=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd)

vm_image() {
	local image

	for image in "${VM_IMAGES[@]}"; do
		if [[ -f "$1/$image" ]]; then
			echo "$1/$image"
			return
		fi
	done
	return 1
}

# The magic number is that of arm64's boot protocol.
vm_machine() {
	if cmp -s -n 4 -i 56:0 "$1" <(printf 'ARM\x64'); then
		echo aarch64
	else
		echo x86_64
	fi
}

vm_console() {
	echo "${VM_CONSOLE[$(vm_machine "$1")]}"
}

vm_efi() {
	echo "${VM_EFI[$1]}"
}

vm_qemu() {
	echo "${QEMU:-qemu-system-$(vm_machine "$1")}"
}

# vm_missing KERNEL [TOOL...]: refuse to start without what a guest needs; the
# reason goes to stdout.
vm_missing() {
	local tool

	for tool in "$(vm_qemu "$1")" cpio timeout "${@:2}"; do
		if ! command -v "$tool" >/dev/null; then
			echo "$tool is not installed"
			return 0
		fi
	done
	return 1
}

# Where the kernel under test stands: KHO_KERNEL, or the image of the build
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
		if vm_image "$(readlink -f "$dir")"; then
			return
		fi
	done
	return 1
}

vm_cpu() {
	local machine=$1 accel=$2

	if [[ -n "${VM_CPU:-}" ]]; then
		echo "$VM_CPU"
	elif [[ "$accel" == kvm ]]; then
		echo host
	else
		echo "${VM_TCG_CPU[$machine]}"
	fi
}

# A kernel without initrd that comes as far as its panic for want of a root
# proves the accelerator; there are hosts whose /dev/kvm opens and then hangs.
vm_kvm_works() {
	local kernel=$1 machine log status=1

	[[ -r /dev/kvm && -w /dev/kvm ]] || return 1
	machine=$(vm_machine "$kernel")
	log=$(mktemp)
	# In a shell of its own, which keeps to itself that QEMU aborted.
	if (timeout -k 2 "$VM_PROBE_SECONDS" "$(vm_qemu "$kernel")" \
		-machine "${VM_BOARD[$machine]}" -accel kvm -cpu host \
		-m 512M -nodefaults -nographic -no-reboot -serial "file:$log" \
		-kernel "$kernel" -append "console=${VM_CONSOLE[$machine]} panic=-1" \
		</dev/null || exit 1) >/dev/null 2>&1 && grep -q 'Linux version' "$log"; then
		status=0
	fi
	rm -f "$log"
	return "$status"
}

# Set ACCEL once for this shell and its children. A kernel of another machine
# than this one is emulated in any case.
vm_choose_accel() {
	local kernel

	kernel=${1:-$(vm_kernel || true)}
	if [[ -n "$kernel" && "$(vm_machine "$kernel")" != "$(uname -m)" ]]; then
		ACCEL=tcg
	fi
	[[ -z "${ACCEL:-}" ]] || return 0
	ACCEL=tcg
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

vm_run() {
	local kernel=$1 initrd=$2 append=$3 log=$4 machine words status=0
	local seconds=$(($5 * ${VM_PATIENCE:-1}))
	local -a layout more

	shift 5
	read -ra more <<<"${VM_ARGS:-}"
	machine=$(vm_machine "$kernel")
	words="console=${VM_CONSOLE[$machine]} panic=-1 ${VM_WORDS[$machine]}"
	vm_choose_accel "$kernel"
	mapfile -t layout < <(vm_layout "$@")
	: >"$log"
	timeout -k 5 "$seconds" "$(vm_qemu "$kernel")" \
		-machine "${VM_BOARD[$machine]}" \
		-accel "$ACCEL" -cpu "$(vm_cpu "$machine" "$ACCEL")" \
		"${layout[@]}" -nodefaults -nographic -no-reboot \
		-serial "file:$log" -kernel "$kernel" -initrd "$initrd" \
		-append "$words $append ${VM_APPEND:-}" \
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
