#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Make a table of the figures of scripts/bench/run.

Usage: report.py GOALS CSV <FIGURES

Each line of FIGURES is "KERNEL CASE SIZE MIB FIGURE ITEMS TICKS": KERNEL is "ours"
or "peer", MIB is the guest's memory, and a tick is 1 ns. Prints a table, and writes all
figures to CSV.
"""

import collections
import csv
import sys

CASES = ["nothing", "contiguous", "fragmented", "sparse", "mixed", "large", "memfd-4k",
         "memfd-2m", "memfd-scratch", "hugetlb-2m", "hugetlb-2m-hvo", "hugetlb-1g",
         "hugetlb-1g-hvo", "sessions", "memfds", "memfds-empty", "update"]
FIGURES = ["preserve", "unpreserve", "preserve_all", "unpreserve_all", "verify", "create",
           "preserve_fd", "preserve_fds", "update", "blackout", "blackout_added", "retrieve",
           "retrieve_fd", "retrieve_fds", "finish", "map"]
NODE_BITS = 8 * 4096
GROWTH_SHOWN = 1.1
COLUMNS = ["case", "size", "figure", "items", "ns/item", "ms", "goal", "met"]

Goal = collections.namedtuple("Goal", "unit limit mainline")


def read_goals(path):
    """Return the goals by (case, size, figure)."""
    goals = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                case, size, figure, unit, limit, mainline = line.split()
                goals[case, size, figure] = Goal(
                    unit, float(limit), None if mainline == "-" else float(mainline))
    return goals


def goal_of(goals, key):
    """Return the goal for this size, or for all sizes. Without a goal only its unit is set."""
    case, size, figure = key
    unit = {"map": "bits", "host_memory": "KiB"}.get(figure, "ms")
    return (goals.get((case, str(size), figure)) or goals.get((case, "*", figure)) or
            Goal(unit, None, None))


def read_figures(lines):
    """Return (items, ticks) by kernel and by (case, size, figure)."""
    figures = {"ours": {}, "peer": {}}
    memory = {}
    for line in lines:
        kernel, case, size, mib, figure, items, ticks = line.split()
        figures[kernel][case, int(size), figure] = int(items), int(ticks)
        memory[case, int(size)] = int(mib)
    for known in figures.values():
        derive(known, memory)
    return figures


def items_of(known, case, size):
    """Return how many items the case preserves."""
    for figure in ("preserve", "create", "preserve_fd", "preserve_fds", "update"):
        if (case, size, figure) in known:
            return known[case, size, figure][0]
    raise ValueError(f"{case} {size} has preserved nothing")


def derive(known, memory):
    """Add the figures that are computed from others."""
    for (case, size, figure), (items, ticks) in list(known.items()):
        if figure == "blackout" and case != "nothing":
            bare = known["nothing", memory[case, size], "blackout"][1]
            known[case, size, "blackout_added"] = items_of(known, case, size), ticks - bare
            del known[case, size, "blackout"]


def value(unit, items, ticks):
    """Return the value that a goal of this unit limits."""
    if unit == "ms":
        return ticks / 1e6
    if unit == "ns":
        return ticks / items
    if unit == "KiB":
        return ticks
    return ticks * NODE_BITS / items


def number(amount):
    """Format with three significant digits or more."""
    if abs(amount) >= 100:
        return f"{amount:.0f}"
    return f"{amount:.1f}" if abs(amount) >= 10 else f"{amount:.2f}"


def size_name(case, size):
    if case.startswith("memfds") or case in ("sessions", "update"):
        return str(size)
    return f"{size / 1024:g} GiB" if size >= 1024 else f"{size} MiB"


def make_row(key, figures, goal, with_peer):
    case, size, figure = key
    items, ticks = figures["ours"][key]
    ours = value(goal.unit, items, ticks)
    row = dict.fromkeys(COLUMNS + ["other", "ratio"], "")
    row.update(case=case, size=size_name(case, size), figure=figure, items=items)
    if figure == "map":
        row.update({"ns/item": f"{number(ours)} bits", "ms": f"{ticks} nodes"})
    else:
        row.update({"ns/item": number(ticks / items) if items > 1 else "", "ms": number(ticks / 1e6)})
    if goal.limit:
        row.update(goal=f"{goal.limit:g} {goal.unit}", met="yes" if ours <= goal.limit else "NO")
    other = goal.mainline
    if with_peer:
        other = value(goal.unit, *figures["peer"][key]) if key in figures["peer"] else None
    if other is not None:
        row["other"] = f"{number(other)} {goal.unit}"
        row["ratio"] = number(other / ours) if ours > 0 else ""
    return row


def make_rows(figures, goals):
    with_peer = bool(figures["peer"])
    # the map of few pages is mostly upper levels of the tree
    keys = [key for key in figures["ours"] if key[2] in FIGURES and
            (key[2] != "map" or key[0] in ("contiguous", "fragmented"))]
    keys.sort(key=lambda key: (CASES.index(key[0]), FIGURES.index(key[2]), key[1]))
    for key in keys:
        yield make_row(key, figures, goal_of(goals, key), with_peer)


def print_table(rows, headings):
    """Align words left and numbers right, with an empty line between cases."""
    table = [headings] + [[str(cell) for cell in row.values()] for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(headings))]
    last = None
    for line in table:
        if line[0] != last:
            print()
        last = line[0]
        cells = [cell.ljust(width) if i in (0, 2, 7) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
    print()


def print_growth(known):
    """Print the figures that cost more for each item if there are more items."""
    costs = collections.defaultdict(list)
    for (case, size, figure), (items, ticks) in sorted(known.items()):
        if figure in FIGURES and figure != "map" and case != "nothing":
            costs[case, figure].append((size, ticks / items))
    for (case, figure), sizes in costs.items():
        (least, first), (most, last) = sizes[0], sizes[-1]
        if last > first * GROWTH_SHOWN and first > 0:
            print(f"grows faster than the work: {case} {figure}, {last / first:.2f} times "
                  f"as much for each of {most} as of {least}")


def write_csv(path, figures, goals):
    """Write all figures in a form for programs."""
    with open(path, "w", encoding="ascii", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["kernel", "case", "size", "figure", "items", "ticks", "value",
                      "unit", "goal", "met", "mainline"])
        for kernel, known in figures.items():
            for key, (items, ticks) in sorted(known.items()):
                goal = goal_of(goals, key)
                amount = value(goal.unit, items, ticks)
                met = amount <= goal.limit if goal.limit else None
                out.writerow([kernel, *key, items, ticks, f"{amount:.6g}", goal.unit,
                              goal.limit, {True: "yes", False: "no"}.get(met), goal.mainline])


def main():
    goals = read_goals(sys.argv[1])
    figures = read_figures(sys.stdin)
    rows = list(make_rows(figures, goals))
    other = "peer" if figures["peer"] else "mainline*"
    print_table(rows, COLUMNS + [other, "ratio"])
    if not figures["peer"]:
        print("* mainline 7.3.4 as measured earlier, not in this run")
    memory = max(ticks for known in figures.values()
                 for key, (_, ticks) in known.items() if key[2] == "host_memory")
    print(f"peak memory of a guest on the host: {memory / 1024 / 1024:.1f} GiB")
    print("items are pages of 4 KiB, sessions, memfds or clients; bits are those of the map for each page")
    judged = [row for row in rows if row["met"]]
    print(f"{sum(row['met'] == 'yes' for row in judged)} of {len(judged)} goals met")
    print_growth(figures["ours"])
    write_csv(sys.argv[2], figures, goals)


if __name__ == "__main__":
    main()
