#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: fuzz.sh PROGRAM CORPUS SECONDS
# Run a fuzzer on its seeds, on the inputs in the directory CORPUS, which it has found in
# earlier runs, and on new inputs until SECONDS have passed. An input that ends the program
# is saved beside CORPUS. "KHO_FUZZ_LOG=1 PROGRAM FILE" reads it again and shows the log.
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
