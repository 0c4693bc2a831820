# SPDX-License-Identifier: GPL-2.0
"""The counts of lines and branches that the program lcov writes."""

import bisect
import collections
import pathlib


class File:
    """The counts of a source file. geninfo(1) describes the records in the file of lcov."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.name = self.path.name
        self.functions = {}     # number of the first line: name
        self.lines = {}         # number of the line: count
        self.branches = collections.defaultdict(list)
        self.excluded = collections.Counter()   # number of the line: excluded branches
        self.excluded_lines = set()
        self.macros = collections.Counter()     # name of an assertion: excluded branches

    def take(self, key, fields):
        if key == "FN":
            self.functions[int(fields[0])] = fields[-1]
        elif key == "DA":
            self.lines[int(fields[0])] = int(fields[1])
        elif key == "BRDA":
            self.branches[int(fields[0])].append(fields[3] not in ("-", "0"))

    def drop_duplicates(self):
        """Drop the branches of the first line of each function.

        If a function begins with a branch, gcov counts the branch twice: for its own line,
        and for the first line of the function.
        """
        for line in self.functions:
            self.branches.pop(line, None)

    def source(self):
        """Return the text of the lines, of which number 1 is the first."""
        return [""] + [text.strip() for text in self.path.read_text().splitlines()]

    def by_function(self, starts):
        """Return a dict from the names of functions to the numbers of their lines."""
        first = sorted(starts)
        found = collections.defaultdict(list)
        for line in sorted(self.lines):
            place = bisect.bisect(first, line) - 1
            found[starts[first[place]]].append(line)
        return found

    def exclude(self, assertions):
        """Exclude the arms of the assertions that no test reached."""
        for assertion in assertions:
            branches = sum(len(self.branches.get(n, ())) for n in assertion.lines)
            left = assertion.arms(branches)
            for n in assertion.lines:
                left -= self.exclude_branches(assertion, n, left)
            for n in assertion.body:
                self.exclude_branches(assertion, n, self.missed(n))
                self.excluded_lines |= {n} if self.lines.get(n) == 0 else set()

    def exclude_branches(self, assertion, line, most):
        """Exclude at most MOST branches of a line. Returns how many."""
        count = min(most, self.missed(line))
        self.excluded[line] += count
        self.macros[assertion.name] += count
        return count

    def missed(self, line):
        """Return the number of branches that were not reached and are not excluded."""
        return self.branches.get(line, []).count(False) - self.excluded[line]

    def is_missed(self, line):
        """Return whether a line, or a branch of the line, was missed and is not excluded."""
        return self.missed(line) > 0 or (
            not self.lines[line] and line not in self.excluded_lines)

    def sums(self, lines):
        """Return reached lines, all lines, reached branches, all branches."""
        counted = [n for n in lines if n not in self.excluded_lines]
        taken = sum(sum(self.branches.get(n, ())) for n in lines)
        missed = sum(self.missed(n) for n in lines)
        return (sum(self.lines[n] > 0 for n in counted), len(counted), taken, taken + missed)


def read_counts(path):
    """Return a dict from the names of files to the files in the file of lcov."""
    files = []
    for text in pathlib.Path(path).read_text().splitlines():
        key, _, rest = text.partition(":")
        if key == "SF":
            files.append(File(rest))
        elif files:
            files[-1].take(key, rest.split(","))
    for file in files:
        file.drop_duplicates()
    return {file.name: file for file in sorted(files, key=lambda file: file.path)}
