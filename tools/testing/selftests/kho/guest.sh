# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Copyright (C) 2026 The KHO LTS developers
#
# The host's side of tests that run in guests: a bash library on top of vm.sh.
#
#   guest_start PROGRAM [MODULE...]    take PROGRAM as init, and the modules
#   guest_add_program NAME...          take more programs, built beside it or
#                                      installed on the host
#   guest_add SUITE[:VARIANT] SECONDS APPEND [QEMU ARGS...]
#                                      plan one guest
#   guest_add_if_asked ...             plan it only if KHO_SUITES names it
#   guest_add_peer SUITE[:VARIANT] ours|peer SECONDS APPEND [QEMU ARGS...]
#                                      plan one guest that boots this kernel first, only
#                                      if KHO_SUITES names it; needs KHO_PEER, as /peer
#   guest_lacks SUITE WHY              this host can't run it: skip its tests
#   guest_panics SUITE                 it panics and goes on in a crash kernel
#   guest_ends SUITE LINE              it ends with a panic that starts with LINE
#   guest_chain SUITE                  each test damages the next kernel: if the
#                                      guest dies, boot it again for the tests
#                                      after that one
#   guest_finish                       pack it, boot all guests, print TAP, exit
#
# Each test of a suite (guest/runner.h) becomes one line of TAP. So does a check
# that the guest has ended by itself and with a clean kernel log. A test without a
# result has failed.
#
# A script that uses this library prints the names of its guests, one a line, if
# its argument is --list. That needs no kernel.
#
# Environment: KHO_KERNEL= the kernel to boot, KHO_OTHER_KERNEL= the one that suites boot
# which need a kernel of another configuration, KHO_SUITES= names of suites or
# variants to run (default all; "SUITE:" is the suite without its variants),
# KHO_LOGS= the directory for the serial logs, KHO_SYSROOT= programs and libraries
# for guests of another architecture than the host, KHO_PEER= the image of a kernel of
# another series, and the variables of vm.sh.

KSFT_SKIP=4

GUEST_HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tools/testing/selftests/kho/vm.sh
. "$GUEST_HERE/vm.sh"

guest_list=
[[ "${1:-}" != --list ]] || guest_list=yes
guest_suites=()
declare -A guest_seconds guest_append guest_qemu_args guest_panics guest_ends
declare -A guest_chains guest_lacks guest_first
guest_pass=0
guest_fail=0
guest_skip=0
guest_nr=0

guest_skip_all() {
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit "$KSFT_SKIP"
}

# Print the path of a module: built beside the test, or with the kernel under test.
guest_find_module() {
	local name=$1 path

	for path in "$guest_out/test_modules/$name.ko" \
		    "$(dirname "$0")/test_modules/$name.ko" \
		    "$guest_objtree/lib/$name.ko" \
		    "$guest_objtree/samples/liveupdate/$name.ko"; do
		if [[ -f "$path" ]]; then
			echo "$path"
			return
		fi
	done
	return 1
}

guest_add_modules() {
	local name path

	mkdir -p "$guest_tmp/root/modules"
	for name in "$@"; do
		if path=$(guest_find_module "$name"); then
			cp "$path" "$guest_tmp/root/modules/"
		else
			echo "# $name.ko is not built"
		fi
	done
}

# Print the libraries that a program is linked with, and its dynamic linker.
guest_libraries() {
	if [[ -n "$guest_emulator" ]]; then
		"$guest_emulator" -L "$guest_sysroot" \
			"$guest_sysroot"/lib*/ld-linux-*.so.? --list "$1"
	else
		ldd "$1"
	fi 2>/dev/null | grep -oE '/[^ ]+' | sed "s,^$guest_sysroot/,/," | sort -u || true
}

guest_path() {
	local dir path=$guest_out

	[[ -n "$guest_emulator" ]] || path+=:$PATH
	for dir in /usr/bin /bin /usr/sbin /sbin; do
		path+=:$guest_sysroot$dir
	done
	echo "$path"
}

