#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print how many lines and branches the tests reached.

usage: coverage-table.py [--complete TIER,...] ASSERTIONS UNCOVERED SERIES TIER=INFO...

The program lcov writes the file INFO, with the counts of one tier: "guest" for the tests in
a guest, or "quick" for the program of make quick. coverage-table.py prints a table with a
column for each tier. The table has a row for each function of mm/mmu_notifier.c, and a row
for each file. Below the table, coverage-table.py prints how many arms of assertions it has
excluded in mm/mmu_notifier.c, and what each tier did not reach there, with the reason.

The file ASSERTIONS has the names of the assertions, and the file UNCOVERED has the reasons.
SERIES is the version of the kernel, such as 6.1. coverage-table.py exits with status 1 if no
line has the text of a row of UNCOVERED. --complete names the tiers of which all tests have
run. For these tiers, coverage-table.py also exits with status 1 if the tests reached a line
that has a reason, or reached a smaller share of mm/mmu_notifier.c than BARS.
"""

import itertools
import pathlib
import sys

import arms
import counts
import reasons

SUBJECT = "mm/mmu_notifier.c"
NAME = pathlib.Path(SUBJECT).name
BARS = {"quick": {"lines": 99, "branches": 95},
        "guest": {"lines": 97, "branches": 90}}     # percent
NO_REASON = "NO REASON: write a test, or add a row to scripts/measure/uncovered"


def share(reached, total):
    return f"{reached:4}/{total:<4} {100 * reached / total if total else 100:5.1f}%"


def cell(file, lines):
    """Return the columns of a tier, or blanks if the tier has no such lines."""
    if file is None or not lines:
        return " " * 33
    one, two, three, four = file.sums(lines)
    return f"{share(one, two)}   {share(three, four)}"


def show_table(tiers):
    print(f"{'':<48}" + "".join(f" {tier:<36}" for tier in tiers).rstrip())
    print(f"{'function or file':<48}" + f" {'lines':<16}   {'branches':<17}" * len(tiers))
    for name in sorted({name for files in tiers.values() for name in files}):
        columns = [files.get(name) for files in tiers.values()]
        if name == NAME:
            show_functions(columns)
        print(f"{name:<48} " + "    ".join(
            cell(file, file and file.lines) for file in columns).rstrip())


def show_functions(columns):
    starts = {}
    for file in columns:
        starts |= file.functions
    parts = [file.by_function(starts) for file in columns]
    for name in (starts[n] for n in sorted(starts)):
        print(f"  {name:<46} " + "    ".join(
            cell(file, part.get(name)) for file, part in zip(columns, parts)).rstrip())


def missed_text(file, source, line):
    """Return what was missed in a line, and the line."""
    what = "line"
    if file.lines[line]:
        what = f"{file.missed(line)} of {len(file.branches[line])} branches"
    return f"{SUBJECT}:{line}: {what}: {source[line]}"


def show_missed(tier, file, why):
    excluded = ", ".join(f"{name} {count}" for name, count in sorted(file.macros.items())
                         if count)
    print(f"\n{tier}: arms of assertions that are excluded: {file.macros.total()} branches "
          f"({excluded or 'none'}), {len(file.excluded_lines)} lines")
    print(f"{tier}: lines and branches that were not reached")
    missed, source = filter(file.is_missed, sorted(file.lines)), file.source()
    for reason, group in itertools.groupby(missed, lambda n: why.of.get(n, NO_REASON)):
        for n in group:
            print(missed_text(file, source, n))
        print(f"\t{reason}")


def below_bars(tier, file):
    """Yield the bars that the counts of a tier do not reach."""
    sums = file.sums(file.lines)
    for (what, bar), reached, total in zip(BARS[tier].items(), sums[::2], sums[1::2]):
        if 100 * reached < bar * total:
            yield f"{tier} reaches {reached} of {total} {what}, which is less than {bar} %"


def report(tier, file, rows, complete):
    """Print what a tier did not reach. Returns what is wrong."""
    why = reasons.Reasons(rows, file, complete)
    show_missed(tier, file, why)
    return why.complaints + (list(below_bars(tier, file)) if complete else [])


def main():
    """Print the table, and what is missing."""
    arguments, complete = sys.argv[1:], ""
    if arguments[0] == "--complete":
        complete, arguments = arguments[1], arguments[2:]
    assertions, uncovered, series, *infos = arguments
    tiers = {tier: counts.read_counts(path) for tier, path in
             (info.split("=", 1) for info in infos)}
    patterns = arms.patterns_in(pathlib.Path(assertions))
    for files in tiers.values():
        file = files[NAME]
        file.exclude(arms.assertions_in(file.path.read_text(), patterns))
    show_table(tiers)
    rows, wrong = reasons.read_rows(uncovered, SUBJECT), []
    for tier, files in tiers.items():
        wrong += report(tier, files[NAME], [row for row in rows if row.is_for(tier, series)],
                        tier in complete.split(","))
    print("".join(f"{text}\n" for text in wrong), end="", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
