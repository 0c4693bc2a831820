#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Put the results of mutants in one table and one JSON file.

usage: table.py kernel|module DIR TIER...

Reads DIR/<suite>/<tier>/*.result and the entries of the mutants. Writes
DIR/results.json. Prints a table with columns for each suite, in this order: the
killed, the time-outs, the survivors by the test that they want, the absent, the
invalid. The result of a mutant is the one of the tier that killed it, otherwise
the one of the last tier that tried it.
"""

import json
import pathlib
import sys

ORDER = ("killed", "time-out", "survived", "equivalent", "absent", "invalid")
SUITES = ("mmun", "hmm")
KEYS = ("file", "breaks", "origin", "equivalent", "wants")


def words(lines, sign):
    """The values of lines NAME<sign>VALUE by name."""
    return dict(line.split(sign, 1) for line in lines if sign in line)


def read_entry(path):
    """The values of the keys of an entry; "" for a key that it does not have."""
    head = path.read_text().partition("--- old")[0]
    found = words(head.splitlines(), ": ")
    return {key: found.get(key, "") for key in KEYS}


def read_entries(kind):
    """The entries by the name of the mutant."""
    directory = pathlib.Path(__file__).parent / kind
    return {path.stem: read_entry(path) for path in directory.glob("*.mutant")}


def read_result(path, entry):
    """One result and its entry."""
    result = {"name": path.stem, "suite": path.parts[-3], "tier": path.parts[-2]}
    result |= words(path.read_text().splitlines(), "=") | entry
    if result["outcome"] == "survived" and result["equivalent"]:
        result["outcome"] = "equivalent"
    return result


def load(entries, directory, tiers):
    """The results by mutant and suite."""
    mutants = {}
    paths = [path for tier in tiers for path in directory.glob(f"*/{tier}/*.result")]
    for path in paths:
        if path.stem in entries:
            result = read_result(path, entries[path.stem])
            suites = mutants.setdefault(path.stem, {})
            if suites.get(result["suite"], {}).get("outcome") != "killed":
                suites[result["suite"]] = result
    return mutants


def first(results):
    """The result that decides the place of a mutant: the one of the first suite."""
    return next(results[suite] for suite in SUITES if suite in results)


def rank(results):
    """The place of a mutant in the table."""
    result = first(results)
    return ORDER.index(result["outcome"]), result["wants"], result["name"]


def cells(results, suites, width):
    """Outcome, tier and seconds of each suite."""
    for suite in suites:
        result = results.get(suite, dict.fromkeys(("outcome", "tier", "seconds"), "-"))
        yield f"{result['outcome']:<10} {result['tier']:<{width}} {result['seconds']:>4}"


def remark(result):
    """The test that killed it; of a survivor, the wanted test and the broken rule."""
    if result["outcome"] == "killed":
        how = result.get("how", "")
        return result["by"] + (f" ({how})" if how else "")
    wants = f"[{result['wants']}] " if result["wants"] else ""
    return wants + result["breaks"]


def show_sums(suite, results, tiers):
    """The number of mutants of each outcome, and killed by each tier."""
    outcomes = [result["outcome"] for result in results]
    killers = [result["tier"] for result in results if result["outcome"] == "killed"]
    print(f"{suite}: " + ", ".join(f"{outcomes.count(word)} {word}" for word in ORDER))
    print(f"{suite}: killed by tier: " +
          ", ".join(f"{killers.count(tier)} {tier}" for tier in tiers))


def show(mutants, suites, tiers):
    """A line for each mutant, then the sums of each suite."""
    width = max(len(word) for word in ("tier", *tiers))
    heads = "  ".join(f"{suite:<10} {'tier':<{width}}    s" for suite in suites)
    print(f"{'mutant':<43} {heads}  by, or [wanted] the rule that it breaks")
    for results in sorted(mutants.values(), key=rank):
        line = "  ".join(cells(results, suites, width))
        print(f"{first(results)['name']:<43} {line}  {remark(first(results))}")
    for suite in suites:
        show_sums(suite, [r[suite] for r in mutants.values() if suite in r], tiers)


def main():
    """Write the JSON file and print the table."""
    kind, directory, *tiers = sys.argv[1:]
    directory = pathlib.Path(directory)
    mutants = load(read_entries(kind), directory, tiers)
    present = {suite for results in mutants.values() for suite in results}
    suites = [suite for suite in SUITES if suite in present]
    every = [results[suite] for results in sorted(mutants.values(), key=rank)
             for suite in suites if suite in results]
    (directory / "results.json").write_text(json.dumps(every, indent=1))
    show(mutants, suites, tiers)


main()