# Copy programs to /bin of the guest, and their libraries to where they are on the
# host. A program that the host lacks is left out: tests that need it are skipped.
guest_add_program() {
	local name path
	local -a libraries

	[[ -z "$guest_list" ]] || return 0
	mkdir -p "$guest_tmp/root/bin"
	for name in "$@"; do
		path=$(PATH=$(guest_path) command -v "$name") || continue
		cp -L "$path" "$guest_tmp/root/bin/$name"
		mapfile -t libraries < <(guest_libraries "$path")
		((${#libraries[@]} == 0)) ||
			(cd "$guest_sysroot/" &&
			 cp -L --parents "${libraries[@]#/}" "$guest_tmp/root")
	done
}

# Programs of another architecture than the host run on the host in QEMU, too.
guest_find_machine() {
	guest_machine=$(vm_machine "$guest_kernel")
	guest_emulator=
	guest_sysroot=
	if [[ "$guest_machine" != "$(uname -m)" ]]; then
		guest_emulator=qemu-$guest_machine
		guest_sysroot=${KHO_SYSROOT:-/usr/$guest_machine-linux-gnu}
	fi
}

# Variables that the script with the guests may look at
guest_start_list() {
	guest_machine=$(uname -m)
	guest_objtree=
	: "${ACCEL:=tcg}"
}

guest_start() {
	local program=$1 missing

	if [[ -n "$guest_list" ]]; then
		guest_start_list
		return
	fi
	shift
	guest_out=${OUTPUT:-$(dirname "$(readlink -f "$0")")}
	guest_program=$guest_out/$program
	guest_logs=${KHO_LOGS:-$guest_out/logs}
	if ! guest_kernel=$(vm_kernel) || [[ ! -f "$guest_kernel" ]]; then
		guest_skip_all "no kernel to test: build one with the options" \
			"in this directory's config files (make all modules)," \
			"or name its image in KHO_KERNEL"
	fi
	guest_find_machine
	if missing=$(vm_missing "$guest_kernel" ${guest_emulator:+"$guest_emulator"}); then
		guest_skip_all "$missing"
	fi
	if [[ ! -x "$guest_program" ]]; then
		guest_skip_all "$program is not built," \
			"it needs a static C library (libc6-dev)"
	fi
	guest_objtree=${guest_kernel%/arch/*/boot/*}
	guest_tmp=$(mktemp -d)
	trap 'rm -rf "$guest_tmp"' EXIT
	mkdir -p "$guest_logs" "$guest_tmp/root"
	echo "TAP version 13"
	cp "$guest_program" "$guest_tmp/root/init"
	cp "$guest_kernel" "$guest_tmp/root/kernel"
	[[ -z "${KHO_OTHER_KERNEL:-}" ]] ||
		cp "$KHO_OTHER_KERNEL" "$guest_tmp/root/other-kernel"
	guest_add_modules "$@"
	vm_choose_accel "$guest_kernel"
}

guest_wanted() {
	local suite=$1 wanted

	[[ -n "${KHO_SUITES:-}" ]] || return 0
	for wanted in $KHO_SUITES; do
		case $wanted in
		"$suite" | "$suite:" | "${suite%%:*}") return 0 ;;
		esac
	done
	return 1
}

guest_add() {
	local suite=$1

	if [[ -n "$guest_list" ]]; then
		echo "$suite"
		return
	fi
	guest_wanted "$suite" || return 0
	guest_suites+=("$suite")
	guest_seconds[$suite]=$2
	guest_append[$suite]=$3
	shift 3
	guest_qemu_args[$suite]=$*
}

guest_add_if_asked() {
	[[ -z "${KHO_SUITES:-}$guest_list" ]] || guest_add "$@"
}

guest_add_peer() {
	local suite=$1 first=$2

	shift 2
	guest_add_if_asked "$suite" "$@"
	[[ -n "${guest_seconds[$suite]:-}" ]] || return 0
	if [[ -z "${KHO_PEER:-}" ]]; then
		guest_lacks "$suite" "KHO_PEER names no kernel of another series"
		return
	fi
	[[ "$first" == ours ]] || guest_first[$suite]=$KHO_PEER
	cp "$KHO_PEER" "$guest_tmp/root/peer"
}

guest_lacks() {
	guest_lacks[$1]=$2
}

guest_panics() {
	guest_panics[$1]=yes
}

guest_ends() {
	guest_ends[$1]=$2
}

guest_chain() {
	guest_chains[$1]=yes
}

# Print the tests of a suite, with the name of its variant.
guest_tests() {
	${guest_emulator:+"$guest_emulator"} "$guest_program" list "${1%%:*}" \
		"${guest_append[$1]}" |
		sed "s/^[^.]*/$1/"
}

guest_plan() {
	local suite nr=0

	for suite in "${guest_suites[@]}"; do
		nr=$((nr + 1 + $(guest_tests "$suite" | wc -l)))
	done
	echo "1..$nr"
}

guest_result() {
	local result=$1 name=$2

	guest_nr=$((guest_nr + 1))
	case $result in
	ok) guest_pass=$((guest_pass + 1)) ;;
	skip)
		guest_skip=$((guest_skip + 1))
		echo "ok $guest_nr $name # SKIP ${3:-}"
		return ;;
	*) guest_fail=$((guest_fail + 1)) ;;
	esac
	echo "$result $guest_nr $name"
}

# Print what the guest has reported about one test under the keyword WHAT.
guest_lines() {
	local lines=$1 what=$2 name=$3

	awk -v key="$what $name" 'index($0, key) == 1 {
		rest = substr($0, length(key) + 1)
		if (rest == "" || rest ~ /^:/)
			print substr(rest, 3)
	}' "$lines"
}

# The first result of a test counts: a test that is skipped in one kernel fails in
# the next.
guest_verdict() {
	awk -v name="$2" '
		$0 == "ok " name || $0 == "not ok " name || $0 == "skip " name {
			print $1
			exit
		}' "$1"
}

