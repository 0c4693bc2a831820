#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The rows of mmun_bench as a table, and as JSON.

usage: bench-table.py KTAP JSON [BASE-JSON]

Reads the "# cost" lines of KTAP, writes JSON and prints the table: what one
unit of each operation cost, its ratio to the floor and to test_hmm, and, with
the JSON of another commit, what it was there; what grew by more than 2 % has
a mark.
"""

import json
import re
import sys

GREW = 1.02
COST = re.compile(r" *# cost (\S+) (\S+) (\d+) (\d+) (\d+) (\S+)")
PEERS = ("floor", "test_hmm", "none")


def read_rows(path):
    rows = []
    for line in open(path, encoding="utf-8", errors="replace"):
        match = COST.match(line)
        if not match:
            continue
        op, scheme, number, units, cost, unit = match.groups()
        rows.append({"operation": op, "scheme": scheme, "n": int(number),
                     "units": int(units), "cost": int(cost), "unit": unit,
                     "each": round(int(cost) / int(units), 2)})
    return rows


def key(row):
    return row["operation"], row["scheme"], row["n"]


def index(rows):
    return {key(row): row["each"] for row in rows}


def ratio(row, each, scheme):
    other = each.get((row["operation"], scheme, row["n"]))
    if not other or row["scheme"] in PEERS:
        return ""
    return f"{row['each'] / other:.2f}"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def against(row, base):
    before = base.get(key(row))
    if not before:
        return ["", ""]
    change = row["each"] / before
    mark = " !" if change > GREW else ""
    return [number(before), f"{(change - 1) * 100:+.1f} %{mark}"]


def table(rows, base):
    each = index(rows)
    head = ["operation", "scheme", "n", "per", "cost", "/floor", "/test_hmm"]
    lines = [head + (["base", "change"] if base else [])]
    for row in rows:
        cells = [row["operation"], row["scheme"], f"{row['n']:,}", row["unit"],
                 number(row["each"]), ratio(row, each, "floor"),
                 ratio(row, each, "test_hmm")]
        lines.append(cells + (against(row, base) if base else []))
    return lines


def show(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        cells = [cell.ljust(width) if i in (0, 1, 3) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def main():
    rows = read_rows(sys.argv[1])
    base = {}
    if not rows:
        sys.exit("bench-table.py: no rows")
    if len(sys.argv) > 3:
        base = index(json.load(open(sys.argv[3], encoding="utf-8"))["rows"])
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"rows": rows}, file, indent=1)
        file.write("\n")
    show(table(rows, base))


main()
