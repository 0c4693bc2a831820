#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests on mutants of the module. For each mutant, change the module in one place,
# build the module, and run the tests, which must fail.
#
# usage: module.sh
#
# "make help" describes the variables KERNEL, KDIR, MUTANTS and JOBS. entries.sh describes
# the mutants.
#
# module.sh prints a table, and "N passed, N failed, N skipped" as the last line.
# module.sh counts a mutant that the tests killed as passed, and every other mutant as
# failed. module.sh writes the files mmun/<kernel>/<mutant>.result,
# mmun/<kernel>/<mutant>.log and results.json to the directory build/mutants/module.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/mutate/known.sh"

# try_all: Tries all mutants, JOBS at a time. xargs returns 123 if try.sh failed for a
# mutant. A mutant for which try.sh failed has no result.
try_all() {
	local names

	names=("${entries[@]##*/}")
	printf '%s\n' "${names[@]%.mutant}" |
		xargs -P "${JOBS:-2}" -I {} "$SCRIPTS/mutate/try.sh" module "$out" "$dir" {} ||
		[ $? = 123 ]
}

# add_missing_results: Writes a result with the outcome "invalid" for each mutant that has
# no result because try.sh failed.
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
