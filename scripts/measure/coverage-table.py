#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lines and branches of each function, from the output of gcov.

usage: coverage-table.py DIR UNCOVERED

DIR has the .gcda and .gcno files. Prints a table for mm/mmu_notifier.c, sums
for the other files, and the lines of mm/mmu_notifier.c that were not reached,
with the reason that the table UNCOVERED gives for the function.
"""

import collections
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

SUBJECT = "mmu_notifier.c"


def gcov(directory):
    """The files in the output of gcov."""
    counts = [str(p.resolve()) for p in sorted(directory.glob("*.gcda"))]
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(["gcov", "--json-format", "--branch-probabilities",
                        *counts], cwd=temporary, check=True,
                       stdout=subprocess.DEVNULL)
        for path in pathlib.Path(temporary).glob("*.gcov.json.gz"):
            with gzip.open(path) as file:
                yield from json.load(file)["files"]


def tally(lines):
    """Reached and all, of lines and of branches."""
    branches = [b for line in lines for b in line["branches"]]
    return (sum(line["count"] > 0 for line in lines), len(lines),
            sum(b["count"] > 0 for b in branches), len(branches))


def share(reached, total):
    return f"{reached:4}/{total:<4} {100 * reached / total if total else 100:5.1f}%"


def row(name, sums):
    print(f"{name:<48} {share(*sums[:2])}   {share(*sums[2:])}")


def by_function(file):
    functions = collections.defaultdict(list)
    for line in file["lines"]:
        functions[line.get("function_name", "(no function)")].append(line)
    return functions


def reasons(path):
    """The row of a function, without its name."""
    table = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            name, why = line.split(None, 1)
            table[name] = why
    return table


def show_missed(functions, why):
    print("\nlines that were not reached")
    for name, lines in functions.items():
        missed = [str(line["line_number"]) for line in lines
                  if not line["count"]]
        if missed:
            print(f"{name}: {' '.join(missed)}\n"
                  f"\t{why.get(name, 'not yet tested')}")


def main():
    directory = pathlib.Path(sys.argv[1])
    why = reasons(sys.argv[2])
    print(f"{'function or file':<48} {'lines':<16}   branches")
    for file in sorted(gcov(directory), key=lambda f: f["file"]):
        name = pathlib.Path(file["file"]).name
        if not file["file"].endswith(".c"):
            continue
        if name == SUBJECT:
            subject = by_function(file)
            for function, lines in subject.items():
                row(f"  {function}", tally(lines))
        row(name, tally(file["lines"]))
    show_missed(subject, why)


main()
