#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Put the results of mutants in one table and one JSON file.

usage: table.py kernel|module DIR TIER...

table.py reads DIR/<suite>/<tier>/*.result and the entries of the mutants, and writes
DIR/results.json. table.py prints a table with a row for each mutant and columns for
each suite. The rows are sorted by outcome, see ORDER, and by the key "wants". If
several tiers tried a mutant, the table has the result of the tier that killed the
mutant. If no tier killed the mutant, the table has the result of the last tier that
tried the mutant.
"""

import json
import pathlib
import sys

ORDER = ("killed", "time-out", "survived", "equivalent", "absent", "invalid")
SUITES = ("mmun", "hmm")
KEYS = ("file", "breaks", "origin", "equivalent", "wants")


def words(lines, sign):
    """Return a dict from NAME to VALUE, from lines NAME<sign>VALUE."""
    return dict(line.split(sign, 1) for line in lines if sign in line)


def read_entry(path):
    """Return a dict of the keys of an entry, with "" for a missing key."""
    head = path.read_text().partition("--- old")[0]
    found = words(head.splitlines(), ": ")
    return {key: found.get(key, "") for key in KEYS}


def read_entries(kind):
    """Return a dict from the names of the mutants to their entries."""
    directory = pathlib.Path(__file__).parent / kind
    return {path.stem: read_entry(path) for path in directory.glob("*.mutant")}


def read_result(path, entry):
    """Return a dict with the values of a result and of its entry."""
    result = {"name": path.stem, "suite": path.parts[-3], "tier": path.parts[-2]}
    result |= words(path.read_text().splitlines(), "=") | entry
    if result["outcome"] == "survived" and result["equivalent"]:
        result["outcome"] = "equivalent"
    return result


def load(entries, directory, tiers):
    """Return a dict from the names of mutants to a dict from suites to results."""
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
    """Return the result of the first suite, which decides the place of the mutant."""
    return next(results[suite] for suite in SUITES if suite in results)


def rank(results):
    """Return the key by which the rows of the table are sorted."""
    result = first(results)
    return ORDER.index(result["outcome"]), result["wants"], result["name"]


def cells(results, suites, width):
    """Yield the outcome, the tier and the seconds for each suite."""
    for suite in suites:
        result = results.get(suite, dict.fromkeys(("outcome", "tier", "seconds"), "-"))
        yield f"{result['outcome']:<10} {result['tier']:<{width}} {result['seconds']:>4}"


def remark(result):
    """Return the last column of a row.

    For a mutant that was killed, the column has the test that killed the mutant. For a
    mutant that was not killed, the column has the value of the key "wants" and the rule
    that the mutant breaks.
    """
    if result["outcome"] == "killed":
        how = result.get("how", "")
        return result["by"] + (f" ({how})" if how else "")
    wants = f"[{result['wants']}] " if result["wants"] else ""
    return wants + result["breaks"]


def show_sums(suite, results, tiers):
    """Print the number of mutants by outcome, and the number that each tier killed."""
    outcomes = [result["outcome"] for result in results]
    killers = [result["tier"] for result in results if result["outcome"] == "killed"]
    print(f"{suite}: " + ", ".join(f"{outcomes.count(word)} {word}" for word in ORDER))
    print(f"{suite}: killed by tier: " +
          ", ".join(f"{killers.count(tier)} {tier}" for tier in tiers))


def show(mutants, suites, tiers):
    """Print a row for each mutant, then the sums of each suite."""
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
