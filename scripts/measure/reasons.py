# SPDX-License-Identifier: GPL-2.0
"""The table "uncovered", which says why a tier does not reach some lines and branches."""

import pathlib
import sys

WHOLE = "*"             # instead of the text of a line: all lines of the function
CHANCE = "by chance"    # the start of the reason for what only some runs reach


class Row:
    """A row of the table."""

    def __init__(self, place, fields):
        if len(fields) != 6:
            sys.exit(f"{place}: expected 6 columns, got {len(fields)}")
        self.place = place
        self.file, self.function, tiers, kernels, self.text, self.reason = fields
        self.tiers = tiers.split(",")
        self.kernels = kernels.split(",")

    def is_for(self, tier, series):
        return tier in self.tiers and ("all" in self.kernels or series in self.kernels)

    def lines(self, functions, source):
        """Return the numbers of the lines that the row describes."""
        return [n for n in functions.get(self.function, ())
                if self.text in (WHOLE, source[n])]

    def complaint(self, file, numbers, complete):
        """Return what is wrong with the row, or None."""
        if not numbers:
            return f"{self.function}() has no line {self.text}"
        if not complete or self.reason.startswith(CHANCE):
            return None
        if any(map(file.is_missed, numbers)):
            return None
        return f"the tests reach the line {numbers[0]} completely: {self.text}"


class Reasons:
    """The rows about a file of a tier."""

    def __init__(self, rows, file, complete):
        functions, source = file.by_function(file.functions), file.source()
        self.of = {}            # number of the line: reason
        self.complaints = []
        for row in rows:
            numbers = row.lines(functions, source)
            self.of.update({n: row.reason for n in numbers})
            complaint = row.complaint(file, numbers, complete)
            self.complaints += [f"{row.place}: {complaint}"] if complaint else []


def read_rows(path, subject):
    """Return the rows of the table, which must be about the file SUBJECT."""
    rows = []
    for number, text in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        if text and text[0] != "#":
            fields = [field for field in text.split("\t") if field]
            rows.append(Row(f"{path}:{number}", fields))
            if rows[-1].file != subject:
                sys.exit(f"{path}:{number}: the report is about {subject}, not about "
                         f"{rows[-1].file}")
    return rows
