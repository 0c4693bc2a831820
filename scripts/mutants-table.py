#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Put the results of mutants.sh in one table and one JSON file.

usage: mutants-table.py DIR

Reads DIR/<suite>/*.json and the entries of mutants/, writes
DIR/results.json, prints a table with a column for each suite: the killed, the
time-outs (a kill that nobody can explain), the survivors by the test that they
want, the invalid.
"""

import json
import pathlib
import sys

ORDER = ("killed", "time-out", "survived", "equivalent", "invalid")
SUITES = ("mmun", "hmm")
CORPUS = pathlib.Path(__file__).parent / "mutants"
SAID = ("file", "breaks", "origin", "equivalent", "wants")


def said(name):
    """The value of a key of a mutant's entry; "" if it has none."""
    head = (CORPUS / f"{name}.mutant").read_text().partition("--- old")[0]
    lines = (line.partition(": ") for line in head.splitlines())
    words = {key: value for key, _, value in lines}
    return {key: words.get(key, "") for key in SAID}


def load(directory):
    """All results: those of a mutant together, by suite."""
    mutants = {}
    for path in directory.glob("*/*.json"):
        result = json.loads(path.read_text())
        result |= said(result["name"])
        if result["outcome"] == "survived" and result["equivalent"]:
            result["outcome"] = "equivalent"
        mutants.setdefault(result["name"], {})[result["suite"]] = result
    return mutants


def first(results):
    """The result that a mutant is sorted by: that of the first suite."""
    return next(results[suite] for suite in SUITES if suite in results)


def rank(results):
    result = first(results)
    return ORDER.index(result["outcome"]), result["wants"], result["name"]


def cells(results, suites):
    """Outcome and seconds of each suite."""
    for suite in suites:
        result = results.get(suite, {"outcome": "-", "seconds": "-"})
        yield f"{result['outcome']:<10} {result['seconds']:>4}"


def remark(result):
    """What killed it; of the others, what is broken and what would notice."""
    if result["outcome"] == "killed":
        return result["by"]
    wants = f"[{result['wants']}] " if result["wants"] else ""
    return wants + result["breaks"]


def show(mutants, suites):
    """One line a mutant, then the sums of each suite."""
    heads = "  ".join(f"{suite:<10}    s" for suite in suites)
    print(f"{'mutant':<42} {heads}  by, or [wanted] what is broken")
    for results in sorted(mutants.values(), key=rank):
        line = "  ".join(cells(results, suites))
        print(f"{first(results)['name']:<42} {line}  {remark(first(results))}")
    for suite in suites:
        outcomes = [r[suite]["outcome"] for r in mutants.values() if suite in r]
        counts = (f"{outcomes.count(word)} {word}" for word in ORDER)
        print(f"{suite}: " + ", ".join(counts))


def main():
    directory = pathlib.Path(sys.argv[1])
    mutants = load(directory)
    present = {suite for results in mutants.values() for suite in results}
    suites = [suite for suite in SUITES if suite in present]
    every = [results[suite] for results in sorted(mutants.values(), key=rank)
             for suite in suites if suite in results]
    (directory / "results.json").write_text(json.dumps(every, indent=1))
    show(mutants, suites)


main()
