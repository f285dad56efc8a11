# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: where things are, how a step is run and shown.
# SPDX-License-Identifier: GPL-2.0
set -euo pipefail
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
LINUX=$BUILD/linux
LOGS=$BUILD/log
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/kho
ARCH=${ARCH:-$(uname -m)}
JOBS=${JOBS:-$(nproc)}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

case $ARCH in
x86_64) ;;
*) die "ARCH=$ARCH is not supported; ARCH=x86_64 is" ;;
esac

# as_root COMMAND...: through sudo when not root
as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		command -v sudo >/dev/null || die "needs root, and there is no sudo: $*"
		sudo "$@"
	fi
}

# usage "$@": answer --help with the comment at the head of the calling script
usage() {
	case ${1:-} in
	-h | --help)
		sed -n '2,/^[^#]/{/^# SPDX/d;s/^# \{0,1\}//p}' "$0"
		exit 0
		;;
	esac
}

# duration SECONDS: as people read it
duration() {
	if (($1 >= 60)); then
		printf '%dm%02ds' $(($1 / 60)) $(($1 % 60))
	else
		printf '%ds' "$1"
	fi
}

# object_dir [CONFIG]: where a kernel of this configuration is built
object_dir() {
	printf '%s/%s%s\n' "$BUILD" "$ARCH" "${1:+-$1}"
}

# progress LOG: how far a build has come, empty for other steps
progress() {
	local count
	count=$(grep -cE '^ +(CC|AS|LD|HOSTCC|AR) ' "$1" 2>/dev/null) || return 0
	printf '  %d objects' "$count"
}

# show_progress NAME LOG PID: until the process ends; in place on a terminal,
# a line every 30 seconds elsewhere
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

# step NAME HINT COMMAND...: run with the output in a log, print one line with
# the time. A failure shows the log's end, its path, and HINT: what to do.
step() {
	local name=$1 hint=$2 log start=$SECONDS pid status=0
	shift 2
	log=$LOGS/${name// /-}.log
	mkdir -p "$LOGS"

	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	show_progress "$name" "$log" "$pid"
	wait "$pid" || status=$?
	if ((status == 0)); then
		printf '%-28s %7s%s\n' "$name" "$(duration $((SECONDS - start)))" "$(progress "$log")"
		return
	fi

	printf '%-28s %7s  FAILED, the end of its log:\n' "$name" "$(duration $((SECONDS - start)))"
	tail -n 20 "$log" | sed 's/^/    /'
	printf 'whole log: %s\nwhat to do: %s\n' "$log" "$hint"
	exit 1
}
