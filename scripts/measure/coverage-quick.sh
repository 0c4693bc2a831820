#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Count how often the program tools/testing/mmu_notifier reaches each line and branch of
# mm/mmu_notifier.c.
#
# usage: coverage-quick.sh KERNEL OUT
#
# KERNEL is a row of scripts/kernel/table. coverage-quick.sh builds the program in OUT with
# GCOV=1, and runs the default configurations, or the configurations that the variable
# TESTS selects. The file OUT/info gets the counts. coverage-quick.sh exits with an error
# if a configuration fails, because the search of this configuration then has ended early.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# run_program: Runs the program without the counts of an earlier run, and writes the
# output to $out/ktap. run_program prints the output only if a configuration fails.
run_program() {
	local globs status=0

	IFS=,\| read -ra globs <<<"$TESTS"
	rm -f "$out/program/subject.gcda"
	DEEP=0 STOP=0 SCHEDULE='' "$SCRIPTS/quick/run.sh" "$out" "${globs[@]}" \
		>"$out/ktap" || status=$?
	[ "$status" = 0 ] || {
		cat "$out/ktap"
		die "a configuration fails. Repair the kernel or the configuration first"
	}
}

# read_counts: Writes the counts of mm/mmu_notifier.c to $out/info.
read_counts() {
	quietly lcov --quiet --capture --directory "$out/program" \
		--rc lcov_branch_coverage=1 --output-file "$out/all"
	quietly lcov --quiet --rc lcov_branch_coverage=1 --extract "$out/all" \
		'*/mm/mmu_notifier.c' --output-file "$out/info"
}

parts=$("$SCRIPTS/kernel/tree.sh" "$1")
tree=$(value source /dev/stdin <<<"$parts")
out=$2
[ -d "$out" ] || mkdir -p "$out"
find_compiler
[[ ${compiler[0]-gcc} != *clang* ]] ||
	die "${compiler[0]}: the columns count the branches that gcc makes; leave CC and LLVM out, or give TIER=guest"
"$SCRIPTS/quick/build.sh" "$tree" "$out" GCOV=1
run_program
read_counts
