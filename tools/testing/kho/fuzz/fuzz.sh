#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: fuzz.sh PROGRAM CORPUS SECONDS
# Run a fuzzer on its seeds, on the inputs that it has found before, which are in the
# directory CORPUS, and then for so many seconds in all on new ones. An input that
# ends it is kept beside the directory; PROGRAM FILE reads it again, with the log of
# what it reads if KHO_FUZZ_LOG=1 is set.
set -euo pipefail

program=$1
corpus=$2
seconds=$3
name=${program##*/fuzz-}

mkdir -p "$corpus"
"$program" --seeds "$corpus"
if "$program" -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 \
	-artifact_prefix="$corpus-" "$corpus" 2>&1 | sed -u "s/^/$name: /"; then
	echo "ok fuzz $name"
else
	echo "not ok fuzz $name"
	exit 1
fi
