#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare the costs of the driver with their limits.

usage: bench-targets.py JSON

bench-table.py writes the file JSON. For each limit, bench-targets.py prints a line with
the word "met" or "MISSED" and the cost.
"""

import json
import sys

MILLION = 1000000


class Costs:
    """The costs of one unit of each operation, for each scheme and number of ranges.

    If costs is an object of this class, costs(op, scheme, number) returns the cost of one
    unit of the operation op.
    """

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.each = {(row["operation"], row["scheme"], row["n"]):
                         row["each"] for row in json.load(file)["rows"]}

    def __call__(self, op, scheme, number):
        return self.each[op, scheme, number]

    def ratio(self, op, number, scheme="interval", peer="floor"):
        return self(op, scheme, number) / self(op, peer, number)

    def growth(self, op, scheme):
        return self(op, scheme, MILLION) / self(op, scheme, 1000)

    def hits(self, op, hits, number, scheme="interval"):
        """Return the cost of one hit, less the cost of a miss with as many ranges."""
        miss = self("hit_0", scheme, number)
        return (self(f"{op}_{hits}", scheme, number) - miss) / hits

    def over_floor(self, op, number):
        return self(op, "interval", number) - self("hit_1", "floor", number)


def bulk_targets(c):
    for op in "insert_bulk", "remove_bulk":
        for kind in "interval", "naive":
            yield (f"{op} of a million, {kind}: times the floor",
                   {"insert_bulk": 2, "remove_bulk": 3}[op],
                   lambda op=op, kind=kind: c.ratio(op, MILLION, kind))
            yield (f"{op}, {kind}: growth from 1,000 to 1,000,000", 1.8,
                   lambda op=op, kind=kind: c.growth(op, kind))


def targets(c):
    yield "snapshot of 512 pages: times the floor", 1.3, \
        lambda: c.ratio("look.4k", 512)
    yield "snapshot of 16,384 pages: times the floor", 1.3, \
        lambda: c.ratio("look.4k", 16384)
    for number in 512, 16384:
        yield f"a THP, {number:,} pages: times the cost of 4 KiB pages", 0.1, \
            lambda n=number: (c("look.thp", "interval", n) /
                              c("look.4k", "interval", n))
    yield "read of 512 warm pages: times test_hmm", 0.6, \
        lambda: c.ratio("read.4k", 512, peer="test_hmm")
    yield "write of 512 warm pages: times test_hmm", 0.6, \
        lambda: c.ratio("write.4k", 512, peer="test_hmm")
    yield from bulk_targets(c)
    yield "a hit, log off: above the floor", 250, \
        lambda: c.over_floor("hit_1", 100000)
    yield "a hit, log on: above the floor", 600, \
        lambda: c.over_floor("hit_logged_1", 100000)
    # The cost of a miss varies by 52 instructions, because the cost depends on the free
    # list to which the kernel returns a page.
    yield "a miss: above the floor", 20, \
        lambda: (c("hit_0", "interval", 100000) -
                 c("hit_0", "floor", 100000))
    yield "each of 1,000 hits, log on: above a miss", 400, \
        lambda: c.hits("hit_logged", 1000, 1000)
    yield "a hit among 100,000, list: times interval", 1.5, \
        lambda: (c("hit_1", "list", 100000) / c("hit_1", "interval", 100000))
    yield "reading the log, 64 at a time: per event", 150, \
        lambda: c("read_log", "interval", 64)


def main():
    costs = Costs(sys.argv[1])
    for text, limit, figure in targets(costs):
        try:
            value = figure()
        except KeyError:
            print(f"{'?':8}{text}: not measured")
            continue
        word = "met" if value <= limit else "MISSED"
        print(f"{word:8}{text}: {value:.2f}, limit {limit:g}")


main()
