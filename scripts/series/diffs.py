# SPDX-License-Identifier: GPL-2.0
"""Read, apply and make diffs of base files."""

import os
import re
import subprocess
import tempfile

HEADER = re.compile(r"diff --git a/(\S+) b/\1\n--- a/\1\n\+\+\+ b/\1\n")
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@.*\n")
CONTEXT = 3  # unchanged lines around a change
BASE = -1  # instead of a commit's number: the line is in the base


class DiffError(Exception):
    """A diff is malformed, or does not apply."""


class Line:
    """A line of a file.

    commit is the number of the commit that added it. cut is the number of the last commit
    that removed lines right before it without adding any. A line that a commit does not
    change is the same object in the states before and after that commit.
    """

    __slots__ = ("text", "commit", "cut")

    def __init__(self, text, commit):
        self.text, self.commit, self.cut = text, commit, BASE


class Hunk:
    """A change of one place: its start, and pairs of a mark (" ", "-" or "+") and a line."""

    def __init__(self, start, lines):
        self.start, self.lines = start, lines
        self.old = [text for mark, text in lines if mark != "+"]
        self.new = [text for mark, text in lines if mark != "-"]


def read_file(path):
    """Return the text of a file. write_file() restores bytes that are not UTF-8."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def write_file(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def lines_of(text):
    """Split a text into lines with their newlines. splitlines() would also split at form feeds."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def to_lines(text):
    """Return the first state of a file. An empty line marks the end."""
    return [Line(line, BASE) for line in lines_of(text) + [""]]


def to_text(lines):
    return "".join(line.text for line in lines)


def split(text):
    """Return the diffs in a text, by the file that they change."""
    diffs = {}
    for part in re.split(r"^(?=diff --git )", text, flags=re.M)[1:]:
        header = HEADER.match(part)
        if not header:
            raise DiffError("not a header as 'make refresh' writes it: " + lines_of(part)[0].rstrip())
        if header[1] in diffs:
            raise DiffError(f"two diffs of {header[1]}")
        diffs[header[1]] = part
    return diffs


def read_hunks(diff):
    """Return the hunks of the diff of one file."""
    lines = lines_of(diff)[3:]
    hunks, at = [], 0
    while at < len(lines):
        head = HUNK.match(lines[at])
        if not head:
            raise DiffError(f"not the start of a hunk: {lines[at].rstrip()}")
        start, old, _, new = (int(number or 1) for number in head.groups())
        at += 1
        content = []
        while at < len(lines) and not lines[at].startswith("@@"):
            mark, text = lines[at][0], lines[at][1:]
            if mark == "\\" and content:  # the line before has no newline at its end
                mark, text = content[-1][0], content.pop()[1].rstrip("\n")
            if mark not in " -+":
                raise DiffError(f"not a line of a hunk: {lines[at].rstrip()}")
            content.append((mark, text))
            at += 1
        hunk = Hunk(start - 1 if old else start, content)
        if (len(hunk.old), len(hunk.new)) != (old, new):
            raise DiffError(f"wrong number of lines: {head[0].rstrip()}")
        hunks.append(hunk)
    return hunks


def find(lines, wanted, expected, least):
    """Return where the wanted lines are, the place nearest to the expected one."""
    most = len(lines) - 1 - len(wanted)

    def is_at(start):
        return least <= start <= most and all(
            lines[start + nr].text == text for nr, text in enumerate(wanted))

    for distance in range(len(lines)):
        for start in (expected + distance, expected - distance):
            if is_at(start):
                return start
    return None


def apply(lines, diff, commit):
    """Return the state after a diff. Context must match exactly; line numbers may be off."""
    result, done, drift, cut = [], 0, 0, BASE

    def add(line):
        nonlocal cut
        line.cut, cut = max(line.cut, cut), BASE
        result.append(line)

    for hunk in read_hunks(diff):
        at = find(lines, hunk.old, hunk.start + drift, done)
        if at is None:
            raise DiffError(f"the hunk at line {hunk.start + 1} does not apply")
        drift = at - hunk.start
        for line in lines[done:at]:
            add(line)
        for mark, text in hunk.lines:
            if mark == "+":
                cut = BASE  # replaced
                add(Line(text, commit))
                continue
            if mark == " ":
                add(lines[at])
            else:
                cut = max(commit, cut)
            at += 1
        done = at
    for line in lines[done:]:
        add(line)
    return result


def make(path, before, after, context=CONTEXT):
    """Return the diff between two texts, "" if they are equal."""
    with tempfile.TemporaryDirectory() as top:
        write_file(os.path.join(top, "a", path), before)
        write_file(os.path.join(top, "b", path), after)
        diff = run_git(top, "diff", "--no-index", "--no-color", "--no-ext-diff", "--no-prefix",
                       f"-U{context}", f"a/{path}", f"b/{path}")
    return re.sub(r"^index .*\n", "", diff, count=1, flags=re.M)


def merge(path, edited, laid, wanted):
    """Apply the difference between laid and edited to wanted."""
    with tempfile.TemporaryDirectory() as top:
        for name, text in (("edited", edited), ("laid", laid), ("wanted", wanted)):
            write_file(os.path.join(top, name), text)
        try:
            return run_git(top, "merge-file", "-p", "wanted", "laid", "edited", good=(0,))
        except subprocess.CalledProcessError:
            raise DiffError(f"{path}: series/ has changed the same lines since it was laid; save "
                            "the file, delete it, run 'make kernel' and edit it again") from None


def run_git(top, *args, good=(0, 1)):
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env.update(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
    done = subprocess.run(["git", *args], cwd=top, env=env, stdout=subprocess.PIPE, check=False,
                          encoding="utf-8", errors="surrogateescape")
    if done.returncode not in good:
        raise subprocess.CalledProcessError(done.returncode, done.args)
    return done.stdout
