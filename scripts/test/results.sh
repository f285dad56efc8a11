# shellcheck shell=bash disable=SC2154
# Sourced by run-tests and test-configs, after lib.sh: run suites of tests, read
# their results and count them.
# SPDX-License-Identifier: GPL-2.0
# shellcheck source=tools/testing/selftests/kho/vm.sh
. "$TOP/tools/testing/selftests/kho/vm.sh"

work=$BUILD/test
passed=0
failed=0
skipped=0

# count <RESULTS: lines "pass NAME", "fail NAME" and "skip NAME"
count() {
	local result name
	while read -r result name; do
		case $result in
		pass) passed=$((passed + 1)) ;;
		skip) skipped=$((skipped + 1)); printf '    skipped: %s\n' "$name" ;;
		*) failed=$((failed + 1)); printf '    failed: %s\n' "$name" ;;
		esac
	done
}

# one NAME COMMAND...: one test, which fails by its status
one() {
	try "$@"
	if ((status == 0)); then
		count <<<"pass $1"
	else
		show_end "$1"
		count <<<"fail $1"
	fi
}

# many NAME PARSER COMMAND...: many tests. PARSER makes results of the log and
# is told the command's status.
many() {
	local name=$1 parser=$2 before=$failed
	shift 2
	try "$name" "$@"
	count < <("$parser" "$(log_of "$name")" "$status")
	((failed == before)) || printf '    whole log: %s\n' "$(log_of "$name")"
}

# TAP of kselftest's runner: a program's own tests are indented with "# ". A
# program counts itself only where it fails beyond them, or has none at all: here
# there is all that it needs.
kselftest_results() {
	awk -v status="$2" '
		function name(line) { sub(/^(# )?(not )?ok [0-9]+ (- )?/, "", line); return line }
		function result(word, line) { print word, name(line); total++ }
		/^# 1\.\.[0-9]+/ { plan = substr($2, 4) + 0 }
		/^# ok [0-9]+ .*# SKIP/ { result("skip", $0); seen++; next }
		/^# ok [0-9]+/ { result("pass", $0); seen++; next }
		/^# not ok [0-9]+/ { result("fail", $0); seen++; bad++; next }
		/^(not )?ok [0-9]+ selftests:/ {
			for (; seen < plan; seen++) {
				result("fail", "a test without result in " name($0)); bad++
			}
			if (/^not ok/ && !bad)
				result("fail", $0)
			else if (!seen)
				result("fail", name($0) " ran no test")
			plan = seen = bad = 0
			programs++
		}
		END {
			if (programs < 2)
				print "fail one of the directories kho and liveupdate ran no program"
			if (status)
				print "fail make run_tests ended with status " status
		}
	' "$1"
}

# TAP of programs one after the other, or without a plan. One that dies tells less than
# it has planned.
tap_results() {
	awk -v status="$2" '
		function result(word) {
			sub(/^(not )?ok ([0-9]+ )?(- )?/, "")
			print word, $0
			total++
		}
		function missing() {
			for (; seen < plan; seen++) {
				print "fail a test without result, behind " last
				bad++
			}
			plan = seen = 0
		}
		/^1\.\.[0-9]+/ { missing(); plan = substr($0, 4) + 0; last = "the start" }
		/^ok .*# SKIP/ { seen++; result("skip"); next }
		/^ok / { seen++; result("pass"); last = $0 }
		/^not ok / { seen++; bad++; result("fail"); last = $0 }
		END {
			missing()
			if (!total)
				print "fail no test ran"
			if (status && !bad)
				print "fail the tests ended with status " status
		}
	' "$1"
}

# What kunit.py counted, and every suite of ours must be among it.
kunit_results() {
	local log=$1 status=$2 suite
	sed 's/\x1b\[[0-9;]*m//g' "$log" | awk -v status="$status" '
		/\[(FAILED|CRASHED)\]/ { bad[++count] = $0 }
		/Testing complete\. Ran [0-9]+ tests/ {
			for (i = 1; i < NF; i++)
				number[$i] = $(i + 1) + 0
		}
		END {
			for (i = 0; i < number["passed:"]; i++) print "pass"
			for (i = 0; i < number["skipped:"]; i++) print "skip a KUnit case"
			wrong = number["failed:"] + number["crashed:"] + number["errors:"]
			if (status && !wrong)
				wrong = 1
			for (i = 1; i <= wrong; i++) print "fail", (bad[i] ? bad[i] : "KUnit, see the log")
		}
	'
	sed -n 's/^\t\.name = "\(.*\)",$/\1/p' "$TOP"/kernel/liveupdate/tests/*.c |
		while read -r suite; do
			grep -aq "# Subtest: $suite" "${log%.log}.serial.log" ||
				echo "fail KUnit suite $suite did not run"
		done
}

# run_kunit OBJECTS SERIAL_LOG: all suites in the kernel that is built there
run_kunit() {
	local kernel=$1/$image serial=$2
	mkdir -p "$work/empty"
	vm_pack "$work/empty" "$work/empty.cpio"
	vm_run "$kernel" "$work/empty.cpio" \
		"kho=on liveupdate=on kunit.enable=1 kunit_shutdown=poweroff" "$serial" 300
	"$LINUX/tools/testing/kunit/kunit.py" parse "$serial"
	vm_check_log "$serial"
}

# run_plain_kexec OBJECTS SERIAL_LOG: the kernel there boots and starts itself
run_plain_kexec() {
	local kernel=$1/$image serial=$2
	mkdir -p "$work/plain"
	"${cross}gcc" -static -O2 -Wall -DCONSOLE="\"$(vm_console "$kernel")\"" \
		-o "$work/plain/init" "$TOP/scripts/test/plain-kexec.c"
	cp "$kernel" "$work/plain/kernel"
	vm_pack "$work/plain" "$work/plain.cpio"
	vm_run "$kernel" "$work/plain.cpio" "retain_initrd" "$serial" 120
	vm_check_log "$serial"
	grep -aq 'plain kexec: second kernel reached' "$serial"
}

# The modules of the tests are built in the laid tree, and make does not see that
# another kernel than the last time is meant.
forget_test_modules() {
	find "$LINUX"/tools/testing/selftests/{kho,liveupdate}/test_modules -type f \
		\( -name '*.ko' -o -name '*.o' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \) -delete
}

# make_kselftests OBJECTS DIRECTORY...
make_kselftests() {
	local sysroot
	sysroot=$("$TOP/scripts/tree/get-sysroot")
	make -C "$LINUX/tools/testing/selftests" O="$1" ARCH="$ARCH" CROSS_COMPILE="$cross" \
		KHO_SYSROOT="$sysroot" TARGETS="${*:2}" FORCE_TARGETS=1 run_tests
}

# run_kselftests OBJECTS: the suites that KHO_SUITES= names, or all
run_kselftests() {
	forget_test_modules
	make_kselftests "$1" kho liveupdate
}
