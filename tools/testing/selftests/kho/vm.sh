# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Copyright (C) 2026 The KHO LTS developers
#
# Run kernels in QEMU: a bash library for tests that need a real kexec.
#
#   vm_image DIR          print the path of the kernel that was built in DIR
#   vm_machine KERNEL     print its architecture, as uname -m does
#   vm_console KERNEL     print the console of its guests, as console= has it
#   vm_efi MACHINE        print the path of the EFI firmware for it
#   vm_accel [KERNEL]     print "kvm" or "tcg"
#   vm_nodes MIB...       print QEMU's arguments for NUMA nodes of these sizes, with
#                         a CPU each
#   vm_pack DIR OUT       pack DIR into the initrd OUT
#   vm_run KERNEL INITRD APPEND LOG SECONDS [QEMU ARGS...]
#                         run one guest to its end
#   vm_check_log LOG      fail if the kernel has reported an error
#
# A guest ends itself with reboot() or poweroff. It has 2 CPUs and 2 GiB in two
# NUMA nodes. If the QEMU ARGS have -m, -smp or -numa, they replace that layout;
# others override earlier arguments.
#
# Environment: ACCEL=kvm|tcg picks the accelerator without a probe, QEMU= the
# program, VM_CPU= the CPU model. VM_PATIENCE=N multiplies all time limits by N, for
# a slow host or kernel. VM_APPEND= is appended to every kernel command line,
# VM_ARGS= to the arguments of every QEMU. VM_LAYOUT= replaces the default layout.

VM_PROBE_SECONDS=15
VM_TAIL_LINES=40

# Messages of a kernel that has found an error
VM_TROUBLE='WARNING:|BUG:|kernel BUG at|Oops|[Bb]ad page|Bad rss-counter'
VM_TROUBLE+='|KASAN|UBSAN|KFENCE: memory|general protection fault'
VM_TROUBLE+='|INFO: (task|rcu|possible|trying|inconsistent|suspicious)'
VM_TROUBLE+='|detected stalls|self-detected stall|blocked for more than'
VM_TROUBLE+='|unchecked MSR|Call [Tt]race:|Internal error:|SError Interrupt'
VM_TROUBLE+='|Unable to handle kernel|Kernel panic|double free'
VM_TROUBLE+='|list_(add|del) corruption'
VM_TROUBLE+='|kmemleak: [0-9]+ new suspected'

# Messages of a healthy kernel that match the above
VM_HARMLESS='Spectre V2 : WARNING:'

# The kernel images of the architectures in a build tree
VM_IMAGES=(arch/x86/boot/bzImage arch/arm64/boot/Image)

# Settings for each architecture:
# - the board and its console;
# - the CPU to emulate, without features that are slow to emulate ("rep stosb",
#   pointer authentication with QARMA), and without LPA2, as the base kernel can't
#   load a kexec image on a CPU that has it;
# - kernel parameters: on a loaded host an emulated CPU may fail the timer check at
#   boot;
# - the EFI firmware, at the path of Debian's package.
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

# vm_missing KERNEL [TOOL...]: succeed if a guest can't be started, and print why.
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

# Print the path of the kernel under test: KHO_KERNEL, or the image in the build tree
# of these tests (KBUILD_OUTPUT, or the tree that contains this directory).
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

# Boot the kernel without an initrd. It must log something before it panics because
# there is no root file system. On some hosts /dev/kvm opens, but the guest hangs.
vm_kvm_works() {
	local kernel=$1 machine log status=1

	[[ -r /dev/kvm && -w /dev/kvm ]] || return 1
	machine=$(vm_machine "$kernel")
	log=$(mktemp)
	# The subshell hides the message of bash if QEMU aborts.
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

# Set ACCEL for this shell and its children. A kernel of another architecture is
# always emulated.
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

vm_nodes() {
	local mib nr=0 total=0 nodes=()

	for mib; do
		nodes+=(-object "memory-backend-ram,id=vm_node$nr,size=${mib}M"
			-numa "node,nodeid=$nr,cpus=$nr,memdev=vm_node$nr")
		total=$((total + mib))
		nr=$((nr + 1))
	done
	echo "-m ${total}M -smp $nr,sockets=$nr ${nodes[*]}"
}

# Print the layout of the guest, unless the arguments have one.
vm_layout() {
	local arg

	for arg in "$@"; do
		case $arg in
		-m | -smp | -numa) return 0 ;;
		esac
	done
	xargs -n 1 <<<"${VM_LAYOUT:-$(vm_nodes 1024 1024)}"
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
	echo "$log: the kernel reports errors:" >&2
	echo "$found" >&2
	return 1
}
