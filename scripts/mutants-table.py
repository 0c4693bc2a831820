#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Put the results of mutants.sh in one table and one JSON file.

usage: mutants-table.py DIR

Reads DIR/*.json, writes DIR/results.json, prints the table: the killed, the
time-outs (a kill that nobody can explain), the survivors, the invalid.
"""

import json
import pathlib
import sys

ORDER = ("killed", "time-out", "survived", "equivalent", "invalid")


def load(directory):
    """All results, by outcome and name."""
    results = [json.loads(path.read_text()) for path in directory.glob("*.json")
               if path.name != "results.json"]
    for result in results:
        if result["outcome"] == "survived" and result["equivalent"]:
            result["outcome"] = "equivalent"
    return sorted(results, key=lambda r: (ORDER.index(r["outcome"]), r["name"]))


def show(results):
    """One line a mutant, then the sums."""
    form = "{:<40} {:<10} {:>5}  {}"
    print(form.format("mutant", "outcome", "s", "by, or what is broken"))
    for r in results:
        text = r["by"] if r["outcome"] == "killed" else r["breaks"]
        print(form.format(r["name"], r["outcome"], r["seconds"], text))
    counts = {word: sum(r["outcome"] == word for r in results) for word in ORDER}
    print(", ".join(f"{number} {word}" for word, number in counts.items()))


def main():
    directory = pathlib.Path(sys.argv[1])
    results = load(directory)
    (directory / "results.json").write_text(json.dumps(results, indent=1))
    show(results)


main()
