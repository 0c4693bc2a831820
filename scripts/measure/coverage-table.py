#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print how many lines and branches the tests reached.

usage: coverage-table.py [--bars] UNCOVERED SERIES TIER=INFO...

The program lcov writes the file INFO, with the counts of one tier: "guest" for the tests in
a guest, or "quick" for the program of make quick. coverage-table.py prints a table with a
column for each tier. The table has a row for each function of mm/mmu_notifier.c, and a row
for each file. Below the table, coverage-table.py prints what the tests did not reach in
mm/mmu_notifier.c. SERIES is the version of the kernel, such as 6.1. The file UNCOVERED
describes its rows. coverage-table.py exits with status 1 if a row of UNCOVERED is wrong.
With --bars, coverage-table.py also exits with status 1 if the tier "quick" reaches a smaller
share of mm/mmu_notifier.c than BARS.
"""

import bisect
import collections
import itertools
import pathlib
import sys

SUBJECT = "mmu_notifier.c"
BARS = {"lines": 99, "branches": 95}    # percent
EXCLUDED = ("WARN", "BUG", "assertion", "overflow")


class Row:
    """A row of UNCOVERED about a line of a function."""

    def __init__(self, place, function, fields):
        self.place = place
        self.function = function
        kind, kernels, self.text, *rest = fields
        self.kind, _, most = kind.partition(":")
        self.most = int(most or 1)
        self.kernels = kernels.split(",")
        self.reason = rest[0] if rest else f"an arm of {self.kind}"
        if self.kind not in (*EXCLUDED, "wanted"):
            sys.exit(f"{place}: there is no kind {self.kind}")

    def excludes(self):
        return self.kind in EXCLUDED

    def is_for(self, series):
        return "all" in self.kernels or series in self.kernels


class File:
    """The counts of a source file. geninfo(1) describes the records in INFO."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.name = self.path.name
        self.functions = {}     # number of the first line: name
        self.lines = {}         # number of the line: count
        self.branches = collections.defaultdict(list)
        self.rows = {}          # number of the line: row of UNCOVERED that excludes it

    def take(self, key, fields):
        if key == "FN":
            self.functions[int(fields[0])] = fields[-1]
        elif key == "DA":
            self.lines[int(fields[0])] = int(fields[1])
        elif key == "BRDA":
            self.branches[int(fields[0])].append(fields[3] not in ("-", "0"))

    def by_function(self, starts):
        """Return a dict from the names of functions to the numbers of their lines."""
        first = sorted(starts)
        found = collections.defaultdict(list)
        for line in sorted(self.lines):
            place = bisect.bisect(first, line) - 1
            found[starts[first[place]]].append(line)
        return found

    def missed_branches(self, line):
        return self.branches.get(line, []).count(False)

    def excluded_branches(self, line):
        row = self.rows.get(line)
        return min(row.most, self.missed_branches(line)) if row else 0

    def is_reached(self, line):
        return self.lines[line] > 0 and not self.missed_branches(line)

    def counts(self, line):
        """Return whether a line counts. Only an excluded arm without branches does not."""
        return line not in self.rows or self.lines[line] > 0 or line in self.branches

    def is_missed(self, line):
        """Return whether a line, or a branch of the line, is missed and not excluded."""
        missed = self.missed_branches(line) > self.excluded_branches(line)
        return missed or (self.counts(line) and not self.lines[line])

    def sums(self, lines):
        """Return reached lines, all lines, reached branches, all branches."""
        counted = [n for n in lines if self.counts(n)]
        taken = [t for n in lines for t in self.branches.get(n, ())]
        excluded = sum(self.excluded_branches(n) for n in lines)
        return (sum(self.lines[n] > 0 for n in counted), len(counted),
                sum(taken), len(taken) - excluded)


def share(reached, total):
    return f"{reached:4}/{total:<4} {100 * reached / total if total else 100:5.1f}%"


def cell(file, lines):
    """Return the columns of a tier, or blanks if the tier has no such lines."""
    if file is None or not lines:
        return " " * 33
    one, two, three, four = file.sums(lines)
    return f"{share(one, two)}   {share(three, four)}"


def read_info(path):
    """Return a dict from the names of files to the files in INFO."""
    files = []
    for text in pathlib.Path(path).read_text().splitlines():
        key, _, rest = text.partition(":")
        if key == "SF":
            files.append(File(rest))
        elif files:
            files[-1].take(key, rest.split(","))
    return {file.name: file for file in sorted(files, key=lambda file: file.path)}


