# shellcheck shell=bash disable=SC2034,SC2120
# Sourced by the other scripts: paths, and functions to run steps and show them. HACKING.md
# describes the environment variables.
# SPDX-License-Identifier: GPL-2.0
set -euo pipefail
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${KHO_BUILD:-$TOP/build}
LINUX=$BUILD/linux
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/kho
ARCH=${ARCH:-$(uname -m)}
JOBS=${JOBS:-$(nproc)}

# The options of a make that called us are not meant for the kernel's make.
unset MAKEFLAGS MAKELEVEL MFLAGS

# The object directories are next to the laid tree, so that paths are relative and
# clones share ccache's results.
export CCACHE_DIR=$CACHE/ccache CCACHE_BASEDIR=$TOP CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=5G
export KBUILD_BUILD_USER=kho KBUILD_BUILD_HOST=kho

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

[[ "$JOBS" =~ ^[1-9][0-9]*$ ]] || die "JOBS=$JOBS: not a number of jobs"

# $machine: the architecture in names of compilers and of the selftests' config files
case $ARCH in
x86_64) machine=x86_64 image=arch/x86/boot/bzImage ;;
arm64 | aarch64) ARCH=arm64 machine=aarch64 image=arch/arm64/boot/Image ;;
*) die "ARCH=$ARCH is not supported; x86_64 and arm64 are" ;;
esac
cross=
[ "$machine" = "$(uname -m)" ] || cross=$machine-linux-gnu-
LOGS=$BUILD/log${cross:+/$ARCH}

# only_on ARCH: fail on the other architecture
only_on() {
	[ "$ARCH" = "$1" ] || die "not for ARCH=$ARCH, only for ARCH=$1"
}

# as_root COMMAND...: use sudo unless we are root
as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		command -v sudo >/dev/null || die "needs root, and there is no sudo: $*"
		# a step runs in the background and can't ask for a password
		sudo -n "$@"
	fi
}

# our_files [GLOB]: our files that stand in the kernel tree at the same path
our_files() {
	"$TOP/scripts/series/series.py" ours "$@"
}

# changed_files: the files of the base that the series changes
changed_files() {
	"$TOP/scripts/series/series.py" changed
}

# base_name BASE: print what identifies its content: its directory, its version and,
# for a checkout, the commit and local changes
base_name() {
	printf '%s %s\n' "$1" "$(head -n 4 "$1/Makefile" | cksum)"
	[ ! -e "$1/.git" ] || git -C "$1" rev-parse HEAD
	[ ! -e "$1/.git" ] || git -C "$1" diff HEAD | cksum
}

# lock_build: let only this script, and the scripts that it calls, use build/
lock_build() {
	[ -z "${KHO_BUILD_LOCKED:-}" ] || return 0
	mkdir -p "$BUILD"
	exec 9>"$BUILD/.lock"
	flock -n 9 || { echo "waiting for another make in this directory"; flock 9; }
	export KHO_BUILD_LOCKED=yes
}

# usage "$@": answer --help with the comment at the start of the calling script
usage() {
	case ${1:-} in
	-h | --help)
		sed -n '2,/^[^#]/{/^# \(SPDX\|shellcheck\)/d;s/^# \{0,1\}//p}' "$0"
		exit 0
		;;
	esac
}

# duration SECONDS: print it in minutes and seconds
duration() {
	if (($1 >= 60)); then
		printf '%dm%02ds' $(($1 / 60)) $(($1 % 60))
	else
		printf '%ds' "$1"
	fi
}

# object_dir [CONFIG]: print the directory where that configuration is built
object_dir() {
	printf '%s/%s%s\n' "$BUILD" "$ARCH" "${1:+-$1}"
}

# progress LOG: print the number of objects built and of test results, if any
progress() {
	local objects tests
	objects=$(grep -cE '^ +(CC|AS|LD|HOSTCC|AR) ' "$1") || :
	tests=$(grep -cE '^(# )?(not )?ok [0-9]' "$1") || :
	((objects == 0)) || printf '  %d objects' "$objects"
	((tests == 0)) || printf '  %d results' "$tests"
}

# show_progress NAME LOG PID: show the progress until the process ends: on a terminal in
# one line, otherwise as a new line every 30 seconds
show_progress() {
	local name=$1 log=$2 pid=$3 start=$SECONDS seconds

	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		seconds=$((SECONDS - start))
		if [ -t 1 ]; then
			printf '\r%-28s %7s%s' "$name" "$(duration $seconds)" "$(progress "$log")"
		elif ((seconds && seconds % 30 == 0)); then
			printf '%-28s %7s so far%s\n' "$name" "$(duration $seconds)" "$(progress "$log")"
			sleep 1
		fi
	done
	[ ! -t 1 ] || printf '\r\033[K'
}

