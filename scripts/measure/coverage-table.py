#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print how many lines and branches the tests reached.

usage: coverage-table.py INFO UNCOVERED

The program lcov writes the file INFO. coverage-table.py prints a table with a row for each
function of mm/mmu_notifier.c, and a row for each file. Below the table, coverage-table.py
prints the numbers of the lines of mm/mmu_notifier.c that the tests did not reach. The file
UNCOVERED has, for each function, the reason why the tests do not reach lines of the
function.
"""

import bisect
import collections
import pathlib
import sys

SUBJECT = "mmu_notifier.c"


class File:
    """The coverage of a source file. geninfo(1) describes the records in INFO."""

    def __init__(self, path):
        self.path = path
        self.functions = {}     # number of the first line: name
        self.lines = {}         # number of the line: count
        self.branches = collections.defaultdict(list)

    def take(self, key, fields):
        if key == "FN":
            self.functions[int(fields[0])] = fields[-1]
        elif key == "DA":
            self.lines[int(fields[0])] = int(fields[1])
        elif key == "BRDA":
            self.branches[int(fields[0])].append(fields[3] not in ("-", "0"))

    def by_function(self):
        """Return a dict from the names of functions to the numbers of their lines."""
        starts = sorted(self.functions)
        found = collections.defaultdict(list)
        for line in sorted(self.lines):
            place = bisect.bisect(starts, line) - 1
            found[self.functions[starts[place]]].append(line)
        return found

    def row(self, name, lines):
        taken = [t for line in lines for t in self.branches.get(line, ())]
        reached = sum(self.lines[line] > 0 for line in lines)
        print(f"{name:<48} {share(reached, len(lines))}   "
              f"{share(sum(taken), len(taken))}")


def share(reached, total):
    return f"{reached:4}/{total:<4} {100 * reached / total if total else 100:5.1f}%"


def read_info(path):
    files = []
    for text in pathlib.Path(path).read_text().splitlines():
        key, _, rest = text.partition(":")
        if key == "SF":
            files.append(File(rest))
        elif files:
            files[-1].take(key, rest.split(","))
    return sorted(files, key=lambda file: file.path)


def reasons(path):
    """Return a dict from the names of functions to the reasons in the file UNCOVERED."""
    rows = pathlib.Path(path).read_text().splitlines()
    return dict(row.split(None, 1) for row in rows if row and row[0] != "#")


def show_missed(file, why):
    print("\nlines that the tests did not reach")
    for name, lines in file.by_function().items():
        missed = [str(line) for line in lines if not file.lines[line]]
        if missed:
            print(f"{name}: {' '.join(missed)}\n\t{why.get(name, 'not yet tested')}")


def main():
    files = read_info(sys.argv[1])
    why = reasons(sys.argv[2])
    print(f"{'function or file':<48} {'lines':<16}   branches")
    for file in files:
        name = pathlib.Path(file.path).name
        if name == SUBJECT:
            subject = file
            for function, lines in file.by_function().items():
                file.row(f"  {function}", lines)
        file.row(name, file.lines)
    show_missed(subject, why)


main()