def read_uncovered(path):
    """Return a dict from functions to reasons, and the rows about lines."""
    reasons, rows, function = {}, [], None
    for number, text in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        if not text or text[0] == "#":
            continue
        fields = [field for field in text.split("\t") if field]
        if text[0] == "\t":
            rows.append(Row(f"{path}:{number}", function, fields))
        else:
            function = fields[0]
            reasons.update({function: fields[1]} if fields[1:] else {})
    return reasons, rows


def source_of(file):
    return [""] + [text.strip() for text in file.path.read_text().splitlines()]


def matching(row, lines, source):
    """Return the numbers of the lines in the function of a row that the row describes."""
    return [n for n in lines.get(row.function, ()) if source[n] == row.text]


def complaints(file, lines, source, rows):
    """Yield what is wrong with rows of UNCOVERED."""
    for row in rows:
        found = matching(row, lines, source)
        if not found:
            yield f"{row.place}: {row.function}() has no line {row.text}"
        for n in found:
            if file.is_reached(n):
                yield (f"{row.place}: the row says {row.kind}, and quick reaches "
                       f"{SUBJECT}:{n}: {row.text}")


def below_bars(file):
    """Yield the bars that the counts of make quick do not reach."""
    sums = file.sums(file.lines)
    for (what, bar), reached, total in zip(BARS.items(), sums[::2], sums[1::2]):
        if 100 * reached < bar * total:
            yield f"quick reaches {reached} of {total} {what}, which is less than {bar} %"


def show_missed(file, lines, why):
    print("\nlines that the tests in the guest did not reach")
    for name, numbers in lines.items():
        missed = [str(n) for n in numbers if file.counts(n) and not file.lines[n]]
        if missed:
            print(f"{name}: {' '.join(missed)}\n\t{why.get(name, 'not yet tested')}")


def show_missed_by_quick(file, lines, source, wanted):
    print("\nlines and branches that quick did not reach and that no row excludes")
    reasons = {n: row.reason for row in wanted for n in matching(row, lines, source)}
    for numbers in lines.values():
        missed = filter(file.is_missed, numbers)
        for why, group in itertools.groupby(missed, lambda n: reasons.get(n, "not yet tested")):
            for n in group:
                print(f"mm/{SUBJECT}:{n}: {source[n]}")
            print(f"\t{why}")


def show_table(tiers):
    """Print the table, and return the functions of SUBJECT and their first lines."""
    starts = {}
    for files in tiers.values():
        starts |= files[SUBJECT].functions
    print(f"{'':<48}" + "".join(f" {tier:<36}" for tier in tiers).rstrip())
    print(f"{'function or file':<48}" + f" {'lines':<16}   {'branches':<17}" * len(tiers))
    for name in sorted({name for files in tiers.values() for name in files}):
        columns = [files.get(name) for files in tiers.values()]
        if name == SUBJECT:
            show_functions(columns, starts)
        print(f"{name:<48} " + "    ".join(
            cell(file, file and file.lines) for file in columns).rstrip())
    return starts


def show_functions(columns, starts):
    parts = [file.by_function(starts) for file in columns]
    for name in (starts[n] for n in sorted(starts)):
        print(f"  {name:<46} " + "    ".join(
            cell(file, part.get(name)) for file, part in zip(columns, parts)).rstrip())


def main():
    """Print the table, and what is missing."""
    bars = sys.argv[1] == "--bars"
    uncovered, series, *arguments = sys.argv[1 + bars:]
    tiers = {tier: read_info(path) for tier, path in
             (argument.split("=", 1) for argument in arguments)}
    why, rows = read_uncovered(uncovered)
    rows = [row for row in rows if row.is_for(series)]
    for files in tiers.values():
        file = files[SUBJECT]
        lines, source = file.by_function(file.functions), source_of(file)
        file.rows = {n: row for row in rows if row.excludes()
                     for n in matching(row, lines, source)}
    starts = show_table(tiers)
    if "guest" in tiers:
        file = tiers["guest"][SUBJECT]
        show_missed(file, file.by_function(starts), why)
    wrong = []
    if "quick" in tiers:
        file = tiers["quick"][SUBJECT]
        lines, source = file.by_function(starts), source_of(file)
        wanted = [row for row in rows if not row.excludes()]
        show_missed_by_quick(file, lines, source, wanted)
        wrong = list(complaints(file, lines, source, rows))
        wrong += below_bars(file) if bars else []
    print("".join(f"{text}\n" for text in wrong), end="", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
