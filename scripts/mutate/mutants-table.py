#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Put the results of mutants.sh in one table and one JSON file.

usage: mutants-table.py DIR

Reads DIR/<suite>/<tier>/*.result and the entries of mutants/, writes
DIR/results.json, prints a table with a column for each suite: the killed, the
time-outs (a kill that nobody can explain), the survivors by the test that they
want, the absent, the invalid. The result of a mutant is that of the tier that
killed it, or else of the last tier that tried it.
"""

import json
import pathlib
import sys

ORDER = ("killed", "time-out", "survived", "equivalent", "absent", "invalid")
SUITES = ("mmun", "hmm")
SCRIPTS = pathlib.Path(__file__).parent
SAID = ("file", "breaks", "origin", "equivalent", "wants")


def words(lines, sign):
    """The values of lines NAME<sign>VALUE by name."""
    return dict(line.split(sign, 1) for line in lines if sign in line)


def said(name):
    """The value of a key of a mutant's entry; "" if it has none."""
    head = (SCRIPTS / f"mutants/{name}.mutant").read_text().partition("--- old")[0]
    keys = words(head.splitlines(), ": ")
    return {key: keys.get(key, "") for key in SAID}


def tiers():
    """The names of the tiers, in order."""
    lines = (SCRIPTS / "tiers").read_text().splitlines()
    return [line.split()[0] for line in lines if line and line[0] != "#"]


def load_one(path):
    """The result in one file."""
    result = {"name": path.stem, "suite": path.parts[-3], "tier": path.parts[-2]}
    result |= words(path.read_text().splitlines(), "=") | said(path.stem)
    if result["outcome"] == "survived" and result["equivalent"]:
        result["outcome"] = "equivalent"
    return result


def load(directory):
    """All results: those of a mutant together, by suite."""
    mutants = {}
    names = [path.stem for path in (SCRIPTS / "mutants").glob("*.mutant")]
    for tier in tiers():
        for path in directory.glob(f"*/{tier}/*.result"):
            if path.stem in names:
                result = load_one(path)
                suites = mutants.setdefault(path.stem, {})
                if suites.get(result["suite"], {}).get("outcome") != "killed":
                    suites[result["suite"]] = result
    return mutants


def first(results):
    """The result that a mutant is sorted by: that of the first suite."""
    return next(results[suite] for suite in SUITES if suite in results)


def rank(results):
    result = first(results)
    return ORDER.index(result["outcome"]), result["wants"], result["name"]


def cells(results, suites):
    """Outcome, tier and seconds of each suite."""
    for suite in suites:
        result = results.get(suite, dict.fromkeys(("outcome", "tier", "seconds"), "-"))
        yield f"{result['outcome']:<10} {result['tier']:<4} {result['seconds']:>4}"


def remark(result):
    """What killed it; of the others, what is broken and what would notice."""
    if result["outcome"] == "killed":
        how = result.get("how", "")
        return result["by"] + (f" ({how})" if how else "")
    wants = f"[{result['wants']}] " if result["wants"] else ""
    return wants + result["breaks"]


def show_sums(suite, results):
    """How many there are of each outcome, and how many each tier has killed."""
    outcomes = [result["outcome"] for result in results]
    killers = [result["tier"] for result in results if result["outcome"] == "killed"]
    print(f"{suite}: " + ", ".join(f"{outcomes.count(word)} {word}" for word in ORDER))
    print(f"{suite}: killed by tier: " +
          ", ".join(f"{killers.count(tier)} {tier}" for tier in tiers()))


def show(mutants, suites):
    """One line a mutant, then the sums of each suite."""
    heads = "  ".join(f"{suite:<10} tier    s" for suite in suites)
    print(f"{'mutant':<42} {heads}  by, or [wanted] what is broken")
    for results in sorted(mutants.values(), key=rank):
        line = "  ".join(cells(results, suites))
        print(f"{first(results)['name']:<42} {line}  {remark(first(results))}")
    for suite in suites:
        show_sums(suite, [r[suite] for r in mutants.values() if suite in r])


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