# log_of NAME: print the path of a step's log
log_of() {
	printf '%s/%s.log\n' "$LOGS" "${1// /-}"
}

# try NAME COMMAND...: run it with the output in a log, and print one line with the time.
# The exit status is in $status. It is not returned, because a caller that tested it with
# "if" or "&&" would switch errexit off in COMMAND.
try() {
	local name=$1 log start=$SECONDS pid word=
	shift
	status=0
	log=$(log_of "$name")
	mkdir -p "$LOGS"

	# in a process group of its own, so that an interrupt ends all processes
	set -m
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	set +m
	trap 'kill -- "-$pid"; exit 130' INT TERM
	show_progress "$name" "$log" "$pid"
	wait "$pid" || status=$?
	trap - INT TERM
	((status == 0)) || word="  FAILED"
	printf '%-28s %7s%s%s\n' "$name" "$(duration $((SECONDS - start)))" "$(progress "$log")" "$word"
}

# show_end NAME: print the last lines of a step's log, and earlier lines with errors:
# the output of parallel jobs may follow them
show_end() {
	local log
	log=$(log_of "$1")
	head -n -20 "$log" | grep -E '(error|undefined reference|No rule to make)' |
		head -n 20 | sed 's/^/    /' || :
	tail -n 20 "$log" | sed 's/^/    /'
	printf 'whole log: %s\n' "$log"
}

# step NAME HINT COMMAND...: like try, but a failure ends the script. The end of the log,
# its path and HINT, which says what to do, are printed first.
step() {
	local name=$1 hint=$2
	shift 2
	try "$name" "$@"
	((status)) || return 0
	show_end "$name"
	printf 'what to do: %s\n' "$hint"
	exit 1
}

# lay_tree BASE: update $LINUX to BASE with our changes
lay_tree() {
	step "lay tree" "follow the lines above; KBASE= names another base" \
		"$TOP/scripts/tree/lay-tree" "$1" "$(base_name "$1")" "$LINUX"
}

# lay_linux: the same with the default base
lay_linux() {
	"$TOP/scripts/tree/install-packages" build
	step "get base" "check the network and /etc/apt/sources.list, or set KBASE=/path/to/linux-6.12.y" \
		"$TOP/scripts/tree/get-base"
	lay_tree "$(tail -n 1 "$LOGS/get-base.log")"
}

# kbuild OBJECTS TARGET...: make in the laid tree
kbuild() {
	local objects=$1
	shift
	make -C "$LINUX" O="$objects" ARCH="$ARCH" LOCALVERSION="${LOCALVERSION:-}" \
		CROSS_COMPILE="$cross" CC="ccache ${cross}gcc" HOSTCC="ccache gcc" \
		KCFLAGS="-fmacro-prefix-map=../linux/=" -j "$JOBS" "$@"
}

# compile_guest OUT SOURCE: compile an init for guests, with the library of the selftests
compile_guest() {
	local library=$TOP/tools/testing/selftests/kho/guest
	"${cross}gcc" -static -O2 -Wall -Wextra -Werror -D_GNU_SOURCE \
		-I "$TOP/include/uapi" -I "$LINUX/tools/testing/selftests" -I "$library" \
		-o "$1" "$2" "$library"/{init,log,liveupdate}.c
}

# make_native TARGET...: make programs for this machine, whatever ARCH is
make_native() {
	env -u ARCH -u CROSS_COMPILE make -j "$JOBS" "$@"
}

# make_kho [ARGUMENT...]: make targets of tools/testing/kho in $BUILD/native, or in $out
make_kho() {
	local out=${out:-$BUILD/native}
	mkdir -p "$out"
	make_native -C "$LINUX/tools/testing/kho" O="$out" "$@"
}

# make_tools [ARGUMENT...]: make targets of tools/liveupdate in $BUILD/tools, or in $out
make_tools() {
	local out=${out:-$BUILD/tools}
	mkdir -p "$out"
	make_native -C "$TOP/tools/liveupdate" O="$out" "$@"
}

# copy_build FROM OBJECTS: start the build in OBJECTS from a copy of another one
copy_build() {
	local from=$1 objects=$2
	if [ ! -e "$objects/.copied" ] ||
	   [ -n "$(find "$from" -path "$from/kselftest" -prune -o \
			-newer "$objects/.copied" -type f -print -quit)" ]; then
		mkdir -p "$objects"
		touch "$objects/.copying"
		rsync -a --delete --exclude=/.copying --exclude=/kselftest "$from/" "$objects/"
		# The rules of objtool name their directory. If objtool were built again, all
		# objects would be built again, too. arm64 has no objtool.
		[ ! -d "$objects/tools" ] || find "$objects/tools" -name '.*.cmd' -exec sed -i "s,$from/,$objects/,g" {} +
		mv "$objects/.copying" "$objects/.copied"
	fi
}
