#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests on mutants of the module: change the module in one place, build it, and
# run the tests, which must fail.
#
# usage: module.sh
#
# Variables: KERNEL or KDIR, MUTANTS, JOBS, see "make help". See entries.sh for the
# mutants.
#
# Prints a table, and "N passed, N failed, N skipped" as the last line. A mutant that the
# tests killed counts as passed, and each other mutant as failed. The results are in
# build/mutants/module: mmun/<kernel>/<mutant>.result and .log, and results.json.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/mutate/known.sh"

# try_all: Tries all mutants, JOBS at a time. xargs returns 123 if try.sh failed for a
# mutant, which then has no result.
try_all() {
	local names

	names=("${entries[@]##*/}")
	printf '%s\n' "${names[@]%.mutant}" |
		xargs -P "${JOBS:-2}" -I {} "$SCRIPTS/mutate/try.sh" module "$out" "$dir" {} ||
		[ $? = 123 ]
}

# add_missing_results: Writes a result for each mutant that has none, because try.sh
# failed.
add_missing_results() {
	local entry result

	for entry in "${entries[@]##*/}"; do
		result=$dir/${entry%.mutant}.result
		[ -e "$result" ] || printf '%s\n' outcome=invalid seconds=0 \
			"by=try.sh failed, see the output above" >"$result"
	done
}

results=$TOP/build/mutants/module
find_entries module "${MUTANTS:-*}"
need_for "${KDIR:-$KERNEL}" python3
resolve "${KDIR:-$KERNEL}"
build_sound "$out"
dir=$results/$SUITE/${out##*/}
rm -rf "$results"
mkdir -p "$dir"
try_all
add_missing_results
"$SCRIPTS/mutate/table.py" module "$results" "${out##*/}"
killed=$(grep -lsx outcome=killed "$dir"/*.result | wc -l || true)
echo "$killed passed, $((${#entries[@]} - killed)) failed, 0 skipped"
exit "$((killed != ${#entries[@]}))"
