#!/usr/bin/env python3
# Usage: scripts/series/series.py OUT <LIST
# Read series/ and make OUT/NN/ for each commit of the series: its message in
# "message", the names of its patches in "patches", below files/ each file of ours
# that it changes, as it is after the commit, and an empty "boot" if it is to boot.
# LIST has the paths of our files; it is an error if one of them, or a patch, is not
# in exactly one commit.
# SPDX-License-Identifier: GPL-2.0
"""series/NN-TOPIC is one commit: its message, a line "---", and what it brings.

	patch NAME		patches/NAME.patch
	file PATH		a file of ours; PATH/ for all files below
	lines PATH /FIRST/	of such a file, the line that FIRST matches
	lines PATH /FIRST/ /NEXT/
				and those after it, up to the next one that NEXT
				matches or to the end of the file
	boot			boot the kernel that is built of this commit

A file, or lines of it, come without the lines that later commits bring. If there
is no message, it is the one in the commit's only patch.
"""

import os
import re
import shutil
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SPEC = os.path.join(TOP, "series")
COVER_LETTER = "00-cover-letter"
PATCHES = os.path.join(TOP, "patches")
LINES = re.compile(r"(\S+) +/(.*?)/(?: +/(.*)/)?$")


class SpecError(Exception):
    """Something in series/ that can't be made a series of."""


def read_lines(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read().splitlines(keepends=True)


def split_at_mark(path):
    """What comes before the line "---", and what comes after it."""
    parts = re.split(r"^---\n", "".join(read_lines(path)), maxsplit=1, flags=re.M)
    if len(parts) != 2:
        raise SpecError(f"{path}: no line '---' after the message")
    return parts


class Commit:
    """One file of series/, as it stands there."""

    def __init__(self, name):
        self.name = name
        self.patches, self.files, self.lines = [], [], []
        self.boot = False
        head, tail = split_at_mark(f"series/{name}")
        for entry in tail.splitlines():
            if entry:
                self.read_entry(entry)
        self.message = head.strip() or self.message_of_patch()

    def read_entry(self, entry):
        kind, _, what = entry.partition(" ")
        if kind == "patch":
            self.patches.append(what)
        elif kind == "file":
            self.files.append(what)
        elif kind == "lines" and LINES.match(what):
            self.lines.append(LINES.match(what).groups())
        elif entry == "boot":
            self.boot = True
        else:
            raise SpecError(f"series/{self.name}: what is '{entry}'?")

    def message_of_patch(self):
        if len(self.patches) != 1:
            raise SpecError(f"series/{self.name}: no message, and not one patch that has it")
        return split_at_mark(f"patches/{self.patches[0]}.patch")[0].strip()


def only_once(what, brought):
    """Turn pairs of a thing and a commit's number into a dictionary."""
    commit_of = {}
    for thing, commit in brought:
        if thing in commit_of:
            raise SpecError(f"{what}{thing} is in two commits of series/")
        commit_of[thing] = commit
    return commit_of


def expand(commit, ours):
    """The files of a commit, with those below the directories that it names."""
    for path in commit.files:
        found = [file for file in ours if file == path or
                 (path.endswith("/") and file.startswith(path))]
        if not found:
            raise SpecError(f"series/{commit.name}: there is no {path} of ours")
        yield from found


def all_there(what, commit_of, wanted):
    missing = sorted(set(wanted) - set(commit_of))
    if missing:
        raise SpecError("in no commit of series/: " +
                        ", ".join(what + thing for thing in missing))
    extra = sorted(set(commit_of) - set(wanted))
    if extra:
        raise SpecError("in series/, but not here: " + ", ".join(what + thing for thing in extra))


def find_lines(content, first, after):
    """The numbers of the lines that a lines entry means."""
    starts = [nr for nr, line in enumerate(content) if re.search(first, line)]
    if len(starts) != 1:
        raise SpecError(f"/{first}/ matches {len(starts)} lines, one is needed")
    end = starts[0] + 1
    while after and end < len(content) and not re.search(after, content[end]):
        end += 1
    return slice(starts[0], end)


def owners_of_lines(commits, path, owner):
    """For each line of a file the number of the commit that brings it."""
    content = read_lines(path)
    owners = [owner] * len(content)
    for number, commit in enumerate(commits):
        for first, after in (entry[1:] for entry in commit.lines if entry[0] == path):
            if number <= owner:
                raise SpecError(f"series/{commit.name}: {path} is not there before")
            try:
                found = find_lines(content, first, after)
            except (SpecError, re.error) as error:
                raise SpecError(f"series/{commit.name}: {path}: {error}") from None
            if number in owners[found]:
                raise SpecError(f"series/{commit.name}: {path}: /{first}/ is there twice")
            owners[found] = [number] * len(owners[found])
    return content, owners


def write_file(out, path, content=None):
    target = os.path.join(out, "files", path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(os.path.join(TOP, path), target)
    shutil.copymode(os.path.join(TOP, path), target)
    if content is not None:
        with open(target, "w", encoding="utf-8") as file:
            file.writelines(content)


def write_grown(outs, commits, path, owner):
    """A file that comes in parts, in each commit that brings one."""
    content, owners = owners_of_lines(commits, path, owner)
    for number in sorted(set(owners) | {owner}):
        part = [line for line, by in zip(content, owners) if by <= number]
        # what separated the last part from those that follow
        while number < max(owners) and part and part[-1] == "\n":
            part.pop()
        write_file(outs[number], path, part)


def write_commits(out, commits, file_owners):
    outs = [os.path.join(out, f"{nr:02}") for nr in range(1, len(commits) + 1)]
    for directory, commit in zip(outs, commits):
        os.makedirs(os.path.join(directory, "files"))
        with open(os.path.join(directory, "message"), "w", encoding="utf-8") as file:
            file.write(commit.message + "\n")
        with open(os.path.join(directory, "patches"), "w", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in commit.patches)
        if commit.boot:
            open(os.path.join(directory, "boot"), "w", encoding="utf-8").close()

    grown = {path for commit in commits for path, _, _ in commit.lines}
    for path in grown - set(file_owners):
        raise SpecError(f"series/: lines of {path}, which no commit brings")
    for path, owner in file_owners.items():
        if path in grown:
            write_grown(outs, commits, path, owner)
        else:
            write_file(outs[owner], path)


def main():
    ours = sorted(sys.stdin.read().split("\n")[:-1])
    patches = [name[:-len(".patch")] for name in os.listdir(PATCHES) if name.endswith(".patch")]
    names = sorted(name for name in os.listdir(SPEC) if not re.search(r"^\.|~$", name))
    commits = [Commit(name) for name in names if name != COVER_LETTER]
    for number, commit in enumerate(commits, 1):
        if not commit.name.startswith(f"{number:02}-"):
            raise SpecError(f"series/{commit.name} is number {number:02}")

    file_owners = only_once("", ((path, nr) for nr, commit in enumerate(commits)
                                 for path in expand(commit, ours)))
    patch_owners = only_once("patches/", ((name, nr) for nr, commit in enumerate(commits)
                                          for name in commit.patches))
    all_there("", file_owners, ours)
    all_there("patches/", patch_owners, patches)
    write_commits(sys.argv[1], commits, file_owners)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(f"Usage: scripts/series/series.py OUT <LIST\n\n{__doc__}", end="")
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    try:
        main()
    except SpecError as error:
        sys.exit(f"make-series: {error}")
