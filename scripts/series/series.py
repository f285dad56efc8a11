#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Usage: scripts/series/series.py ours [GLOB] | changed | stage BASE OUT
Read the series of patches.
  ours [GLOB]     print our files that have the same path in the kernel, or those of them
                  whose names match
  changed         print the files of the base that the series changes
  stage BASE OUT  make OUT/NAME/ for each commit. It contains "message", below files/ the
                  files that the commit changes or brings, in their state after the commit,
                  and an empty file "boot" for commits that must boot.

HACKING.md describes the files in series/.
"""

import fnmatch
import os
import re
import shutil
import subprocess
import sys

import diffs

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
OUR_DIRS = "Documentation arch drivers include kernel lib mm samples tools".split()
LINES = re.compile(r"(\S+) +/(.*?)/(?: +/(.*)/)?$")
MAINTAINERS = "MAINTAINERS"


class SeriesError(Exception):
    """series/ is malformed, or does not fit our files or the base."""


def our_files():
    """Return the files that have the same path in the kernel, without backups and build output."""
    found = []
    for top in OUR_DIRS:
        for path, _, names in os.walk(os.path.join(TOP, top)):
            found += [os.path.relpath(os.path.join(path, name), TOP) for name in names
                      if not re.search(r"\.orig$|\.rej$|~$|^\..*\.swp$", name)]
    return sorted(set(found) - ignored_files())


def ignored_files():
    """Return the files that .gitignore names, if there is git."""
    if not os.path.exists(os.path.join(TOP, ".git")) or not shutil.which("git"):
        return set()
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--"]
    return set(subprocess.check_output(command + OUR_DIRS, cwd=TOP, text=True).split("\0"))


def merge_maintainers(ours, base):
    """Insert our sections into the base's file in alphabetical order.

    The base is not strictly in order. A section goes after the last one of the base whose
    title is lower.
    """
    def paragraphs(text):
        return re.split(r"\n\n+", text.strip("\n"))

    def title(section):
        return section.split("\n")[0].upper()

    def is_section(paragraph):
        return re.match(r"[^\n\t ][^\n]*\n[A-Z]:\t", paragraph)

    result = paragraphs(base)
    for section in reversed([section for section in paragraphs(ours) if is_section(section)]):
        place = max(nr for nr, other in enumerate(result) if is_section(other) and
                    title(other) < title(section) and title(other) != "THE REST")
        result.insert(place + 1, section)
    return "\n\n".join(result) + "\n"


class Commit:
    """A file series/NAME.patch."""

    def __init__(self, number, name):
        self.number, self.name = number, name
        self.path = os.path.join(TOP, "series", f"{name}.patch")
        self.files, self.lines, self.boot = [], [], False
        if not os.path.isfile(self.path):
            raise SeriesError(f"series/order names {name}, but there is no series/{name}.patch")
        text = diffs.read_file(self.path)
        self.head = re.split(r"^diff --git ", text, maxsplit=1, flags=re.M)[0].rstrip("\n")
        self.message, mark, entries = f"{self.head}\n".partition("\n---\n")
        if not mark:
            raise SeriesError(f"series/{name}.patch: no line '---' after the message")
        try:
            self.diffs = diffs.split(text)
        except diffs.DiffError as error:
            raise SeriesError(f"series/{name}.patch: {error}") from None
        for entry in filter(None, entries.split("\n")):
            self.read_entry(entry)

    def read_entry(self, entry):
        kind, _, what = entry.partition(" ")
        if kind == "file":
            self.files.append(what)
        elif kind == "lines" and LINES.match(what):
            self.lines.append(LINES.match(what).groups())
        elif entry == "boot":
            self.boot = True
        else:
            raise SeriesError(f"series/{self.name}.patch: unknown entry '{entry}'")

    def apply(self, path, lines):
        """Return the state of a base file after this commit."""
        try:
            return diffs.apply(lines, self.diffs[path], self.number)
        except diffs.DiffError as error:
            raise SeriesError(f"series/{self.name}.patch: {path}: {error}") from None

    def write(self):
        parts = [part for _, part in sorted(self.diffs.items()) if part]
        text = self.head + "\n" + ("\n" if parts else "") + "".join(parts)
        diffs.write_file(self.path, text)


def find_lines(content, first, after):
    """Return the range of lines that a "lines" entry names."""
    starts = [nr for nr, line in enumerate(content) if re.search(first, line)]
    if len(starts) != 1:
        raise SeriesError(f"/{first}/ matches {len(starts)} lines, one is needed")
    end = starts[0] + 1
    while after and end < len(content) and not re.search(after, content[end]):
        end += 1
    return slice(starts[0], end)


class Series:
    """All commits, in order."""

    def __init__(self):
        names = diffs.read_file(os.path.join(TOP, "series/order")).split()
        there = [name[:-len(".patch")] for name in os.listdir(os.path.join(TOP, "series"))
                 if name.endswith(".patch")]
        for name in sorted(there):
            if names.count(name) != 1:
                raise SeriesError(f"series/order has {name} {names.count(name)} times, not once")
        self.commits = [Commit(number, name) for number, name in enumerate(names)]

    def changed(self):
        """Return the files of the base that the series changes."""
        return sorted({path for commit in self.commits for path in commit.diffs})

    def states(self, base, path):
        """Return the states of such a file: pairs of a commit's number and the lines after it."""
        found = [(diffs.BASE, diffs.to_lines(diffs.read_file(os.path.join(base, path))))]
        for commit in self.commits:
            if path in commit.diffs:
                found.append((commit.number, commit.apply(path, found[-1][1])))
        return found

    def owners(self, ours):
        """Map each of our files to its commit, the one that names it with the longest path."""
        owner, named = {}, {}
        for commit in self.commits:
            for path in commit.files:
                if path in named:
                    raise SeriesError(f"{path} is in both {named[path].name} and {commit.name}")
                named[path] = commit
        for path in sorted(named, key=len):
            found = [file for file in ours if file == path or
                     (path.endswith("/") and file.startswith(path))]
            if not found:
                raise SeriesError(f"series/{named[path].name}.patch: there is no {path} of ours")
            owner.update((file, named[path]) for file in found)
        missing = [file for file in ours if file not in owner]
        if missing:
            raise SeriesError("in no commit of series/: " + ", ".join(missing))
        for commit in self.commits:
            for path, _, _ in commit.lines:
                if owner.get(path, commit).number >= commit.number:
                    raise SeriesError(f"series/{commit.name}.patch: {path} is not there before")
        return owner

    def parts(self, path, owner):
        """Yield the states of one of our files: pairs of a commit and the text after it."""
        content = diffs.lines_of(diffs.read_file(os.path.join(TOP, path)))
        numbers = [owner.number] * len(content)
        for commit in self.commits:
            for first, after in (entry[1:] for entry in commit.lines if entry[0] == path):
                try:
                    found = find_lines(content, first, after)
                except (SeriesError, re.error) as error:
                    raise SeriesError(f"series/{commit.name}.patch: {path}: {error}") from None
                if commit.number in numbers[found]:
                    raise SeriesError(f"series/{commit.name}.patch: {path}: /{first}/ comes twice")
                numbers[found] = [commit.number] * len(numbers[found])
        for number in sorted(set(numbers) | {owner.number}):
            part = [line for line, by in zip(content, numbers) if by <= number]
            # empty lines at the end separate the part from later ones
            while number < max(numbers) and part and part[-1] == "\n":
                part.pop()
            yield self.commits[number], "".join(part)