guest_report_test() {
	local lines=$1 name=$2 verdict

	verdict=$(guest_verdict "$lines" "$name")
	case $verdict in
	ok) guest_result ok "$name" ;;
	skip)
		guest_result skip "$name" "$(guest_lines "$lines" why "$name" | tail -n 1)" ;;
	*)
		guest_lines "$lines" note "$name" | sed "s/^/# $name: /"
		[[ "$verdict" == not ]] || echo "# $name: did not come to a result"
		guest_result 'not ok' "$name" ;;
	esac
}

# Print the lines of a serial log that the guest program has written.
guest_parse() {
	local suite=$1 log=$2

	tr -d '\r' <"$log" |
		sed -nE 's/^(\[[^]]*\] )?ksft: (.*[^ ]) *$/\2/p' |
		sed "s/ ${suite%%:*}\./ $suite./"
}

# Print the part of a serial log that must be clean. After an intended panic that is
# the log of the crash kernel, or everything before the panic.
guest_log_to_check() {
	if [[ -n "${guest_panics[$1]:-}" ]]; then
		awk '/Linux version/ { n = 0 } { line[n++] = $0 }
			END { for (i = 0; i < n; i++) print line[i] }' "$2"
	elif [[ -n "${guest_ends[$1]:-}" ]]; then
		awk -v end="${guest_ends[$1]}" '
			index($0, end) { found = 1; exit }
			{ print }
			END { if (!found) print "WARNING: no line \"" end "\"" }' "$2"
	else
		cat "$2"
	fi
}

guest_boot() {
	local suite=$1 log=$2 append
	local -a args

	read -ra args <<<"${guest_qemu_args[$suite]}"
	append="retain_initrd log_buf_len=4M suite=${suite%%:*}"
	append+=" patience=${VM_PATIENCE:-1} ${guest_append[$suite]} ${*:3}"
	vm_run "${guest_first[$suite]:-$guest_kernel}" "$guest_tmp/initrd" "$append" \
		"$log" "${guest_seconds[$suite]}" "${args[@]}"
}

# Print the number, from 1, of the first test after number LAST that has no result.
# Fail if there is none.
guest_broken_at() {
	local suite=$1 lines=$2 last=$3 test nr=0

	for test in $(guest_tests "$suite"); do
		nr=$((nr + 1))
		if ((nr > last)) && [[ -z "$(guest_verdict "$lines" "$test")" ]]; then
			echo "$nr"
			return
		fi
	done
	return 1
}

# Boot the guest again for the tests after each one that has no result. The suite
# leaves out as many tests as skip= says.
guest_go_on() {
	local suite=$1 log=$2 lines=$3 broken=0

	while broken=$(guest_broken_at "$suite" "$lines" "$broken"); do
		guest_boot "$suite" "$log.rest" "skip=$broken" ||
			echo "guest after test $broken failed"
		cat "$log.rest" >>"$log"
		rm "$log.rest"
		guest_parse "$suite" "$log" >"$lines"
	done
}

guest_skip_suite() {
	local suite=$1 test

	for test in $(guest_tests "$suite") "$suite.clean_run"; do
		guest_result skip "$test" "${guest_lacks[$suite]}"
	done
}

guest_run_suite() {
	local suite=$1 status=0 log lines test

	if [[ -n "${guest_lacks[$suite]:-}" ]]; then
		guest_skip_suite "$suite"
		return
	fi
	log=$guest_logs/${suite/:/-}.log
	lines=$guest_tmp/lines
	guest_boot "$suite" "$log" 2>"$guest_tmp/messages" || status=$?
	guest_parse "$suite" "$log" >"$lines"
	if [[ -n "${guest_chains[$suite]:-}" ]]; then
		guest_go_on "$suite" "$log" "$lines" 2>>"$guest_tmp/messages"
	fi
	for test in $(guest_tests "$suite"); do
		guest_report_test "$lines" "$test"
	done
	guest_lines "$lines" note "$suite." | sed "s/^/# $suite: /"
	guest_log_to_check "$suite" "$log" >"$guest_tmp/checked"
	if ! vm_check_log "$guest_tmp/checked" 2>>"$guest_tmp/messages"; then
		status=1
	fi
	if ((status)); then
		sed 's/^/# /' "$guest_tmp/messages"
		echo "# serial log: $log"
		guest_result 'not ok' "$suite.clean_run"
	else
		guest_result ok "$suite.clean_run"
	fi
}

guest_finish() {
	local suite

	[[ -z "$guest_list" ]] || return 0
	for suite in "${guest_suites[@]}"; do
		[[ -n "$(guest_tests "$suite")" ]] ||
			{ echo "suite $suite has no tests" >&2; return 1; }
	done
	vm_pack "$guest_tmp/root" "$guest_tmp/initrd"
	guest_plan
	for suite in "${guest_suites[@]}"; do
		guest_run_suite "$suite"
	done
	echo "# Totals: pass:$guest_pass fail:$guest_fail xfail:0 xpass:0" \
		"skip:$guest_skip error:0"
	((guest_fail == 0))
}
