#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print the results of mmun_bench as a table, and write the results as JSON.

usage: bench-table.py KTAP JSON RELEASE [BASE-JSON]

Reads the lines "# cost" of the file KTAP, writes the file JSON and prints a table. The
table has the cost of one unit of each operation. For comparison, the table has the cost of
the same operation with each peer of the driver:

    floor     only the calls of the core
    test_hmm  the calls of test_hmm
    none      an mm without a notifier

The file BASE-JSON has the results of another commit. If BASE-JSON is given, the table also
has the costs of the other commit, and marks each cost that has grown by more than 2 %.
"""

import json
import re
import sys

GREW = 1.02
COST = re.compile(r" *# cost (\S+) (\S+) (\d+) (\d+) (\d+) (\S+)")
PEERS = ("floor", "test_hmm", "none")


def read_rows(path):
    rows = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for match in filter(None, map(COST.match, file)):
            op, scheme, number, units, cost, unit = match.groups()
            rows.append({"operation": op, "scheme": scheme, "n": int(number),
                         "unit": unit, "units": int(units), "cost": int(cost),
                         "each": int(cost) / int(units)})
    return rows


def index(rows):
    return {(row["operation"], row["scheme"], row["n"]): row for row in rows}


def add_ratios(rows):
    """Add to each row the ratio of its cost to the cost of each peer.

    The row and the row of the peer have the same operation and number of ranges.
    """
    by_key = index(rows)
    for row in rows:
        for peer in PEERS:
            other = by_key.get((row["operation"], peer, row["n"]))
            if other and row["scheme"] not in PEERS:
                row[f"to_{peer}"] = row["each"] / other["each"]


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def peer_cells(row, by_key):
    cells = []
    for peer in PEERS:
        ratio = row.get(f"to_{peer}")
        other = by_key.get((row["operation"], peer, row["n"]))
        cells += [number(other["each"]), f"{ratio:.2f}"] if ratio else ["", ""]
    return cells


def base_cells(row, base):
    before = base.get((row["operation"], row["scheme"], row["n"]))
    if not before:
        return ["", "", ""]
    change = row["each"] / before["each"]
    return [number(before["each"]), f"{(change - 1) * 100:+.1f} %",
            "GREW" if change > GREW else ""]


def has_own_line(row, rows):
    """Return whether a row has its own line in the table.

    A row of a peer (floor, test_hmm or none) has its own line only if there is no row to
    compare with the peer.
    """
    return row["scheme"] not in PEERS or not any(
        other["operation"] == row["operation"] and other["n"] == row["n"] and
        other["scheme"] not in PEERS for other in rows)


def table(rows, base):
    by_key = index(rows)
    head = ["operation", "scheme", "n", "per", "cost"]
    for peer in PEERS:
        head += [peer, "x"]
    lines = [head + (["base", "", ""] if base else [])]
    for row in rows:
        if not has_own_line(row, rows):
            continue
        lines.append([row["operation"], row["scheme"], f"{row['n']:,}",
                      row["unit"], number(row["each"])] +
                     peer_cells(row, by_key) +
                     (base_cells(row, base) if base else []))
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
        sys.exit(f"bench-table.py: {sys.argv[1]} has no \"# cost\" lines")
    if len(sys.argv) > 4:
        with open(sys.argv[4], encoding="utf-8") as file:
            base = index(json.load(file)["rows"])
    add_ratios(rows)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"release": sys.argv[3], "rows": rows}, file, indent=1)
        file.write("\n")
    show(table(rows, base))


main()