def stage(base, out):
    """Make a directory for each commit."""
    series = Series()

    def write(commit, path, text, like):
        target = os.path.join(out, commit.name, "files", path)
        diffs.write_file(target, text)
        shutil.copymode(like, target)

    for commit in series.commits:
        os.makedirs(os.path.join(out, commit.name, "files"))
        diffs.write_file(os.path.join(out, commit.name, "message"), commit.message + "\n")
        if commit.boot:
            diffs.write_file(os.path.join(out, commit.name, "boot"), "")
    for path in series.changed():
        for number, lines in series.states(base, path)[1:]:
            write(series.commits[number], path, diffs.to_text(lines), os.path.join(base, path))
    for path, owner in series.owners(our_files() + [MAINTAINERS]).items():
        for commit, text in series.parts(path, owner):
            if path == MAINTAINERS:
                text = merge_maintainers(text, diffs.read_file(os.path.join(base, path)))
            write(commit, path, text, os.path.join(TOP, path))


def run(main, doc):
    """Run main with the arguments. It returns False if these are wrong."""
    try:
        if main(sys.argv[1:]) is False:
            print(doc, end="")
            sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    except SeriesError as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")


def main(args):
    if args[:1] == ["ours"] and len(args) <= 2:
        pattern = (args + ["*"])[1]
        sys.stdout.writelines(f"{path}\n" for path in our_files()
                              if fnmatch.fnmatch(os.path.basename(path), pattern))
    elif args == ["changed"]:
        sys.stdout.writelines(f"{path}\n" for path in Series().changed())
    elif args[:1] == ["stage"] and len(args) == 3:
        stage(*args[1:])
    else:
        return False
    return True


if __name__ == "__main__":
    run(main, __doc__)
