# shellcheck shell=bash disable=SC2154
# Sourced after lib.sh by the scripts that run suites of tests: run them, read their
# results and count them.
# SPDX-License-Identifier: GPL-2.0
# shellcheck source=tools/testing/selftests/kho/vm.sh
. "$TOP/tools/testing/selftests/kho/vm.sh"

work=$BUILD/test
passed=0
failed=0
skipped=0

# count <RESULTS: count lines "pass NAME", "fail NAME" and "skip NAME"
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

# finish: count all results in a last line. Fail unless tests passed and none failed.
finish() {
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	((failed == 0 && passed > 0))
}

# one NAME COMMAND...: run one test, whose exit status is its result
one() {
	try "$@"
	if ((status == 0)); then
		count <<<"pass $1"
	else
		show_end "$1"
		count <<<"fail $1"
	fi
}

# many NAME PARSER COMMAND...: run many tests. "PARSER LOG STATUS" prints their results.
many() {
	local name=$1 parser=$2 before=$failed all=$((passed + failed + skipped))
	shift 2
	try "$name" "$@"
	count < <("$parser" "$(log_of "$name")" "$status")
	((passed + failed + skipped > all)) || count <<<"fail $name: its results can't be read"
	((failed == before)) || printf '    whole log: %s\n' "$(log_of "$name")"
}

# tap_results LOG STATUS: print the results in LOG of a command that ended with STATUS.
# The log holds the TAP of one program after another, with or without a plan. The runner
# of kselftests indents it by "# " and adds a result for each program. Such a result is
# printed only if it reports something new: a failure without a failed test, or no test.
tap_results() {
	sed 's/^# //' "$1" | awk -v status="$2" '
		function name(line) { sub(/^(not )?ok ([0-9]+ )?(- )?/, "", line); return line }
		function result(word, what) { print word, what; total++; bad += word == "fail" }
		function start(number) { plan = number; seen = 0; last = "the start of the plan" }
		function finish() {
			for (; seen < plan; seen++)
				result("fail", "a test without a result, after " last)
		}
		# forget the plan of the runner
		/^selftests: / { start(0); before = bad }
		/^1\.\.[0-9]+/ { finish(); start(substr($0, 4) + 0) }
		/^(not )?ok [0-9]+ selftests: / {
			finish()
			if (/^not ok/ && bad == before)
				result("fail", name($0))
			else if (!seen)
				result("fail", name($0) " ran no test")
			start(0)
			next
		}
		/^ok .*# SKIP/ { seen++; result("skip", name($0)); next }
		/^ok / { seen++; result("pass", last = name($0)) }
		/^not ok / { seen++; result("fail", last = name($0)) }
		END {
			finish()
			if (!total)
				print "fail no test ran"
			if (status && !bad)
				print "fail the tests ended with status " status
		}
	'
}

kselftest_results() {
	local dir
	tap_results "$@"
	for dir in kho liveupdate; do
		grep -qE "^(not )?ok [0-9]+ selftests: $dir: " "$1" ||
			echo "fail the directory $dir ran no program"
	done
}

# kunit_results LOG STATUS: print the results that run_kunit left beside LOG. kunit.py
# reports some errors, such as a wrong number of a test, in its output only.
kunit_results() {
	local log=$1 status=$2 suites
	mapfile -t suites < <(sed -n 's/^\t\.name = "\(.*\)",$/\1/p' \
		"$TOP"/kernel/liveupdate/tests/*.c)
	"$TOP/scripts/test/kunit-results" "${log%.log}.json" "$status" "${suites[@]}"
	sed -n 's/.*\[ERROR\] Test: /fail /p' "$log"
}

# run_kunit OBJECTS SERIAL_LOG: run all suites of the kernel in OBJECTS. Leave the results
# in a file .json beside the log, which ends in .serial.log.
run_kunit() {
	local kernel=$1/$image serial=$2 results=${2%.serial.log}.json
	rm -f "$results"
	mkdir -p "$work/empty"
	vm_pack "$work/empty" "$work/empty.cpio"
	vm_run "$kernel" "$work/empty.cpio" \
		"kho=on liveupdate=on kunit.enable=1 kunit_shutdown=poweroff" "$serial" 300
	"$LINUX/tools/testing/kunit/kunit.py" parse --json="$results" "$serial"
	vm_check_log "$serial"
}

# run_plain_kexec OBJECTS SERIAL_LOG: boot the kernel in OBJECTS and have it kexec itself
run_plain_kexec() {
	local kernel=$1/$image serial=$2
	mkdir -p "$work/plain"
	compile_guest "$work/plain/init" "$TOP/scripts/test/plain-kexec.c"
	cp "$kernel" "$work/plain/kernel"
	vm_pack "$work/plain" "$work/plain.cpio"
	vm_run "$kernel" "$work/plain.cpio" "retain_initrd" "$serial" 120
	vm_check_log "$serial"
	grep -aq 'plain kexec: second kernel reached' "$serial"
}

# suites DIRECTORY...: the guests that the kselftests there boot, and their suites
suites() {
	local dir
	for dir in "${@/#/$TOP/tools/testing/selftests/}"; do
		"$dir/$(sed -n 's/^TEST_PROGS := //p' "$dir/Makefile")" --list
	done | sed 'p; s/:.*//' | sort -u
}

# check_suites SUITE...: fail if one does not exist. The guests' scripts run those that they
# know.
check_suites() {
	local name
	for name in "$@"; do
		suites kho liveupdate | grep -xFe "${name%:}" >/dev/null || die "no suite $name"
	done
}

# The test modules are built in the laid tree. make does not notice that they were built
# for another kernel.
forget_test_modules() {
	find "$LINUX"/tools/testing/selftests/{kho,liveupdate}/test_modules -type f \
		\( -name '*.ko' -o -name '*.o' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \) -delete
}

# make_kselftests OBJECTS DIRECTORY...: build and run the kselftests in DIRECTORY...
make_kselftests() {
	local sysroot
	sysroot=$("$TOP/scripts/tree/get-sysroot")
	make -C "$LINUX/tools/testing/selftests" O="$1" ARCH="$ARCH" CROSS_COMPILE="$cross" \
		KHO_SYSROOT="$sysroot" TARGETS="${*:2}" FORCE_TARGETS=1 run_tests
}

# run_kselftests OBJECTS [DIRECTORY...]: run the suites that KHO_SUITES= names, all by
# default, of the given directories or both
run_kselftests() {
	local objects=$1 names
	shift
	(($#)) || set -- kho liveupdate
	read -ra names <<<"${KHO_SUITES:-}"
	check_suites "${names[@]}"
	forget_test_modules
	make_kselftests "$objects" "$@"
}
