#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: stamp.py LOG STAMPS
Write each line that is added to LOG to STAMPS, with the time in milliseconds before it.
"""

import sys
import time


def main(log, stamps):
    """Follow the log until this process is ended."""
    rest = b""
    while True:
        rest += log.read()
        *lines, rest = rest.split(b"\n")
        for line in lines:
            stamps.write(b"%d %s\n" % (time.monotonic_ns() // 1000000, line.rstrip(b"\r")))
        time.sleep(0.005)


if len(sys.argv) != 3:
    sys.exit(__doc__)
with open(sys.argv[1], "rb", buffering=0) as source, \
        open(sys.argv[2], "wb", buffering=0) as target:
    main(source, target)
