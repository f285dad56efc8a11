# SPDX-License-Identifier: GPL-2.0
"""Find out what "make kernel" laid in build/linux/, and what was edited since."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../series"))

from diffs import read_file, to_text
from series import MAINTAINERS, SeriesError, TOP, merge_maintainers, our_files


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def write_changed(path, content, like):
    """Write a file if that changes it. make looks at its time."""
    for top, _, _ in os.walk(path, topdown=False):
        try:
            os.rmdir(top)
        except OSError:
            raise SeriesError(f"{top} is in the way of a file, and not empty: delete it") from None
    if not os.path.isfile(path) or read_bytes(path) != content:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    if os.stat(path).st_mode != os.stat(like).st_mode:
        shutil.copymode(like, path)


def base_files(base):
    """Return the files of a base. Those of a checkout are the tracked ones."""
    if not os.path.exists(os.path.join(base, ".git")):
        return find(base)

    def list_files(*args):
        command = ["git", "-C", base, "ls-files", "-z", *args]
        return set(os.fsdecode(subprocess.check_output(command)).split("\0")) - {""}

    missing = sorted(list_files("--deleted"))
    if missing:
        raise SeriesError(f"{base} lacks files that git tracks there: {', '.join(missing[:5])}")
    return list_files()


def contents(series, base):
    """Map each file that differs from the base to its content and a file with its mode."""
    def encode(text):
        return text.encode("utf-8", "surrogateescape")

    result = {}
    for path in series.changed():
        if not os.path.isfile(os.path.join(base, path)):
            raise SeriesError(f"series/ changes {path}, which {base} does not have")
        result[path] = (encode(to_text(series.states(base, path)[-1][1])), os.path.join(base, path))
    for path in our_files():
        if os.path.exists(os.path.join(base, path)):
            raise SeriesError(f"{path} is a file of the base, which only series/ can change")
        result[path] = (read_bytes(os.path.join(TOP, path)), os.path.join(TOP, path))
    result[MAINTAINERS] = (encode(merge_maintainers(
        read_file(os.path.join(TOP, MAINTAINERS)),
        read_file(os.path.join(base, MAINTAINERS)))), os.path.join(base, MAINTAINERS))
    return result


def find(top, *tests):
    """Return the names of all files below a directory that pass the tests of find."""
    if not os.path.isdir(top):
        return set()
    command = ["find", top, "!", "-type", "d", *tests, "-printf", "%P\\0"]
    return set(os.fsdecode(subprocess.check_output(command)).split("\0")) - {""}


class LaidTree:
    """A laid tree, and the directory next to it that records what was laid."""

    def __init__(self, path):
        self.path = path
        self.state = f"{path}.state"
        self.copies = os.path.join(self.state, "files")  # files that differ from the base
        self.name = os.path.join(self.state, "base")  # starts with the path of the base
        self.stamp = os.path.join(self.state, "stamp")  # written last

    def is_laid(self):
        return os.path.isfile(self.stamp)

    def base(self):
        return read_file(self.name).split("\n")[0].rsplit(" ", 2)[0]

    def find(self):
        return find(self.path)

    def copied(self):
        return find(self.copies)

    def laid(self, path):
        """Return a file with the content that was laid as path."""
        copy = os.path.join(self.copies, path)
        return copy if os.path.isfile(copy) else os.path.join(self.base(), path)

    def edits(self, wanted):
        """Return the files that were edited, and differ from the wanted content."""
        found = []
        for path in find(self.path, "-type", "f", "-cnewer", self.stamp):
            laid, base = self.laid(path), os.path.join(self.base(), path)
            if not os.path.isfile(laid):
                continue
            content, fine = read_bytes(os.path.join(self.path, path)), [read_bytes(laid)]
            if path in wanted:
                fine.append(wanted[path][0])
            elif os.path.isfile(base):
                fine.append(read_bytes(base))
            if content not in fine:
                found.append(path)
        return sorted(found)
